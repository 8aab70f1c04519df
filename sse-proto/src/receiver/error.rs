//! What can go wrong with a received stream.

use alloc::vec::Vec;
use core::fmt;

#[cfg(doc)]
use super::Receiver;
use crate::LimitExceeded;
use crate::event::Preview;
#[cfg(feature = "http1")]
use crate::http1::ResponseError;
#[cfg(feature = "http1")]
use crate::source::Refusal;
use crate::source::UNRECOGNIZED;
#[cfg(all(doc, feature = "http1"))]
use crate::source::check_response;

/// What the peer did wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiveError {
    /// An event exceeds a limit and is skipped. The stream goes on.
    Limit(LimitExceeded),
    /// The response is not HTTP, or was cut off.
    #[cfg(feature = "http1")]
    Http(ResponseError),
    /// The response is no event stream, says [`check_response`] or the check of [`Receiver::with_check`].
    #[cfg(feature = "http1")]
    Refused(Refusal),
    /// The stream ended, and not one line of it was a field or a comment: something else was sent as an event stream. See
    /// [`Receiver::with_refusal_bytes`].
    Unrecognized {
        /// The first bytes of the stream.
        beginning: Vec<u8>,
    },
}

impl ReceiveError {
    /// Whether the stream goes on.
    pub fn is_recoverable(&self) -> bool {
        matches!(self, Self::Limit(_))
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(error) => error.fmt(f),
            #[cfg(feature = "http1")]
            Self::Http(error) => error.fmt(f),
            #[cfg(feature = "http1")]
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unrecognized { beginning } => {
                let beginning = alloc::string::String::from_utf8_lossy(beginning);
                write!(f, "{UNRECOGNIZED}; it begins with {:?}", Preview(&beginning))
            }
        }
    }
}

/// The text is that of the cause, so `source` is the cause's source.
impl core::error::Error for ReceiveError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            #[cfg(feature = "http1")]
            Self::Http(error) => error.source(),
            _ => None,
        }
    }
}

impl From<LimitExceeded> for ReceiveError {
    fn from(error: LimitExceeded) -> Self {
        Self::Limit(error)
    }
}

#[cfg(feature = "http1")]
impl From<Refusal> for ReceiveError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

#[cfg(feature = "http1")]
impl From<ResponseError> for ReceiveError {
    fn from(error: ResponseError) -> Self {
        Self::Http(error)
    }
}
