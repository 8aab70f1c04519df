//! The configuration of an event source.

use alloc::borrow::Cow;
use alloc::string::String;
use core::time::Duration;

use super::backoff::Backoff;
use super::reason::Refusal;
use super::redirect::RedirectError;
use super::response::check_response;
use crate::hook::{Hook, Shared};
use crate::http::{ResponseHead, Url};
use crate::{EventRef, Limits};

/// The configuration of a [`Session`](crate::source::Session).
///
/// The default is what the standard demands, with limits where it has none.
///
/// Hooks are closures, set by the methods; copies of a configuration share them. On targets with atomics a configuration is
/// `Send` and `Sync`; on the others (`thumbv6m`) it is neither, since there is no `Arc` to share a hook by. A source can be used
/// on after a hook has panicked: it still waits for the response, and has lost the event that the hook was asked about.
///
/// ```
/// use core::time::Duration;
/// use sse_proto::source::{SourceConfig, EndMarker, is_transient};
///
/// let mut config = SourceConfig::default();
/// config.timeouts.silence = Some(Duration::from_secs(45));
/// config.set_retry_status(is_transient);
/// config.end = EndMarker::Data("[DONE]".into());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceConfig {
    /// How long to wait before the next attempt.
    pub backoff: Backoff,
    /// Whether there is a next attempt. Default: [`Reconnect::IfGet`].
    pub reconnect: Reconnect,
    /// How long a stream has to be open for the failures before it to be forgotten. Default 5 s.
    ///
    /// A response that ends sooner counts as one more failure in a row, whatever came in it: a server that answers, sends a
    /// greeting and closes is not asked faster and faster.
    pub healthy_after: Duration,
    /// How many failures in a row close the source. Default: none do.
    pub max_attempts: Option<u32>,
    /// For how long after the first failure in a row attempts go on: one that would begin later closes the source instead.
    /// Default: for ever.
    pub max_elapsed: Option<Duration>,
    /// Timeouts of each phase of an attempt.
    pub timeouts: Timeouts,
    /// How much of one event is held in memory.
    pub limits: Limits,
    /// The longest last event id that attempts send, in bytes. Default 4 KiB.
    ///
    /// A longer one is kept, but the attempt goes without it, and [`Signal::IdNotSent`](super::Signal::IdNotSent) says so:
    /// otherwise the server would refuse every attempt, with status 431 or 400. nginx and Apache take header lines of up to
    /// 8 KiB, Node.js takes 16 KiB for the whole head; half of the smaller leaves room for the other headers, tokens and cookies
    /// among them, where a proxy limits them together.
    pub sent_id_bytes: usize,
    /// How many redirects one attempt follows. Default 20 (Fetch, "HTTP-redirect fetch"); one more is refused, and with 0 a
    /// redirect is a refused status.
    ///
    /// To another origin goes neither a credential nor any other header of the user's, apart from `Accept`, `Content-Type` and
    /// the like. The body goes along where the status keeps the method (307, 308), as it does with browsers (Fetch, "HTTP-redirect
    /// fetch"; RFC 9110 section 15.4.8): the server that redirects has read it already. From `https` to `http` no redirect is
    /// followed. [`set_check_redirect`](Self::set_check_redirect) is asked about each.
    pub max_redirects: u32,
    /// How many bytes are kept of a body that is no event stream, where services say what they did not like;
    /// [`Session::refused_body`](crate::source::Session::refused_body) has them. Default 8 KiB. The rest of a refused response
    /// is not read.
    pub refusal_bytes: usize,
    /// What the last event looks like, where a stream ends for good. Default: [`EndMarker::None`].
    pub end: EndMarker,
    /// Whether a body that ends cleanly completes its last event: the event is given as if a blank line had followed. Default
    /// `false`: it is dropped, and the end is [`Cause::Truncated`](super::Cause::Truncated), as the specification requires (HTML,
    /// "Interpreting an event stream").
    ///
    /// For servers that leave out the last blank line. After a cut nothing is ever completed: a transport error, a chunked body
    /// without its last chunk, a body that is shorter than its length. But a body without length and chunks has no other end
    /// than that of its connection, so that a server that stops in the middle of an event ends it cleanly too.
    pub deliver_incomplete: bool,
    /// `None`: [`check_response`].
    check: Option<Hook<Shared<Check>>>,
    /// `None`: all are followed.
    check_redirect: Option<Hook<Shared<CheckRedirect>>>,
    /// `None`: no status.
    retry_status: Option<Hook<Shared<RetryStatus>>>,
}

