//! The configuration of an event source.

use alloc::borrow::Cow;
use alloc::string::String;
use core::time::Duration;

use super::backoff::Backoff;
use super::change::Change;
use super::reason::Refusal;
use super::redirect::RedirectError;
use super::response::check_response;
use crate::hook::{Hook, Shared};
use crate::http::{ResponseHead, Url};
use crate::{EventRef, Limits};

/// The configuration of a [`Session`](crate::source::Session).
///
/// The default follows the standard, with limits where the standard has none.
///
/// Hooks are closures, set by methods. Copies of a configuration share them. On targets with
/// atomics, a configuration is `Send` and `Sync`. On other targets (`thumbv6m`) it is neither,
/// because there is no `Arc` to share hooks with. A source remains usable after a hook has
/// panicked: it still waits for the response, but has lost the event that the hook was called for.
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
    /// The delay before the next attempt.
    pub backoff: Backoff,
    /// Whether the source reconnects. Default: [`Reconnect::IfGet`].
    pub reconnect: Reconnect,
    /// How long a stream must stay open to reset the count of failures. Default: 5 s.
    ///
    /// A response that ends sooner counts as a further consecutive failure, even if it carried
    /// events. The delay thus keeps growing for a server that accepts, sends a greeting and closes.
    pub healthy_after: Duration,
    /// The number of consecutive failures that close the source. Default: `None`, unlimited.
    pub max_attempts: Option<u32>,
    /// The maximum time from the first of consecutive failures to the start of another attempt. The
    /// source closes instead of starting an attempt later. Default: `None`, unlimited.
    pub max_elapsed: Option<Duration>,
    /// Timeouts for each phase of an attempt.
    pub timeouts: Timeouts,
    /// Limits on the memory of one event.
    pub limits: Limits,
    /// The maximum length of a last event id that attempts send, in bytes. Default: 4 KiB.
    ///
    /// A longer id is kept but not sent, and [`Signal::IdNotSent`](super::Signal::IdNotSent)
    /// reports it. Otherwise the server would reject every attempt with status 431 or 400. nginx
    /// and Apache accept header lines of up to 8 KiB, Node.js accepts heads of up to 16 KiB. Half
    /// of the smaller limit leaves room for the other headers, such as tokens and cookies, where a
    /// proxy limits the total.
    pub sent_id_bytes: usize,
    /// The maximum number of redirects that one attempt follows. Default: 20 (Fetch, "HTTP-redirect
    /// fetch"). A further redirect is refused. If 0, every redirect is refused by its status.
    ///
    /// A redirect to another origin drops credentials and all other user headers, except for
    /// `Accept`, `Content-Type` and similar ones. It keeps the body if its status keeps the method
    /// (307, 308), as browsers do (Fetch, "HTTP-redirect fetch"; RFC 9110 section 15.4.8): the
    /// redirecting server has already read the body. Redirects from `https` to `http` are never
    /// followed. [`set_check_redirect`](Self::set_check_redirect) can reject each redirect.
    pub max_redirects: u32,
    /// How many bytes are kept of a body that is not an event stream, which often explains the
    /// error; see [`Session::refused_body`](crate::source::Session::refused_body). Default: 8 KiB.
    /// The rest of a refused response is not read.
    pub refusal_bytes: usize,
    /// How a stream marks its final end. Default: [`EndMarker::None`].
    pub end: EndMarker,
    /// Whether a clean end of the body completes the last event. Default: `false`, the incomplete
    /// event is dropped and the end is [`Cause::Truncated`](super::Cause::Truncated), as the
    /// specification requires (HTML, "Interpreting an event stream").
    ///
    /// Enable it for servers that omit the last blank line: the event is delivered as if the blank
    /// line had followed. An end that is not clean never completes an event: a transport error, a
    /// chunked body without its last chunk, a body shorter than its length. A body with neither a
    /// length nor chunks can only end with its connection, so a server that stops in the middle of
    /// an event ends such a body cleanly, too.
    pub deliver_incomplete: bool,
    /// Whether to ask for compressed streams, by `Accept-Encoding: gzip`, and to decompress them.
    /// Default: `false`. Costs about 60 KiB for an open compressed stream.
    ///
    /// The head of a compressed response is shown without `Content-Encoding` and `Content-Length`.
    /// A body that grows to more than 1 MiB and 128 times the bytes received fails the attempt, as
    /// does one that is not valid: with [`Cause::Transport`](super::Cause::Transport) of a
    /// [`ReceiveError::Gunzip`](crate::ReceiveError::Gunzip). An `Accept-Encoding` header of yours
    /// is sent instead.
    #[cfg(feature = "gzip")]
    pub accept_gzip: bool,
    /// `None` means [`check_response`].
    check: Option<Hook<Shared<Check>>>,
    /// `None` means that no redirect is rejected.
    check_redirect: Option<Hook<Shared<CheckRedirect>>>,
    /// `None` means that no status is retried.
    retry_status: Option<Hook<Shared<RetryStatus>>>,
    /// `None` means that all events are delivered.
    check_event: Option<Hook<Shared<CheckEvent>>>,
    /// `None` means that nobody is told.
    on_change: Option<Hook<Shared<OnChange>>>,
}

