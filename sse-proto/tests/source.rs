//! The client that reconnects, in virtual time: no test here sleeps, and both machines are held to the same.
#![cfg(feature = "http1")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "source/ends.rs"]
mod ends;
#[path = "source/hooks.rs"]
mod hooks;
#[path = "source/properties.rs"]
mod properties;
#[path = "source/redirects.rs"]
mod redirects;
#[path = "source/requests.rs"]
mod requests;
#[path = "source/table.rs"]
mod table;
#[path = "source/timeouts.rs"]
mod timeouts;
#[path = "source/world.rs"]
mod world;
