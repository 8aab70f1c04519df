//! The statistics of a node.

use core::time::Duration;

use super::{FollowStats, Position};
use crate::metrics::Metric;

/// The state of a node, and its counters since it was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogStats {
    /// The tail.
    pub follow: FollowStats,
    /// The position of the last event that the tail has read.
    pub position: Option<Position>,
    /// How old that event was when it was read, by the clocks of the log and of this node.
    pub lag: Duration,
    /// Events on their way into the log.
    pub appending_events: usize,
    /// Their bytes.
    pub appending_bytes: usize,
    /// Events that this node has appended.
    pub appended: u64,
    /// Appends that failed, or that their publisher gave up.
    pub append_failures: u64,
    /// Pages of old events read for clients that came back.
    pub pages: u64,
    /// Reads of such pages that failed, and are repeated.
    pub page_failures: u64,
    /// Bytes of old events held for these clients.
    pub replay_bytes: usize,
}

impl LogStats {
    /// Returns the statistics as metrics, for [`Prometheus`](crate::metrics::Prometheus) or another
    /// system.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> + Clone {
        let Self { follow, .. } = self;
        let lag = u64::try_from(self.lag.as_millis()).unwrap_or(u64::MAX);
        let breaks = |cause, value| {
            let help = "Gaps told to all subscribers, by cause.";
            Metric::counter("sse_log_gaps_total", value, help).with_label("cause", cause)
        };
        let lost = follow.breaks.saturating_sub(follow.new_epochs);
        let gauge = |name, value: usize, help| Metric::gauge(name, value as u64, help);
        [
            Metric::gauge(
                "sse_log_connected",
                u64::from(follow.is_connected),
                "Whether the last answer of the log was good.",
            ),
            Metric::gauge("sse_log_lag_milliseconds", lag, "How old the last event was when it was read."),
            Metric::counter("sse_log_entries_total", follow.entries, "Entries read from the tail."),
            Metric::counter("sse_log_failures_total", follow.failures, "Failed reads of the tail."),
            breaks("lost", lost),
            breaks("new_log", follow.new_epochs),
            breaks("unreadable", follow.unreadable),
            gauge("sse_log_appending_events", self.appending_events, "Events on their way into the log."),
            gauge("sse_log_appending_bytes", self.appending_bytes, "Bytes of these events."),
            Metric::counter("sse_log_appended_total", self.appended, "Events appended by this node."),
            Metric::counter("sse_log_append_failures_total", self.append_failures, "Failed appends."),
            Metric::counter("sse_log_pages_total", self.pages, "Pages read for clients that came back."),
            Metric::counter("sse_log_page_failures_total", self.page_failures, "Failed reads of pages."),
            gauge("sse_log_replay_bytes", self.replay_bytes, "Bytes of old events held for these clients."),
        ]
        .into_iter()
    }
}
