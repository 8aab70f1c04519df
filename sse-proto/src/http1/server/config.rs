//! The configuration of a server.

use core::time::Duration;

use crate::http1::HeadLimits;
use crate::sender;

/// How a [`Connection`](super::Connection) treats its connection.
///
/// ```
/// use sse_proto::http1::server::ServerConfig;
///
/// let mut config = ServerConfig::default();
/// config.methods = &["GET", "HEAD"];
/// config.head_limits.bytes = 8 * 1024;
/// config.stream.high_water = 256 * 1024;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// How large the head of a request may be; a larger one is answered with 414 or 431.
    pub head_limits: HeadLimits,
    /// How long the head may take from the first want on, whatever comes of it; then the answer is 408. Default 10 s.
    pub head_timeout: Duration,
    /// The methods that reach the caller; others are answered with 405. Default: `GET`, `HEAD`, `POST`.
    pub methods: &'static [&'static str],
    /// How many bytes the body of a request may have, which is also the memory it takes; a larger one is answered with 413.
    /// Default 64 KiB.
    pub body_bytes: usize,
    /// How long the body may take from the end of the head on; then the answer is 408. Default 30 s.
    pub body_timeout: Duration,
    /// How the stream is sent: keep-alives, the time for a client that stalls, what a gap says, and more.
    pub stream: sender::StreamConfig,
    /// How many bytes after the request are read and dropped; a client that sends more is disconnected. Default 64 KiB.
    pub discarded_bytes: usize,
    /// For how long the client may still send once everything was written, before the connection is dropped. Default 2 s.
    /// (Dropping it sooner resets it, and the client loses what it has not read: RFC 9112 section 9.6.)
    pub linger: Duration,
    /// Time that the handler has for a plain answer after the client has closed its side of the connection. Default 10 s. Such a
    /// client has left, or has only shut down its writing half; a server cannot tell which. An event stream is not opened for it,
    /// because its leaving could not be noticed.
    pub half_closed: Duration,
    /// How many connections a listener serves at a time; one more is answered with 503. Default 10,000.
    pub connections: usize,
    /// When one that is answered so may come again. Default 5 s.
    pub retry_after: Duration,
    /// How long a server that stops waits for its connections, before it cuts those that are left. Default 10 s.
    pub drain_timeout: Duration,
    /// For how long what was sent may stay without an answer of the other machine, before the connection counts as dead: it was cut
    /// off, or switched off. Default 30 s; `None` leaves it to the system, which often waits for a quarter of an hour. For
    /// whoever has the socket: `TCP_USER_TIMEOUT` (RFC 5482), where the system has it.
    pub unacknowledged: Option<Duration>,
    /// How many bytes the system holds for a connection that it has not sent, before it takes more. Default 16 KiB: with the much larger
    /// buffers that systems grow, a client that reads steadily but slowly looks for a long time as if it read nothing, and
    /// [stalls](sender::StreamConfig::stall). `None` leaves it to the system. For whoever has the socket: `TCP_NOTSENT_LOWAT`, where the
    /// system has it.
    pub unsent: Option<u32>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            head_limits: HeadLimits::default(),
            head_timeout: Duration::from_secs(10),
            methods: &["GET", "HEAD", "POST"],
            body_bytes: 64 * 1024,
            body_timeout: Duration::from_secs(30),
            stream: sender::StreamConfig::default(),
            discarded_bytes: 64 * 1024,
            linger: Duration::from_secs(2),
            half_closed: Duration::from_secs(10),
            connections: 10_000,
            retry_after: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(10),
            unacknowledged: Some(Duration::from_secs(30)),
            unsent: Some(16 * 1024),
        }
    }
}
