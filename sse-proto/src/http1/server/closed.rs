//! Why a connection closed.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::error::Error;
use core::fmt;

use super::config::ServerConfig;
use crate::http1::{BodyError, RequestHeadError, Response};

/// Why a connection closed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Closed {
    /// The response was sent completely.
    Finished,
    /// The connection was rejected with status 503, because there were too many.
    Busy,
    /// The server was shutting down: it ended the stream, or rejected the request with status 503.
    Draining,
    /// The subscriber fell behind the [hub](crate::Hub) and was disconnected; its client reconnects
    /// with its last event id.
    Lagged {
        /// The number of events that it missed, exact for a subscriber to all topics.
        missed: u64,
    },
    /// The [hub](crate::Hub) or its topic was closed, and the client has received everything.
    HubClosed,
    /// The program [closed the streams](crate::hub::SharedHub::close_client) of this client.
    Revoked,
    /// The client made a mistake, and received an error response if that was possible.
    Fault(Fault),
    /// The client closed the connection. At most, the stream that it left was cut.
    Left,
    /// The client accepted no bytes for [too long](crate::sender::StreamConfig::stall).
    Stalled,
    /// The caller closed the connection.
    Aborted,
    /// The caller [failed](super::Connection::handle_done) to answer, or to continue the stream.
    Failed(Box<dyn Error + Send + Sync>),
    /// The connection failed.
    Error(Box<dyn Error + Send + Sync>),
}

impl Closed {
    /// The names of all reasons, for statistics.
    pub(super) const NAMES: [&'static str; 12] = [
        "finished",
        "busy",
        "draining",
        "lagged",
        "hub_closed",
        "revoked",
        "fault",
        "left",
        "stalled",
        "aborted",
        "failed",
        "error",
    ];

    /// Returns the name of the reason, for logs and statistics: one word, without details.
    pub fn name(&self) -> &'static str {
        Self::NAMES.get(self.number()).copied().unwrap_or_default()
    }

    /// Returns the index in [`NAMES`](Self::NAMES).
    pub(super) fn number(&self) -> usize {
        match self {
            Self::Finished => 0,
            Self::Busy => 1,
            Self::Draining => 2,
            Self::Lagged { .. } => 3,
            Self::HubClosed => 4,
            Self::Revoked => 5,
            Self::Fault(_) => 6,
            Self::Left => 7,
            Self::Stalled => 8,
            Self::Aborted => 9,
            Self::Failed(_) => 10,
            Self::Error(_) => 11,
        }
    }

    /// Returns the error that cut the response, or `None` if the response was sent completely. For
    /// a library that takes a [body](super::Connection::bare), and cuts the response if the body
    /// fails.
    pub fn into_error(self) -> Option<Box<dyn Error + Send + Sync>> {
        match self {
            Self::Finished | Self::Draining | Self::Lagged { .. } | Self::HubClosed | Self::Revoked => None,
            Self::Failed(error) | Self::Error(error) => Some(error),
            other => Some(format!("{other}").into()),
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("answered"),
            Self::Busy => f.write_str("rejected with status 503: too many connections"),
            Self::Draining => f.write_str("the server is shutting down"),
            Self::Lagged { missed } => write!(f, "the subscriber fell behind and missed {missed} events"),
            Self::HubClosed => f.write_str("the hub was closed"),
            Self::Revoked => f.write_str("the streams of the client were closed"),
            Self::Fault(fault) => fault.fmt(f),
            Self::Left => f.write_str("the client closed the connection"),
            Self::Stalled => f.write_str("the client stopped reading"),
            Self::Aborted => f.write_str("closed by the server"),
            Self::Failed(error) | Self::Error(error) => error.fmt(f),
        }
    }
}

/// A mistake of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The head of the request is invalid.
    Head(RequestHeadError),
    /// The method is not [served](ServerConfig::methods).
    Method {
        /// The method.
        method: String,
    },
    /// The body framing of the request is invalid.
    Body(BodyError),
    /// The body is larger than [`ServerConfig::body_bytes`].
    BodyTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The request was not complete within [`ServerConfig::head_timeout`] and
    /// [`ServerConfig::body_timeout`].
    Slow,
    /// The client sent more bytes after its request than [`ServerConfig::discarded_bytes`].
    Unasked {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl Fault {
    /// Returns the status of the error response (RFC 9110 section 15.5): 400, 405, 408, 413, 414,
    /// 431, 501 or 505.
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

/// Adds the header, unless it is invalid, which a caller's list of methods can cause.
pub(super) fn with_header(response: Response, name: &str, value: &str) -> Response {
    response.clone().with_header(name, value).unwrap_or(response)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(error) => error.fmt(f),
            Self::Method { method } => write!(f, "method {method} is not served"),
            Self::Body(error) => error.fmt(f),
            Self::BodyTooLarge { limit } => write!(f, "request body exceeds the limit of {limit} bytes"),
            Self::Slow => f.write_str("timed out waiting for the request"),
            Self::Unasked { limit } => write!(f, "bytes after the request exceed the limit of {limit} bytes"),
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
