//! Why an attempt failed, and why nothing more comes.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::error::Error;
use core::fmt;

use super::redirect::RedirectError;
use crate::LimitExceeded;
use crate::event::Preview;
#[cfg(feature = "http1")]
use crate::http1::ResponseError;

/// Why an attempt failed or a stream ended, so that the source connects again if it may.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The transport failed: an error that the caller reported.
    Transport(Box<dyn Error + Send + Sync>),
    /// The peer sent no proper HTTP, or the connection was cut inside a response.
    #[cfg(feature = "http1")]
    Http(ResponseError),
    /// The response was refused, with a status that [`SourceConfig::set_retry_status`](super::SourceConfig::set_retry_status) names.
    Refused(Refusal),
    /// The body ended, and nothing was lost.
    Ended,
    /// The body ended inside an event, or before the [`EndMarker`](super::EndMarker).
    Truncated,
    /// The body ended, and not one line of it was a field or a comment: something else than an event stream was sent as one.
    /// [`Session::refused_body`](crate::source::Session::refused_body) has its beginning. A body of blank lines is not meant.
    Unrecognized,
    /// It took too long.
    Timeout(Timeout),
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timeout {
    /// [`Timeouts::connect`](super::Timeouts::connect).
    Connect,
    /// [`Timeouts::response`](super::Timeouts::response).
    Response,
    /// [`Timeouts::silence`](super::Timeouts::silence).
    Silence,
    /// [`Timeouts::events`](super::Timeouts::events).
    Events,
}

/// Why a response is not taken for an event stream: the server's fault, unless a hook of the user's says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It has this status.
    Status(u16),
    /// It has another media type than `text/event-stream`; this one, empty where there is none.
    MediaType(String),
    /// Its body has a content coding, this one, though nobody asked for any.
    Coding(String),
    /// It leads elsewhere, to where the source does not go.
    Redirect(RedirectError),
    /// A check of the user's says so, with this reason.
    Other(Cow<'static, str>),
}

/// Why nothing more comes from an event source.
#[derive(Debug)]
#[non_exhaustive]
pub enum CloseReason {
    /// The caller closed it.
    ByCaller,
    /// The end marker came.
    Finished,
    /// The body ended, nothing was lost, and the source does not connect again.
    Ended,
    /// The server said, with status 204, that there is no more to come (HTML, "The EventSource interface").
    Stopped,
    /// The response is no event stream. [`Session::response`](crate::source::Session::response) and
    /// [`Session::refused_body`](crate::source::Session::refused_body) say more.
    Refused(Refusal),
    /// The connection was lost and the source does not connect again, or as many attempts have failed as may.
    Lost {
        /// What came last.
        cause: Cause,
        /// How many attempts have failed in a row.
        attempts: u32,
    },
    /// [`Timeouts::total`](super::Timeouts::total) is over.
    TimedOut,
    /// No attempt can succeed, as the caller said: it has not got what the URL takes.
    Unsupported(Box<dyn Error + Send + Sync>),
}

impl CloseReason {
    /// Whether this is an end, not a failure: [`ByCaller`](Self::ByCaller), [`Finished`](Self::Finished),
    /// [`Ended`](Self::Ended), [`Stopped`](Self::Stopped).
    pub fn is_normal(&self) -> bool {
        matches!(self, Self::ByCaller | Self::Finished | Self::Ended | Self::Stopped)
    }
}

/// What the plain stream of an event source fails with.
#[derive(Debug)]
#[non_exhaustive]
pub enum SourceError {
    /// An event exceeds a limit and is skipped. The stream goes on.
    Limit(LimitExceeded),
    /// Nothing more comes, and not because of a normal end.
    Closed(CloseReason),
}

impl SourceError {
    /// Whether events go on.
    pub fn is_recoverable(&self) -> bool {
        matches!(self, Self::Limit(_))
    }
}

pub(crate) const UNRECOGNIZED: &str = "no event stream: not one line of the body is a field or a comment";

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(f),
            #[cfg(feature = "http1")]
            Self::Http(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Ended => f.write_str("the stream ended"),
            Self::Truncated => f.write_str("the stream ended inside an event, or before its end marker"),
            Self::Unrecognized => f.write_str(UNRECOGNIZED),
            Self::Timeout(timeout) => timeout.fmt(f),
        }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection in time",
            Self::Response => "no response in time",
            Self::Silence => "the stream fell silent",
            Self::Events => "no event in time",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no event stream: ")?;
        match self {
            Self::Status(status) => write!(f, "the server answered with status {status}"),
            Self::MediaType(found) if found.is_empty() => f.write_str("the response has no media type"),
            Self::MediaType(found) => write!(f, "the response has the media type {:?}", Preview(found)),
            Self::Coding(found) => write!(f, "the body has the content coding {:?}", Preview(found)),
            Self::Redirect(error) => error.fmt(f),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByCaller => f.write_str("closed by the caller"),
            Self::Finished => f.write_str("the end marker came"),
            Self::Ended => Cause::Ended.fmt(f),
            Self::Stopped => f.write_str("the server has no more to send (status 204)"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Lost { cause, attempts: 0 | 1 } => cause.fmt(f),
            Self::Lost { cause, attempts } => write!(f, "{cause} (after {attempts} attempts)"),
            Self::TimedOut => f.write_str("the time for the whole stream is over"),
            Self::Unsupported(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(error) => error.fmt(f),
            Self::Closed(closed) => closed.fmt(f),
        }
    }
}

impl Error for Refusal {}

/// The text is that of the cause, so `source` is the cause's source; likewise below.
impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Transport(error) => error.source(),
            _ => None,
        }
    }
}

impl Error for CloseReason {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Lost { cause, .. } => cause.source(),
            Self::Unsupported(error) => error.source(),
            _ => None,
        }
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Closed(closed) => closed.source(),
            Self::Limit(_) => None,
        }
    }
}

impl From<LimitExceeded> for SourceError {
    fn from(error: LimitExceeded) -> Self {
        Self::Limit(error)
    }
}

impl From<CloseReason> for SourceError {
    fn from(closed: CloseReason) -> Self {
        Self::Closed(closed)
    }
}
