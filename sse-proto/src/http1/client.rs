//! A subscription over a byte connection.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::time::Duration;

use super::head::HeadLimits;
use super::response_decoder::ResponseDecoder;
use crate::http::{HeaderError, Request};
use crate::source::{self, CloseReason, Session, Signal, SourceConfig, SourceError};
use crate::{EventRef, Instant, LimitExceeded};

/// Stays subscribed to an event stream over HTTP/1.1.
///
/// A [`Session`] makes the decisions. This machine adds the bytes of its requests, one per
/// connection, and of the responses. Drive it like a session, with a connection instead of an HTTP
/// library:
///
/// ```text
///                     ┌─────────────────────── redirected ───────────────────────┐
///                     ▼                                                          │
///  new ──► Prepare ──► Connect ── connected ──► Write ── all written ──► Read ───┤
///             ▲                                                           ▲ └──► Event, Signal, Limit, Yield ─┐
///             │                                                           └───────────────────────────────────┘
///             └── deadline ── Wait ◄── lost, ended, refused for now                    from anywhere: Closed
/// ```
///
/// | want | what to do | what to report |
/// |---|---|---|
/// | [`Prepare`](Want::Prepare) | drop the connection, and modify [`request_mut`](Self::request_mut) if necessary | [`handle_prepared`](Self::handle_prepared) |
/// | [`Connect`](Want::Connect) | connect to the URL of [`request`](Self::request), and drop the previous connection | [`handle_connected`](Self::handle_connected) |
/// | [`Write`](Want::Write) | write some of [`pending`](Self::pending), and flush | [`handle_written`](Self::handle_written) |
/// | [`Read`](Want::Read) | read into [`space`](Self::space) | [`handle_read`](Self::handle_read) |
/// | [`Event`](Want::Event), [`Signal`](Want::Signal), [`Limit`](Want::Limit), [`Yield`](Want::Yield) | see [`source::Want`] | nothing; returned once |
/// | [`Wait`](Want::Wait), [`Closed`](Want::Closed) | drop the connection; for `Wait`, wait for the deadline | [`handle_deadline`](Self::handle_deadline), or nothing |
///
/// Report any failure of the connection with [`handle_error`](Self::handle_error), and a deadline
/// that has passed with [`handle_deadline`](Self::handle_deadline).
///
/// ```
/// use std::io::{Read, Write};
///
/// use sse_proto::Instant;
/// use sse_proto::http::Request;
/// use sse_proto::http1::client::{Connection, Want};
/// use sse_proto::source::Session;
///
/// # const RESPONSE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n";
/// # struct Socket(&'static [u8]);
/// # impl Read for Socket {
/// #     fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> { self.0.read(space) }
/// # }
/// # impl Write for Socket {
/// #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { Ok(bytes.len()) }
/// #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
/// # }
/// # fn connect(_: &str) -> std::io::Result<Socket> { Ok(Socket(RESPONSE.as_bytes())) }
/// fn first_event(url: &str) -> Result<Option<String>, Box<dyn std::error::Error>> {
///     let epoch = std::time::Instant::now();
///     let mut client = Connection::new(Session::new(Request::get(url)?, 42));
///     let mut socket = None;
///     loop {
///         let now = || Instant::from_epoch(epoch.elapsed());
///         let (want, deadline) = client.want(now());
///         let done = match (want, &mut socket) {
///             (Want::Prepare, _) => Ok(client.handle_prepared(now())),
///             (Want::Connect, _) => connect(client.request().url().authority()).map(|new| {
///                 socket = Some(new);
///                 client.handle_connected(now());
///             }),
///             (Want::Write, Some(socket)) => {
///                 socket.write(client.pending()).map(|count| client.handle_written(now(), count))
///             }
///             (Want::Read, Some(socket)) => {
///                 socket.read(client.space()).map(|count| client.handle_read(now(), count))
///             }
///             (Want::Event, _) => return Ok(Some(client.event().data().to_owned())),
///             (Want::Wait, _) => {
///                 socket = None;
///                 let delay = deadline.map(|at| at.since(now())).unwrap_or_default();
///                 std::thread::sleep(delay);
///                 Ok(client.handle_deadline(now()))
///             }
///             (Want::Closed, _) => return Ok(None),
///             _ => Ok(()),
///         };
///         if let Err(error) = done {
///             client.handle_error(now(), error);
///         }
///     }
/// }
/// assert_eq!(first_event("http://example.com/events")?.as_deref(), Some("hello"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    source: Session,
    head_limits: HeadLimits,
    /// The default `User-Agent`, or empty for none.
    user_agent: Cow<'static, str>,
    /// The exchange on the current connection, if there is one.
    exchange: Option<Exchange>,
}

/// A request, on its own connection.
#[derive(Debug)]
struct Exchange {
    /// The session's number for the request.
    number: u32,
    request: Vec<u8>,
    written: usize,
}