impl SourceConfig {
    /// Sets the check that decides which responses are event streams. A rejected response closes
    /// the source, unless [`set_retry_status`](Self::set_retry_status) makes it transient. Default:
    /// [`check_response`].
    ///
    /// The check is not called for followed redirects and status 204.
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

    /// Sets which refused statuses are transient, so that the source reconnects. Default: none, as
    /// the specification requires. [`is_transient`] is the usual choice. A `Retry-After` is then
    /// the minimum delay.
    pub fn set_retry_status(&mut self, retries: impl Fn(u16) -> bool + Send + Sync + 'static) {
        self.retry_status = Some(Hook(Shared::new(retries)));
    }

    /// Sets a check for redirects. It is called before anything is sent, with the redirecting URL
    /// and the target URL, and can reject the redirect with a reason. A rejection closes the source
    /// with [`RedirectError::Vetoed`](super::RedirectError::Vetoed). Default: all redirects that
    /// [`max_redirects`](Self::max_redirects) allows are followed.
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

    /// Sets a check for events, for servers that report a failure by an event after status 200. An
    /// event that fails is not delivered: it ends the stream, and is in the cause of the next attempt
    /// ([`Cause::Event`](super::Cause::Event)), or in the reason of the close
    /// ([`CloseReason::Failed`](super::CloseReason::Failed)). Default: all events are delivered.
    ///
    /// ```
    /// use sse_proto::source::{SourceConfig, Verdict};
    ///
    /// let mut config = SourceConfig::default();
    /// config.set_check_event(|event| match event.name() {
    ///     "error" if event.data().contains("overloaded") => Verdict::Retry,
    ///     "error" => Verdict::Fail,
    ///     _ => Verdict::Deliver,
    /// });
    /// ```
    pub fn set_check_event(&mut self, check: impl Fn(EventRef<'_>) -> Verdict + Send + Sync + 'static) {
        self.check_event = Some(Hook(Shared::new(check)));
    }

    /// Sets a callback for each opened stream, lost connection and close, for logs and statistics of
    /// programs that read plain events. It must not block. With the feature `tracing`, the same is
    /// also logged by the crate of that name, with the target `sse`: as a warning what fails, as
    /// debug information the rest.
    ///
    /// ```
    /// use sse_proto::source::{Change, SourceConfig};
    ///
    /// let mut config = SourceConfig::default();
    /// config.set_on_change(|change| match change {
    ///     Change::Reconnecting { .. } => eprintln!("{change}"),
    ///     _ => {}
    /// });
    /// ```
    pub fn set_on_change(&mut self, on_change: impl Fn(Change<'_>) + Send + Sync + 'static) {
        self.on_change = Some(Hook(Shared::new(on_change)));
    }

    /// Returns whether to ask for compressed streams.
    pub(super) fn accepts_gzip(&self) -> bool {
        #[cfg(feature = "gzip")]
        let accepts = self.accept_gzip;
        #[cfg(not(feature = "gzip"))]
        let accepts = false;
        accepts
    }

    /// Reports a change.
    pub(super) fn report(&self, change: Change<'_>) {
        #[cfg(feature = "tracing")]
        change.trace();
        if let Some(on_change) = &self.on_change {
            (on_change.0)(change);
        }
    }

    /// Returns whether every event is delivered without a look at it.
    pub(super) fn takes_all_events(&self) -> bool {
        self.check_event.is_none() && matches!(self.end, EndMarker::None)
    }

    /// Applies the check for events.
    pub(super) fn check_event(&self, event: EventRef<'_>) -> Verdict {
        self.check_event.as_ref().map_or(Verdict::Deliver, |check| (check.0)(event))
    }

    /// Applies the check for redirects.
    pub(super) fn check_redirect(&self, from: &Url, to: &Url) -> Result<(), RedirectError> {
        self.check_redirect
            .as_ref()
            .map_or(Ok(()), |check| (check.0)(from, to).map_err(RedirectError::Vetoed))
    }

    /// Applies the check for responses.
    pub(super) fn check(&self, head: &ResponseHead) -> Result<(), Refusal> {
        self.check.as_ref().map_or_else(|| check_response(head), |check| (check.0)(head))
    }

    /// Returns whether a refused response fails only this attempt.
    pub(super) fn retries(&self, refusal: &Refusal) -> bool {
        match (refusal, &self.retry_status) {
            (Refusal::Status(status), Some(retries)) => (retries.0)(*status),
            _ => false,
        }
    }
}

/// What becomes of an event; see [`SourceConfig::set_check_event`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The event is delivered.
    #[default]
    Deliver,
    /// The event is a transient failure: the source reconnects, if its configuration allows it.
    Retry,
    /// The event is a failure that closes the source.
    Fail,
}

type OnChange = dyn Fn(Change<'_>) + Send + Sync;

type CheckEvent = dyn Fn(EventRef<'_>) -> Verdict + Send + Sync;

type RetryStatus = dyn Fn(u16) -> bool + Send + Sync;

type CheckRedirect = dyn Fn(&Url, &Url) -> Result<(), Cow<'static, str>> + Send + Sync;

/// The type of a response check.
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
            #[cfg(feature = "gzip")]
            accept_gzip: false,
            check: None,
            check_redirect: None,
            retry_status: None,
            check_event: None,
            on_change: None,
        }
    }
}

