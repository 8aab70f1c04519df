//! A subscription that reconnects, over the user's HTTP client.

use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::iter::FusedIterator;
use std::{fmt, time};

use sse_proto::http::{HeaderError, Request, ResponseHead};
#[cfg(feature = "json")]
use sse_proto::json::{DeserializeOwned, NextError};
use sse_proto::source::{CloseReason, Session, Signal, SourceConfig, SourceError, Want};
use sse_proto::{Event, EventRef, Instant};

use crate::close::CloseOnDrop;
use crate::http_client::{BoxError, HttpClient};
use crate::{CloseHandle, Signals};

/// An [`EventSource`](crate::EventSource) over your own HTTP client, such as ureq, with its TLS and
/// proxies.
///
/// The client is a function that sends a request, and returns the head of the response and a reader
/// of its body. It is called for each attempt and for each redirect, on a separate thread, and
/// returns responses unchanged, whatever their status.
///
/// A client may follow redirects itself. The source then sees only the final response and does not
/// remember permanent redirects, and the client decides which headers to keep.
///
/// [`Timeouts::response`](sse_proto::source::Timeouts::response) starts with the call of the
/// function; `Timeouts::connect` has no effect. Do not set a client timeout for the whole response,
/// which would cut every stream.
///
/// A timeout or a close ends the wait at once. But it cannot interrupt the client's own blocking
/// calls: the client's thread and connection end when the function or the read returns. Set a
/// connect timeout in the client, too.
///
/// With ureq 3:
///
/// ```no_run
/// use sse_blocking::{HttpSource, Request};
/// use sse_blocking::proto::http::ResponseHead;
/// use ureq::{Agent, BodyReader, Error, http};
///
/// fn send(agent: &Agent, request: &Request) -> Result<(ResponseHead, BodyReader<'static>), Error> {
///     let to = http::Request::builder().method(request.method()).uri(request.url().to_string());
///     let to = request.headers_to_send().fold(to, |to, (name, value)| to.header(name, &*value));
///     let (head, body) = agent.run(to.body(request.body())?)?.into_parts();
///     let response = ResponseHead::new(head.status.as_u16());
///     let response = head.headers.iter().fold(response, |response, (name, value)| {
///         response.with_header(name.as_str(), value.as_bytes())
///     });
///     Ok((response, body.into_reader()))
/// }
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// // The source checks the status and follows redirects.
/// let agent = Agent::from(Agent::config_builder().http_status_as_error(false).max_redirects(0).build());
/// let request = Request::get("http://127.0.0.1:8888/sse")?;
/// for event in HttpSource::new(request, move |request| send(&agent, request)) {
///     println!("{}", event?.data());
/// }
/// # Ok(())
/// # }
/// ```
pub struct HttpSource {
    source: Session,
    client: HttpClient,
    prepare: Prepare,
    /// The epoch of the session's time.
    epoch: time::Instant,
    handle: CloseOnDrop,
}

type Prepare = Box<dyn FnMut(Request) -> Result<Request, BoxError> + Send>;

impl HttpSource {
    /// Subscribes with this request. Each attempt sends it again by `send`.
    pub fn new<R: Read, E: Into<BoxError>>(
        request: Request,
        send: impl Fn(&Request) -> Result<(ResponseHead, R), E> + Send + Sync + 'static,
    ) -> Self {
        // The only randomness in `std`: hash keys that differ with each call.
        let seed = RandomState::new().hash_one(());
        Self {
            source: Session::new(request, seed),
            client: HttpClient::new(send),
            prepare: Box::new(Ok),
            epoch: time::Instant::now(),
            handle: CloseOnDrop::default(),
        }
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
    pub fn with_prepare(
        self,
        prepare: impl FnMut(Request) -> Result<Request, BoxError> + Send + 'static,
    ) -> Self {
        Self { prepare: Box::new(prepare), ..self }
    }

    /// Blocks until the next event, and lends it. Returns `None` after the end.
    ///
    /// # Errors
    /// [`SourceError`]: an event was skipped, or the source closed.
    pub fn next_ref(&mut self) -> Option<Result<EventRef<'_>, SourceError>> {
        let want = self.advance::<false>();
        Some(self.source.take_item(want)?.map(|()| self.source.event()))
    }

    /// Blocks for the next event, and deserializes it; see [`sse_proto::json::from_event`]. Returns
    /// `None` after the end.
    ///
    /// # Errors
    /// [`NextError`]: an event was skipped or has another form, or the source closed.
    #[cfg(feature = "json")]
    pub fn next_json<T: DeserializeOwned>(&mut self) -> Option<Result<T, NextError>> {
        let event = self.next_ref()?;
        Some(event.map_err(NextError::Source).and_then(|event| event.json().map_err(NextError::Json)))
    }

