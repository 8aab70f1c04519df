//! Errors of a received stream.

use alloc::vec::Vec;
use core::fmt;

use super::GunzipError;
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

/// A fault of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiveError {
    /// An event exceeded a limit and was skipped. The stream continues.
    Limit(LimitExceeded),
    /// The response is not valid HTTP, or was cut off.
    #[cfg(feature = "http1")]
    Http(ResponseError),
    /// [`check_response`], or the check set by [`Receiver::with_check`], rejected the response.
    #[cfg(feature = "http1")]
    Refused(Refusal),
    /// The compressed body cannot be read; only with the feature `gzip`.
    Gunzip(GunzipError),
    /// The stream ended without a single field or comment line: something else was sent as an event
    /// stream. See [`Receiver::with_refusal_bytes`].
    Unrecognized {
        /// The first bytes of the stream.
        beginning: Vec<u8>,
    },
}

impl ReceiveError {
    /// Returns whether the stream continues.
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
            Self::Gunzip(error) => error.fmt(f),
            Self::Unrecognized { beginning } => {
                let beginning = alloc::string::String::from_utf8_lossy(beginning);
                write!(f, "{UNRECOGNIZED}; it begins with {:?}", Preview(&beginning))
            }
        }
    }
}

/// `Display` prints the cause, so `source` returns the source of the cause.
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

impl From<GunzipError> for ReceiveError {
    fn from(error: GunzipError) -> Self {
        Self::Gunzip(error)
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
