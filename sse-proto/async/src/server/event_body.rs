//! Events as the body of a response.

use std::fmt;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame};
use sse_proto::http1::server::{Closed, Connection, Want};
use sse_proto::hub::Resume;
use sse_proto::sender::{Piece, StreamConfig};
use sse_proto::{AsEvent, Event, header};

#[cfg(feature = "gzip")]
use super::gzip::Gzip;
use crate::guard::guard;
use crate::net::{Alarm, BoxFuture, Clock};
use crate::server::shared_stream::{SharedStream, release, wait_as_driver};
use crate::span::Span;
use crate::{BoxError, EventSender, Runtime, Subscriber};

/// An event stream as the body of a response, for axum, hyper, and any framework that
/// accepts a [`Body`].
///
/// The body sends keep-alives by itself (a comment after 15 s of silence, unless its
/// [`StreamConfig`] says otherwise) and applies backpressure at
/// [`high_water`](StreamConfig::high_water) pending bytes. When the client leaves, the framework
/// drops the body, and with it the future that sends the events. The body fails if the stream
/// fails, so that the client can detect the cut.
///
/// With the feature `axum` it is a response by itself: an axum handler returns it.
///
/// For users of `axum::response::sse`:
///
/// | there | here |
/// |---|---|
/// | `Sse::new(stream)` | [`EventBody::from_stream(stream)`](Self::from_stream), a response with the feature `axum` |
/// | `.keep_alive(KeepAlive::default())` | is on; [`StreamConfig::keep_alive`] is its interval, `None` is off |
/// | `KeepAlive::new().text("…")`, `.event(…)` | [`StreamConfig::set_keep_alive`] |
/// | `Event::default().data("…")` | `Event::new("…")` |
/// | `.event("…")`, `.id("…")`, which panic | `.with_name("…")?`, `.with_id("…")?` |
/// | `.retry(duration)` | `.with_retry(duration)` |
/// | `Event::default().comment("…")` | [`EventSender::comment`] |
/// | `mpsc::channel`, `ReceiverStream` | [`channel`](Self::channel): bounded by bytes |
/// | `broadcast::channel`, `BroadcastStream` | [`Hub`](crate::Hub), [`from_hub`](Self::from_hub): encoded once, with replay |
/// | `X-Accel-Buffering` by hand | is sent |
/// | a graceful shutdown that waits forever | [`until`](Self::until) |
///
/// It is a body for axum, hyper (also over HTTP/2), and whatever else takes an
/// [`http_body::Body`]; programs for actix-web and poem are in `frameworks/examples` of sse-tokio.
///
/// With the feature `tracing`, the future of [`new`](Self::new) runs in the span that was current when
/// the body was made, usually that of the request, and the reason of the end is logged there.
pub struct EventBody<R: Runtime> {
    stream: Arc<SharedStream>,
    /// The future that sends the events, if the body polls it.
    work: Option<Exclusive<BoxFuture<Result<(), BoxError>>>>,
    /// Completes when the server stops.
    stop: Option<Exclusive<BoxFuture<()>>>,
    alarm: Exclusive<Alarm<R>>,
    on_closed: Option<Exclusive<OnClosed>>,
    span: Span,
    #[cfg(feature = "gzip")]
    gzip: Option<Exclusive<Gzip>>,
}

type OnClosed = Box<dyn FnOnce(&Closed) + Send>;

