//! What happens to a source besides events.

use core::fmt;
use core::time::Duration;

use super::reason::{Cause, CloseReason};
use crate::http::ResponseHead;

/// What has happened to a source; see
/// [`SourceConfig::set_on_change`](super::SourceConfig::set_on_change).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Change<'a> {
    /// A response was accepted, and its stream begins.
    Opened(&'a ResponseHead),
    /// An attempt has failed, or the stream was lost. Another attempt follows.
    Reconnecting {
        /// Why.
        cause: &'a Cause,
        /// The number of consecutive failures.
        attempt: u32,
        /// The time until the next attempt.
        delay: Duration,
    },
    /// The source has closed.
    Closed(&'a CloseReason),
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened(head) => write!(f, "stream opened with status {}", head.status()),
            Self::Reconnecting { cause, attempt, delay } => {
                write!(f, "{cause}; reconnecting in {delay:?}, failure {attempt}")
            }
            Self::Closed(reason) => write!(f, "source closed: {reason}"),
        }
    }
}

#[cfg(feature = "tracing")]
impl Change<'_> {
    /// Logs the change in the current span.
    pub(super) fn trace(self) {
        match self {
            Self::Opened(head) => tracing::debug!(target: "sse", status = head.status(), "stream opened"),
            Self::Reconnecting { cause, attempt, delay } => {
                tracing::warn!(target: "sse", %cause, attempt, ?delay, "reconnecting");
            }
            Self::Closed(reason) if reason.is_normal() => {
                tracing::debug!(target: "sse", %reason, "source closed");
            }
            Self::Closed(reason) => tracing::warn!(target: "sse", %reason, "source closed"),
        }
    }
}