    /// Blocks until the server has accepted the subscription, and returns the head of its response; at
    /// once, if the stream is open. Until then, attempts are repeated as the configuration allows.
    ///
    /// A gateway calls it before it answers its own client.
    ///
    /// # Errors
    /// The reason why the source closed instead. Status 204, which stops a source, is one.
    pub fn open(&mut self) -> Result<&ResponseHead, SourceError> {
        while !self.machine().is_open() {
            match self.next_signal() {
                Some(Signal::Closed(reason)) => return Err(reason.into()),
                None => return Err(CloseReason::ByCaller.into()),
                _ => {}
            }
        }
        // Always `Some` while the stream is open.
        self.machine().response().ok_or(SourceError::Closed(CloseReason::ByCaller))
    }

    /// Blocks until the next signal. Returns `None` after [`Signal::Closed`], which is returned
    /// once.
    pub fn next_signal(&mut self) -> Option<Signal> {
        self.advance::<true>();
        self.source.take_signal()
    }

    /// Returns an iterator over all signals, including events. The iterator never fails.
    pub fn signals(&mut self) -> Signals<'_, Self> {
        Signals { source: self }
    }

    /// Calls `handler` for every event, until the source closes.
    ///
    /// # Errors
    /// Like [`next_ref`](Self::next_ref). After a recoverable error, call again to continue.
    pub fn listen(&mut self, mut handler: impl FnMut(EventRef<'_>)) -> Result<(), SourceError> {
        while let Some(event) = self.next_ref() {
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

    /// Returns a handle that closes this source from any thread, even while it is blocked.
    pub fn close_handle(&self) -> CloseHandle {
        self.handle.clone()
    }

    /// Abandons the current stream or delay and starts another attempt at once, for callers that
    /// know that the network is back or that they need a different stream. Resets the count of
    /// failures, and keeps the last event id.
    pub fn restart(&mut self) {
        self.source.restart();
        self.client.close(&self.handle);
    }

    /// Closes the source at once and permanently, like dropping it.
    pub fn close(&mut self) {
        self.source.close();
        self.disconnect();
    }

    fn disconnect(&mut self) {
        self.client.close(&self.handle);
        self.handle.close();
    }

    fn now(&self) -> Instant {
        Instant::from_epoch(self.epoch.elapsed())
    }

    /// Does what the source wants, until there is something for the user or the source has closed.
    fn advance<const OBSERVE: bool>(&mut self) -> Want {
        loop {
            if self.handle.is_closed() {
                self.source.close();
            }
            let buffered = if OBSERVE { None } else { self.source.want_buffered() };
            if let Some(want) = buffered {
                return want;
            }
            let now = self.now();
            let (want, deadline) = if OBSERVE { self.source.want_signal(now) } else { self.source.want(now) };
            let limit = deadline.map(|at| at.since(now));
            match want {
                Want::Prepare => {
                    if let Ok(time) = time::SystemTime::UNIX_EPOCH.elapsed() {
                        self.source.set_wall_clock(now, time);
                    }
                    self.client.close(&self.handle);
                    let prepared = (self.prepare)(self.source.request().clone());
                    self.source.handle_request(self.now(), prepared);
                }
                Want::Request if !self.client.is_sending() => {
                    match self.client.send(self.source.request(), &self.handle) {
                        // Loops once more, because the deadline has changed.
                        Ok(()) => self.source.handle_connected(now),
                        Err(error) => self.source.handle_error(now, error),
                    }
                }
                Want::Request => {
                    let response = self.client.response(limit, &self.handle);
                    let now = self.now();
                    match response {
                        Ok(Some(head)) => self.source.handle_response(now, head),
                        Ok(None) => self.source.handle_deadline(now),
                        Err(error) => self.source.handle_error(now, error),
                    }
                }
                Want::Read => {
                    let read = self.client.read(self.source.space(), limit, &self.handle);
                    let now = self.now();
                    match read {
                        Ok(Some(count)) => self.source.handle_read(now, count),
                        Ok(None) => self.source.handle_deadline(now),
                        Err(error) => self.source.handle_error(now, error),
                    }
                }
                Want::Wait => {
                    self.client.wait(limit, &self.handle);
                    self.source.handle_deadline(self.now());
                }
                Want::Yield => {}
                Want::Closed => {
                    self.disconnect();
                    return want;
                }
                _ => return want,
            }
        }
    }
}

impl fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("HttpSource");
        f.field("source", &self.source).field("client", &self.client).finish_non_exhaustive()
    }
}

impl Iterator for HttpSource {
    type Item = Result<Event, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_ref()?.map(EventRef::to_event))
    }
}

impl FusedIterator for HttpSource {}

impl Iterator for Signals<'_, HttpSource> {
    type Item = Signal;

    fn next(&mut self) -> Option<Signal> {
        self.source.next_signal()
    }
}

impl FusedIterator for Signals<'_, HttpSource> {}
