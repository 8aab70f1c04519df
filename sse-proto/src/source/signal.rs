//! Signals: everything that happens to an event source, not only its events.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use super::reason::{Cause, CloseReason};
use crate::http::ResponseHead;
use crate::http::fields::is_value_byte;
use crate::{Event, LimitExceeded};

/// Something that happened to an event source. Signals are in chronological order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Signal {
    /// A response was accepted; its events follow.
    Opened(ResponseHead),
    /// An event.
    Event(Event),
    /// A block without data: it sets an id or a reconnection time, and is not dispatched as an event.
    NoData(Event),
    /// A comment: the text after the colon, including a leading space.
    Comment(String),
    /// The server has changed the reconnection time: by the previous event or block, by one that was
    /// skipped, or by an incomplete one at the end. [`Backoff`](super::Backoff)
    /// limits have not been applied.
    Retry(Duration),
    /// An event exceeded a limit and was skipped. The stream continues.
    Skipped(LimitExceeded),
    /// The connection was lost, or an attempt failed. Another attempt follows.
    Reconnecting {
        /// The cause.
        cause: Cause,
        /// The number of consecutive failures, including this one: 1 after a healthy stream.
        attempt: u32,
        /// The delay before the next attempt.
        delay: Duration,
    },
    /// The new attempt does not send the last event id, so the server cannot resume. The source
    /// keeps the id. Sent once per attempt.
    IdNotSent(IdNotSent),
    /// The source has closed. Always the last signal.
    Closed(CloseReason),
}

/// Why an attempt does not send the last event id. The fault of the server that set the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdNotSent {
    /// The id is longer than [`SourceConfig::sent_id_bytes`](super::SourceConfig::sent_id_bytes).
    TooLong {
        /// Its length, in bytes.
        length: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The id holds a control byte, which a header value must not contain (RFC 9110 section 5.5).
    ControlByte {
        /// The byte.
        byte: u8,
        /// The position of the byte in the id, counted from 0.
        position: usize,
    },
}

impl IdNotSent {
    /// Returns why this id cannot be sent, or `None` if it can.
    pub(super) fn reason(id: &str, limit: usize) -> Option<IdNotSent> {
        if id.len() > limit {
            return Some(IdNotSent::TooLong { length: id.len(), limit });
        }
        let mut bytes = id.bytes().enumerate();
        let (position, byte) = bytes.find(|&(_, byte)| !is_value_byte(byte))?;
        Some(IdNotSent::ControlByte { byte, position })
    }
}

impl fmt::Display for IdNotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("last event id not sent: ")?;
        match self {
            Self::TooLong { length, limit } => write!(f, "{length} bytes exceed the limit of {limit} bytes"),
            Self::ControlByte { byte, position } => write!(f, "control byte 0x{byte:02x} at byte {position}"),
        }
    }
}
