//! When to connect, with what request, and what to make of the answer: the client of an event stream that comes back.
//!
//! [`Session`] is the machine; [`SourceConfig`] is what its user may choose. The files: `state` has the table of its
//! transitions, `request` the request and where redirects take it, `clock` the deadlines, `want` what to do next,
//! `response` what a response means, `backoff` how long to wait.

mod backoff;
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
use core::time::Duration;

pub use self::backoff::Backoff;
#[cfg(feature = "http1")]
pub(crate) use self::config::Check;
pub use self::config::{EndMarker, EndPredicate, Reconnect, SourceConfig, Timeouts, is_transient};
pub(crate) use self::reason::UNRECOGNIZED;
pub use self::reason::{Cause, CloseReason, Refusal, SourceError, Timeout};
pub use self::redirect::RedirectError;
pub use self::response::check_response;
pub use self::signal::{IdNotSent, Signal};
pub use self::want::Want;

use self::clock::{Clock, Due};
use self::request::Route;
use self::state::{Input, State};
use crate::http::{Request, ResponseHead};
use crate::random::Random;
use crate::{EventRef, Instant, Item, Receiver, header};

/// Keeps a subscription to an event stream over any HTTP: facts in, wants out.
///
/// It says what it wants; the caller, who has the connection and the clock, does it and reports. The last event id, the
/// reconnection time and the count of failures live as long as the source, so that no place is lost.
///
/// ```text
///           ┌──────────────────────────────────────── due ─────────────────────────────────────────┐
///           ▼                                                                                      │
///  new ──► Idle ── asked ──► Preparing ── prepared ──► Connecting ── lost ──────────────────────► Waiting
///                               │                      │  ▲  │  └──── refused ──► Refused ────────► ▲ ▲
///                               │            redirected└──┘  └─ accepted ──► Open ── lost, ended ───┘ │
///                               └── lost ─────────────────────────────────────────────────────────────┘
///
///  where the source does not connect again, every arrow to Waiting leads to Closed; close, the end marker,
///  status 204, a redirect that is refused and the time limit for the whole do so from anywhere; restart leads to Idle
/// ```
///
/// | want | what to do | what to report |
/// |---|---|---|
/// | [`Prepare`](Want::Prepare) | drop the connection; change [`request_mut`](Self::request_mut) if you like | [`handle_prepared`](Self::handle_prepared) |
/// | [`Request`](Want::Request) | send [`request`](Self::request), and leave redirects to the source | [`handle_connected`](Self::handle_connected), [`handle_response`](Self::handle_response) |
/// | [`Read`](Want::Read) | read some of the body | [`handle_read`](Self::handle_read) or [`handle_bytes`](Self::handle_bytes), [`handle_end`](Self::handle_end) |
/// | [`Event`](Want::Event) | take [`event`](Self::event) | nothing: it comes once |
/// | [`Signal`](Want::Signal) | take [`take_signal`](Self::take_signal) | nothing: it comes once |
/// | [`Limit`](Want::Limit) | tell the user | nothing: it comes once |
/// | [`Yield`](Want::Yield) | let other tasks run | nothing: it comes once |
/// | [`Wait`](Want::Wait) | drop the connection, and wait for the deadline | nothing else |
/// | [`Closed`](Want::Closed) | drop the connection; tell the user [`take_closed`](Self::take_closed) | nothing: this is the end |
///
/// There is no cookie store: a `Set-Cookie`, that of a redirect among them, has no effect. Set a `Cookie` header on the request, or
/// leave cookies to an HTTP library beneath the source.
///
/// Whatever goes wrong with a connection is reported with [`handle_error`](Self::handle_error), and a deadline that has
/// passed with [`handle_deadline`](Self::handle_deadline). Reports can come at any time: those that do not fit change nothing.
///
/// ```
/// use core::time::Duration;
/// use sse_proto::http::{Request, ResponseHead};
/// use sse_proto::source::{CloseReason, SourceConfig, EndMarker, Want};
/// use sse_proto::Instant;
/// use sse_proto::source::Session;
///
/// // A server that is not there at first, and then cuts a stream.
/// let mut server = vec![Some("data: two\n\nevent: bye\ndata\n\n"), Some("id: 1\ndata: one\n\ndata: tw"), None];
/// // What the clock would say.
/// let mut now = Instant::default();
///
/// let mut config = SourceConfig::default();
/// config.end = EndMarker::Name("bye".into());
/// let seed = 42; // of your source of randomness
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
///         // Instead of sleeping.
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
    /// Why the connection was lost, while there are bytes of it to be looked at.
    lost: Option<Cause>,
    /// How many requests were sent.
    exchanges: u32,
    /// How many attempts have failed in a row.
    failures: u32,
    response: Option<ResponseHead>,
    refused_body: Vec<u8>,
    /// What the caller can take before the next want.
    current: Option<Signal>,
    /// Signals to come: an attempt goes without the last event id, a stream was opened, a block of it asked for a retry time, it
    /// was lost.
    id_not_sent: Option<IdNotSent>,
    opened: bool,
    new_retry: Option<Duration>,
    reconnecting: Option<Signal>,
    /// The event found last was the end marker.
    end_marker_seen: bool,
    /// Until it is taken.
    closed: Option<CloseReason>,
}