/// Returns whether a status is usually transient: 408, 425, 429, and 500 and above. For
/// [`SourceConfig::set_retry_status`].
pub fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

/// Whether an event source reconnects after an end or a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reconnect {
    /// Reconnect if the request is a `GET`. Repeating another request might order, pay or compute
    /// twice.
    #[default]
    IfGet,
    /// Reconnect whatever the method.
    Always,
    /// Make a single attempt.
    Never,
}

/// Timeouts for each phase of an attempt. A timeout fails the attempt, and the source reconnects;
/// `total` closes the source.
///
/// Only the time spent waiting for the peer counts. A caller that spends long on an event does not
/// cause a timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// The deadline for the connection. Default: 10 s. `None` waits forever.
    pub connect: Option<Duration>,
    /// The deadline for the response head, once connected. Default: 60 s. `None` waits forever.
    pub response: Option<Duration>,
    /// The maximum time without any byte on an open stream, comments included. Default: `None`,
    /// unlimited. If the server sends heartbeats, set about three times their interval. Without
    /// this timeout, a vanished peer goes unnoticed.
    pub silence: Option<Duration>,
    /// The maximum time without an event on an open stream, whatever else arrives. Default: `None`,
    /// unlimited.
    pub events: Option<Duration>,
    /// The deadline for the whole source, from the first want on. Default: `None`, unlimited.
    pub total: Option<Duration>,
    /// The deadline for the body of a refused response, of which at most
    /// [`SourceConfig::refusal_bytes`] are read. Default: 5 s. The bytes received by then are kept.
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

/// How a stream marks its final end. If set, a body that ends before the marker is a failure.
///
/// The marker may be the last block of a body that ends cleanly, even without its blank line;
/// [`SourceConfig::deliver_incomplete`] defines a clean end, and whether the user receives such a
/// block.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum EndMarker {
    /// There is no end marker: the end of the body is an ordinary end.
    #[default]
    None,
    /// An event with this data, such as `[DONE]`, which is not delivered to the user.
    Data(String),
    /// An event with this name, such as `message_stop`, which is delivered to the user, because it
    /// may carry data.
    ///
    /// A block with this name but without data also ends the stream, although it is not dispatched
    /// as an event.
    Name(String),
    /// An event that satisfies a predicate; see [`EndMarker::when`]. It is delivered to the user.
    When(EndPredicate),
}

impl EndMarker {
    /// Marks the end by an event for which `is_marker` returns `true`. The event is delivered to
    /// the user.
    ///
    /// `is_marker` is also called for blocks that name an event but have no data, which are not
    /// dispatched as events.
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

    /// Returns whether blocks without data can be the marker.
    pub(super) fn may_lack_data(&self) -> bool {
        matches!(self, Self::Name(_) | Self::When(_))
    }

    /// Returns whether this block, with or without data, is the marker.
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

/// The predicate of [`EndMarker::when`].
#[derive(Clone, Debug)]
pub struct EndPredicate(Hook<Shared<IsMarker>>);

type IsMarker = dyn Fn(EventRef<'_>) -> bool + Send + Sync;