/// The next step of a [`Connection`].
///
/// [`Prepare`](Self::Prepare), [`Connect`](Self::Connect), [`Write`](Self::Write),
/// [`Read`](Self::Read), [`Wait`](Self::Wait) and [`Closed`](Self::Closed) stand until they are
/// met. Every other want is returned once; the next call of `want` consumes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Want {
    /// An attempt starts, and its request may be modified. Not returned again for redirects.
    Prepare,
    /// Establish a new connection.
    Connect,
    /// Write some pending bytes.
    Write,
    /// Read from the connection.
    Read,
    /// An event is available.
    Event,
    /// A signal other than an event is available. Only returned by `want_signal`.
    Signal,
    /// An event exceeded this limit and was skipped. The stream continues.
    Limit(LimitExceeded),
    /// Wait for the deadline.
    Wait,
    /// Yield to other tasks before asking again, because the peer keeps sending without completing
    /// an event. A dedicated thread may ask again at once.
    Yield,
    /// The subscription is closed.
    Closed,
}

impl Connection {
    /// Creates a client that connects for this session.
    pub fn new(source: Session) -> Self {
        Self { source, head_limits: HeadLimits::default(), user_agent: Cow::Borrowed(""), exchange: None }
    }

    /// Sets the configuration; see [`Session::with_config`].
    #[must_use]
    pub fn with_config(self, config: SourceConfig) -> Self {
        Self { source: self.source.with_config(config), ..self }
    }

    /// Changes the configuration; see [`Session::configure`].
    #[must_use]
    pub fn configure(self, change: impl FnOnce(&mut SourceConfig)) -> Self {
        Self { source: self.source.configure(change), ..self }
    }

    /// Adds a header to the request; see [`Session::with_header`].
    ///
    /// # Errors
    /// If the name or the value is not valid in a header, or the header is one that frames the body.
    pub fn with_header(self, name: &str, value: &str) -> Result<Self, HeaderError> {
        Ok(Self { source: self.source.with_header(name, value)?, ..self })
    }

    /// Sets the limits on the heads of responses.
    #[must_use]
    pub fn with_head_limits(self, head_limits: HeadLimits) -> Self {
        Self { head_limits, ..self }
    }

    /// Sets the default `User-Agent` of requests, which also applies after a redirect or a change
    /// by the user; see [`Request::encode_with_user_agent`]. Default: none.
    ///
    /// Only the first call has an effect, so that an adapter that wraps a client keeps the name
    /// that its user has set.
    #[must_use]
    pub fn with_default_user_agent(mut self, user_agent: impl Into<Cow<'static, str>>) -> Self {
        if self.user_agent.is_empty() {
            self.user_agent = user_agent.into();
        }
        self
    }

    /// Returns the session, to query its state.
    pub fn source(&self) -> &Session {
        &self.source
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

    /// Returns the next step if the bytes that have arrived suffice for it; see
    /// [`Session::want_buffered`].
    pub fn want_buffered(&mut self) -> Option<Want> {
        Some(match self.source.want_buffered()? {
            source::Want::Limit(error) => Want::Limit(error),
            _ => Want::Event,
        })
    }

    /// Returns whether the stream is open, and no bytes have arrived since the last [`Want::Read`]; see
    /// [`Session::is_reading`].
    pub fn is_reading(&self) -> bool {
        self.source.is_reading() && self.pending().is_empty()
    }

    /// Reports that the request of this attempt is ready; see [`Session::handle_prepared`].
    pub fn handle_prepared(&mut self, now: Instant) {
        self.source.handle_prepared(now);
    }

    /// Reports the result of preparing; see [`Session::handle_request`].
    pub fn handle_request<E>(&mut self, now: Instant, prepared: Result<Request, E>)
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.source.handle_request(now, prepared);
    }

    /// Reports the wall clock time; see [`Session::set_wall_clock`].
    pub fn set_wall_clock(&mut self, now: Instant, since_unix_epoch: Duration) {
        self.source.set_wall_clock(now, since_unix_epoch);
    }

    /// Reports that the connection is established. A report without [`Want::Connect`] is ignored.
    pub fn handle_connected(&mut self, now: Instant) {
        let number = self.source.exchange();
        if !self.source.is_connecting() || self.exchange.as_ref().is_some_and(|known| known.number == number)
        {
            return;
        }
        let request = self.source.request();
        let mut bytes = Vec::new();
        request.encode_with_user_agent(&self.user_agent, &mut bytes);
        self.exchange = Some(Exchange { number, request: bytes, written: 0 });
        let response = ResponseDecoder::new(request.method()).with_limits(self.head_limits).for_single_use();
        self.source.expect(response);
        self.source.handle_connected(now);
    }

    /// Returns the next bytes to write.
    pub fn pending(&self) -> &[u8] {
        self.exchange.as_ref().map(Exchange::pending).unwrap_or_default()
    }

