//! A subscription that reconnects, over the user's HTTP client.

use std::fmt;
use std::future::{poll_fn, ready};
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use futures_core::{FusedStream, Stream};
use http_body::Body;
use sse_proto::http::{HeaderError, Request, ResponseHead};
#[cfg(feature = "json")]
use sse_proto::json::{DeserializeOwned, NextError};
use sse_proto::source::{CloseReason, Session, Signal, SourceConfig, SourceError, Want};
use sse_proto::{Event, EventRef, Instant};

use crate::client::from_http::{self, FromHttpError};
use crate::client::http_client::HttpClient;
use crate::net::{Alarm, BoxFuture, Clock, CloseOnDrop};
use crate::{BoxError, CloseHandle, Runtime, Signals};

/// An [`EventSource`](crate::EventSource) over your own HTTP client, such as hyper or a tower
/// service, with its TLS, HTTP/2, proxies and cookies.
///
/// The client is a function from a request to the future of a response. It is called for each
/// attempt and for each redirect, and returns responses unchanged, whatever their status. The body
/// may be any [`Body`].
///
/// A client may follow redirects itself. The source then sees only the final response and does not
/// remember permanent redirects, and the client decides which headers to keep.
///
/// [`Timeouts::response`](sse_proto::source::Timeouts::response) starts with the call of the
/// function; `Timeouts::connect` has no effect. Do not set a client timeout for the whole response,
/// which would cut every stream.
pub struct HttpSource<R: Runtime> {
    source: Session,
    client: HttpClient,
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

impl<R: Runtime> HttpSource<R> {
    /// Subscribes with this request. Each attempt sends it again by `send`.
    pub fn new<F, P, B, E>(request: Request, send: F) -> Self
    where
        F: FnMut(http::Request<Vec<u8>>) -> P + Send + 'static,
        P: Future<Output = Result<http::Response<B>, E>> + Send + 'static,
        B: Body<Error: Into<BoxError>> + Send + 'static,
        E: Into<BoxError>,
    {
        // The only randomness in `std`: hash keys that differ with each call.
        let seed = RandomState::new().hash_one(());
        Self {
            source: Session::new(request, seed),
            client: HttpClient::new(send),
            prepare: Box::new(|request| Box::pin(ready(Ok(request)))),
            preparing: None,
            clock: Clock::start::<R>(),
            now: Instant::default(),
            alarm: Alarm::default(),
            handle: CloseOnDrop::default(),
        }
    }

    /// Subscribes with a request of the crate `http`, whose URL is absolute. Each attempt sends it
    /// again by `send`.
    ///
    /// The request keeps its method, URL, headers and body, but not its version and extensions:
    /// set them in `send`.
    ///
    /// # Errors
    /// [`FromHttpError`]: an event source cannot send the request.
    pub fn from_http<F, P, B, E>(
        request: http::Request<impl Into<Vec<u8>>>,
        send: F,
    ) -> Result<Self, FromHttpError>
    where
        F: FnMut(http::Request<Vec<u8>>) -> P + Send + 'static,
        P: Future<Output = Result<http::Response<B>, E>> + Send + 'static,
        B: Body<Error: Into<BoxError>> + Send + 'static,
        E: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        Ok(Self::new(from_http::convert(&parts)?.with_body(body), send))
    }

    /// Sets the configuration.
    #[must_use]
    pub fn with_config(self, config: SourceConfig) -> Self {
        Self { source: self.source.with_config(config), ..self }
    }

    /// Changes the configuration, as in `configure(|config| config.max_attempts = Some(3))`.
    #[must_use]
    pub fn configure(self, change: impl FnOnce(&mut SourceConfig)) -> Self {
        Self { source: self.source.configure(change), ..self }
    }

    /// Adds a header to the request; see [`Request::with_header`].
    ///
    /// # Errors
    /// If the name or the value is not valid in a header, or the header is one that frames the body.
    pub fn with_header(self, name: &str, value: &str) -> Result<Self, HeaderError> {
        Ok(Self { source: self.source.with_header(name, value)?, ..self })
    }

