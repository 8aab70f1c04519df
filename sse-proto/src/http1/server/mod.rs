//! One connection of a server: reads a request, sends an event stream or another response.
//!
//! [`Connection`] is the machine, [`ServerConfig`] its configuration. [`Acceptor`] is the machine
//! for all connections of a listener.

mod acceptor;
mod closed;
mod config;
mod intake;
mod shared_stream;
mod state;

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::error::Error;
use core::time::Duration;

pub use self::acceptor::{AcceptWant, Acceptor, ServerStats};
pub use self::closed::{Closed, Fault};
pub use self::config::ServerConfig;
pub use self::shared_stream::SharedStream;

use self::closed::with_header;
use self::intake::{Intake, WallClock};
use self::state::{Input, State};
use super::request_head::RequestHead;
use super::response::Response;
use crate::http::Framing;
use crate::hub::Delivery;
use crate::sender::{self, Ended, PendingPiece, Piece};
use crate::{Frame, Instant, Sender};

/// Serves one connection over HTTP/1.1 or 1.0.
///
/// The connection reads one request, leaves the response to the caller, sends it, and closes in a
/// way that lets the client read it to its end. `B` is the storage of the [frames](Sender::frame)
/// that connections share.
///
/// ```text
///                                 ┌── open ─────► Open ◄──────► Write ── finished ──┐
///  new ──► Read ──► Request ──────┤                               │                 ▼
///           │  ▲     │ taken      └── respond ──► Write ── written ┴──────────► Shutdown ──► Read ──► Closed
///           │  │     └► Read, or Wait if the client sends nothing more                   (what still comes)
///           │  └── Write (100)                      ▲
///           └── bad, slow, too large ───────────────┘           from anywhere: Closed
///
///  a body instead of a connection: Open ◄──► Write ── finished ──► Closed, or failed ──► Wait ──► Closed
/// ```
///
/// | want | what to do | what to report |
/// |---|---|---|
/// | [`Read`](Want::Read) | read into [`space`](Self::space) | [`handle_read`](Self::handle_read) |
/// | [`Request`](Want::Request) | inspect [`request`](Self::request), or [take](Self::take_request) it | [`open`](Self::open) or [`respond`](Self::respond) |
/// | [`Write`](Want::Write) | write some of [`pending`](Self::pending), and flush; append events, unless it is [full](Self::is_full) | [`handle_written`](Self::handle_written) |
/// | [`Open`](Want::Open) | append events as they occur, and meanwhile read into [`space`](Self::space), to notice when the client leaves | [`handle_read`](Self::handle_read) |
/// | [`KeepAlive`](Want::KeepAlive) | append a keep-alive | [`send_keep_alive`](Self::send_keep_alive) |
/// | [`Wait`](Want::Wait) | wait for the deadline, or until the request is answered, and read nothing | nothing |
/// | [`Shutdown`](Want::Shutdown) | shut down the writing half of the connection | [`handle_shutdown`](Self::handle_shutdown) |
/// | [`Closed`](Want::Closed) | drop the connection; the reason is [`take_closed`](Self::take_closed) | nothing |
///
/// Report any failure of the connection with [`handle_error`](Self::handle_error), and a deadline
/// that has passed with [`handle_deadline`](Self::handle_deadline). A report that does not apply to
/// the current state is ignored.
///
/// Requests that cannot be served are answered automatically, with status 400, 405, 408, 413, 414,
/// 431, 501 or 505. The body of a request is read before the caller sees the request.
///
/// ```
/// use std::io::{Read, Write};
///
/// use sse_proto::Instant;
/// use sse_proto::http1::Response;
/// use sse_proto::http1::server::{Closed, Connection, ServerConfig, Want};
///
/// fn serve(mut socket: impl Read + Write) -> std::io::Result<Option<Closed>> {
///     let epoch = std::time::Instant::now();
///     let seed = 42; // from your source of randomness
///     let mut connection: Connection = Connection::new(ServerConfig::default(), seed);
///     let mut events = ["one", "two"].into_iter();
///     loop {
///         let now = || Instant::from_epoch(epoch.elapsed());
///         // In a program, set the socket's timeout to the deadline, and report when it has passed.
///         let (want, _deadline) = connection.want(now());
///         let done = match want {
///             Want::Read => socket.read(connection.space()).map(|count| connection.handle_read(now(), count)),
///             Want::Write => socket.write(connection.pending()).map(|count| connection.handle_written(now(), count)),
///             Want::Request => {
///                 match connection.request().map(|request| request.path()) {
///                     Some("/sse") => connection.open(now(), Response::new(200)),
///                     _ => connection.respond(now(), &Response::new(404), b"no such stream\n"),
///                 }
///                 Ok(())
///             }
///             Want::Open => {
///                 match (connection.stream(), events.next()) {
///                     (Some(stream), Some(event)) => stream.event(event),
///                     (Some(stream), None) => stream.finish(),
///                     (None, _) => {}
///                 }
///                 Ok(())
///             }
///             Want::Shutdown => Ok(connection.handle_shutdown(now())),
///             Want::Closed => return Ok(connection.take_closed()),
///             _ => Ok(()),
///         };
///         if let Err(error) = done {
///             connection.handle_error(now(), error);
///         }
///     }
/// }
/// # struct Socket<'c>(&'c [u8], &'c mut Vec<u8>);
/// # impl Read for Socket<'_> {
/// #     fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> { self.0.read(space) }
/// # }
/// # impl Write for Socket<'_> {
/// #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.1.write(bytes) }
/// #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
/// # }
/// # let mut sent = Vec::new();
/// # let socket = Socket(b"GET /sse HTTP/1.1\r\nHost: a\r\n\r\n", &mut sent);
/// assert!(matches!(serve(socket)?, Some(Closed::Finished)));
/// # assert!(sent.ends_with(b"b\r\ndata: one\n\n\r\nb\r\ndata: two\n\n\r\n0\r\n\r\n"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Connection<B = Vec<u8>> {
    state: State,
    sender: Sender<B>,
    space: Vec<u8>,
    /// How many more bytes after the request are discarded. `discard_limit` is the initial value.
    discard_left: usize,
    discard_limit: usize,
    linger: Duration,
    /// Whether there is only a body, not a connection. It is over when all its bytes were taken.
    is_bare: bool,
    /// Whether the client has closed its side.
    has_ended: bool,
    /// Whether the server is shutting down.
    is_draining: bool,
    /// The outcome, unless it is simply that the response was sent.
    outcome: Option<Closed>,
}

