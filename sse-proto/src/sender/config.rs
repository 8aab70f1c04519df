//! The configuration of a sender.

use core::time::Duration;

use super::hooks::Hooks;
use crate::Encoder;
use crate::hub::Gap;

/// What a [`Sender`](crate::Sender) does by itself, and when it gives up.
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
    /// How many bytes may be pending before a sender [is full](crate::Sender::is_full). Default 64 KiB. Nothing is refused
    /// then: memory is bounded if the caller appends nothing while the sender is full, by this and one event.
    pub high_water: usize,
    /// After how long without a write something is sent to keep the connection open. Default 15 s: proxies and mobile networks
    /// drop connections that are idle for 30 s to 60 s. `None` never does.
    pub keep_alive: Option<Duration>,
    /// A comment of at least so many bytes before the first event. Default: none. 0 is the shortest, for clients that wait for a
    /// first byte of the body; 2048 makes proxies and old browsers that collect that much pass on what follows. More than 64 KiB count
    /// as that.
    pub padding: Option<usize>,
    /// For how long the stream is sent; then it [ends](crate::Sender::finish_with_retry), and the client connects again, perhaps
    /// to another server. Default: for ever.
    pub age: Option<Duration>,
    /// By how much that may be less at random, in percent, so that clients that came together do not leave together. Default
    /// 10; more than 100 counts as 100.
    pub age_jitter_percent: u32,
    /// For how long the peer may take nothing of what is pending; then the connection is cut. Default 30 s. `None` waits for ever.
    pub stall: Option<Duration>,
    /// The shortest and the longest reconnection time that a stream tells its client at [its end](crate::Sender::finish_with_retry), drawn
    /// at random, so that not all come back at once. Default: none is told. The client keeps it for later, too (HTML, "The EventSource interface").
    pub final_retry: Option<(Duration, Duration)>,
    /// Over how long the streams of a server that stops end, each at a point of its own, so that their clients do not all come back
    /// at once. Default 1 s.
    pub drain_window: Duration,
    pub(super) hooks: Hooks,
}

impl StreamConfig {
    pub(super) const LONGEST_PADDING: usize = 64 * 1024;

    /// Sets what keeps the connection open, instead of the shortest comment. A client sees an event, and can notice its absence.
    ///
    /// The adapters call the function without holding a lock.
    pub fn set_keep_alive(&mut self, encode: impl Fn(Encoder<'_>) + Send + Sync + 'static) {
        self.hooks.set_keep_alive(encode);
    }

    /// Sets what tells the client that events are gone which it has not had: instead of an event named `gap`, whose data is how
    /// many are gone at most, or `unknown`. Do not give the event an id: the client would not ask for what it missed again.
    ///
    /// The adapters call the function without holding a lock.
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
