//! The configuration of a hub.

use core::time::Duration;

/// Limits what a [`Hub`](super::Hub) holds.
///
/// At a limit, the hub drops its oldest event. Each subscriber that has not received the event is
/// handled by its [lag policy](super::Lag).
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
    /// The number of events held, for replay and for subscribers that lag. Default: 1024. 0 counts
    /// as 1.
    ///
    /// Memory: about 80 bytes per event, plus its frame.
    pub events: usize,
    /// The total weight of the events held, in bytes if the weight of an event is the length of its
    /// frame. Default: 16 MiB. The newest event is always held, whatever its weight.
    pub bytes: usize,
    /// The maximum age of an event. Default: `None`, events are held as long as there is room.
    pub age: Option<Duration>,
    /// The number of topics whose latest event outlives the other limits, for subscribers with
    /// [`Lag::Latest`](super::Lag::Latest). Default: 0.
    ///
    /// Beyond this number, or when the total weight of these events exceeds `bytes`, the oldest one
    /// is dropped. These events do not count towards `events` and `bytes` of the others.
    pub latest: usize,
    /// How long a [publisher waits](super::Lag::Wait) for subscribers that lag. Default: 5 s.
    pub wait: Duration,
    /// The number of idle topics, without subscribers and events, that are remembered. Default:
    /// 4096. Beyond it, the topic that has been idle longest is forgotten.
    ///
    /// A client that resumes on a forgotten topic may be told of a gap although it has missed
    /// nothing.
    pub topics: usize,
    /// The memory of the idle topics in bytes: their names and 256 bytes each. Default: 1 MiB.
    pub topic_bytes: usize,
    /// The maximum length of a topic name, in bytes. Default: 1 KiB. Publishing to a longer name
    /// fails with [`PublishError::TopicTooLong`](super::PublishError::TopicTooLong), and
    /// subscribing to it takes no memory.
    pub topic_name_bytes: usize,
    /// The number of streams that each client may have at a time, where clients are
    /// [named](super::SharedHub::subscribe_as). Default: 64.
    pub streams_per_client: usize,
    /// Whether a stream starts with its current position, as a block with an id and no data.
    /// Default: `false`.
    ///
    /// A client that has received the position can resume without loss even if it is disconnected
    /// before its first event. By the standard, a client adopts the id and dispatches nothing. But
    /// widely used clients (httpx-sse, and openai for Python) dispatch an empty event, which breaks
    /// programs. Enable it only if you know the clients, such as browsers and the clients of these
    /// crates.
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
            streams_per_client: 64,
            announce_position: false,
        }
    }
}
