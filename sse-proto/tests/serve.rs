//! The sending side, in virtual time.
#![cfg(feature = "http1")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "serve/sender.rs"]
mod sender;
