//! Why a connection is over.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::error::Error;
use core::fmt;

use super::config::ServerConfig;
use crate::http1::{BodyError, RequestHeadError, Response};

/// Why nothing more happens on a connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Closed {
    /// The answer was sent to its end.
    Finished,
    /// The client was told to come later.
    Busy,
    /// The server stops: the stream ended for it, or the client was told to come later before it had asked for anything.
    Draining,
    /// The subscriber fell behind the [hub](crate::Hub) and was disconnected: its client comes back with its last event id.
    Lagged {
        /// How many events it missed; exact for a subscriber to all topics.
        missed: u64,
    },
    /// The [hub](crate::Hub) or its topic was closed, and the client has had everything.
    HubClosed,
    /// The client is at fault, and was told so where that was possible.
    Fault(Fault),
    /// The client closed the connection, and nothing was cut but the stream it left.
    Left,
    /// The client took nothing for [too long](crate::sender::StreamConfig::stall).
    Stalled,
    /// The caller closed it.
    Aborted,
    /// The caller [failed](super::Connection::handle_done) to answer, or to go on with the stream.
    Failed(Box<dyn Error + Send + Sync>),
    /// The connection failed.
    Error(Box<dyn Error + Send + Sync>),
}

impl Closed {
    /// What cut the answer, as an error; `None` if it was sent to its end. For a library that takes a [body](super::Connection::bare), and
    /// cuts the response where that fails.
    pub fn into_error(self) -> Option<Box<dyn Error + Send + Sync>> {
        match self {
            Self::Finished | Self::Draining | Self::Lagged { .. } | Self::HubClosed => None,
            Self::Failed(error) | Self::Error(error) => Some(error),
            other => Some(format!("{other}").into()),
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("answered"),
            Self::Busy => f.write_str("told to come later"),
            Self::Draining => f.write_str("the server stops"),
            Self::Lagged { missed } => write!(f, "the subscriber fell behind and missed {missed} events"),
            Self::HubClosed => f.write_str("the hub was closed"),
            Self::Fault(fault) => fault.fmt(f),
            Self::Left => f.write_str("the client left"),
            Self::Stalled => f.write_str("the client reads no more"),
            Self::Aborted => f.write_str("closed by the server"),
            Self::Failed(error) | Self::Error(error) => error.fmt(f),
        }
    }
}

/// What a client did wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The head of its request.
    Head(RequestHeadError),
    /// A method that is not [served](ServerConfig::methods).
    Method {
        /// The method.
        method: String,
    },
    /// The framing of its request's body.
    Body(BodyError),
    /// A body of more bytes than [`ServerConfig::body_bytes`].
    BodyTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// No whole request within [`ServerConfig::head_timeout`] and [`ServerConfig::body_timeout`].
    Slow,
    /// More bytes after its request than [`ServerConfig::discarded_bytes`].
    Unasked {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl Fault {
    /// The status that tells the client (RFC 9110 section 15.5): 400, 405, 408, 413, 414, 431, 501 or 505.
    pub fn status(&self) -> u16 {
        match self {
            Self::Head(error) => error.status(),
            Self::Method { .. } => 405,
            Self::BodyTooLarge { .. } => 413,
            Self::Slow => 408,
            Self::Body(_) | Self::Unasked { .. } => 400,
        }
    }

    pub(super) fn response(&self, config: &ServerConfig) -> Response {
        let response = Response::new(self.status());
        let text = with_header(response, "content-type", "text/plain; charset=utf-8");
        match self {
            // RFC 9110 section 15.5.6.
            Self::Method { .. } => with_header(text, "allow", &config.methods.join(", ")),
            _ => text,
        }
    }

    pub(super) fn text(&self) -> String {
        format!("{self}\n")
    }
}

/// Without it, if the caller's methods are none.
pub(super) fn with_header(response: Response, name: &str, value: &str) -> Response {
    response.clone().with_header(name, value).unwrap_or(response)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(error) => error.fmt(f),
            Self::Method { method } => write!(f, "method {method} is not served"),
            Self::Body(error) => error.fmt(f),
            Self::BodyTooLarge { limit } => write!(f, "body larger than {limit} bytes"),
            Self::Slow => f.write_str("no whole request in time"),
            Self::Unasked { limit } => write!(f, "more than {limit} bytes after the request"),
        }
    }
}

impl Error for Fault {}

impl From<RequestHeadError> for Fault {
    fn from(error: RequestHeadError) -> Self {
        Self::Head(error)
    }
}

impl From<BodyError> for Fault {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}
