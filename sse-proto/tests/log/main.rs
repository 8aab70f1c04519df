//! A hub over a log, in virtual time: several nodes, one log, and everything that can be lost.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod cluster;
mod nodes;
#[cfg(feature = "log-suite")]
mod suite;
mod truth;
