//! What happens to an event source, for those who want to know more than its events.

use alloc::string::String;
use core::time::Duration;

use super::reason::{Cause, Closed};
use crate::http::ResponseHead;
use crate::{Event, LimitExceeded};

/// What happened, in the order in which it did.
#[derive(Debug)]
#[non_exhaustive]
pub enum Signal {
    /// A response was accepted: events follow.
    Opened(ResponseHead),
    /// An event came.
    Event(Event),
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
    /// Nothing more comes. The last signal, and it comes once.
    Closed(Closed),
}