/// The next step of a [`Connection`]. Each want stands until it is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Want {
    /// Read from the connection. After the request was [taken](Connection::take_request), read
    /// until it is answered, to notice when the client leaves.
    Read,
    /// Answer the request, or take it to answer it later.
    Request,
    /// Write some pending bytes.
    Write,
    /// The stream is open and all bytes are written. Append events, and read to notice when the
    /// client leaves.
    Open,
    /// Append a keep-alive. Only returned after
    /// [`StreamConfig::set_keep_alive`](sender::StreamConfig::set_keep_alive).
    KeepAlive,
    /// Wait for the deadline, or until the request is answered. Do not read.
    Wait,
    /// Shut down the writing half. The client sees the end of the stream, and bytes that it still
    /// sends do not reset the connection.
    Shutdown,
    /// The connection is over.
    Closed,
}

impl<B: AsRef<[u8]>> Connection<B> {
    const READING_SPACE: usize = 4096;

    /// Small, because a server may have many open connections, on which next to nothing is
    /// expected.
    const OPEN_SPACE: usize = 64;

    /// Serves a new connection. `seed` must be random; it makes the jitter differ from that of
    /// other connections.
    pub fn new(config: ServerConfig, seed: u64) -> Self {
        Self {
            sender: Sender::default(),
            space: Vec::new(),
            discard_left: config.discarded_bytes,
            discard_limit: config.discarded_bytes,
            linger: config.linger,
            is_bare: false,
            has_ended: false,
            is_draining: false,
            outcome: None,
            state: State::Reading(Box::new(Intake::new(config, seed))),
        }
    }

    /// Rejects a new connection without reading its request, because there are too many: with
    /// status 503 and a `Retry-After` of [`ServerConfig::retry_after`], rounded up to a second (RFC
    /// 9110 sections 15.6.4 and 10.2.3).
    pub fn busy(config: ServerConfig) -> Self {
        // Any time will do: without a wall clock, no `Date` is sent.
        Self::busy_at(Instant::default(), None, config)
    }

    fn busy_at(now: Instant, wall_clock: Option<WallClock>, config: ServerConfig) -> Self {
        let retry_after = config.retry_after;
        let mut server = Self::new(config, 0).with_wall_clock(wall_clock);
        server.send_away(now, Closed::Busy, retry_after, b"too many connections\n");
        server
    }

    fn with_wall_clock(mut self, wall_clock: Option<WallClock>) -> Self {
        if let State::Reading(intake) = &mut self.state {
            intake.wall_clock = wall_clock;
        }
        self
    }

