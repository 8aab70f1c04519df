//! The hub: by table, and against a model that keeps a list for each subscriber. All in virtual time.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod model;
mod properties;
mod table;