    /// Reports that the first `count` bytes of [`pending`](Self::pending) were written. `0` means
    /// that the connection accepts no more bytes. A larger count counts as all pending bytes.
    pub fn handle_written(&mut self, now: Instant, count: usize) {
        match &mut self.exchange {
            Some(exchange) if !exchange.pending().is_empty() => {
                exchange.written = exchange.written.saturating_add(count);
                if exchange.pending().is_empty() {
                    // Frees a large body before the stream starts.
                    (exchange.request, exchange.written) = (Vec::new(), 0);
                }
                if count == 0 {
                    self.source.handle_error(now, "the connection takes no more bytes");
                }
            }
            _ => {}
        }
    }

    /// Returns the buffer to read into. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.source.space()
    }

    /// Reports a read of `count` bytes, which the caller has placed at the start of
    /// [`space`](Self::space). `0` reports the end of the connection.
    ///
    /// A count larger than the space counts as the whole space. A report without [`Want::Read`] is
    /// ignored.
    pub fn handle_read(&mut self, now: Instant, count: usize) {
        if self.exchange.as_ref().is_some_and(|exchange| exchange.pending().is_empty()) {
            self.source.handle_read(now, count);
        }
    }

    /// Reports that the connection failed. Events that have already arrived are still delivered.
    pub fn handle_error(&mut self, now: Instant, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.source.handle_error(now, error);
    }

    /// Like [`handle_error`](Self::handle_error), for errors that only implement `Debug`, as those of
    /// embedded networks do.
    pub fn handle_failed(&mut self, now: Instant, error: impl fmt::Debug) {
        self.source.handle_failed(now, error);
    }

    /// Reports that a deadline has passed. Has no effect if no deadline is due.
    pub fn handle_deadline(&mut self, now: Instant) {
        self.source.handle_deadline(now);
    }

    /// Reports that the connection failed because the server is not trusted; see
    /// [`Session::handle_untrusted`].
    pub fn handle_untrusted(&mut self, now: Instant, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.source.handle_untrusted(now, error);
    }

    /// Reports that no attempt can succeed; see [`Session::handle_unsupported`].
    pub fn handle_unsupported(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.source.handle_unsupported(error);
    }

    /// Starts another attempt at once; see [`Session::restart`].
    pub fn restart(&mut self) {
        self.source.restart();
    }

    /// Closes the session at once and permanently.
    pub fn close(&mut self) {
        self.source.close();
    }

    /// Returns the event that was found. Without [`Want::Event`], returns an event without fields.
    pub fn event(&mut self) -> EventRef<'_> {
        self.source.event()
    }

    /// Returns the signal; see [`Session::take_signal`].
    pub fn take_signal(&mut self) -> Option<Signal> {
        self.source.take_signal()
    }

    /// Returns why the session was closed; see [`Session::take_closed`].
    pub fn take_closed(&mut self) -> Option<CloseReason> {
        self.source.take_closed()
    }

    /// Converts a want into an item of a plain stream: `Ok` for an event, which
    /// [`event`](Self::event) lends, or an error. Returns `None` for the end of the stream, which
    /// is normal or follows an error that was already returned.
    pub fn take_item(&mut self, want: Want) -> Option<Result<(), SourceError>> {
        self.source.take_item(match want {
            Want::Event => source::Want::Event,
            Want::Limit(error) => source::Want::Limit(error),
            _ => source::Want::Closed,
        })
    }

    /// Returns the request of this attempt, as modified by redirects. Connect to its URL.
    pub fn request(&self) -> &Request {
        self.source.request()
    }

    /// Returns the request of this attempt, to be modified on [`Want::Prepare`]; see
    /// [`Session::request_mut`].
    pub fn request_mut(&mut self) -> &mut Request {
        self.source.request_mut()
    }

    fn next<const OBSERVE: bool>(&mut self, now: Instant) -> (Want, Option<Instant>) {
        let (want, deadline) = self.source.next::<OBSERVE>(now);
        let want = match want {
            source::Want::Event => Want::Event,
            source::Want::Request | source::Want::Read => self.exchange_want(),
            source::Want::Signal => Want::Signal,
            source::Want::Limit(error) => Want::Limit(error),
            source::Want::Yield => Want::Yield,
            source::Want::Prepare => Want::Prepare,
            source::Want::Wait => Want::Wait,
            source::Want::Closed => Want::Closed,
        };
        if matches!(want, Want::Prepare | Want::Connect | Want::Wait | Want::Closed) {
            self.exchange = None;
        }
        (want, deadline)
    }

    /// Returns the next step for the request to be sent, or for its response.
    fn exchange_want(&self) -> Want {
        match &self.exchange {
            Some(exchange) if exchange.number == self.source.exchange() => {
                if exchange.pending().is_empty() {
                    Want::Read
                } else {
                    Want::Write
                }
            }
            _ => Want::Connect,
        }
    }
}

impl Exchange {
    fn pending(&self) -> &[u8] {
        self.request.get(self.written..).unwrap_or_default()
    }
}
