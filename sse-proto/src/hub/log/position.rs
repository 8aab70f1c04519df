//! The position of an event in a log.

use core::fmt;

use crate::hub::id::{Base36, digits};

/// The position of an event in a log, which is its id on the wire: the epoch of the log, and two
/// numbers that grow from event to event.
///
/// The text form is the epoch in base 36, a dot, and the numbers in decimal with a hyphen between:
/// `1x8f.1764072000123-0`. Each node writes the same id for the same event. The text has at most 55
/// bytes, none of which is a CORS-unsafe request-header byte (Fetch, section "CORS-safelisted
/// request-header"), so a client may send the id across origins.
///
/// ```
/// use sse_proto::hub::log::Position;
///
/// let position = Position::parse("1x8f.1764072000123-0").expect("well-formed");
/// assert_eq!((position.millis, position.sequence), (1_764_072_000_123, 0));
/// assert_eq!(position.to_string(), "1x8f.1764072000123-0");
/// assert_eq!(Position::parse("1x8f.01-0"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The life of the log: a random number that changes when a log is created anew, because the old
    /// one was deleted or lost. Positions of different epochs have no order in time.
    pub epoch: u64,
    /// The time of the event in milliseconds since 1970, if the log has times. Never decreases within
    /// an epoch.
    pub millis: u64,
    /// Distinguishes and orders the events of a millisecond.
    pub sequence: u64,
}

impl Position {
    /// Parses the output of `Display`, and rejects every other notation of the same position.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, place) = text.split_once('.')?;
        let (millis, sequence) = place.split_once('-')?;
        let (epoch, millis, sequence) = (digits(epoch, 36)?, digits(millis, 10)?, digits(sequence, 10)?);
        Some(Self { epoch, millis, sequence })
    }

    /// Returns whether the event at this position follows the one at `other` in the same epoch.
    pub fn is_after(&self, other: &Self) -> bool {
        self.epoch == other.epoch && self > other
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}-{}", Base36(self.epoch), self.millis, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn every_position_is_read_back_and_is_short_and_harmless() {
        for number in [0, 1, 35, 36, 1295, 1_763_700_000_000, u64::MAX] {
            let position = Position { epoch: number, millis: number, sequence: number };
            let text = position.to_string();
            assert_eq!(Position::parse(&text), Some(position));
            assert!(
                text.len() <= 55
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
            );
        }
    }

    #[test]
    fn nothing_else_is_a_position() {
        for text in [
            "",
            ".",
            "a.-",
            "a.1",
            "a.1-",
            "a-1",
            "a.1-1-1",
            "A.1-1",
            "a.01-1",
            "a.1-01",
            "0a.1-1",
            "a.+1-1",
            "a. 1-1",
            "a.1-1 ",
            "a.1-18446744073709551616",
            "zzzzzzzzzzzzzzzz.1-1",
            "\u{e9}.1-1",
            "a.١-1",
        ] {
            assert_eq!(Position::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_positions_of_an_epoch_follow_each_other() {
        let at = |epoch, millis, sequence| Position { epoch, millis, sequence };
        assert!(at(1, 2, 0).is_after(&at(1, 1, 9)) && at(1, 2, 1).is_after(&at(1, 2, 0)));
        assert!(!at(1, 2, 0).is_after(&at(1, 2, 0)) && !at(2, 3, 0).is_after(&at(1, 2, 0)));
    }
}
