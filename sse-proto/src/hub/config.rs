//! How much a hub holds, and for how long.

use core::time::Duration;

/// How much a [`Hub`](super::Hub) holds. What goes over a limit drops the oldest event, and the subscribers who have not had it
/// are told so, each in the way it has [chosen](super::Lag).
///
/// ```
/// use sse_proto::hub::HubConfig;
///
/// let mut config = HubConfig::default();
/// config.events = 10_000;
/// config.age = Some(core::time::Duration::from_secs(15 * 60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubConfig {
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
    /// [keep the latest](super::Lag::Latest). Beyond that, or when they are together heavier than `bytes`, the oldest goes.
    /// Default 0. They do not count as `events` and `bytes` of the others.
    pub latest: usize,
    /// For how long a [publisher waits](super::Lag::Wait) for those behind. Default 5 s.
    pub wait: Duration,
    /// How many topics are remembered that have neither subscribers nor events. Default 4096; beyond that the one that is idle
    /// longest is forgotten. A forgotten topic costs a client who comes back to it exactness: it may be told of a gap where
    /// it missed nothing.
    pub topics: usize,
    /// How many bytes those topics may take together, their names and 256 each. Default 1 MiB.
    pub topic_bytes: usize,
    /// How many bytes the name of a topic may have. Default 1 KiB. Nothing can be published to a topic with a longer name
    /// ([`PublishError::TopicTooLong`](super::PublishError::TopicTooLong)), and a subscription to it takes no memory.
    pub topic_name_bytes: usize,
    /// Whether a client is told at once where its stream begins, by a block with an id and no data. It can then come back without
    /// a loss, though it was cut before its first event. Default: no. The standard adopts the id and dispatches nothing, but widely
    /// used clients (httpx-sse, and openai for Python) dispatch an empty event, on which programs fail; set it where you know
    /// the clients: browsers, and those of these crates.
    pub announce_position: bool,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            events: 1024,
            bytes: 16 * 1024 * 1024,
            age: None,
            latest: 0,
            wait: Duration::from_secs(5),
            topics: 4096,
            topic_bytes: 1024 * 1024,
            topic_name_bytes: 1024,
            announce_position: false,
        }
    }
}
