//! The events that a subscriber has missed.

use core::fmt;

/// A gap: events that a subscriber has not received and that the hub no longer holds.
///
/// `Display` prints the data of the default [gap event](crate::sender::StreamConfig::set_gap): the
/// number of events, or `unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gap {
    /// At most this many events; exactly this many for a subscription to all topics.
    Missed(u64),
    /// An unknown number of events, because the hub does not know the client's [last event
    /// id](super::Resume::Unknown).
    Unknown,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missed(events) => events.fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
