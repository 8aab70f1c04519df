//! A subscription that reconnects, over an HTTP client of the user's.

use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::iter::FusedIterator;
use std::{fmt, time};

use sse_proto::http::{Request, ResponseHead};
use sse_proto::source::{Session, Signal, SourceConfig, SourceError, Want};
use sse_proto::{Event, EventRef, Instant};

use crate::close::CloseOnDrop;
use crate::http_client::{BoxError, HttpClient};
use crate::{CloseHandle, Signals};

/// What an [`EventSource`](crate::EventSource) is, over an HTTP client of yours: ureq, for instance, and with it TLS
/// and proxies.
///
/// The client is a function that sends a request, and returns the head of the response and something to read the body
/// from. It is called for each attempt, and again for each redirect, on a thread of its own; it reports the responses
/// as they are, whatever their status.
///
/// A client that follows redirects itself may do so: the source then sees only where they led, does not remember the
/// permanent ones, and what goes along is the client's choice.
/// [`Timeouts::response`](sse_proto::source::Timeouts::response) counts from the call of the function;
/// `Timeouts::connect` has no meaning here. A timeout of the client's for the whole response would cut every stream.
///
/// A timeout, and closing, end the wait at once. But what the client itself blocks on cannot be ended from here: its
/// thread, and its connection, end when the function or the read returns. Connecting should have a time limit in the
/// client too.
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
/// // The source looks at statuses, and follows redirects.
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
    /// When the source's time begins.
    epoch: time::Instant,
    handle: CloseOnDrop,
}

type Prepare = Box<dyn FnMut(Request) -> Result<Request, BoxError> + Send>;
type Ask = fn(&mut Session, Instant) -> (Want, Option<Instant>);

impl HttpSource {
    /// Subscribes to what this request asks for. Each attempt sends it anew, by `send`.
    pub fn new<R: Read, E: Into<BoxError>>(
        request: Request,
        send: impl Fn(&Request) -> Result<(ResponseHead, R), E> + Send + Sync + 'static,
    ) -> Self {
        // The only randomness in `std`: keys that differ with each call.
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

    /// Lets every attempt change its request first, as [`EventSource::with_prepare`](crate::EventSource::with_prepare)
    /// does.
    ///
    /// What is added here is not sent on to where a redirect leads; what `send` adds is.
    #[must_use]
    pub fn with_prepare(
        self,
        prepare: impl FnMut(Request) -> Result<Request, BoxError> + Send + 'static,
    ) -> Self {
        Self { prepare: Box::new(prepare), ..self }
    }

    /// Lends the next event, blocking until it is there; `None` after the end.
    ///
    /// # Errors
    /// [`SourceError`]: an event was skipped, or nothing more comes.
    pub fn next_ref(&mut self) -> Option<Result<EventRef<'_>, SourceError>> {
        let want = self.advance(Session::want);
        Some(self.source.take_item(want)?.map(|()| self.source.event()))
    }

    /// Waits for whatever happens next; `None` after [`Signal::Closed`], which comes once.
    pub fn next_signal(&mut self) -> Option<Signal> {
        self.advance(Session::want_signal);
        self.source.take_signal()
    }

    /// All that happens, events among it, as an iterator that never fails.
    pub fn signals(&mut self) -> Signals<'_, Self> {
        Signals { source: self }
    }

    /// Hands every event to `handler`, until nothing more comes or the source is closed, be it by the handler.
    ///
    /// # Errors
    /// As [`next_ref`](Self::next_ref). After one that is recoverable, call again to go on.
    pub fn listen(&mut self, mut handler: impl FnMut(EventRef<'_>)) -> Result<(), SourceError> {
        while let Some(event) = self.next_ref() {
            handler(event?);
        }
        Ok(())
    }

    /// The last event id so far; empty where there is none. Another source can go on from it, after a restart.
    pub fn last_event_id(&self) -> &str {
        self.source.last_event_id()
    }

    /// The machine that decides, to ask it more: for the response, the body of a refused one, whether it is open.
    pub fn machine(&self) -> &Session {
        &self.source
    }

    /// A handle that closes this source from any thread, even while it is blocked.
    pub fn close_handle(&self) -> CloseHandle {
        self.handle.clone()
    }

    /// Gives up what there is, a stream or a wait, for another attempt at once: for those who know that the network is
    /// back, or that the stream is not what they need. Earlier failures are forgotten, the last event id is not.
    pub fn restart(&mut self) {
        self.source.restart();
        self.client.close(&self.handle);
    }

    /// Closes the source at once, for good; so does dropping it.
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

    /// Does what the source wants, until there is something for the user or nothing more comes.
    fn advance(&mut self, ask: Ask) -> Want {
        loop {
            if self.handle.is_closed() {
                self.source.close();
            }
            let now = self.now();
            let (want, deadline) = ask(&mut self.source, now);
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
                        // The deadline is another now.
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