impl<R: Runtime> EventBody<R> {
    /// Creates a body with the events that the future returned by `send` sends. The body polls the
    /// future, and drops it when it is dropped itself. It ends when the future completes and all
    /// senders are dropped, and fails if the future fails.
    pub fn new<W>(send: impl FnOnce(EventSender) -> W) -> Self
    where
        W: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let stream = bare_stream::<R>();
        let work = send(EventSender::new(Arc::clone(&stream)));
        Self::with_work(stream, Some(Box::pin(work)))
    }

    /// Creates a body with the events of a stream. An error of the stream fails the body.
    pub fn from_stream<S, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<Event, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self::new(async move |events| {
            let mut stream = pin!(stream);
            // Converted at once, because `E` need not be `Send` and must not be held across an
            // `await`.
            let mut next = |cx: &mut Context<'_>| stream.as_mut().poll_next(cx).map_err(Into::into);
            while let Some(event) = poll_fn(&mut next).await {
                events.send(&event?).await?;
            }
            Ok(())
        })
    }

    /// Creates a body with the events of a stream that cannot fail, such as that of a channel. The
    /// body ends with the stream.
    pub fn from_events<S>(stream: S) -> Self
    where
        S: Stream<Item: AsEvent + Send> + Send + 'static,
    {
        Self::new(async move |events| {
            let mut stream = pin!(stream);
            while let Some(event) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
                events.send(event).await?;
            }
            Ok(())
        })
    }

    /// Creates a body with the events of a hub. It ends when the hub is closed or the client lags.
    pub fn from_hub(mut subscriber: Subscriber) -> Self {
        Self::new(async move |events| Ok(events.forward(&mut subscriber).await?))
    }

    /// Creates a body and a sender for it. The body ends when the sender and all its clones are
    /// dropped.
    pub fn channel() -> (EventSender, Self) {
        let stream = bare_stream::<R>();
        let sender = EventSender::new(Arc::clone(&stream));
        let now = stream.now();
        let _ = stream.lock().handle_done(now, Ok(()));
        (sender, Self::with_work(stream, None))
    }

    /// Sets the configuration.
    #[must_use]
    pub fn with_config(self, config: StreamConfig) -> Self {
        let former = self.stream.lock().connection().set_stream_config(config, seed());
        // The old configuration may hold user code, so it is not dropped under the lock.
        drop(former);
        self
    }

    /// Changes the configuration, as in `configure(|config| config.age = Some(left))` for a token
    /// that expires.
    #[must_use]
    pub fn configure(self, change: impl FnOnce(&mut StreamConfig)) -> Self {
        let mut config = self.stream.lock().connection().stream_config().clone();
        change(&mut config);
        self.with_config(config)
    }

    /// Ends the body within [`StreamConfig::drain_window`] after `stop` completes, so that the
    /// client reconnects. A server that shuts down gracefully would otherwise wait for the stream
    /// forever: pass the same signal to both. Senders are [told](EventSender::draining).
    #[must_use]
    pub fn until(mut self, stop: impl Future<Output = ()> + Send + 'static) -> Self {
        self.stop = Some(Exclusive::new(Box::pin(stop)));
        self
    }

    /// Calls this once, when the body is over, with the reason: for a log, or to count who is there. It
    /// must not block.
    #[must_use]
    pub fn with_on_closed(mut self, on_closed: impl FnOnce(&Closed) + Send + 'static) -> Self {
        self.on_closed = Some(Exclusive::new(Box::new(on_closed)));
        self
    }

    /// Compresses the body for a client whose request has these headers, if they accept gzip. Each
    /// event is compressed and sent at once. Default: bodies are not compressed.
    ///
    /// It saves most of the bytes of JSON, and costs 144 KiB of memory for each stream, and the time
    /// to compress each event for each of them. For many small streams, leave it out.
    #[cfg(feature = "gzip")]
    #[must_use]
    pub fn with_gzip(mut self, request_headers: &http::HeaderMap) -> Self {
        let codings = request_headers.get_all(http::header::ACCEPT_ENCODING);
        if header::accepts_coding(codings.iter().map(http::HeaderValue::as_bytes), "gzip") {
            self.gzip = Some(Exclusive::new(Gzip::new()));
        }
        self
    }

    /// Creates a response with this body, status 200, and the [headers](header::RESPONSE) of an
    /// event stream.
    pub fn response(self) -> http::Response<Self> {
        let mut response = http::Response::new(self);
        for (name, value) in header::RESPONSE {
            let name = http::HeaderName::from_static(name);
            response.headers_mut().insert(name, http::HeaderValue::from_static(value));
        }
        #[cfg(feature = "gzip")]
        if response.body().gzip.is_some() {
            let gzip = http::HeaderValue::from_static("gzip");
            response.headers_mut().insert(http::header::CONTENT_ENCODING, gzip);
            let vary = http::HeaderValue::from_static("accept-encoding");
            response.headers_mut().insert(http::header::VARY, vary);
        }
        response
    }

    fn with_work(stream: Arc<SharedStream>, work: Option<BoxFuture<Result<(), BoxError>>>) -> Self {
        let (work, alarm) = (work.map(Exclusive::new), Exclusive::new(Alarm::default()));
        Self {
            stream,
            work,
            stop: None,
            alarm,
            on_closed: None,
            span: Span::current(),
            #[cfg(feature = "gzip")]
            gzip: None,
        }
    }

    /// Drops the user's futures, each of which may panic.
    fn drop_work(&mut self) {
        guard(|| self.work = None);
        guard(|| self.stop = None);
    }

    /// Compresses a piece, if the body is compressed.
    fn encode(&mut self, piece: Bytes) -> io::Result<Bytes> {
        #[cfg(feature = "gzip")]
        if let Some(gzip) = &mut self.gzip {
            return gzip.get_mut().piece(&piece).map(Bytes::from);
        }
        Ok(piece)
    }

    /// Returns the end of a compressed body, once.
    fn encode_end(&mut self) -> Option<io::Result<Bytes>> {
        #[cfg(feature = "gzip")]
        if let Some(gzip) = self.gzip.take() {
            return Some(gzip.into_inner().finish().map(Bytes::from));
        }
        None
    }

    fn tell(&mut self, closed: &Closed) {
        self.span.log_closed(closed);
        if let Some(on_closed) = self.on_closed.take() {
            guard(|| (on_closed.into_inner())(closed));
        }
    }

    fn poll_work(&mut self, cx: &mut Context<'_>) {
        let now = self.stream.now();
        if self.stop.as_mut().is_some_and(|stop| stop.get_mut().as_mut().poll(cx).is_ready()) {
            self.stop = None;
            self.stream.act(|stream| stream.connection().drain(now));
        }
        let Some(work) = &mut self.work else { return };
        if let Poll::Ready(done) = work.get_mut().as_mut().poll(cx) {
            self.work = None;
            // An error that the client is not told of is dropped after the lock is released.
            drop(self.stream.act(|stream| stream.handle_done(now, done)));
        }
    }
}

