#![doc = include_str!("../README.md")]
// Names the features of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod config;
mod entry;
mod log;
mod server;

pub use redis;

pub use crate::config::RedisConfig;
pub use crate::log::RedisLog;
