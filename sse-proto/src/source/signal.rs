//! What happens to an event source, for those who want to know more than its events.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use super::reason::{Cause, CloseReason};
use crate::http::ResponseHead;
use crate::http::fields::is_value_byte;
use crate::{Event, LimitExceeded};

/// What happened, in the order in which it did.
#[derive(Debug)]
#[non_exhaustive]
pub enum Signal {
    /// A response was accepted: events follow.
    Opened(ResponseHead),
    /// An event came.
    Event(Event),
    /// A block without data came: it sets an id or a reconnection time, and is not dispatched as an event.
    NoData(Event),
    /// A comment came: the text after the colon, a leading space included.
    Comment(String),
    /// The block before, which may have been an event, asked for this reconnection time. It is yet to be clamped.
    Retry(Duration),
    /// An event exceeded a limit and was skipped. The stream goes on.
    Skipped(LimitExceeded),
    /// The connection was lost, or an attempt failed. There will be another.
    Reconnecting {
        /// Why.
        cause: Cause,
        /// How many attempts have failed in a row, this one included: 1 after a stream that was healthy.
        attempt: u32,
        /// How long the source waits before the next.
        delay: Duration,
    },
    /// The attempt that begins goes without the last event id, so that the server cannot tell where to go on. The source keeps
    /// the id. Comes once per attempt.
    IdNotSent(IdNotSent),
    /// Nothing more comes. The last signal, and it comes once.
    Closed(CloseReason),
}

/// Why an attempt goes without the last event id. The server's fault, which has sent such an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdNotSent {
    /// It is longer than [`SourceConfig::sent_id_bytes`](super::SourceConfig::sent_id_bytes).
    TooLong {
        /// Its length, in bytes.
        length: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// It holds a control byte, which no header may hold (RFC 9110 section 5.5).
    ControlByte {
        /// The byte.
        byte: u8,
        /// How many bytes of the id stand before it.
        position: usize,
    },
}

impl IdNotSent {
    /// What keeps this id from being sent; `None` if nothing does.
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
            Self::TooLong { length, limit } => write!(f, "{length} bytes, more than {limit}"),
            Self::ControlByte { byte, position } => write!(f, "byte 0x{byte:02x} at {position}"),
        }
    }
}
