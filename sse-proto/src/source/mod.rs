//! The reconnecting client of an event stream: when to connect, with which request, and what to
//! make of the response.
//!
//! [`Session`] is the machine, [`SourceConfig`] its configuration. The modules: `state` holds the
//! table of transitions, `request` the request and its redirects, `clock` the deadlines, `want` the
//! next step, `response` the interpretation of responses, `backoff` the delays.

mod backoff;
mod change;
mod clock;
mod config;
mod http_date;
mod reason;
mod redirect;
mod request;
mod response;
mod signal;
mod state;
mod want;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::time::Duration;

pub use self::backoff::Backoff;
pub use self::change::Change;
#[cfg(feature = "http1")]
pub(crate) use self::config::Check;
pub use self::config::{EndMarker, EndPredicate, Reconnect, SourceConfig, Timeouts, Verdict, is_transient};
pub(crate) use self::reason::UNRECOGNIZED;
pub use self::reason::{Cause, CloseReason, Refusal, RefusedResponse, SourceError, Timeout};
pub use self::redirect::RedirectError;
pub use self::response::check_response;
pub use self::signal::{IdNotSent, Signal};
pub use self::want::Want;

use self::clock::{Clock, Due};
use self::request::Route;
use self::state::{Input, State};
use crate::http::{HeaderError, Request, ResponseHead};
use crate::random::Random;
use crate::{EventRef, Instant, Item, Receiver, header};

