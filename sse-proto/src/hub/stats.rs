//! The statistics of a hub.

use crate::metrics::Metric;

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

impl Stats {
    /// Returns the statistics as metrics, for [`Prometheus`](crate::metrics::Prometheus) or another
    /// system.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> + Clone {
        let dropped = self.dropped;
        let gauge = |name, value: usize, help| Metric::gauge(name, value as u64, help);
        let dropped_by = |limit, value| {
            Metric::counter("sse_hub_dropped_total", value, "Events dropped, by limit.")
                .with_label("limit", limit)
        };
        let lagged = |outcome, value| {
            let help = "Times that a subscriber could not keep up, by outcome.";
            Metric::counter("sse_hub_lagged_total", value, help).with_label("outcome", outcome)
        };
        let replays = |answer, value| {
            let help = "Clients that came back with an id, by answer.";
            Metric::counter("sse_hub_resumed_total", value, help).with_label("answer", answer)
        };
        [
            gauge("sse_hub_subscribers", self.subscribers, "Current subscribers."),
            gauge("sse_hub_topics", self.topics, "Topics known."),
            gauge("sse_hub_events", self.events, "Events held."),
            gauge("sse_hub_bytes", self.bytes, "Bytes of the events held."),
            Metric::gauge("sse_hub_max_lag_events", self.max_lag, "The largest lag of a subscriber so far."),
            Metric::counter("sse_hub_published_total", self.published, "Events published."),
            Metric::counter(
                "sse_hub_published_bytes_total",
                self.published_bytes,
                "Bytes of the events published.",
            ),
            Metric::counter(
                "sse_hub_delivered_total",
                self.delivered,
                "Events delivered, one for each subscriber.",
            ),
            dropped_by("count", dropped.by_count),
            dropped_by("bytes", dropped.by_bytes),
            dropped_by("age", dropped.by_age),
            lagged("disconnected", self.lagged.disconnected),
            lagged("gap", self.lagged.gaps),
            lagged("waited_for", self.lagged.waited_for),
            replays("resumed", self.replays.resumed),
            replays("gap", self.replays.gap),
            replays("unknown", self.replays.unknown),
        ]
        .into_iter()
    }
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