    /// Sets a hook that can modify the request of every attempt, like
    /// [`EventSource::with_prepare`](crate::EventSource::with_prepare).
    ///
    /// Headers added here are not sent to the target of a cross-origin redirect. Headers added by
    /// `send` are.
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
        Some(found.map(|()| self.source.event()))
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
        self.source.last_event_id()
    }

    /// Returns the underlying state machine, which knows the response, the body of a refused
    /// response, and whether the stream is open.
    pub fn machine(&self) -> &Session {
        &self.source
    }

    /// Returns a handle that closes this source from any task or thread, even while it waits.
    pub fn close_handle(&self) -> CloseHandle {
        self.handle.clone()
    }

    /// Abandons the current stream or delay and starts another attempt at once, for callers that
    /// know that the network is back or that they need a different stream. Resets the count of
    /// failures, and keeps the last event id.
    pub fn restart(&mut self) {
        self.source.restart();
        self.disconnect();
    }

    /// Closes the source at once and permanently, like dropping it.
    pub fn close(&mut self) {
        self.source.close();
        self.disconnect();
        self.handle.close();
    }

    fn disconnect(&mut self) {
        self.preparing = None;
        self.client.disconnect();
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(), SourceError>>> {
        let want = ready!(self.poll_advance::<false>(cx));
        Poll::Ready(self.source.take_item(want))
    }

    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<Option<Signal>> {
        let _ = ready!(self.poll_advance::<true>(cx));
        Poll::Ready(self.source.take_signal())
    }

    /// Does what the source wants, until there is something for the user or the source has closed.
    fn poll_advance<const OBSERVE: bool>(&mut self, cx: &mut Context<'_>) -> Poll<Want> {
        if self.source.is_reading() {
            // Most likely, bytes woke it, and to take them needs no clock. If not, the loop waits for them.
            let _ = self.poll_read(cx);
        }
        loop {
            if self.handle.is_closed() {
                self.source.close();
            }
            let buffered = if OBSERVE { None } else { self.source.want_buffered() };
            if let Some(want) = buffered {
                return Poll::Ready(want);
            }
            self.now = self.clock.now();
            let now = self.now;
            let (want, deadline) = if OBSERVE { self.source.want_signal(now) } else { self.source.want(now) };
            let done = match want {
                Want::Prepare => {
                    if let Ok(time) = SystemTime::UNIX_EPOCH.elapsed() {
                        self.source.set_wall_clock(now, time);
                    }
                    self.client.disconnect();
                    self.poll_prepare(cx, now)
                }
                Want::Request => self.poll_request(cx, now),
                Want::Read => self.poll_read(cx),
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
            if done.is_pending() {
                self.handle.register(cx.waker());
                if self.handle.is_closed() {
                    continue;
                }
                ready!(self.alarm.poll_early(cx, self.clock, deadline));
                self.source.handle_deadline(self.clock.now());
            }
        }
    }

    fn poll_prepare(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        let preparing = self.preparing.get_or_insert_with(|| (self.prepare)(self.source.request().clone()));
        let prepared = ready!(preparing.as_mut().poll(cx));
        self.preparing = None;
        self.source.handle_request(now, prepared);
        Poll::Ready(())
    }

    fn poll_request(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        if !self.client.is_sending() {
            match self.client.send(self.source.request()) {
                Ok(()) => self.source.handle_connected(now),
                Err(error) => self.source.handle_unsupported(error),
            }
            // Loops once more, because the deadline has changed.
            return Poll::Ready(());
        }
        match ready!(self.client.poll_response(cx)) {
            Ok(head) => self.source.handle_response(now, head),
            Err(error) => self.source.handle_error(now, error),
        }
        Poll::Ready(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(self.client.poll_bytes(cx)) {
            Some(Ok(bytes)) => {
                let count = self.source.handle_bytes(self.now, bytes);
                self.client.take(count);
            }
            Some(Err(error)) => self.source.handle_error(self.now, error),
            None => self.source.handle_end(self.now),
        }
        Poll::Ready(())
    }
}

impl<R: Runtime> fmt::Debug for HttpSource<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("HttpSource");
        f.field("source", &self.source).field("client", &self.client).finish_non_exhaustive()
    }
}

impl<R: Runtime> Stream for HttpSource<R> {
    type Item = Result<Event, SourceError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let found = ready!(self.poll_event(cx));
        Poll::Ready(found.map(|found| found.map(|()| self.source.event().to_event())))
    }
}

impl<R: Runtime> FusedStream for HttpSource<R> {
    fn is_terminated(&self) -> bool {
        // Becomes true only after a poll has observed a close from elsewhere or the last error.
        self.handle.is_closed() && self.source.is_closed()
    }
}

impl<R: Runtime> Stream for Signals<'_, HttpSource<R>> {
    type Item = Signal;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Signal>> {
        self.source.poll_signal(cx)
    }
}

impl<R: Runtime> FusedStream for Signals<'_, HttpSource<R>> {
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}