    /// Sends a bare stream, for an HTTP library that sends the head itself and takes a body.
    pub fn bare(config: sender::StreamConfig, seed: u64) -> Self {
        let mut server = Self::new(ServerConfig { stream: config.clone(), ..ServerConfig::default() }, seed);
        server.sender = Sender::default().with_config(config, seed);
        server.state = State::Answering;
        server.is_bare = true;
        server
    }

    /// Returns the configuration of the stream.
    pub fn stream_config(&self) -> &sender::StreamConfig {
        self.sender.config()
    }

    /// Replaces the configuration of the stream; see [`Sender::with_config`]. Returns the old
    /// configuration, whose hooks may hold user code, so that it can be dropped without holding a
    /// lock.
    pub fn set_stream_config(&mut self, config: sender::StreamConfig, seed: u64) -> sender::StreamConfig {
        self.sender.set_config(config, seed)
    }

    /// Returns the next step, and the deadline for it. Report a deadline that has passed with
    /// [`handle_deadline`](Self::handle_deadline).
    pub fn want(&mut self, now: Instant) -> (Want, Option<Instant>) {
        self.look_at_clock(now);
        loop {
            match &self.state {
                State::Reading(intake) => {
                    let want = if intake.interim.is_empty() { Want::Read } else { Want::Write };
                    return (want, self.state.deadline());
                }
                State::Asked(intake) => {
                    let want = match intake.answer_by {
                        _ if intake.head.is_some() => Want::Request,
                        None => Want::Read,
                        Some(_) => Want::Wait,
                    };
                    return (want, intake.answer_by);
                }
                State::Answering => match self.sender.want(now) {
                    (sender::Want::Write, deadline) => return (Want::Write, deadline),
                    (sender::Want::Wait, deadline) => return (Want::Open, deadline),
                    (sender::Want::KeepAlive, deadline) => return (Want::KeepAlive, deadline),
                    (sender::Want::Finished, _) => self.transition(now, Input::Sent),
                    (sender::Want::Cut, _) => self.transition(now, Input::Close(Closed::Stalled)),
                },
                State::Shutdown(until) => return (Want::Shutdown, Some(*until)),
                State::Lingering(until) => return (Want::Read, Some(*until)),
                State::Failing(until) => return (Want::Wait, Some(*until)),
                State::Closed => return (Want::Closed, None),
            }
        }
    }

    /// Returns the request that awaits its response.
    pub fn request(&self) -> Option<&RequestHead> {
        self.asked()?.head.as_ref()
    }

    /// Returns the body of the request that awaits its response, or an empty slice if it has none.
    pub fn request_body(&self) -> &[u8] {
        self.asked().map(|intake| &*intake.body).unwrap_or_default()
    }

    /// Takes the request that awaits its response, with its body. The response can still be given.
    /// A request that is not taken is dropped with the response.
    pub fn take_request(&mut self) -> Option<(RequestHead, Vec<u8>)> {
        let State::Asked(intake) = &mut self.state else { return None };
        Some((intake.head.take()?, core::mem::take(&mut intake.body)))
    }

    /// Answers with an event stream, whose head is pending at once.
    ///
    /// The response has the headers of an event stream
    /// ([`header::RESPONSE`](crate::header::RESPONSE)) that it does not set itself, and closes the
    /// connection. For HEAD, or with a status that has no body, it ends after its head. Has no
    /// effect if no request awaits its response.
    pub fn open(&mut self, now: Instant, response: Response) {
        self.transition(now, Input::Opened(response));
    }

    /// Answers with a complete response that is not an event stream, and closes the connection. Has
    /// no effect if no request awaits its response.
    pub fn respond(&mut self, now: Instant, response: &Response, body: &[u8]) {
        if let State::Asked(intake) = &self.state {
            let method = if intake.framing == Framing::None { "HEAD" } else { "" };
            self.transition(now, Input::Answered { method, response, body, outcome: None });
        }
    }

