//! What a sender does where there is a choice.

use alloc::string::ToString;
use core::time::Duration;

use crate::{Encoder, EventRef};

/// What a [`Sender`](crate::Sender) does by itself, and when it gives up.
///
/// ```
/// use core::time::Duration;
/// use sse_proto::EventRef;
/// use sse_proto::sender::Config;
///
/// let mut config = Config::default();
/// config.keep_alive_with = |mut encoder| encoder.event(EventRef::new("still here"));
/// config.age = Some(Duration::from_secs(15 * 60));
/// config.farewell_retry = Some((Duration::from_secs(1), Duration::from_secs(10)));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How many bytes may be pending before a sender [is full](crate::Sender::is_full). Default 64 KiB. Nothing is refused
    /// then: memory is bounded if the caller appends nothing while the sender is full, by this and one event.
    pub high_water: usize,
    /// After how long without a write something is sent to keep the connection open. Default 15 s: proxies and mobile networks
    /// drop connections that are idle for 30 s to 60 s. `None` never does.
    pub keep_alive: Option<Duration>,
    /// What is sent then. Default: the shortest comment. An event is seen by the client, which can notice its absence.
    pub keep_alive_with: fn(Encoder<'_>),
    /// What is sent when events are gone that a subscriber of a [hub](crate::Hub) has not had, given how many at most. Default: an
    /// event named `gap` with the number as its data.
    pub gap_with: fn(u64, Encoder<'_>),
    /// A comment of at least so many bytes before the first event. Default: none. 0 is the shortest, for clients that wait for a
    /// first byte of the body; 2048 makes proxies and old browsers that collect that much pass on what follows.
    pub padding: Option<usize>,
    /// For how long the stream is sent; then it is [retired](crate::Sender::retire), and the client connects again, perhaps to
    /// another server. Default: for ever.
    pub age: Option<Duration>,
    /// By how much that may be less at random, in percent, so that clients that came together do not leave together. Default
    /// 10; more than 100 counts as 100.
    pub age_jitter_percent: u32,
    /// For how long the peer may take nothing of what is pending; then the connection is cut. Default 30 s. `None` waits for ever.
    pub stall: Option<Duration>,
    /// The shortest and the longest reconnection time that a stream that is retired tells its client, drawn at random, so that not
    /// all come back at once. Default: none is told. The client keeps it for later, too (HTML, "The EventSource interface").
    pub farewell_retry: Option<(Duration, Duration)>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            high_water: 64 * 1024,
            keep_alive: Some(Duration::from_secs(15)),
            keep_alive_with: |mut encoder| encoder.keep_alive(),
            gap_with: encode_gap,
            padding: None,
            age: None,
            age_jitter_percent: 10,
            stall: Some(Duration::from_secs(30)),
            farewell_retry: None,
        }
    }
}

fn encode_gap(missed: u64, mut encoder: Encoder<'_>) {
    let missed = missed.to_string();
    let event = EventRef::new(&missed);
    // It is a name.
    encoder.event(event.with_name("gap").unwrap_or(event));
}