/// Stays subscribed to an event stream over any HTTP client.
///
/// The caller owns the connection and the clock, does what the session wants, and reports the
/// results. The last event id, the reconnection time and the count of failures survive
/// reconnections, so that the stream resumes where it was interrupted.
///
/// ```text
///           ┌──────────────────────────────────────── due ─────────────────────────────────────────┐
///           ▼                                                                                      │
///  new ──► Idle ── asked ──► Preparing ── prepared ──► Connecting ── lost ──────────────────────► Waiting
///                               │                      │  ▲  │  └──── refused ──► Refused ────────► ▲ ▲
///                               │            redirected└──┘  └─ accepted ──► Open ── lost, ended ───┘ │
///                               └── lost ─────────────────────────────────────────────────────────────┘
///
///  if the source does not reconnect, every arrow to Waiting leads to Closed; so do, from any state, close,
///  the end marker, status 204, a refused redirect and the total timeout; restart leads to Idle
/// ```
///
/// | want | what to do | what to report |
/// |---|---|---|
/// | [`Prepare`](Want::Prepare) | drop the connection, and modify [`request_mut`](Self::request_mut) if necessary | [`handle_prepared`](Self::handle_prepared) |
/// | [`Request`](Want::Request) | send [`request`](Self::request) without following redirects | [`handle_connected`](Self::handle_connected), [`handle_response`](Self::handle_response) |
/// | [`Read`](Want::Read) | read some of the body | [`handle_read`](Self::handle_read) or [`handle_bytes`](Self::handle_bytes), [`handle_end`](Self::handle_end) |
/// | [`Event`](Want::Event) | take [`event`](Self::event) | nothing; returned once |
/// | [`Signal`](Want::Signal) | take [`take_signal`](Self::take_signal) | nothing; returned once |
/// | [`Limit`](Want::Limit) | report it to the user | nothing; returned once |
/// | [`Yield`](Want::Yield) | yield to other tasks | nothing; returned once |
/// | [`Wait`](Want::Wait) | drop the connection, and wait for the deadline | [`handle_deadline`](Self::handle_deadline) |
/// | [`Closed`](Want::Closed) | drop the connection; [`take_closed`](Self::take_closed) returns the reason | nothing |
///
/// There is no cookie store: a `Set-Cookie` has no effect, not even in a redirect. Set a `Cookie`
/// header on the request, or leave cookies to the HTTP library beneath the session.
///
/// Report any failure of the connection with [`handle_error`](Self::handle_error), and a deadline
/// that has passed with [`handle_deadline`](Self::handle_deadline). A report that does not apply to
/// the current state is ignored.
///
/// ```
/// use core::time::Duration;
/// use sse_proto::http::{Request, ResponseHead};
/// use sse_proto::source::{CloseReason, SourceConfig, EndMarker, Want};
/// use sse_proto::Instant;
/// use sse_proto::source::Session;
///
/// // A server that refuses the first connection, then cuts a stream.
/// let mut server = vec![Some("data: two\n\nevent: bye\ndata\n\n"), Some("id: 1\ndata: one\n\ndata: tw"), None];
/// // In a program, read the clock.
/// let mut now = Instant::default();
///
/// let mut config = SourceConfig::default();
/// config.end = EndMarker::Name("bye".into());
/// let seed = 42; // from your source of randomness
/// let mut source = Session::new(Request::get("http://example.com/events")?, seed).with_config(config);
/// let mut body = &b""[..];
/// let mut seen = Vec::new();
/// let closed = loop {
///     let (want, deadline) = source.want(now);
///     match want {
///         Want::Prepare => {
///             source.request_mut().set_header("Authorization", "Bearer fresh")?;
///             source.handle_prepared(now);
///         }
///         Want::Request => match server.pop().flatten() {
///             Some(stream) => {
///                 source.handle_connected(now);
///                 let head = ResponseHead::new(200).with_header("content-type", b"text/event-stream");
///                 source.handle_response(now, head);
///                 body = stream.as_bytes();
///             }
///             None => source.handle_error(now, "connection refused"),
///         },
///         Want::Read if body.is_empty() => source.handle_end(now),
///         Want::Read => {
///             let taken = source.handle_bytes(now, body);
///             body = &body[taken..];
///         }
///         Want::Event => seen.push(source.event().data().to_owned()),
///         // In a program, sleep until the deadline.
///         Want::Wait => {
///             now = deadline.expect("a wait has a deadline");
///             source.handle_deadline(now);
///         }
///         Want::Closed => break source.take_closed(),
///         _ => {}
///     }
/// };
/// assert_eq!(seen, ["one", "two", ""]);
/// assert_eq!(source.request().header("last-event-id"), Some(&b"1"[..]));
/// assert!(matches!(closed, Some(CloseReason::Finished)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session {
    config: SourceConfig,
    random: Random,
    state: State,
    route: Route,
    clock: Clock,
    receiver: Receiver,
    /// Why the connection was lost, while its remaining bytes are being decoded.
    lost: Option<Cause>,
    /// The number of requests sent.
    exchanges: u32,
    /// The number of consecutive failures.
    failures: u32,
    /// Whether there was a response to any attempt.
    has_answered: bool,
    response: Option<ResponseHead>,
    refused_body: Vec<u8>,
    /// The signal that the caller can take before the next want.
    current: Option<Signal>,
    /// Pending signals: an id that could not be sent, an opened stream, a reconnection time, a lost
    /// connection.
    id_not_sent: Option<IdNotSent>,
    opened: bool,
    /// Whether the reconnection time may have changed.
    retry_noted: bool,
    reconnecting: Option<Signal>,
    /// The reconnection time that was reported last.
    told_retry: Option<Duration>,
    /// Whether the last event was the end marker.
    end_marker_seen: bool,
    /// The reason, until it is taken.
    closed: Option<CloseReason>,
}

impl Session {
    /// Creates a session for this request. `seed` must be random; it makes the jitter differ from
    /// that of other clients.
    ///
    /// Each attempt sends the request with the current last event id, which starts with the
    /// request's own `Last-Event-ID` header.
    pub fn new(request: Request, seed: u64) -> Self {
        let mut receiver = Receiver::new();
        adopt_id(&mut receiver, &request);
        Self {
            config: SourceConfig::default(),
            random: Random::new(seed),
            state: State::Idle,
            route: Route::new(request),
            clock: Clock::default(),
            receiver,
            lost: None,
            exchanges: 0,
            failures: 0,
            has_answered: false,
            response: None,
            refused_body: Vec::new(),
            current: None,
            id_not_sent: None,
            opened: false,
            reconnecting: None,
            retry_noted: false,
            told_retry: None,
            end_marker_seen: false,
            closed: None,
        }
    }

