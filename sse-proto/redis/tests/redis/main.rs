//! Logs in a real Redis. Needs `redis-server`, `haproxy`, and the example `node`: `.ci/nodes` installs, builds and runs.
#![allow(missing_docs, clippy::unwrap_used)]

mod blocking;
mod failures;
mod nodes;
mod programs;
mod room;
mod server;
mod setups;
mod suite;
