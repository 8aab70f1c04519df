//! A subscription that reconnects.

use std::fmt;
use std::future::{poll_fn, ready};
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use futures_core::{FusedStream, Stream};
use sse_proto::http::{HeaderError, Request, ResponseHead, UrlError};
use sse_proto::http1::client::{self, Want};
#[cfg(feature = "json")]
use sse_proto::json::{DeserializeOwned, NextError};
use sse_proto::source::{CloseReason, Signal, SourceConfig, SourceError};
use sse_proto::{Event, EventRef, Instant};

use crate::net::{Alarm, BoxFuture, Clock, CloseOnDrop, Connection, Tls, is_untrusted};
#[cfg(feature = "rustls-no-provider")]
use crate::rustls;
use crate::{BoxError, CloseHandle, Runtime};

/// Stays subscribed to an event stream: connects, and reconnects with the last event id whenever
/// the stream is lost.
///
/// As a [`Stream`] it yields owned events. [`next_ref`](Self::next_ref) lends events without
/// allocating, and [`signals`](Self::signals) also yields everything else that happens. Transient
/// failures are not errors: the source waits and tries again. After [`SourceError::Limit`] the
/// stream continues; any other error is the last item. A normal end is not an error.
///
/// [`SourceConfig`] sets timeouts, backoff and limits. `https` needs the feature `rustls`. The
/// source works only while it is polled; there is no background task. All its futures are
/// cancel-safe.
pub struct EventSource<R: Runtime> {
    client: client::Connection,
    connection: Connection<R>,
    tls: Tls,
    prepare: Prepare,
    /// The preparation of this attempt, while it runs.
    preparing: Option<BoxFuture<Result<Request, BoxError>>>,
    clock: Clock,
    /// When the clock was last read.
    now: Instant,
    alarm: Alarm<R>,
    handle: CloseOnDrop,
}

type Prepare = Box<dyn FnMut(Request) -> BoxFuture<Result<Request, BoxError>> + Send>;

impl<R: Runtime> EventSource<R> {
    /// Subscribes to this URL, as the specification requires.
    ///
    /// # Errors
    /// If the URL is not a valid `http` or `https` URL.
    pub fn get(url: &str) -> Result<Self, UrlError> {
        Request::get(url).map(Self::new)
    }

    /// Subscribes with this request. Each attempt sends it again, with
    /// [`USER_AGENT`](Runtime::USER_AGENT) if it has no `User-Agent`.
    pub fn new(request: Request) -> Self {
        // The only randomness in `std`: hash keys that differ with each call.
        let seed = RandomState::new().hash_one(());
        Self::with_client(client::Connection::new(sse_proto::source::Session::new(request, seed)))
    }

    /// Creates a source from a configured client, for example with other limits on response heads
    /// or your own seed. Requests get the default [`USER_AGENT`](Runtime::USER_AGENT), unless the
    /// client has another.
    pub fn with_client(client: client::Connection) -> Self {
        Self {
            client: client.with_default_user_agent(R::USER_AGENT),
            connection: Connection::default(),
            tls: Tls::default(),
            prepare: Box::new(|request| Box::pin(ready(Ok(request)))),
            preparing: None,
            clock: Clock::start::<R>(),
            now: Instant::default(),
            alarm: Alarm::default(),
            handle: CloseOnDrop::default(),
        }
    }

    /// Sets the configuration.
    #[must_use]
    pub fn with_config(self, config: SourceConfig) -> Self {
        Self { client: self.client.with_config(config), ..self }
    }

    /// Changes the configuration, as in `configure(|config| config.max_attempts = Some(3))`.
    #[must_use]
    pub fn configure(self, change: impl FnOnce(&mut SourceConfig)) -> Self {
        Self { client: self.client.configure(change), ..self }
    }

    /// Adds a header to the request; see [`Request::with_header`].
    ///
    /// # Errors
    /// If the name or the value is not valid in a header, or the header is one that frames the body.
    pub fn with_header(self, name: &str, value: &str) -> Result<Self, HeaderError> {
        Ok(Self { client: self.client.with_header(name, value)?, ..self })
    }