impl SourceConfig {
    /// Sets which responses are event streams. Whatever the check refuses closes the source, unless
    /// [`set_retry_status`](Self::set_retry_status) says otherwise. Default: [`check_response`].
    ///
    /// Redirects that are followed and status 204 do not come this far.
    ///
    /// ```
    /// use sse_proto::source::{SourceConfig, Refusal, check_response};
    ///
    /// // A server that forgets the media type.
    /// let mut config = SourceConfig::default();
    /// config.set_check(|head| match check_response(head) {
    ///     Err(Refusal::MediaType(found)) if found.is_empty() => Ok(()),
    ///     verdict => verdict,
    /// });
    /// ```
    pub fn set_check(
        &mut self,
        check: impl Fn(&ResponseHead) -> Result<(), Refusal> + Send + Sync + 'static,
    ) {
        self.check = Some(Hook(Shared::new(check)));
    }

    /// Sets which refused statuses mean "not now", so that the source connects again. Default: none, as the specification requires;
    /// [`is_transient`] is the usual choice beyond it. A `Retry-After` is then the shortest wait.
    pub fn set_retry_status(&mut self, retries: impl Fn(u16) -> bool + Send + Sync + 'static) {
        self.retry_status = Some(Hook(Shared::new(retries)));
    }

    /// Sets which redirects are followed: the function gets the URL that redirects and the URL that it leads to, before anything
    /// is sent there, and refuses with a reason. That closes the source with
    /// [`RedirectError::Vetoed`](super::RedirectError::Vetoed). Default: all that [`max_redirects`](Self::max_redirects) allows.
    ///
    /// ```
    /// use sse_proto::source::SourceConfig;
    ///
    /// // The body of the request is for this service only.
    /// let mut config = SourceConfig::default();
    /// config.set_check_redirect(|from, to| {
    ///     if to.has_origin_of(from) { Ok(()) } else { Err("it leads to another origin".into()) }
    /// });
    /// ```
    pub fn set_check_redirect(
        &mut self,
        check: impl Fn(&Url, &Url) -> Result<(), Cow<'static, str>> + Send + Sync + 'static,
    ) {
        self.check_redirect = Some(Hook(Shared::new(check)));
    }

    /// Judges a redirect.
    pub(super) fn check_redirect(&self, from: &Url, to: &Url) -> Result<(), RedirectError> {
        self.check_redirect
            .as_ref()
            .map_or(Ok(()), |check| (check.0)(from, to).map_err(RedirectError::Vetoed))
    }

    /// Judges a response.
    pub(super) fn check(&self, head: &ResponseHead) -> Result<(), Refusal> {
        self.check.as_ref().map_or_else(|| check_response(head), |check| (check.0)(head))
    }

    /// Whether a response that was refused for this reason is a failure of the attempt only.
    pub(super) fn retries(&self, refusal: &Refusal) -> bool {
        match (refusal, &self.retry_status) {
            (Refusal::Status(status), Some(retries)) => (retries.0)(*status),
            _ => false,
        }
    }
}

type RetryStatus = dyn Fn(u16) -> bool + Send + Sync;

type CheckRedirect = dyn Fn(&Url, &Url) -> Result<(), Cow<'static, str>> + Send + Sync;

