//! A subscription that reconnects.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::iter::FusedIterator;
use std::{fmt, time};

use sse_proto::http::{Request, UrlError};
use sse_proto::http1::client::{self, Want};
use sse_proto::source::{Signal, SourceConfig, SourceError};
use sse_proto::{Event, EventRef, Instant};

use crate::close::CloseOnDrop;
use crate::connection::Connection;
use crate::tls::Tls;
use crate::{CloseHandle, USER_AGENT};

/// Keeps a subscription to an event stream: connects, and connects again with the last event id whenever the stream is lost.
///
/// As an iterator it gives owned events; [`next_ref`](Self::next_ref) lends them, without allocating, and
/// [`signals`](Self::signals) shows all that happens besides. Transient failures are not errors: the source waits and tries
/// again. After [`SourceError::Limit`] the events go on; any other error is the last item. A normal end is none.
///
/// What it does when is a matter of its [`SourceConfig`]; `https` takes the feature `rustls`. Nothing happens while nothing is asked
/// for: only to connect, threads are started, so that it can be given up at any time; each ends with its attempt, at the latest
/// when the time for that is over.
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
    /// When the client's time begins.
    epoch: time::Instant,
    handle: CloseOnDrop,
}

type BoxError = Box<dyn Error + Send + Sync>;
type Prepare = Box<dyn FnMut(Request) -> Result<Request, BoxError> + Send>;
type Ask = fn(&mut client::Connection, Instant) -> (Want, Option<Instant>);

impl EventSource {
    /// Subscribes to this URL, as the specification requires.
    ///
    /// # Errors
    /// If it is no `http` or `https` URL.
    pub fn get(url: &str) -> Result<Self, UrlError> {
        Request::get(url).map(Self::new)
    }

    /// Subscribes to what this request asks for. Each attempt sends it anew, with [`USER_AGENT`] where it has no `User-Agent`.
    pub fn new(request: Request) -> Self {
        // The only randomness in `std`: keys that differ with each call.
        let seed = RandomState::new().hash_one(());
        Self::with_client(client::Connection::new(sse_proto::source::Session::new(request, seed)))
    }

    /// Does what this client says: with other limits for heads, with a seed of yours. Requests get the default
    /// [`USER_AGENT`], unless the client has another.
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

    /// Secures connections to `https` URLs as this configuration says: with roots of yours, with a client certificate. Without it,
    /// what the platform trusts is trusted. Its ALPN protocols do not matter: HTTP/1.1 is spoken.
    ///
    /// A server that cannot be trusted is a failure like any other: the source tries again later, as certificates get renewed. The
    /// [`Cause`](sse_proto::source::Cause) holds the error of rustls, in one of `std::io`.
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

    /// Lets every attempt change its request first: its URL, its headers (a fresh token), its body. The request comes with the
    /// last event id. An error fails the attempt, and the source tries again later.
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

    /// Lends the next event, blocking until it is there; `None` after the end.
    ///
    /// # Errors
    /// [`SourceError`]: an event was skipped, or nothing more comes.
    pub fn next_ref(&mut self) -> Option<Result<EventRef<'_>, SourceError>> {
        let want = self.advance(client::Connection::want);
        Some(self.client.take_item(want)?.map(|()| self.client.event()))
    }

    /// Waits for whatever happens next; `None` after [`Signal::Closed`], which comes once.
    pub fn next_signal(&mut self) -> Option<Signal> {
        self.advance(client::Connection::want_signal);
        self.client.take_signal()
    }

    /// All that happens, events among it, as an iterator that never fails.
    pub fn signals(&mut self) -> Signals<'_> {
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
        self.machine().last_event_id()
    }

    /// The machine that decides, to ask it more: for the response, the body of a refused one, whether it is open.
    pub fn machine(&self) -> &sse_proto::source::Session {
        self.client.source()
    }

    /// A handle that closes this source from any thread, even while it is blocked.
    pub fn close_handle(&self) -> CloseHandle {
        self.handle.clone()
    }

    /// Gives up what there is, a stream or a wait, for another attempt at once: for those who know that the network is back, or
    /// that the stream is not what they need. Earlier failures are forgotten, the last event id is not.
    pub fn restart(&mut self) {
        self.client.restart();
        self.connection.close(&self.handle);
    }

    /// Closes the source at once, for good; so does dropping it.
    pub fn close(&mut self) {
        self.client.close();
        self.disconnect();
    }

    fn disconnect(&mut self) {
        self.connection = Connection::default();
        // The handle has a socket of its own, which would keep the connection open.
        self.handle.close();
    }

    fn now(&self) -> Instant {
        Instant::from_epoch(self.epoch.elapsed())
    }

    /// Does what the client wants, until there is something for the user or nothing more comes.
    fn advance(&mut self, ask: Ask) -> Want {
        loop {
            if self.handle.is_closed() {
                self.client.close();
            }
            let now = self.now();
            let (want, deadline) = ask(&mut self.client, now);
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

/// All that happens to a source; see [`EventSource::signals`].
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