    /// Sets the TLS configuration for `https` URLs, for example with your own roots or a client
    /// certificate. Default: the platform's trust store. ALPN protocols are ignored, because only
    /// HTTP/1.1 is spoken.
    ///
    /// A server that is not trusted closes the source with
    /// [`CloseReason::Untrusted`], if no server has answered before. After that it is a failure like
    /// any other, because certificates get renewed. The error is a `std::io` error that wraps the one
    /// of rustls.
    #[cfg(feature = "rustls-no-provider")]
    #[must_use]
    pub fn with_tls(self, config: &rustls::ClientConfig) -> Self {
        Self { tls: Tls::new(config), ..self }
    }

    /// Sets a hook that can modify the request of every attempt: its URL, headers (such as a fresh
    /// token) or body. The request includes the last event id. An error fails the attempt, and the
    /// source retries.
    #[must_use]
    pub fn with_prepare<F, P>(self, mut prepare: F) -> Self
    where
        F: FnMut(Request) -> P + Send + 'static,
        P: Future<Output = Result<Request, BoxError>> + Send + 'static,
    {
        Self { prepare: Box::new(move |request| Box::pin(prepare(request))), ..self }
    }

    /// Waits for the next event. Returns `None` after the end.
    ///
    /// # Errors
    /// [`SourceError`]: an event was skipped, or the source closed.
    pub async fn next(&mut self) -> Option<Result<Event, SourceError>> {
        Some(self.next_ref().await?.map(EventRef::to_event))
    }

    /// Waits for the next event, and lends it. Returns `None` after the end.
    ///
    /// # Errors
    /// Like [`next`](Self::next).
    pub async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, SourceError>> {
        let found = poll_fn(|cx| self.poll_event(cx)).await?;
        Some(found.map(|()| self.client.event()))
    }

    /// Waits for the next event, and deserializes it; see [`sse_proto::json::from_event`]. Returns
    /// `None` after the end.
    ///
    /// # Errors
    /// [`NextError`]: an event was skipped or has another form, or the source closed.
    #[cfg(feature = "json")]
    pub async fn next_json<T: DeserializeOwned>(&mut self) -> Option<Result<T, NextError>> {
        let event = self.next_ref().await?;
        Some(event.map_err(NextError::Source).and_then(|event| event.json().map_err(NextError::Json)))
    }

    /// Waits until the server has accepted the subscription, and returns the head of its response; at
    /// once, if the stream is open. Until then, attempts are repeated as the configuration allows.
    ///
    /// A gateway calls it before it answers its own client.
    ///
    /// # Errors
    /// The reason why the source closed instead. Status 204, which stops a source, is one.
    pub async fn open(&mut self) -> Result<&ResponseHead, SourceError> {
        while !self.machine().is_open() {
            match self.next_signal().await {
                Some(Signal::Closed(reason)) => return Err(reason.into()),
                None => return Err(CloseReason::ByCaller.into()),
                _ => {}
            }
        }
        // Always `Some` while the stream is open.
        self.machine().response().ok_or(SourceError::Closed(CloseReason::ByCaller))
    }

    /// Waits for the next signal. Returns `None` after [`Signal::Closed`], which is returned once.
    pub async fn next_signal(&mut self) -> Option<Signal> {
        poll_fn(|cx| self.poll_signal(cx)).await
    }

