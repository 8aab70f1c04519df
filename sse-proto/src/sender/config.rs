//! The configuration of a sender.

use core::time::Duration;

use super::hooks::Hooks;
use crate::Encoder;
use crate::hub::Gap;

/// Configures a [`Sender`](crate::Sender): keep-alives, timeouts, and the end of the stream.
///
/// ```
/// use core::time::Duration;
/// use sse_proto::EventRef;
/// use sse_proto::sender::StreamConfig;
///
/// let mut config = StreamConfig::default();
/// config.set_keep_alive(|mut encoder| encoder.event(EventRef::new("still here")));
/// config.age = Some(Duration::from_secs(15 * 60));
/// config.final_retry = Some((Duration::from_secs(1), Duration::from_secs(10)));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StreamConfig {
    /// The high-water mark: the number of pending bytes at which a sender [is
    /// full](crate::Sender::is_full). Default: 64 KiB.
    ///
    /// A full sender still accepts events. If the caller appends nothing while the sender is full,
    /// at most this many bytes and one event are pending.
    pub high_water: usize,
    /// How long the connection may be idle before a keep-alive is sent. Default: 15 s, because
    /// proxies and mobile networks drop connections that are idle for 30 s to 60 s. `None` sends no
    /// keep-alives.
    pub keep_alive: Option<Duration>,
    /// Sends a comment of at least this many bytes before the first event. Default: none.
    ///
    /// 0 sends the shortest comment, for clients that wait for the first byte of the body. 2048
    /// makes proxies and old browsers that buffer that much pass on the events that follow. The
    /// maximum is 64 KiB; larger values count as 64 KiB.
    pub padding: Option<usize>,
    /// The maximum age of the stream, after which it [ends](crate::Sender::finish_with_retry).
    /// Default: `None`, unlimited. The client reconnects, possibly to another server.
    pub age: Option<Duration>,
    /// The maximum random reduction of `age`, in percent, so that clients that connected together
    /// do not reconnect together. Default: 10. Values above 100 count as 100.
    pub age_jitter_percent: u32,
    /// How long the peer may accept no pending bytes before the connection is cut. Default: 30 s.
    /// `None` waits forever.
    pub stall: Option<Duration>,
    /// The range of the reconnection time that is sent at [the
    /// end](crate::Sender::finish_with_retry) of the stream. The value is drawn at random, so that
    /// clients do not reconnect all at once. Default: none is sent. The client keeps the value for
    /// later reconnections, too (HTML, "The EventSource interface").
    pub final_retry: Option<(Duration, Duration)>,
    /// The period over which the streams of a server end during a graceful shutdown. Each stream
    /// ends at a random time within it, so that clients do not reconnect all at once. Default: 1 s.
    pub drain_window: Duration,
    pub(super) hooks: Hooks,
}

impl StreamConfig {
    pub(super) const LONGEST_PADDING: usize = 64 * 1024;

    /// Sets the keep-alive. Default: the shortest comment. An event, unlike a comment, is visible
    /// to the client, so the client can notice when it fails to arrive.
    ///
    /// The adapters call `encode` without holding a lock.
    pub fn set_keep_alive(&mut self, encode: impl Fn(Encoder<'_>) + Send + Sync + 'static) {
        self.hooks.set_keep_alive(encode);
    }

    /// Sets the event that tells a client that it has missed events. Default: an event named `gap`,
    /// whose data is the maximum number of missed events, or `unknown`.
    ///
    /// Do not give the event an id, or the client would not request the missed events again. The
    /// adapters call `encode` without holding a lock.
    pub fn set_gap(&mut self, encode: impl Fn(Gap, Encoder<'_>) + Send + Sync + 'static) {
        self.hooks.set_gap(encode);
    }
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            high_water: 64 * 1024,
            keep_alive: Some(Duration::from_secs(15)),
            padding: None,
            age: None,
            age_jitter_percent: 10,
            stall: Some(Duration::from_secs(30)),
            final_retry: None,
            drain_window: Duration::from_secs(1),
            hooks: Hooks::default(),
        }
    }
}