impl<R: Runtime> Body for EventBody<R> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let body = &mut *self;
        // The loop takes whatever is appended from here on, so no wake-up is needed.
        drop(body.stream.lock().take_driver());
        // A panic must fail only this body, because the connection may carry other streams.
        let span = body.span.clone();
        if guard(|| span.run(|| body.poll_work(cx))).is_none() {
            let now = body.stream.now();
            body.stream.act(|stream| stream.handle_panic(now));
            body.drop_work();
        }
        let mut stream = body.stream.lock();
        // Read again only after what may take a while.
        let mut now = body.stream.now();
        loop {
            let server = stream.connection();
            let (want, deadline) = server.want(now);
            match want {
                Want::Write => {
                    let piece = server.take_pending();
                    release(stream, false);
                    return Poll::Ready(piece.map(|piece| body.encode(into_bytes(piece)).map(Frame::data)));
                }
                Want::KeepAlive => {
                    let hooks = server.hooks().clone();
                    drop(stream);
                    // User code, so not called under the lock.
                    let frame = guard(|| hooks.keep_alive());
                    stream = body.stream.lock();
                    now = body.stream.now();
                    match frame {
                        Some(frame) => stream.connection().handle_keep_alive(now, &frame),
                        None => stream.handle_panic(now),
                    }
                }
                Want::Open | Want::Wait => {
                    wait_as_driver(stream, cx);
                    // Only after the lock is released, because the timer drops its previous waker.
                    ready!(body.alarm.get_mut().poll_early(cx, body.stream.clock(), deadline));
                    stream = body.stream.lock();
                    now = body.stream.now();
                    stream.connection().handle_deadline(now);
                }
                _ => {
                    let closed = server.take_closed();
                    release(stream, false);
                    if let Some(closed) = &closed {
                        body.tell(closed);
                    }
                    return Poll::Ready(match closed.map(Closed::into_error) {
                        Some(Some(error)) => Some(Err(io::Error::other(error))),
                        Some(None) => body.encode_end().map(|end| end.map(Frame::data)),
                        // It was over before.
                        None => None,
                    });
                }
            }
        }
    }
}

impl<R: Runtime> Drop for EventBody<R> {
    fn drop(&mut self) {
        let closed = self.stream.act(|stream| {
            stream.connection().handle_left();
            stream.connection().take_closed()
        });
        self.drop_work();
        if let Some(closed) = closed {
            self.tell(&closed);
            // An error of the user's, which may panic when it is dropped.
            guard(|| drop(closed));
        }
    }
}

/// The events of a hub, as [`from_hub`](EventBody::from_hub) sends them.
impl<R: Runtime> From<Subscriber> for EventBody<R> {
    fn from(subscriber: Subscriber) -> Self {
        Self::from_hub(subscriber)
    }
}

/// The same, for what [`Hub::subscribe_from`](crate::Hub::subscribe_from) returns.
impl<R: Runtime> From<(Subscriber, Resume)> for EventBody<R> {
    fn from((subscriber, _): (Subscriber, Resume)) -> Self {
        Self::from_hub(subscriber)
    }
}

impl<R: Runtime> fmt::Debug for EventBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBody").field("stream", &self.stream).finish_non_exhaustive()
    }
}

fn bare_stream<R: Runtime>() -> Arc<SharedStream> {
    SharedStream::new(Connection::bare(StreamConfig::default(), seed()), Clock::start::<R>())
}

fn seed() -> u64 {
    // The only randomness in `std`: hash keys that differ with each call.
    RandomState::new().hash_one(())
}

fn into_bytes(piece: Piece<Bytes>) -> Bytes {
    match piece {
        Piece::Frame(frame) => frame.get_ref().slice(frame.range()),
        Piece::Bytes(bytes) => bytes.into(),
        // There are no other variants.
        _ => Bytes::new(),
    }
}

/// Makes a value `Sync` that is only ever used through `&mut`, and so needs no lock.
pub(crate) struct Exclusive<T>(Mutex<T>);

impl<T> Exclusive<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