    /// Returns a stream of all signals, including events. The stream never fails.
    pub fn signals(&mut self) -> Signals<'_, Self> {
        Signals { source: self }
    }

    /// Calls `handler` for every event, until the source closes.
    ///
    /// # Errors
    /// Like [`next`](Self::next). After a recoverable error, call again to continue.
    pub async fn listen(&mut self, mut handler: impl FnMut(EventRef<'_>)) -> Result<(), SourceError> {
        while let Some(event) = self.next_ref().await {
            handler(event?);
        }
        Ok(())
    }

    /// Returns the last event id so far, or an empty string if there is none. After a restart of
    /// the program, a new source can resume from it.
    pub fn last_event_id(&self) -> &str {
        self.machine().last_event_id()
    }

    /// Returns the underlying state machine, which knows the response, the body of a refused
    /// response, and whether the stream is open.
    pub fn machine(&self) -> &sse_proto::source::Session {
        self.client.source()
    }

    /// Returns a handle that closes this source from any task or thread, even while it waits.
    pub fn close_handle(&self) -> CloseHandle {
        self.handle.clone()
    }

    /// Abandons the current stream or delay and starts another attempt at once, for callers that
    /// know that the network is back or that they need a different stream. Resets the count of
    /// failures, and keeps the last event id.
    pub fn restart(&mut self) {
        self.client.restart();
        self.disconnect();
    }

    /// Closes the source at once and permanently, like dropping it.
    pub fn close(&mut self) {
        self.client.close();
        self.disconnect();
        self.handle.close();
    }

    fn disconnect(&mut self) {
        self.preparing = None;
        self.connection.close();
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(), SourceError>>> {
        let want = ready!(self.poll_advance::<false>(cx));
        Poll::Ready(self.client.take_item(want))
    }

    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<Option<Signal>> {
        let _ = ready!(self.poll_advance::<true>(cx));
        Poll::Ready(self.client.take_signal())
    }

    /// Does what the client wants, until there is something for the user or the source has closed.
    fn poll_advance<const OBSERVE: bool>(&mut self, cx: &mut Context<'_>) -> Poll<Want> {
        if self.client.is_reading() {
            // Most likely, bytes woke it, and to take them needs no clock. If not, the loop waits for them.
            let _ = self.poll_read(cx);
        }
        loop {
            if self.handle.is_closed() {
                self.client.close();
            }
            let buffered = if OBSERVE { None } else { self.client.want_buffered() };
            if let Some(want) = buffered {
                return Poll::Ready(want);
            }
            self.now = self.clock.now();
            let now = self.now;
            let (want, deadline) = if OBSERVE { self.client.want_signal(now) } else { self.client.want(now) };
            let client = &mut self.client;
            let is_connecting = matches!(want, Want::Connect);
            let done = match want {
                Want::Prepare => {
                    if let Ok(time) = SystemTime::UNIX_EPOCH.elapsed() {
                        client.set_wall_clock(now, time);
                    }
                    self.poll_prepare(cx, now).map(Ok)
                }
                Want::Connect => {
                    let url = client.request().url();
                    if let Err(error) = self.tls.check(url) {
                        client.handle_unsupported(error);
                        continue;
                    }
                    let connected = self.connection.poll_connect(cx, url, &self.tls);
                    connected.map_ok(|()| client.handle_connected(now))
                }
                Want::Write => {
                    let written = self.connection.poll_write(cx, client.pending());
                    written.map_ok(|count| client.handle_written(now, count))
                }
                Want::Read => self.poll_read(cx).map(Ok),
                Want::Wait => {
                    self.disconnect();
                    Poll::Pending
                }
                Want::Yield => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Want::Closed => {
                    self.disconnect();
                    self.handle.close();
                    return Poll::Ready(want);
                }
                _ => return Poll::Ready(want),
            };
            match done {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) if is_connecting && is_untrusted(&error) => {
                    self.client.handle_untrusted(now, error);
                }
                Poll::Ready(Err(error)) => self.client.handle_error(now, error),
                Poll::Pending => {
                    self.handle.register(cx.waker());
                    if self.handle.is_closed() {
                        continue;
                    }
                    ready!(self.alarm.poll_early(cx, self.clock, deadline));
                    self.client.handle_deadline(self.clock.now());
                }
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(self.connection.poll_read(cx, self.client.space())) {
            Ok(count) => self.client.handle_read(self.now, count),
            Err(error) => self.client.handle_error(self.now, error),
        }
        Poll::Ready(())
    }

    fn poll_prepare(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        let preparing = self.preparing.get_or_insert_with(|| (self.prepare)(self.client.request().clone()));
        let prepared = ready!(preparing.as_mut().poll(cx));
        self.preparing = None;
        self.client.handle_request(now, prepared);
        Poll::Ready(())
    }
}

impl<R: Runtime> fmt::Debug for EventSource<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource").field("client", &self.client).finish_non_exhaustive()
    }
}

impl<R: Runtime> Stream for EventSource<R> {
    type Item = Result<Event, SourceError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let found = ready!(self.poll_event(cx));
        Poll::Ready(found.map(|found| found.map(|()| self.client.event().to_event())))
    }
}

impl<R: Runtime> FusedStream for EventSource<R> {
    fn is_terminated(&self) -> bool {
        // Becomes true only after a poll has observed a close from elsewhere or the last error.
        self.handle.is_closed() && self.machine().is_closed()
    }
}

/// All signals of a source; see [`EventSource::signals`].
#[derive(Debug)]
pub struct Signals<'s, S> {
    pub(crate) source: &'s mut S,
}

impl<R: Runtime> Stream for Signals<'_, EventSource<R>> {
    type Item = Signal;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Signal>> {
        self.source.poll_signal(cx)
    }
}

impl<R: Runtime> FusedStream for Signals<'_, EventSource<R>> {
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}
