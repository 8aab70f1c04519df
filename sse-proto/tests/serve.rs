//! The sending side, in virtual time: the sender by itself, and the server with a client that does what a script says.
#![cfg(feature = "http1")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "serve/properties.rs"]
mod properties;
#[path = "serve/sender.rs"]
mod sender;
#[path = "serve/table.rs"]
mod table;
#[path = "serve/world.rs"]
mod world;
