//! The log of the programs that may run on several servers, for their option `--redis URL`.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use sse_proto::hub::log::{Entry, Log, LogError, MemoryLog, NewEvent, Position};

/// A log in a Redis, or in the memory of this process.
#[derive(Clone, Debug)]
pub enum AnyLog {
    /// In memory.
    Memory(MemoryLog),
    /// In a Redis.
    #[cfg(feature = "redis")]
    Redis(sse_redis::RedisLog),
}

impl AnyLog {
    /// Opens the log in the stream `key` of the Redis at this URL, or else in memory. It keeps this many
    /// events.
    ///
    /// # Errors
    /// If the URL is invalid, or the program is built without Redis.
    pub fn open(redis: Option<&str>, key: &str, events: usize) -> Result<Self, String> {
        let Some(url) = redis else {
            let epoch = RandomState::new().hash_one(SystemTime::now());
            return Ok(Self::Memory(MemoryLog::new(epoch, events)));
        };
        #[cfg(feature = "redis")]
        {
            let mut config = sse_redis::RedisConfig::default();
            config.events = Some(events as u64);
            let log = sse_redis::RedisLog::with_config(url, key, config);
            log.map(Self::Redis).map_err(|error| format!("--redis {url}: {error}"))
        }
        #[cfg(not(feature = "redis"))]
        Err(format!(
            "--redis {url} for the log {key:?}: build the program with --features sse-contract/redis"
        ))
    }

    /// Returns whether several servers may share it.
    pub fn is_shared(&self) -> bool {
        !matches!(self, Self::Memory(_))
    }
}

impl Log for AnyLog {
    async fn append(&self, event: NewEvent<'_>) -> Result<Position, LogError> {
        match self {
            Self::Memory(log) => log.append(event).await,
            #[cfg(feature = "redis")]
            Self::Redis(log) => log.append(event).await,
        }
    }

    async fn read(
        &self,
        after: Option<Position>,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Entry>, LogError> {
        match self {
            Self::Memory(log) => log.read(after, limit, wait).await,
            #[cfg(feature = "redis")]
            Self::Redis(log) => log.read(after, limit, wait).await,
        }
    }

    async fn tip(&self) -> Result<Option<Position>, LogError> {
        match self {
            Self::Memory(log) => log.tip().await,
            #[cfg(feature = "redis")]
            Self::Redis(log) => log.tip().await,
        }
    }
}