impl Session {
    /// A source of the events that this request asks for. The seed makes its jitter different from that of other clients.
    ///
    /// Each attempt sends the request anew, with the last event id of the source; a `Last-Event-ID` header that it has is where
    /// the source begins.
    pub fn new(request: Request, seed: u64) -> Self {
        let mut receiver = Receiver::new();
        let id = request
            .header(header::LAST_EVENT_ID)
            .and_then(|id| header::parse_last_event_id(id).ok().flatten());
        // Cannot fail: it was parsed as an event id.
        let _ = receiver.decoder().set_last_event_id(id.unwrap_or_default());
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
            response: None,
            refused_body: Vec::new(),
            current: None,
            id_not_sent: None,
            opened: false,
            reconnecting: None,
            new_retry: None,
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

    /// What to do next, and until when. If the deadline passes first, report it with
    /// [`handle_deadline`](Self::handle_deadline).
    pub fn want(&mut self, now: Instant) -> (Want, Option<Instant>) {
        self.next::<false>(now)
    }

    /// As [`want`](Self::want), but gives signals too.
    pub fn want_signal(&mut self, now: Instant) -> (Want, Option<Instant>) {
        self.next::<true>(now)
    }

    /// Reports that the request of this attempt is as it shall be sent. Where that failed, report it with
    /// [`handle_error`](Self::handle_error): the attempt has then failed.
    pub fn handle_prepared(&mut self, now: Instant) {
        self.transition(now, Input::Prepared);
    }

    /// Reports what preparing came to: a request in place of the one that this attempt has, or why the attempt has failed.
    pub fn handle_request<E>(&mut self, now: Instant, prepared: Result<Request, E>)
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        match prepared {
            // Too late: nobody asked for it any more.
            _ if !matches!(self.state, State::Preparing) => {}
            Ok(request) => {
                *self.request_mut() = request;
                self.handle_prepared(now);
            }
            Err(error) => self.handle_error(now, error),
        }
    }

    /// Reports that the connection for the request is there, or that its making is none of the source's business: from now on
    /// the response is waited for.
    pub fn handle_connected(&mut self, now: Instant) {
        self.clock.set_connected(now);
    }

    /// Reports what the wall clock says: the time since 1970, in UTC. To be called on each [`Want::Prepare`], as wall clocks get
    /// set.
    ///
    /// Only a `Retry-After` with a date in a response without a `Date` is compared with it (RFC 9110 section 10.2.3). A source
    /// that was never told the time ignores such a `Retry-After`.
    pub fn set_wall_clock(&mut self, now: Instant, since_unix_epoch: Duration) {
        self.clock.set_wall(now, since_unix_epoch);
    }

    /// Reports the head of the response to the request.
    pub fn handle_response(&mut self, now: Instant, head: ResponseHead) {
        if !matches!(self.state, State::Connecting) {
            return;
        }
        let target = self.route.target(&head, self.config.max_redirects).map(|target| {
            let url = target?;
            self.config.check_redirect(self.request().url(), &url).map(|()| url)
        });
        let input = match target {
            Some(Ok(url)) => Input::Redirected { status: head.status(), url },
            Some(Err(error)) => Input::Close(CloseReason::Refused(Refusal::Redirect(error))),
            None if head.status() == 204 => Input::Close(CloseReason::Stopped),
            None => match self.config.check(&head) {
                Ok(()) => Input::Accepted,
                Err(refusal) => Input::Refused { is_transient: self.config.retries(&refusal), refusal },
            },
        };
        self.response = Some(head);
        self.transition(now, input);
    }

