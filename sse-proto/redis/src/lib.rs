#![doc = include_str!("../README.md")]

mod config;
mod entry;
mod log;
mod server;

pub use redis;

pub use crate::config::RedisConfig;
pub use crate::log::RedisLog;
