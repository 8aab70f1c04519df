//! Why an attempt failed, and why a source closed.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::error::Error;
use core::fmt::{self, Write as _};
use core::time::Duration;

use super::redirect::RedirectError;
use crate::event::Preview;
#[cfg(feature = "http1")]
use crate::http1::ResponseError;
use crate::{Event, LimitExceeded};

/// Why an attempt failed or a stream ended. The source reconnects if its configuration allows it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The transport failed with this error, which the caller reported.
    Transport(Box<dyn Error + Send + Sync>),
    /// The response is not valid HTTP, or was cut off.
    #[cfg(feature = "http1")]
    Http(ResponseError),
    /// The response was refused, with a status that
    /// [`SourceConfig::set_retry_status`](super::SourceConfig::set_retry_status) declares
    /// transient.
    Refused(RefusedResponse),
    /// The body ended, and nothing was lost.
    Ended,
    /// The body ended inside an event, or before the [`EndMarker`](super::EndMarker).
    Truncated,
    /// The body ended without a single field or comment line: something else was sent as an event
    /// stream. [`Session::refused_body`](crate::source::Session::refused_body) returns its
    /// beginning. A body of blank lines is not an error.
    Unrecognized,
    /// A timeout expired.
    Timeout(Timeout),
    /// [`SourceConfig::set_check_event`](super::SourceConfig::set_check_event) declares this event a
    /// transient failure.
    Event(Box<Event>),
}

/// The timeout that expired.
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

/// Why a response was not accepted as an event stream: the server's fault, unless a hook rejected
/// the response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The response has this status.
    Status(u16),
    /// The response has this media type instead of `text/event-stream`. Empty if it has none.
    MediaType(String),
    /// The body has this content coding, although none was requested.
    Coding(String),
    /// The response is a redirect that the source does not follow.
    Redirect(RedirectError),
    /// A hook rejected the response, for this reason.
    Other(Cow<'static, str>),
}

/// A response that was not accepted as an event stream. Its text is the reason and the beginning of
/// the body, which usually explains the error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedResponse {
    /// Why the response was refused.
    pub refusal: Refusal,
    /// The delay that the response requests by `Retry-After` (RFC 9110 section 10.2.3).
    pub retry_after: Option<Duration>,
    /// The beginning of the body, up to
    /// [`SourceConfig::refusal_bytes`](super::SourceConfig::refusal_bytes). Empty for a redirect.
    pub body: Box<[u8]>,
}

impl RefusedResponse {
    /// Returns the status, if that is the reason.
    pub fn status(&self) -> Option<u16> {
        match self.refusal {
            Refusal::Status(status) => Some(status),
            _ => None,
        }
    }
}

/// Why an event source closed.
#[derive(Debug)]
#[non_exhaustive]
pub enum CloseReason {
    /// The caller closed it.
    ByCaller,
    /// The end marker arrived.
    Finished,
    /// The body ended, nothing was lost, and the source does not reconnect.
    Ended,
    /// The server answered with status 204, which stops reconnecting (HTML, "The EventSource
    /// interface").
    Stopped,
    /// The response is not an event stream. [`Session::response`](crate::source::Session::response)
    /// has its headers.
    Refused(RefusedResponse),
    /// The connection was lost and the source does not reconnect, or the maximum number of attempts
    /// has failed.
    Lost {
        /// The last cause.
        cause: Cause,
        /// The number of consecutive failures.
        attempts: u32,
    },
    /// [`SourceConfig::set_check_event`](super::SourceConfig::set_check_event) declares this event a
    /// failure.
    Failed(Box<Event>),
    /// [`Timeouts::total`](super::Timeouts::total) expired.
    TimedOut,
    /// The server was not trusted, such as by its certificate, before any response.
    Untrusted(Box<dyn Error + Send + Sync>),
    /// The caller reported that no attempt can succeed, because it lacks something that the URL
    /// requires.
    Unsupported(Box<dyn Error + Send + Sync>),
}

impl CloseReason {
    /// Returns whether this is a normal end, not a failure: [`ByCaller`](Self::ByCaller),
    /// [`Finished`](Self::Finished), [`Ended`](Self::Ended) or [`Stopped`](Self::Stopped).
    pub fn is_normal(&self) -> bool {
        matches!(self, Self::ByCaller | Self::Finished | Self::Ended | Self::Stopped)
    }
}

/// The error of a plain stream of events.
#[derive(Debug)]
#[non_exhaustive]
pub enum SourceError {
    /// An event exceeded a limit and was skipped. The stream continues.
    Limit(LimitExceeded),
    /// The source closed, for a reason that is not a normal end.
    Closed(CloseReason),
}

impl SourceError {
    /// Returns whether the stream continues.
    pub fn is_recoverable(&self) -> bool {
        matches!(self, Self::Limit(_))
    }
}

pub(crate) const UNRECOGNIZED: &str = "not an event stream: no line of the body is a field or a comment";

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
            Self::Event(event) => write_failure(f, event),
        }
    }
}

fn write_failure(f: &mut fmt::Formatter<'_>, event: &Event) -> fmt::Result {
    write!(f, "the server reported a failure by an event {:?}", Preview(event.name()))?;
    write_excerpt(f, event.data())
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "timed out while connecting",
            Self::Response => "timed out waiting for the response",
            Self::Silence => "timed out waiting for data",
            Self::Events => "timed out waiting for an event",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an event stream: ")?;
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

impl fmt::Display for RefusedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)?;
        if let Some(delay) = self.retry_after.filter(|delay| !delay.is_zero()) {
            write!(f, ", retry after {} s", delay.as_secs())?;
        }
        write_excerpt(f, &String::from_utf8_lossy(&self.body))
    }
}

/// Appends the beginning of what the server says: enough for the message in the JSON of common APIs,
/// without the control characters that would forge lines of a log.
fn write_excerpt(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    const CHARS: usize = 256;
    let text = text.trim();
    if text.is_empty() {
        return Ok(());
    }
    f.write_str(": ")?;
    for char in text.chars().take(CHARS) {
        f.write_char(if char.is_control() { ' ' } else { char })?;
    }
    match text.char_indices().nth(CHARS) {
        Some((shown, _)) => write!(f, " and {} more bytes", text.len() - shown),
        None => Ok(()),
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByCaller => f.write_str("closed by the caller"),
            Self::Finished => f.write_str("the end marker was received"),
            Self::Ended => Cause::Ended.fmt(f),
            Self::Stopped => f.write_str("the server has no more to send (status 204)"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Lost { cause, attempts: 0 | 1 } => cause.fmt(f),
            Self::Lost { cause, attempts } => write!(f, "{cause} (after {attempts} attempts)"),
            Self::Failed(event) => write_failure(f, event),
            Self::TimedOut => f.write_str("the total timeout has expired"),
            Self::Untrusted(error) | Self::Unsupported(error) => error.fmt(f),
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

impl Error for RefusedResponse {}

/// `Display` prints the cause, so `source` returns the source of the cause; likewise below.
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
            Self::Untrusted(error) | Self::Unsupported(error) => error.source(),
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
