//! Event sources over reqwest.

use std::error::Error;
use std::fmt;

use ::reqwest::RequestBuilder;

use crate::{FromHttpError, HttpSource, Runtime};

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
        let request: http::Request<::reqwest::Body> = request.and_then(TryInto::try_into)?;
        let (parts, body) = request.into_parts();
        let body = body.as_bytes().ok_or(ReqwestError::StreamingBody)?;
        let request = http::Request::from_parts(parts, body);
        Ok(Self::from_http(request, move |request| {
            let (client, request) = (client.clone(), ::reqwest::Request::try_from(request));
            async move {
                let response = client.execute(request?).await?;
                Ok::<_, ::reqwest::Error>(http::Response::<::reqwest::Body>::from(response))
            }
        })?)
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
    /// The method, the URL or a header is not one for an event source.
    Request(FromHttpError),
}

impl fmt::Display for ReqwestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builder(error) => error.fmt(f),
            Self::StreamingBody => f.write_str("the body is a stream, which cannot be sent again"),
            Self::Request(error) => error.fmt(f),
        }
    }
}

/// `Display` prints the cause, so `source` returns the source of the cause.
impl Error for ReqwestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Builder(error) => error.source(),
            Self::StreamingBody => None,
            Self::Request(error) => error.source(),
        }
    }
}

impl From<::reqwest::Error> for ReqwestError {
    fn from(error: ::reqwest::Error) -> Self {
        Self::Builder(error)
    }
}

impl From<FromHttpError> for ReqwestError {
    fn from(error: FromHttpError) -> Self {
        Self::Request(error)
    }
}
