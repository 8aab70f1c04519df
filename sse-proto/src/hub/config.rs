//! How much a hub holds, and for how long.

use core::time::Duration;

/// How much a [`Hub`](super::Hub) holds. What goes over a limit drops the oldest event, and the subscribers who have not had it
/// are told so, each in the way it has [chosen](super::Lag).
///
/// ```
/// use sse_proto::hub::Config;
///
/// let mut config = Config::default();
/// config.events = 10_000;
/// config.age = Some(core::time::Duration::from_secs(15 * 60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How many events are held, for those who are behind and those who come back. Default 1024; at least 1 counts.
    ///
    /// Memory: about 80 bytes each beside the frame.
    pub events: usize,
    /// How heavy the events held may be together: bytes, if the weight of an event is the length of its frame. Default 16 MiB.
    /// The newest event is held, however heavy it is.
    pub bytes: usize,
    /// How long an event is held. Default: as long as there is room.
    pub age: Option<Duration>,
    /// Of how many topics the latest event is held when its time in the hub is over, for subscribers that
    /// [keep the latest](super::Lag::Latest). Beyond that the oldest goes. Default 0. They do not count as `events` and `bytes`.
    pub latest: usize,
    /// For how long a [publisher waits](super::Lag::Wait) for those behind. Default 5 s.
    pub wait: Duration,
    /// How many topics are remembered that have neither subscribers nor events. Default 4096. One that is forgotten costs a
    /// client who comes back to it exactness: it may be told of a gap where it missed nothing.
    pub topics: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            events: 1024,
            bytes: 16 * 1024 * 1024,
            age: None,
            latest: 0,
            wait: Duration::from_secs(5),
            topics: 4096,
        }
    }
}
