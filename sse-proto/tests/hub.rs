//! The hub: by table, and against a model that keeps a list for each subscriber. All in virtual time.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "hub/model.rs"]
mod model;
#[path = "hub/properties.rs"]
mod properties;
#[path = "hub/table.rs"]
mod table;