    /// Sets the configuration.
    #[must_use]
    pub fn with_config(mut self, config: SourceConfig) -> Self {
        self.receiver = self.receiver.with_limits(config.limits);
        Self { config, ..self }
    }

    /// Changes the configuration.
    #[must_use]
    pub fn configure(self, change: impl FnOnce(&mut SourceConfig)) -> Self {
        let mut config = self.config.clone();
        change(&mut config);
        self.with_config(config)
    }

    /// Adds a header to the request; see [`Request::with_header`].
    ///
    /// # Errors
    /// If the name or the value is not valid in a header, or the header is one that frames the body.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, HeaderError> {
        self.route.add_header(name, value)?;
        if name.eq_ignore_ascii_case(header::LAST_EVENT_ID) {
            adopt_id(&mut self.receiver, self.route.request());
        }
        Ok(self)
    }

    /// Returns the next step, and the deadline for it. Report a deadline that has passed with
    /// [`handle_deadline`](Self::handle_deadline).
    pub fn want(&mut self, now: Instant) -> (Want, Option<Instant>) {
        self.next::<false>(now)
    }

    /// Like [`want`](Self::want), but also returns [`Want::Signal`].
    pub fn want_signal(&mut self, now: Instant) -> (Want, Option<Instant>) {
        self.next::<true>(now)
    }

    /// Reports that the request of this attempt is ready to be sent. If preparing it failed, call
    /// [`handle_error`](Self::handle_error) instead, which fails the attempt.
    pub fn handle_prepared(&mut self, now: Instant) {
        self.transition(now, Input::Prepared);
    }

    /// Reports the result of preparing: a request that replaces the one of this attempt, or an
    /// error that fails the attempt.
    pub fn handle_request<E>(&mut self, now: Instant, prepared: Result<Request, E>)
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        match prepared {
            // The report is late: the attempt no longer waits for it.
            _ if !matches!(self.state, State::Preparing) => {}
            Ok(request) => {
                *self.request_mut() = request;
                self.handle_prepared(now);
            }
            Err(error) => self.handle_error(now, error),
        }
    }

    /// Reports that the connection is established, or that the caller does not report connections.
    /// From now on, the timeout of the response applies.
    pub fn handle_connected(&mut self, now: Instant) {
        self.clock.set_connected(now);
    }

    /// Reports the wall clock time, as the duration since 1970 in UTC. Call it on each
    /// [`Want::Prepare`], because wall clocks are adjusted.
    ///
    /// It is only needed for a `Retry-After` with a date in a response without a `Date` (RFC 9110
    /// section 10.2.3). Without a wall clock, such a `Retry-After` is ignored.
    pub fn set_wall_clock(&mut self, now: Instant, since_unix_epoch: Duration) {
        self.clock.set_wall(now, since_unix_epoch);
    }

    /// Reports the head of the response.
    pub fn handle_response(&mut self, now: Instant, mut head: ResponseHead) {
        if !matches!(self.state, State::Connecting) {
            return;
        }
        let is_coded = self.config.accepts_gzip() && response::take_gzip(&mut head);
        let target = self.route.target(&head, self.config.max_redirects).map(|target| {
            let url = target?;
            self.config.check_redirect(self.request().url(), &url).map(|()| url)
        });
        let input = match target {
            Some(Ok(url)) => Input::Redirected { status: head.status(), url },
            Some(Err(error)) => {
                let refusal = Refusal::Redirect(error);
                let refused = RefusedResponse { refusal, retry_after: None, body: Box::default() };
                Input::Close(CloseReason::Refused(refused))
            }
            None if head.status() == 204 => Input::Close(CloseReason::Stopped),
            None => match self.config.check(&head) {
                Ok(()) => Input::Accepted,
                Err(refusal) => Input::Refused { is_transient: self.config.retries(&refusal), refusal },
            },
        };
        if is_coded {
            self.receiver.expect_gzip();
        }
        self.has_answered = true;
        self.response = Some(head);
        self.transition(now, input);
    }

    /// Returns the buffer to read the body into. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.receiver.space()
    }

    /// Reports a read of `count` bytes of the body, which the caller has placed at the start of
    /// [`space`](Self::space). `0` reports the end of the body.
    ///
    /// A count larger than the space counts as the whole space. A report without [`Want::Read`] is
    /// ignored.
    pub fn handle_read(&mut self, now: Instant, count: usize) {
        if count == 0 {
            return self.handle_end(now);
        }
        if self.reads() && self.receiver.is_empty() {
            self.clock.note_bytes();
            self.receiver.handle_read(count);
        }
    }

    /// Reports bytes of the body, and returns how many the session took. Report the rest when it
    /// wants the next read. Bytes of a body that it does not want are all taken and ignored.
    pub fn handle_bytes(&mut self, _now: Instant, bytes: &[u8]) -> usize {
        if !self.reads() {
            return bytes.len();
        }
        let taken = self.receiver.handle_bytes(bytes);
        if taken > 0 {
            self.clock.note_bytes();
        }
        taken
    }

    /// Reports the clean end of the body.
    pub fn handle_end(&mut self, now: Instant) {
        if self.reads() {
            self.receiver.handle_end();
        } else {
            // The caller does the HTTP, and reports an end before the head.
            self.transition(now, Input::Ended);
        }
    }

    /// Reports that the connection failed. Events that have already arrived are still delivered.
    pub fn handle_error(&mut self, now: Instant, error: impl Into<Box<dyn Error + Send + Sync>>) {
        let cause = Cause::Transport(error.into());
        if self.has_body() {
            self.lost.get_or_insert(cause);
        } else {
            self.transition(now, Input::Lost(cause));
        }
    }

    /// Like [`handle_error`](Self::handle_error), for errors that only implement `Debug`, as those of
    /// embedded networks do.
    pub fn handle_failed(&mut self, now: Instant, error: impl fmt::Debug) {
        self.handle_error(now, alloc::format!("{error:?}"));
    }

    /// Reports that a deadline has passed. Has no effect if no deadline is due.
    pub fn handle_deadline(&mut self, now: Instant) {
        let Some((_, due)) = self.clock.deadline(&self.state, &self.config).filter(|(at, _)| *at <= now)
        else {
            return;
        };
        let input = match due {
            Due::Total => Input::Close(CloseReason::TimedOut),
            Due::Timeout(timeout) => Input::Lost(Cause::Timeout(timeout)),
            Due::Refusal => Input::Settled,
            Due::Attempt => Input::Due,
        };
        self.transition(now, input);
    }

    /// Reports that no attempt can succeed, because the caller lacks something, such as TLS for
    /// `https`. Closes the session.
    pub fn handle_unsupported(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.interrupt(Input::Close(CloseReason::Unsupported(error.into())));
    }

    /// Reports that the connection failed because the server is not trusted, such as by its
    /// certificate. Closes the session if no server has answered yet: the cause is probably the
    /// configuration, and trying again would hide it. Otherwise like
    /// [`handle_error`](Self::handle_error), because certificates get renewed.
    pub fn handle_untrusted(&mut self, now: Instant, error: impl Into<Box<dyn Error + Send + Sync>>) {
        if self.has_answered {
            self.handle_error(now, error);
        } else {
            self.interrupt(Input::Close(CloseReason::Untrusted(error.into())));
        }
    }

    /// Abandons the current stream or delay and starts another attempt at once, for callers that
    /// know that the network is back or that they need a different stream. Resets the count of
    /// failures, and keeps the last event id.
    ///
    /// Drop the connection. Has no effect on a closed session.
    pub fn restart(&mut self) {
        self.interrupt(Input::Restarted);
    }

    /// Closes the session at once and permanently.
    pub fn close(&mut self) {
        self.interrupt(Input::Close(CloseReason::ByCaller));
    }

    fn interrupt(&mut self, input: Input) {
        // Pending signals are obsolete.
        (self.current, self.reconnecting, self.retry_noted, self.opened) = (None, None, false, false);
        self.id_not_sent = None;
        self.end_marker_seen = false;
        // Any time will do: no delay starts here.
        self.transition(Instant::default(), input);
    }

    /// Returns the event that was found. Without [`Want::Event`], returns an event without fields.
    pub fn event(&mut self) -> EventRef<'_> {
        self.receiver.event()
    }

    /// Returns the signal after [`Want::Event`], [`Want::Signal`], [`Want::Limit`] or
    /// [`Want::Closed`]. Returns `None` after other wants, and when called again.
    pub fn take_signal(&mut self) -> Option<Signal> {
        if let Some(signal) = self.current.take() {
            return Some(signal);
        }
        let signal = match self.receiver.item() {
            Some(Item::Event(event)) => Some(Signal::Event(event.to_event())),
            Some(Item::Comment(text)) => Some(Signal::Comment(text.into())),
            Some(Item::NoData(block)) => Some(Signal::NoData(block.to_event())),
            None => self.take_closed().map(Signal::Closed),
        };
        self.receiver.forget_found();
        signal
    }

    /// Returns why the session was closed. Returns `None` before that, and when called again.
    pub fn take_closed(&mut self) -> Option<CloseReason> {
        self.closed.take()
    }

    /// Converts a want into an item of a plain stream: `Ok` for an event, which
    /// [`event`](Self::event) lends, or an error. Returns `None` for the end of the stream, which
    /// is normal or follows an error that was already returned.
    pub fn take_item(&mut self, want: Want) -> Option<Result<(), SourceError>> {
        match want {
            Want::Event => Some(Ok(())),
            Want::Limit(error) => Some(Err(error.into())),
            _ => self.take_closed().filter(|reason| !reason.is_normal()).map(|reason| Err(reason.into())),
        }
    }

    /// Returns the request of this attempt, as modified by redirects.
    pub fn request(&self) -> &Request {
        self.route.request()
    }

    /// Returns the request of this attempt, to be modified on [`Want::Prepare`]. The next attempt
    /// starts with the original request.
    ///
    /// After a permanent redirect to another origin, the request starts there, without credentials
    /// and user headers. Headers that the caller adds are then removed again, unless the caller
    /// also changes the URL to yet another origin: an origin that the caller names receives what
    /// the caller adds. A changed path or query is kept.
    pub fn request_mut(&mut self) -> &mut Request {
        self.route.request_mut()
    }

    /// Returns the head of the last response, accepted or not. `None` from the start of an attempt
    /// until its response.
    pub fn response(&self) -> Option<&ResponseHead> {
        self.response.as_ref()
    }

    /// Returns the beginning of a body that is not an event stream, up to
    /// [`SourceConfig::refusal_bytes`]. Empty otherwise.
    ///
    /// The response was refused, or it was accepted but its body has no field or comment line
    /// ([`Cause::Unrecognized`]), such as an error message that was sent as an event stream. The
    /// bytes are kept until the next attempt starts.
    pub fn refused_body(&self) -> &[u8] {
        &self.refused_body
    }

    /// Returns the last event id so far, or an empty string if there is none.
    pub fn last_event_id(&self) -> &str {
        self.receiver.last_event_id()
    }

    /// Returns the last reconnection time that the server requested.
    pub fn retry(&self) -> Option<Duration> {
        self.receiver.retry()
    }

    /// Returns whether a response has been accepted and its stream has not ended.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Returns whether the session is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }
}

/// Starts with the last event id of the request.
fn adopt_id(receiver: &mut Receiver, request: &Request) {
    let id =
        request.header(header::LAST_EVENT_ID).and_then(|id| header::parse_last_event_id(id).ok().flatten());
    // Cannot fail: the id was parsed as an event id.
    let _ = receiver.decoder().set_last_event_id(id.unwrap_or_default());
}
