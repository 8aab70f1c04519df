//! The common parts of the example programs: what they say, not how they serve it.

pub mod chat;
pub mod driver;
pub mod log;
pub mod market;
pub mod options;
pub mod proxy;
