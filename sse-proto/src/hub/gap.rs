//! What a subscriber has missed.

use core::fmt;

/// Events are gone that a subscriber has not had.
///
/// `Display` gives what the default [gap event](crate::sender::StreamConfig::set_gap) says: the number, or `unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gap {
    /// At most this number of events; exactly this number for a subscriber to all topics.
    Missed(u64),
    /// Nobody knows how many: the [id](super::Resume::Unknown) that the client came back with is none of this hub's.
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
