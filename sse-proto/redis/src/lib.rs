#![doc = include_str!("../README.md")]

mod entry;
mod log;

pub use crate::log::{RedisConfig, RedisLog};
