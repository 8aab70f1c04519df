//! The configuration of a hub over a log.

use core::time::Duration;

use crate::source::Backoff;

/// How a node uses its log.
///
/// ```
/// use core::time::Duration;
/// use sse_proto::hub::log::LogConfig;
///
/// let mut config = LogConfig::default();
/// config.publish_timeout = Duration::from_secs(1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogConfig {
    /// How long one read of the tail waits for an event. Default: 5 s. A log that was deleted while
    /// nothing is published is noticed after this time.
    pub block: Duration,
    /// How long an answer of the log may take beyond that. Default: 5 s.
    pub timeout: Duration,
    /// The delays after failures. Default: 100 ms, doubled up to 5 s, with jitter of up to a half.
    pub backoff: Backoff,
    /// How long a publisher waits for the log, repeated appends included. Default: 5 s.
    pub publish_timeout: Duration,
    /// The events of this node that may be on their way into the log. Default: 4096. Publishing a
    /// further one fails at once.
    pub append_events: usize,
    /// The bytes of these events. Default: 16 MiB.
    pub append_bytes: usize,
    /// The reads of old events that may run at the same time, for clients that come back. Default: 4.
    pub ranges: usize,
    /// The size that a read aims at, in bytes, given the largest event seen. Default: 256 KiB.
    pub page_bytes: usize,
    /// The bytes of old events held for clients that come back. Default: 64 MiB. Beyond them, the oldest
    /// are dropped, and read again by those who still need them. One read may exceed it.
    pub replay_bytes: usize,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            block: Duration::from_secs(5),
            timeout: Duration::from_secs(5),
            backoff: Backoff {
                base: Duration::from_millis(100),
                cap: Duration::from_secs(5),
                ..Backoff::default()
            },
            publish_timeout: Duration::from_secs(5),
            append_events: 4096,
            append_bytes: 16 * 1024 * 1024,
            ranges: 4,
            page_bytes: 256 * 1024,
            replay_bytes: 64 * 1024 * 1024,
        }
    }
}
