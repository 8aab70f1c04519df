//! A subscription that reconnects.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::iter::FusedIterator;
use std::{fmt, time};

use sse_proto::http::{HeaderError, Request, ResponseHead, UrlError};
use sse_proto::http1::client::{self, Want};
#[cfg(feature = "json")]
use sse_proto::json::{DeserializeOwned, NextError};
use sse_proto::source::{CloseReason, Signal, SourceConfig, SourceError};
use sse_proto::{Event, EventRef, Instant};

use crate::close::CloseOnDrop;
use crate::connection::Connection;
use crate::tls::{Tls, is_untrusted};
use crate::{CloseHandle, USER_AGENT};

/// Stays subscribed to an event stream: connects, and reconnects with the last event id whenever
/// the stream is lost.
///
/// As an iterator it yields owned events. [`next_ref`](Self::next_ref) lends events without
/// allocating, and [`signals`](Self::signals) also yields everything else that happens. Transient
/// failures are not errors: the source waits and tries again. After [`SourceError::Limit`] the
/// stream continues; any other error is the last item. A normal end is not an error.
///
/// [`SourceConfig`] sets timeouts, backoff and limits. `https` needs the feature `rustls`. The
/// source works only during calls of its methods. It starts threads only to connect, so that an
/// attempt can be abandoned at any time; each thread ends with its attempt, at the latest at the
/// connect timeout.
///
/// ```no_run
/// use std::time::Duration;
/// use sse_blocking::{EventSource, SourceConfig};
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = SourceConfig::default();
/// config.timeouts.silence = Some(Duration::from_secs(45));
/// for event in EventSource::get("http://127.0.0.1:8888/sse")?.with_config(config) {
///     println!("{}", event?.data());
/// }
/// # Ok(())
/// # }
/// ```
pub struct EventSource {
    client: client::Connection,
    connection: Connection,
    tls: Tls,
    prepare: Prepare,
    /// The epoch of the client's time.
    epoch: time::Instant,
    handle: CloseOnDrop,
}

type BoxError = Box<dyn Error + Send + Sync>;
type Prepare = Box<dyn FnMut(Request) -> Result<Request, BoxError> + Send>;

impl EventSource {
    /// Subscribes to this URL, as the specification requires.
    ///
    /// # Errors
    /// If the URL is not a valid `http` or `https` URL.
    pub fn get(url: &str) -> Result<Self, UrlError> {
        Request::get(url).map(Self::new)
    }

    /// Subscribes with this request. Each attempt sends it again, with [`USER_AGENT`] if it has no
    /// `User-Agent`.
    pub fn new(request: Request) -> Self {
        // The only randomness in `std`: hash keys that differ with each call.
        let seed = RandomState::new().hash_one(());
        Self::with_client(client::Connection::new(sse_proto::source::Session::new(request, seed)))
    }

    /// Creates a source from a configured client, for example with other limits on response heads
    /// or your own seed. Requests get the default [`USER_AGENT`], unless the client has another.
    pub fn with_client(client: client::Connection) -> Self {
        Self {
            client: client.with_default_user_agent(USER_AGENT),
            connection: Connection::default(),
            tls: Tls::default(),
            prepare: Box::new(Ok),
            epoch: time::Instant::now(),
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
    ///
    /// ```no_run
    /// use sse_blocking::EventSource;
    /// use sse_blocking::rustls::pki_types::{CertificateDer, pem::PemObject};
    /// use sse_blocking::rustls::{ClientConfig, RootCertStore};
    ///
    /// let mut roots = RootCertStore::empty();
    /// roots.add(CertificateDer::from_pem_file("ca.pem")?)?;
    /// let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    /// let source = EventSource::get("https://example.com/events")?.with_tls(&config);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "rustls-no-provider")]
    #[must_use]
    pub fn with_tls(self, config: &rustls::ClientConfig) -> Self {
        Self { tls: Tls::new(config), ..self }
    }

    /// Sets a hook that can modify the request of every attempt: its URL, headers (such as a fresh
    /// token) or body. The request includes the last event id. An error fails the attempt, and the
    /// source retries.
    ///
    /// ```
    /// # use sse_blocking::EventSource;
    /// # fn fresh_token() -> std::io::Result<String> { Ok(String::new()) }
    /// let source = EventSource::get("http://127.0.0.1:8888/sse")?.with_prepare(|mut request| {
    ///     request.set_header("Authorization", &format!("Bearer {}", fresh_token()?))?;
    ///     Ok(request)
    /// });
    /// # Ok::<(), sse_blocking::proto::http::UrlError>(())
    /// ```
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
        Some(self.client.take_item(want)?.map(|()| self.client.event()))
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
        self.client.take_signal()
    }

    /// Returns an iterator over all signals, including events. The iterator never fails.
    pub fn signals(&mut self) -> Signals<'_> {
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
        self.machine().last_event_id()
    }

