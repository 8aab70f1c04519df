//! The client that reconnects, in virtual time: no test here sleeps, and both machines are held to the same.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod ends;
#[cfg(feature = "gzip")]
mod gzip;
mod hooks;
mod properties;
mod redirects;
mod requests;
mod table;
mod timeouts;
mod world;
