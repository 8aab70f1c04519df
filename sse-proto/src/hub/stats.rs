//! What a hub has counted.

/// What a [`Hub`](super::Hub) holds now, and what it has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Subscribers now.
    pub subscribers: usize,
    /// Topics known now.
    pub topics: usize,
    /// Events held now, without those that are [the latest](super::HubConfig::latest) of their topics and nothing else.
    pub events: usize,
    /// How heavy those events are together.
    pub bytes: usize,
    /// Events published.
    pub published: u64,
    /// How heavy those were together.
    pub published_bytes: u64,
    /// Events given to subscribers, each counted for each.
    pub delivered: u64,
    /// The most events that a subscriber was seen to be behind by, of those it wants.
    pub max_lag: u64,
    /// Why events are not held any more.
    pub dropped: Dropped,
    /// What became of subscribers that could not keep up.
    pub lagged: Lagged,
    /// How those who came back were answered.
    pub replays: Replays,
}

/// Events that are not held any more, by the limit they went over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// [`HubConfig::events`](super::HubConfig::events).
    pub by_count: u64,
    /// [`HubConfig::bytes`](super::HubConfig::bytes).
    pub by_bytes: u64,
    /// [`HubConfig::age`](super::HubConfig::age).
    pub by_age: u64,
}

/// Subscribers that could not keep up, by their [policy](super::Lag).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lagged {
    /// Were disconnected.
    pub disconnected: u64,
    /// Were told of a gap, each counted for each gap.
    pub gaps: u64,
    /// Were disconnected after the publisher had waited for them.
    pub waited_for: u64,
}

/// Answers to those who came back with an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replays {
    /// [`Resume::Resumed`](super::Resume::Resumed).
    pub resumed: u64,
    /// [`Resume::Gap`](super::Resume::Gap).
    pub gap: u64,
    /// [`Resume::Unknown`](super::Resume::Unknown).
    pub unknown: u64,
}
