//! Errors of a connection, of the transport or of the peer.

use core::fmt;

use crate::receiver::ReceiveError;

/// Why reading events failed. `E` is the transport's error; the adapters use `std::io::Error`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The transport failed. Nothing more can be read.
    Io(E),
    /// The peer sent something invalid. [`ReceiveError::is_recoverable`] says whether more events
    /// can follow.
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

/// `Display` prints the cause, so `source` returns the source of the cause.
impl<E: core::error::Error> core::error::Error for ReadError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Receive(_) => None,
        }
    }
}

impl<E> ReadError<E> {
    /// Returns whether more events can follow, which holds only after [`ReceiveError::Limit`].
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

impl<E> From<ReceiveError> for ReadError<E> {
    fn from(error: ReceiveError) -> Self {
        Self::Receive(error)
    }
}
