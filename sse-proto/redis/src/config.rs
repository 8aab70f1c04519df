//! The configuration of a log.

use std::time::Duration;

/// How a [`RedisLog`](crate::RedisLog) uses its server. All nodes of a log should use the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisConfig {
    /// The number of events that the log keeps, approximately: Redis trims whole nodes of about 100.
    /// Default: 100,000, about 30 MB of short events. `None` keeps all.
    pub events: Option<u64>,
    /// How long the log keeps an event, approximately, as above. Old events go when new ones are
    /// published. Default: `None`, for ever.
    pub age: Option<Duration>,
    /// How long the log remembers the key of an event after it was used last. Default: 10 minutes.
    pub remember_keys: Duration,
    /// How long a new connection may take. Default: 2 s.
    pub connect_timeout: Duration,
    /// The number of replicas that must have an event before it counts as published. Default: 0. A
    /// failover to one of them then keeps the event.
    pub replicas: u32,
    /// How long to wait for these replicas. Then publishing fails, although the primary has the event.
    /// Default: 1 s.
    pub replica_timeout: Duration,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            events: Some(100_000),
            age: None,
            remember_keys: Duration::from_secs(600),
            connect_timeout: Duration::from_secs(2),
            replicas: 0,
            replica_timeout: Duration::from_secs(1),
        }
    }
}
