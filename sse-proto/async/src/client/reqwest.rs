//! Event sources over reqwest.

use std::error::Error;
use std::fmt;

use ::reqwest::RequestBuilder;
use sse_proto::http::{HeaderError, Request, RequestError};

use crate::{HttpSource, Runtime};

impl<R: Runtime> HttpSource<R> {
    /// Subscribes with a request of reqwest, with the client that it belongs to.
    ///
    /// What the builder can say stays: `.json()`, `.bearer_auth()`, `.query()`. Each attempt sends the
    /// request again, so a body must be in memory. Set no `.timeout()`, which would cut the stream;
    /// [`Timeouts`](sse_proto::source::Timeouts) are for streams.
    ///
    /// # Errors
    /// [`ReqwestError`]: the builder has an error, or the request cannot be sent again.
    pub fn from_reqwest(builder: RequestBuilder) -> Result<Self, ReqwestError> {
        let (client, request) = builder.build_split();
        let request = convert(&request.map_err(ReqwestError::Builder)?)?;
        Ok(Self::new(request, move |request| {
            let (client, request) = (client.clone(), ::reqwest::Request::try_from(request));
            async move {
                let response = client.execute(request?).await?;
                Ok::<_, ::reqwest::Error>(http::Response::<::reqwest::Body>::from(response))
            }
        }))
    }
}

fn convert(from: &::reqwest::Request) -> Result<Request, ReqwestError> {
    let mut request = Request::new(from.method().as_str(), from.url().as_str())?;
    for (name, value) in from.headers() {
        let value = value.to_str().map_err(|_| ReqwestError::HeaderEncoding { name: name.to_string() })?;
        request = request.with_header(name.as_str(), value)?;
    }
    match from.body() {
        None => Ok(request),
        Some(body) => Ok(request.with_body(body.as_bytes().ok_or(ReqwestError::StreamingBody)?)),
    }
}

/// Why a request of reqwest cannot be the request of an event source.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReqwestError {
    /// The builder has an error.
    Builder(::reqwest::Error),
    /// The body is a stream, which can be sent only once.
    StreamingBody,
    /// The value of this header is not visible ASCII.
    HeaderEncoding {
        /// The name of the header.
        name: String,
    },
    /// The method or the URL is not one for an event source.
    Request(RequestError),
    /// A header is not one for an event source.
    Header(HeaderError),
}

impl fmt::Display for ReqwestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builder(error) => error.fmt(f),
            Self::StreamingBody => f.write_str("the body is a stream, which cannot be sent again"),
            Self::HeaderEncoding { name } => {
                write!(f, "the value of the header {name:?} is not visible ASCII")
            }
            Self::Request(error) => error.fmt(f),
            Self::Header(error) => error.fmt(f),
        }
    }
}

impl Error for ReqwestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Builder(error) => error.source(),
            _ => None,
        }
    }
}

impl From<RequestError> for ReqwestError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<HeaderError> for ReqwestError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}