    /// Returns whether the stream is open and accepts events. Otherwise events are dropped.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Answering) && !self.sender.is_finished()
    }

    /// Returns the stream, to append events or to end it, or `None` unless it is
    /// [open](Self::is_open).
    pub fn stream(&mut self) -> Option<&mut Sender<B>> {
        if self.is_open() { Some(&mut self.sender) } else { None }
    }

    /// Appends what a subscriber of a hub receives; see [`Sender::deliver`]. A delivery that ends the
    /// stream is also the reason why the connection closes.
    ///
    /// # Errors
    /// If the stream is not [open](Self::is_open).
    pub fn deliver(&mut self, delivery: Delivery<Frame<B>>) -> Result<(), Ended> {
        let stream = self.stream().ok_or(Ended)?;
        let reason = match delivery {
            Delivery::Lagged { missed } => Some(Closed::Lagged { missed }),
            Delivery::Closed => Some(Closed::HubClosed),
            Delivery::Revoked => Some(Closed::Revoked),
            _ => None,
        };
        stream.deliver(delivery);
        self.outcome = reason;
        Ok(())
    }

    /// Appends a keep-alive; see [`Sender::send_keep_alive`].
    pub fn send_keep_alive(&mut self, now: Instant) {
        self.sender.send_keep_alive(now);
    }

    /// Reports an encoded keep-alive; see [`Sender::handle_keep_alive`].
    pub fn handle_keep_alive(&mut self, now: Instant, frame: &Frame) {
        self.sender.handle_keep_alive(now, frame);
    }

    /// Returns the callbacks that encode keep-alives and gaps; see [`Sender::hooks`].
    pub fn hooks(&self) -> &sender::Hooks {
        self.sender.hooks()
    }

    /// Returns whether the pending bytes have reached the high-water mark; see [`Sender::is_full`].
    pub fn is_full(&self) -> bool {
        self.sender.is_full()
    }

    /// Starts the graceful shutdown of this connection. An open stream, and one opened later, ends
    /// within [`sender::StreamConfig::drain_window`], so that the client
    /// [reconnects](Sender::drain). A client that has not sent its request receives status 503.
    pub fn drain(&mut self, now: Instant) {
        self.is_draining = true;
        if let State::Reading(intake) = &self.state {
            let retry_after = intake.config.retry_after;
            self.send_away(now, Closed::Draining, retry_after, b"the server is shutting down\n");
        }
        if let Some(stream) = self.stream() {
            stream.drain(now);
        }
    }

    /// Returns whether the connection is [draining](Self::drain).
    pub fn is_draining(&self) -> bool {
        self.is_draining
    }

    /// Reports that the handler is done. If it did not answer, the client receives status 500. A
    /// stream that is still open ends; if the handler failed, the stream ends [without its last
    /// chunk](Sender::break_off) after all pending bytes, so that the client can detect the cut. A
    /// complete response or a finished stream is not affected.
    ///
    /// Returns an error that has no effect, so that it can be dropped without holding a lock.
    pub fn handle_done(
        &mut self,
        now: Instant,
        result: Result<(), Box<dyn Error + Send + Sync>>,
    ) -> Option<Box<dyn Error + Send + Sync>> {
        match (&self.state, result) {
            (State::Asked(_), result) => {
                let error = result.map_or_else(|error| error, |()| "the request was not answered".into());
                self.respond(now, &Response::new(500), b"");
                self.outcome = Some(Closed::Failed(error));
            }
            (_, Ok(())) => {
                if let Some(stream) = self.stream() {
                    stream.finish();
                }
            }
            (_, Err(error)) if self.is_open() => {
                self.outcome = Some(Closed::Failed(error));
                self.sender.break_off();
            }
            (_, Err(error)) => return Some(error),
        }
        None
    }

    /// Closes the connection at once. Pending bytes are not sent, and the client can detect that a
    /// chunked stream was cut.
    pub fn close(&mut self) {
        // Any time will do: no deadline starts here.
        self.transition(Instant::default(), Input::Close(Closed::Aborted));
    }

    /// Reports that the client of a [bare](Self::bare) stream is gone, because the library that took
    /// the body has dropped it.
    pub fn handle_left(&mut self) {
        // The client is gone whatever the time.
        self.transition(Instant::default(), Input::Close(Closed::Left));
    }

    /// Returns whether the connection is over.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Returns why the connection closed, once.
    pub fn take_closed(&mut self) -> Option<Closed> {
        if self.is_closed() { self.outcome.take() } else { None }
    }

    /// Returns the next bytes to write.
    pub fn pending(&self) -> &[u8] {
        match &self.state {
            State::Reading(intake) => intake.interim,
            _ => self.sender.pending(),
        }
    }

    /// Returns all pending bytes in order, for vectored writes. Any slice may be empty.
    pub fn pending_slices(&self) -> [&[u8]; 3] {
        match &self.state {
            State::Reading(intake) => [intake.interim, b"", b""],
            _ => self.sender.pending_slices(),
        }
    }

    /// Returns the start of the pending bytes, to be written without holding a lock; see
    /// [`Sender::pending_piece`].
    pub fn pending_piece(&self, most: usize) -> PendingPiece<B>
    where
        B: Clone,
    {
        match &self.state {
            State::Reading(intake) => PendingPiece::of(intake.interim),
            _ => self.sender.pending_piece(most),
        }
    }

    /// Removes and returns the first pending piece, which then counts as written; see
    /// [`Sender::take_pending`].
    pub fn take_pending(&mut self) -> Option<Piece<B>> {
        match &mut self.state {
            State::Reading(intake) => Some(Piece::Bytes(core::mem::take(&mut intake.interim).into())),
            _ => self.sender.take_pending(),
        }
    }

    /// Reports that the first `count` bytes of [`pending`](Self::pending) or
    /// [`pending_slices`](Self::pending_slices) were written. `0` means that the connection accepts
    /// no more bytes. A larger count counts as all pending bytes.
    pub fn handle_written(&mut self, now: Instant, count: usize) {
        if self.pending().is_empty() {
            return;
        }
        if count == 0 {
            return self.handle_error(now, "the connection takes no more bytes");
        }
        match &mut self.state {
            State::Reading(intake) => intake.interim = intake.interim.get(count..).unwrap_or_default(),
            _ => self.sender.handle_written(count),
        }
    }

    /// Returns the buffer to read into. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        let wanted = match self.state {
            State::Asked(_) | State::Answering => Self::OPEN_SPACE,
            _ => Self::READING_SPACE,
        };
        if self.space.len() != wanted {
            self.space = vec![0; wanted];
        }
        &mut self.space
    }

    /// Reports a read of `count` bytes, which the caller has placed at the start of
    /// [`space`](Self::space). `0` means that the client has closed at least its writing half; a
    /// stream is not continued for such a client.
    ///
    /// A count larger than the space counts as the whole space.
    pub fn handle_read(&mut self, now: Instant, count: usize) {
        self.look_at_clock(now);
        if count == 0 {
            self.has_ended = true;
            return self.transition(now, Input::Ended);
        }
        let count = count.min(self.space().len());
        let State::Reading(intake) = &mut self.state else { return self.discard(now, count) };
        let mut input = self.space.get(..count).unwrap_or_default();
        match intake.read(now, &mut input) {
            Ok(true) => {
                let rest = input.len();
                self.transition(now, Input::Requested);
                self.discard(now, rest);
            }
            Ok(false) => {}
            Err(fault) => self.transition(now, Input::Fault(fault)),
        }
    }

    /// Returns whether the client may send more bytes: `false` after a read of 0. A thread that
    /// reads while others write stops then.
    pub fn can_read(&self) -> bool {
        !self.has_ended
    }

    /// Reports that the writing half is shut down, or cannot be.
    pub fn handle_shutdown(&mut self, now: Instant) {
        self.transition(now, Input::ShutDown);
    }

    /// Reports that the connection failed.
    pub fn handle_error(&mut self, now: Instant, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.transition(now, Input::Lost(error.into()));
    }

    /// Reports that a deadline has passed. Has no effect if no deadline is due.
    pub fn handle_deadline(&mut self, now: Instant) {
        match self.state {
            State::Answering => {
                let was_open = self.is_open();
                self.sender.handle_deadline(now);
                if self.is_draining && was_open && !self.is_open() {
                    self.outcome = Some(Closed::Draining);
                }
            }
            _ => self.look_at_clock(now),
        }
    }

    /// Checks the deadline, because a busy client must not keep the caller from reporting it.
    fn look_at_clock(&mut self, now: Instant) {
        if let State::Reading(intake) = &mut self.state {
            intake.start(now);
        }
        if self.state.deadline().is_some_and(|deadline| deadline <= now) {
            self.transition(now, Input::Due);
        }
    }

    /// Discards bytes that arrived after the request.
    fn discard(&mut self, now: Instant, count: usize) {
        match self.discard_left.checked_sub(count) {
            Some(left) => self.discard_left = left,
            None => self.transition(now, Input::Unasked),
        }
    }

    /// Answers a client that has not sent its request with status 503.
    fn send_away(&mut self, now: Instant, reason: Closed, retry_after: Duration, text: &[u8]) {
        let seconds = retry_after.as_secs().saturating_add(u64::from(retry_after.subsec_nanos() > 0));
        let response = with_header(Response::new(503), "retry-after", &seconds.to_string());
        let outcome = Some(reason);
        self.transition(now, Input::Answered { method: "", response: &response, body: text, outcome });
    }

    fn asked(&self) -> Option<&Intake> {
        match &self.state {
            State::Asked(intake) => Some(intake),
            _ => None,
        }
    }
}