    /// Returns the underlying state machine, which knows the response, the body of a refused
    /// response, and whether the stream is open.
    pub fn machine(&self) -> &sse_proto::source::Session {
        self.client.source()
    }

    /// Returns a handle that closes this source from any thread, even while it is blocked.
    pub fn close_handle(&self) -> CloseHandle {
        self.handle.clone()
    }

    /// Abandons the current stream or delay and starts another attempt at once, for callers that
    /// know that the network is back or that they need a different stream. Resets the count of
    /// failures, and keeps the last event id.
    pub fn restart(&mut self) {
        self.client.restart();
        self.connection.close(&self.handle);
    }

    /// Closes the source at once and permanently, like dropping it.
    pub fn close(&mut self) {
        self.client.close();
        self.disconnect();
    }

    fn disconnect(&mut self) {
        self.connection = Connection::default();
        // The handle owns a duplicate of the socket, which would keep the connection open.
        self.handle.close();
    }

    fn now(&self) -> Instant {
        Instant::from_epoch(self.epoch.elapsed())
    }

    /// Does what the client wants, until there is something for the user or the source has closed.
    fn advance<const OBSERVE: bool>(&mut self) -> Want {
        loop {
            if self.handle.is_closed() {
                self.client.close();
            }
            let buffered = if OBSERVE { None } else { self.client.want_buffered() };
            if let Some(want) = buffered {
                return want;
            }
            let now = self.now();
            let (want, deadline) = if OBSERVE { self.client.want_signal(now) } else { self.client.want(now) };
            let limit = deadline.map(|at| at.since(now));
            let client = &mut self.client;
            let done = match want {
                Want::Prepare => {
                    if let Ok(time) = time::SystemTime::UNIX_EPOCH.elapsed() {
                        client.set_wall_clock(now, time);
                    }
                    let prepared = (self.prepare)(client.request().clone());
                    let now = self.now();
                    self.client.handle_request(now, prepared);
                    continue;
                }
                Want::Connect => {
                    let url = client.request().url();
                    if let Err(error) = self.tls.check(url) {
                        client.handle_unsupported(error);
                        continue;
                    }
                    self.connection.connect(url, limit, &self.tls, &self.handle)
                }
                Want::Write => self.connection.write(client.pending(), limit),
                Want::Read => self.connection.read(client.space(), limit),
                Want::Wait => self.connection.wait(limit, &self.handle),
                Want::Yield => continue,
                Want::Closed => {
                    self.disconnect();
                    return want;
                }
                _ => return want,
            };
            let now = self.now();
            match (want, done) {
                (Want::Connect, Err(error)) if is_untrusted(&error) => {
                    self.client.handle_untrusted(now, error)
                }
                (_, Err(error)) => self.client.handle_error(now, error),
                (_, Ok(None)) => self.client.handle_deadline(now),
                (Want::Connect, _) => self.client.handle_connected(now),
                (Want::Write, Ok(Some(count))) => self.client.handle_written(now, count),
                (_, Ok(Some(count))) => self.client.handle_read(now, count),
            }
        }
    }
}

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Iterator for EventSource {
    type Item = Result<Event, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_ref()?.map(EventRef::to_event))
    }
}

impl FusedIterator for EventSource {}

/// All signals of a source; see [`EventSource::signals`].
#[derive(Debug)]
pub struct Signals<'s, S = EventSource> {
    pub(crate) source: &'s mut S,
}

impl Iterator for Signals<'_> {
    type Item = Signal;

    fn next(&mut self) -> Option<Signal> {
        self.source.next_signal()
    }
}

impl FusedIterator for Signals<'_> {}
