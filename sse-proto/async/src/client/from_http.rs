//! Requests of the crate `http` as requests of a source.

use std::error::Error;
use std::fmt;

use http::request::Parts;
use sse_proto::http::{HeaderError, Request, RequestError};

/// Converts method, URL and headers. The version and the extensions have no counterpart.
pub(crate) fn convert(from: &Parts) -> Result<Request, FromHttpError> {
    let request = Request::new(from.method.as_str(), &from.uri.to_string())?;
    from.headers.iter().try_fold(request, |request, (name, value)| {
        let value = value.to_str().map_err(|_| FromHttpError::HeaderEncoding { name: name.to_string() })?;
        Ok(request.with_header(name.as_str(), value)?)
    })
}

/// Why a request of the crate `http` cannot be the request of an event source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FromHttpError {
    /// The value of this header is not visible ASCII.
    HeaderEncoding {
        /// The name of the header.
        name: String,
    },
    /// The method or the URL is invalid. The URL must be absolute.
    Request(RequestError),
    /// A header is invalid, or frames the body.
    Header(HeaderError),
}

impl fmt::Display for FromHttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderEncoding { name } => {
                write!(f, "the value of the header {name:?} is not visible ASCII")
            }
            Self::Request(error) => error.fmt(f),
            Self::Header(error) => error.fmt(f),
        }
    }
}

/// `Display` prints the cause, which has no source.
impl Error for FromHttpError {}

impl From<RequestError> for FromHttpError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<HeaderError> for FromHttpError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}
