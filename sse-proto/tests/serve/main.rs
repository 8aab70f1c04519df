//! The sending side, in virtual time: the sender by itself, and the server with a client that does what a script says.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod properties;
mod sender;
mod table;
mod world;
