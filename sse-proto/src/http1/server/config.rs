//! The configuration of a server.

use core::time::Duration;

use crate::http1::HeadLimits;
use crate::sender;

/// The configuration of a [`Connection`](super::Connection), and of an
/// [`Acceptor`](super::Acceptor).
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
    /// Limits the head of a request. A larger head is answered with 414 or 431.
    pub head_limits: HeadLimits,
    /// Sets a deadline for the head, from the first want on. A slower one is answered with 408.
    /// Default: 10 s.
    pub head_timeout: Duration,
    /// The methods that reach the caller. Others are answered with 405. Default: `GET`, `HEAD`,
    /// `POST`.
    pub methods: &'static [&'static str],
    /// Limits the body of a request and the memory it takes, in bytes. A larger body is answered
    /// with 413. Default: 64 KiB.
    pub body_bytes: usize,
    /// Sets a deadline for the body, from the end of the head on. A slower one is answered with
    /// 408. Default: 30 s.
    pub body_timeout: Duration,
    /// The configuration of the stream: keep-alives, stall timeout, gap events, and more.
    pub stream: sender::StreamConfig,
    /// The number of bytes after the request that are read and discarded. A client that sends more
    /// is disconnected. Default: 64 KiB.
    pub discarded_bytes: usize,
    /// How long the client may keep sending after the whole response was written, before the
    /// connection is dropped. Default: 2 s. Dropping the connection sooner would reset it, and the
    /// client would lose bytes that it has not read (RFC 9112 section 9.6).
    pub linger: Duration,
    /// How long the handler may take to give a complete response after the client has closed its
    /// side of the connection. Default: 10 s. Such a client has either left or only shut down its
    /// writing half, which a server cannot distinguish. No event stream is opened for it, because
    /// its departure could not be noticed.
    pub half_closed: Duration,
    /// The maximum number of connections that a listener serves at a time. Further ones are
    /// answered with 503. Default: 10,000.
    pub connections: usize,
    /// The `Retry-After` of such a 503. Default: 5 s.
    pub retry_after: Duration,
    /// How long a graceful shutdown waits for connections before it cuts the remaining ones.
    /// Default: 10 s.
    pub drain_timeout: Duration,
    /// How long sent bytes may go unacknowledged before the connection counts as dead, because the
    /// peer was disconnected or switched off. Default: 30 s. `None` leaves it to the system, which
    /// often waits for a quarter of an hour. The owner of the socket applies it as
    /// `TCP_USER_TIMEOUT` (RFC 5482), where the system supports that.
    pub unacknowledged: Option<Duration>,
    /// How many unsent bytes the system buffers for a connection. Default: 16 KiB. With the much
    /// larger buffers that systems grow, a client that reads steadily but slowly seems to read
    /// nothing for a long time, and [stalls](sender::StreamConfig::stall). `None` leaves it to the
    /// system. The owner of the socket applies it as `TCP_NOTSENT_LOWAT`, where the system supports
    /// that.
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
