//! The statistics of a hub.

/// The current state of a [`Hub`](super::Hub), and its counters since it was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Current subscribers.
    pub subscribers: usize,
    /// Topics currently known.
    pub topics: usize,
    /// Events currently held, except those that are held only as the
    /// [latest](super::HubConfig::latest) of their topic.
    pub events: usize,
    /// The total weight of those events.
    pub bytes: usize,
    /// Events published.
    pub published: u64,
    /// The total weight of the published events.
    pub published_bytes: u64,
    /// Deliveries of events, one per event and subscriber.
    pub delivered: u64,
    /// The maximum observed lag of a subscriber, in events that match its subscription.
    pub max_lag: u64,
    /// Dropped events, by limit.
    pub dropped: Dropped,
    /// Subscribers that could not keep up, by lag policy.
    pub lagged: Lagged,
    /// Answers to reconnecting clients.
    pub replays: Replays,
}

/// Dropped events, by the limit that was exceeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// Exceeded [`HubConfig::events`](super::HubConfig::events).
    pub by_count: u64,
    /// Exceeded [`HubConfig::bytes`](super::HubConfig::bytes).
    pub by_bytes: u64,
    /// Exceeded [`HubConfig::age`](super::HubConfig::age).
    pub by_age: u64,
}

/// Subscribers that could not keep up, by [lag policy](super::Lag).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lagged {
    /// Subscribers that were disconnected.
    pub disconnected: u64,
    /// Gaps reported to subscribers.
    pub gaps: u64,
    /// Subscribers that were disconnected after the publisher had waited for them.
    pub waited_for: u64,
}

/// Answers to clients that reconnected with an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replays {
    /// Clients that [resumed](super::Resume::Resumed) without loss.
    pub resumed: u64,
    /// Clients that missed [dropped events](super::Resume::Gap).
    pub gap: u64,
    /// Clients with an [unknown id](super::Resume::Unknown).
    pub unknown: u64,
}