/// Judges responses.
pub(crate) type Check = dyn Fn(&ResponseHead) -> Result<(), Refusal> + Send + Sync;

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            reconnect: Reconnect::IfGet,
            healthy_after: Duration::from_secs(5),
            max_attempts: None,
            max_elapsed: None,
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            sent_id_bytes: 4 * 1024,
            max_redirects: 20,
            refusal_bytes: 8 * 1024,
            end: EndMarker::None,
            deliver_incomplete: false,
            check: None,
            check_redirect: None,
            retry_status: None,
        }
    }
}

/// The statuses that usually pass: 408, 425, 429 and all from 500 on. For [`SourceConfig::set_retry_status`].
pub fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

/// Whether an event source connects again after an end or a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reconnect {
    /// If the request is a `GET`. To repeat another one may order, pay or compute twice.
    #[default]
    IfGet,
    /// Whatever the method.
    Always,
    /// One attempt is all.
    Never,
}

/// Timeouts of each phase of an attempt. A timeout fails the attempt, and the source connects again; `total` closes the source.
///
/// Only waiting for the peer counts: a caller who takes long over an event does not time out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a connection. Default 10 s.
    pub connect: Option<Duration>,
    /// For the head of the response, once connected. Default 60 s.
    pub response: Option<Duration>,
    /// For any byte of an open stream, comments included. Default: none. Servers that send heartbeats allow one: about three
    /// times their interval. Without it a peer that vanished is not noticed.
    pub silence: Option<Duration>,
    /// For an event of an open stream, whatever else may come. Default: none.
    pub events: Option<Duration>,
    /// For everything, from the first want on. Default: none.
    pub total: Option<Duration>,
    /// For the body of a refused response, to the end or to [`SourceConfig::refusal_bytes`]. Default 5 s; then what is there is all.
    pub refusal: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Some(Duration::from_secs(10)),
            response: Some(Duration::from_secs(60)),
            silence: None,
            events: None,
            total: None,
            refusal: Duration::from_secs(5),
        }
    }
}

/// How a stream says that it ends for good. The end of a body before the marker is a failure.
///
/// At the clean end of a body, its last block may be the marker without the blank line that completes it; see
/// [`SourceConfig::deliver_incomplete`] for what a clean end is. The block is then given to the user only where that field says so.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum EndMarker {
    /// It does not say: the end of the body is just that.
    #[default]
    None,
    /// An event with this data, which carries nothing else and is not given to the user: `[DONE]`.
    Data(String),
    /// An event of this name. It is given to the user, as it may carry something: `message_stop`.
    ///
    /// A block that names the event and has no data ends the stream too, though it is no event to dispatch.
    Name(String),
    /// An event of which a function says so: [`EndMarker::when`]. It is given to the user.
    When(EndPredicate),
}

impl EndMarker {
    /// An event of which `is_marker` is true. It is given to the user.
    ///
    /// The function is also asked about blocks that name an event and have no data, which are no events to dispatch.
    ///
    /// ```
    /// use sse_proto::source::{SourceConfig, EndMarker};
    ///
    /// let last = String::from("41");
    /// let mut config = SourceConfig::default();
    /// config.end = EndMarker::when(move |event| event.id() == Some(&last));
    /// ```
    pub fn when(is_marker: impl Fn(EventRef<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self::When(EndPredicate(Hook(Shared::new(is_marker))))
    }

    /// Whether blocks without data have to be looked at.
    pub(super) fn may_lack_data(&self) -> bool {
        matches!(self, Self::Name(_) | Self::When(_))
    }

    /// Whether this block, an event or one without data, is the marker.
    pub(super) fn is_met_by(&self, block: EventRef<'_>) -> bool {
        let is_named = block.event_field().is_some() || block.data_field().is_some();
        match self {
            Self::None => false,
            Self::Data(data) => block.data_field() == Some(data),
            Self::Name(name) => is_named && block.name() == name,
            Self::When(is_marker) => is_named && (is_marker.0.0)(block),
        }
    }
}

/// The function that [`EndMarker::when`] was given.
#[derive(Clone, Debug)]
pub struct EndPredicate(Hook<Shared<IsMarker>>);

type IsMarker = dyn Fn(EventRef<'_>) -> bool + Send + Sync;
