//! What a connection can fail with: the transport, or what came over it.

use core::fmt;

#[cfg(feature = "http1")]
use crate::http1::RequestHeadError;
use crate::receiver::ReceiveError;

/// Why reading events failed. `E` is the transport's error; `std::io::Error` in the adapters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The transport failed. Nothing more can be read.
    Io(E),
    /// The peer sent what cannot be accepted; [`ReceiveError::is_recoverable`] says whether events go on.
    Receive(ReceiveError),
}

impl<E: fmt::Display> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Receive(error) => error.fmt(f),
        }
    }
}

/// The text is that of the cause, so `source` is the cause's source.
impl<E: core::error::Error> core::error::Error for ReadError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Receive(_) => None,
        }
    }
}

impl<E> ReadError<E> {
    /// Whether events go on: after [`ReceiveError::Limit`].
    pub fn is_recoverable(&self) -> bool {
        matches!(self, Self::Receive(error) if error.is_recoverable())
    }
}

#[cfg(feature = "std")]
impl From<std::io::Error> for ReadError<std::io::Error> {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(all(feature = "std", feature = "http1"))]
impl From<std::io::Error> for AcceptError<std::io::Error> {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl<E> From<ReceiveError> for ReadError<E> {
    fn from(error: ReceiveError) -> Self {
        Self::Receive(error)
    }
}

/// Why a request could not be accepted. `E` is the transport's error.
#[cfg(feature = "http1")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptError<E> {
    /// The transport failed.
    Io(E),
    /// The client sent no acceptable request, and has been answered so.
    Request(RequestHeadError),
}

#[cfg(feature = "http1")]
impl<E: fmt::Display> fmt::Display for AcceptError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Request(error) => error.fmt(f),
        }
    }
}

/// The text is that of the cause, so `source` is the cause's source.
#[cfg(feature = "http1")]
impl<E: core::error::Error> core::error::Error for AcceptError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Request(_) => None,
        }
    }
}

#[cfg(feature = "http1")]
impl<E> From<RequestHeadError> for AcceptError<E> {
    fn from(error: RequestHeadError) -> Self {
        Self::Request(error)
    }
}