    /// Where to read the body into. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.receiver.space()
    }

    /// Reports that `count` bytes of the body were put at the beginning of [`space`](Self::space); 0 means that the body ended.
    ///
    /// A count beyond the space is taken for all of the space; a report that was not wanted is ignored.
    pub fn handle_read(&mut self, now: Instant, count: usize) {
        if count == 0 {
            return self.handle_end(now);
        }
        if self.reads() && self.receiver.is_empty() {
            self.clock.note_bytes();
            self.receiver.handle_read(count);
        }
    }

    /// Reports bytes of the body, and returns how many of them were taken; the others are to be reported again when the next
    /// read is wanted. Of a body that nobody wants all are.
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

    /// Reports that the body ended as it should.
    pub fn handle_end(&mut self, now: Instant) {
        if self.reads() {
            self.receiver.handle_end();
        } else {
            // A response that is the caller's business ends without a head.
            self.transition(now, Input::Ended);
        }
    }

    /// Reports that there is no connection, or none any more. Events that are in are still given.
    pub fn handle_error(&mut self, now: Instant, error: impl Into<Box<dyn Error + Send + Sync>>) {
        let cause = Cause::Transport(error.into());
        if self.has_body() {
            self.lost.get_or_insert(cause);
        } else {
            self.transition(now, Input::Lost(cause));
        }
    }

    /// Reports that a deadline has passed. One that has not, or is no longer one, changes nothing.
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

    /// Reports that no attempt can succeed, as the caller has not got what it takes: `https` without TLS. Closes the source.
    pub fn handle_unsupported(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.interrupt(Input::Close(CloseReason::Unsupported(error.into())));
    }

    /// Gives up what there is, a stream or a wait, for another attempt at once: for callers who know that the network is back,
    /// or that the stream is not what they need. Earlier failures are forgotten, the last event id is not.
    ///
    /// The connection is to be dropped. A source that is closed stays so.
    pub fn restart(&mut self) {
        self.interrupt(Input::Restarted);
    }

    /// Closes the source at once, for good.
    pub fn close(&mut self) {
        self.interrupt(Input::Close(CloseReason::ByCaller));
    }

    fn interrupt(&mut self, input: Input) {
        // What was not signalled yet no longer matters.
        (self.current, self.reconnecting, self.new_retry, self.opened) = (None, None, None, false);
        self.id_not_sent = None;
        self.end_marker_seen = false;
        // It does not matter when.
        self.transition(Instant::default(), input);
    }

    /// The event that was found; after anything but [`Want::Event`] an event without fields.
    pub fn event(&mut self) -> EventRef<'_> {
        self.receiver.event()
    }

    /// What happened, after [`Want::Event`], [`Want::Signal`], [`Want::Limit`] and [`Want::Closed`]; `None` after others, and
    /// where it was taken.
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

    /// Why nothing more comes; `None` before that, and where it was taken.
    pub fn take_closed(&mut self) -> Option<CloseReason> {
        self.closed.take()
    }

    /// What a plain stream of events gives after this want: an event, which is [lent](Self::event), an error, or `None`: nothing
    /// more, after a normal end or where the error was taken.
    pub fn take_item(&mut self, want: Want) -> Option<Result<(), SourceError>> {
        match want {
            Want::Event => Some(Ok(())),
            Want::Limit(error) => Some(Err(error.into())),
            _ => self.take_closed().filter(|reason| !reason.is_normal()).map(|reason| Err(reason.into())),
        }
    }

    /// The request of this attempt, as the last redirect left it.
    pub fn request(&self) -> &Request {
        self.route.request()
    }

    /// The request of this attempt, to be changed on [`Want::Prepare`]. The next attempt begins with the user's again.
    ///
    /// After a permanent redirect to another origin the request begins there, without credentials and the user's headers. What is
    /// added then is taken off again, unless the URL is changed to one of another origin: an origin that the caller names gets
    /// what the caller adds. A query or a path that is added goes along.
    pub fn request_mut(&mut self) -> &mut Request {
        self.route.request_mut()
    }

    /// The head of the last response, accepted or not; `None` from the beginning of an attempt to its response.
    pub fn response(&self) -> Option<&ResponseHead> {
        self.response.as_ref()
    }

    /// The beginning of a body that is no event stream, at most [`SourceConfig::refusal_bytes`]; empty otherwise.
    ///
    /// Either the response was refused, or it was accepted and not one line of its body is a field or a comment
    /// ([`Cause::Unrecognized`]): an error message that was sent as an event stream. Kept until the next attempt begins.
    pub fn refused_body(&self) -> &[u8] {
        &self.refused_body
    }

    /// The last event id so far; empty where there is none.
    pub fn last_event_id(&self) -> &str {
        self.receiver.last_event_id()
    }

    /// The reconnection time that the server asked for last.
    pub fn retry(&self) -> Option<Duration> {
        self.receiver.retry()
    }

    /// Whether a response has been accepted, and its stream has not ended.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Whether nothing more comes.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }
}
