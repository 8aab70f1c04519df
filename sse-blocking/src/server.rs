//! A server for event streams.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{self, Duration, SystemTime};
use std::{fmt, mem};

use socket2::SockRef;
use sse_proto::Instant;
use sse_proto::http1::server::{self, AcceptWant, Acceptor, Closed, ServerConfig, ServerStats};

use crate::connection::{is_timeout, timeout};
use crate::connection_task::ConnectionTask;
use crate::guard::guard;
use crate::shared_stream::SharedStream;
use crate::{BoxError, Incoming};

type Handler = Arc<dyn Fn(Incoming) -> Result<(), BoxError> + Send + Sync>;
type OnClosed = Arc<dyn Fn(SocketAddr, &Closed) + Send + Sync>;

/// Serves event streams over HTTP/1.1, and the few other responses that their users need: a page,
/// the answer to a POST.
///
/// The handler is called for each request, in a separate thread. When the client leaves, even if
/// nothing is being written, every blocked call of [`EventSender`](crate::EventSender) wakes up and
/// returns an error. If the handler fails, panics or does not answer, the client receives status
/// 500; if the stream is already open, it is cut.
///
/// [`ServerConfig`] sets all limits and timeouts. Requests that exceed the limits never reach the
/// handler.
///
/// # Pages of other origins
///
/// A browser gives a page of another origin access to a stream if the response has
/// `Access-Control-Allow-Origin` (Fetch, "CORS protocol"). Clients that set custom headers, such as
/// a token, first send a preflight request with `OPTIONS`. Add `OPTIONS` to
/// [`ServerConfig::methods`], and answer it with status 204 and the headers
/// `Access-Control-Allow-Origin`, `Access-Control-Allow-Methods` and
/// `Access-Control-Allow-Headers`. The last one lists `Last-Event-ID, Cache-Control`, and the
/// custom headers.
///
/// ```no_run
/// use sse_blocking::{BoxError, Incoming, Response, Server};
///
/// fn handle(incoming: Incoming) -> Result<(), BoxError> {
///     if incoming.path() != "/sse" {
///         incoming.respond(&Response::new(404), "no such stream\n");
///         return Ok(());
///     }
///     let events = incoming.open(Response::new(200));
///     for count in 0.. {
///         events.send(count.to_string())?;
///         std::thread::sleep(std::time::Duration::from_secs(1));
///     }
///     Ok(())
/// }
///
/// # fn run() -> std::io::Result<()> {
/// let listener = std::net::TcpListener::bind("127.0.0.1:8888")?;
/// let server = Server::new(handle);
/// let handle = server.handle();
/// std::thread::spawn(move || {
///     // Or whatever tells the program to stop.
///     std::thread::sleep(std::time::Duration::from_secs(3600));
///     handle.shutdown();
/// });
/// server.serve(listener);
/// # Ok(())
/// # }
/// ```
pub struct Server {
    handler: Handler,
    on_closed: OnClosed,
    handle: ServerHandle,
}

impl Server {
    /// Creates a server that answers requests by `handler`.
    pub fn new(handler: impl Fn(Incoming) -> Result<(), BoxError> + Send + Sync + 'static) -> Self {
        Self { handler: Arc::new(handler), on_closed: Arc::new(|_, _| {}), handle: ServerHandle::new() }
    }

    /// Sets the configuration.
    #[must_use]
    pub fn with_config(self, config: ServerConfig) -> Self {
        // The only randomness in `std`: hash keys that differ with each call.
        let seed = RandomState::new().hash_one(());
        let former = mem::replace(&mut self.handle.lock().acceptor, Acceptor::new(config, seed));
        // The old configuration may hold user code, so it is not dropped under the lock.
        drop(former);
        self
    }

    /// Changes the configuration, as in `configure(|config| config.connections = 10_000)`.
    #[must_use]
    pub fn configure(self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = self.handle.lock().acceptor.config().clone();
        change(&mut config);
        self.with_config(config)
    }

    /// Sets a callback for the end of each connection, for example for a log. It must not block.
    #[must_use]
    pub fn with_on_closed(self, on_closed: impl Fn(SocketAddr, &Closed) + Send + Sync + 'static) -> Self {
        Self { on_closed: Arc::new(on_closed), ..self }
    }

    /// Returns a handle that stops this server from any thread.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Accepts connections and serves each with two threads: one reads, the other runs the handler.
    /// Returns when the server was [shut down](ServerHandle::shutdown) and all connections are over
    /// or were cut at the drain timeout. After an accept error, it retries a little later.
    ///
    /// A deadline may be noticed up to half a second late.
    pub fn serve(self, listener: TcpListener) {
        let _closes = CloseOnDrop(self.handle());
        self.state().listen(listener);
    }

    /// Serves one connection that was accepted elsewhere, until it is over. It counts as a
    /// connection of this server: the limits of the configuration apply, and
    /// [shutdown](ServerHandle::shutdown) ends it. This thread reads, another one runs the handler.
    ///
    /// `peer` is passed to [`Incoming::peer_addr`] and to the callback of
    /// [`with_on_closed`](Self::with_on_closed).
    pub fn serve_connection(&self, socket: TcpStream, peer: SocketAddr) {
        if let Some(connection) = self.state().admit(socket, peer) {
            connection.run();
        }
    }

    fn state(&self) -> Arc<ServerState> {
        Arc::new(ServerState {
            handle: self.handle.clone(),
            handler: Arc::clone(&self.handler),
            on_closed: Arc::clone(&self.on_closed),
        })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// Stops a [`Server`] from any thread. Handles can be cloned.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    epoch: time::Instant,
    connections: Mutex<Connections>,
}

/// The open connections.
#[derive(Debug)]
struct Connections {
    acceptor: Acceptor,
    streams: HashMap<u64, Arc<SharedStream>>,
    next: u64,
    /// The accepting thread, and the address of its listener while it blocks in `accept`.
    accepting: Option<(Thread, Option<SocketAddr>)>,
}

impl ServerHandle {
    /// The timeout of the connection that wakes the accepting thread.
    const LONGEST_CALL: Duration = Duration::from_millis(100);

    fn new() -> Self {
        let connections = Connections {
            acceptor: Acceptor::new(ServerConfig::default(), RandomState::new().hash_one(())),
            streams: HashMap::new(),
            next: 0,
            accepting: None,
        };
        Self {
            shared: Arc::new(Shared { epoch: time::Instant::now(), connections: Mutex::new(connections) }),
        }
    }

    /// Starts a graceful shutdown: the server stops accepting, tells its
    /// [handlers](crate::EventSender::draining), and ends the streams within the [drain
    /// window](sse_proto::sender::StreamConfig::drain_window). After the [drain
    /// timeout](ServerConfig::drain_timeout), it cuts the remaining connections.
    pub fn shutdown(&self) {
        let now = self.now();
        let mut connections = self.lock();
        connections.acceptor.drain(now);
        self.tell_all(connections, |stream| stream.connection().drain(now));
    }

    /// Stops the server at once, and cuts all connections.
    pub fn close(&self) {
        let mut connections = self.lock();
        connections.acceptor.close();
        self.tell_all(connections, |stream| stream.connection().close());
    }

    /// Returns the number of connections, including those that are being rejected.
    pub fn connections(&self) -> usize {
        self.lock().acceptor.connections()
    }

    /// Returns the current statistics; see [`ServerStats::metrics`].
    pub fn stats(&self) -> ServerStats {
        self.lock().acceptor.stats()
    }

    /// Applies `tell` to all connections, and wakes the accepting thread, after the lock is
    /// released.
    fn tell_all(
        &self,
        connections: MutexGuard<'_, Connections>,
        tell: impl Fn(&mut server::SharedStream<Arc<[u8]>, Thread>),
    ) {
        let streams: Vec<_> = connections.streams.values().cloned().collect();
        let accepting = connections.accepting.clone();
        drop(connections);
        streams.iter().for_each(|stream| stream.act(&tell));
        if let Some((thread, address)) = accepting {
            thread.unpark();
            // Ends `accept` at once. If connecting fails, for lack of descriptors or because of a
            // firewall, `accept` ends at its timeout.
            let _ = address.map(|address| TcpStream::connect_timeout(&address, Self::LONGEST_CALL));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        // The state is always consistent: nothing called under the lock panics.
        self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        Instant::from_epoch(self.shared.epoch.elapsed())
    }
}

/// The part of a server that its connections use.
pub(crate) struct ServerState {
    handle: ServerHandle,
    handler: Handler,
    on_closed: OnClosed,
}

impl ServerState {
    pub(crate) fn handle(&self, incoming: Incoming) -> Result<(), BoxError> {
        #[cfg(feature = "tracing")]
        let _entered = {
            let (peer, method, path) = (incoming.peer_addr(), incoming.method(), incoming.path());
            tracing::debug_span!(target: "sse", "request", %peer, method, path).entered()
        };
        (self.handler)(incoming)
    }

    pub(crate) fn handle_closed(&self, number: u64, peer: SocketAddr, closed: &Closed) {
        let mut connections = self.handle.lock();
        let asks_again = connections.acceptor.handle_closed(closed);
        connections.streams.remove(&number);
        if connections.streams.len() < connections.streams.capacity() / 4 {
            let left = 2 * connections.streams.len();
            connections.streams.shrink_to(left);
        }
        if let Some((thread, _)) = connections.accepting.as_ref().filter(|_| asks_again) {
            thread.unpark();
        }
        drop(connections);
        #[cfg(feature = "tracing")]
        tracing::debug!(target: "sse", %peer, reason = closed.name(), "connection closed: {closed}");
        guard(|| (self.on_closed)(peer, closed));
    }

    /// Does what the acceptor wants, until the server has stopped.
    fn listen(self: &Arc<Self>, listener: TcpListener) {
        prepare_listener(&listener);
        let mut listener = Some(listener);
        loop {
            let mut connections = self.handle.lock();
            let now = self.handle.now();
            let (want, deadline) = connections.acceptor.want(now);
            let address = listener.as_ref().filter(|_| want == AcceptWant::Accept).and_then(local_address);
            connections.accepting = Some((thread::current(), address));
            drop(connections);
            match (want, &listener) {
                (AcceptWant::Accept, Some(listener)) => match listener.accept() {
                    // Most likely the connection that woke this thread.
                    Ok(_) if self.handle.lock().acceptor.is_draining() => {}
                    Ok((socket, peer)) => {
                        if let Some(connection) = self.admit(socket, peer) {
                            self.spawn(connection);
                        }
                    }
                    // Lets the loop notice a shutdown.
                    Err(error) if is_timeout(&error) => {}
                    Err(_) => self.handle.lock().acceptor.handle_error(now),
                },
                (AcceptWant::Closed, _) => return,
                _ => {
                    if want == AcceptWant::Drain {
                        listener = None;
                    }
                    thread::park_timeout(deadline.map_or(Duration::MAX, |at| at.since(now)));
                }
            }
        }
    }

    /// Admits a connection, to be served or rejected. Returns `None` if there are too many to reject.
    fn admit(self: &Arc<Self>, socket: TcpStream, peer: SocketAddr) -> Option<ConnectionTask> {
        let mut connections = self.handle.lock();
        let now = self.handle.now();
        let since_unix_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        connections.acceptor.set_wall_clock(now, since_unix_epoch.unwrap_or_default());
        let server = connections.acceptor.admit(now)?;
        let (number, config) = (connections.next, connections.acceptor.config().clone());
        let stream = SharedStream::new(socket, self.handle.shared.epoch, server);
        connections.next += 1;
        connections.streams.insert(number, Arc::clone(&stream));
        drop(connections);
        prepare(stream.socket(), &config);
        Some(ConnectionTask::new(peer, Arc::clone(self), (number, stream)))
    }

    /// Serves a connection in a separate thread.
    fn spawn(&self, connection: ConnectionTask) {
        // If the thread cannot be spawned, the connection is closed.
        if thread::Builder::new().name("sse-connection".into()).spawn(|| connection.run()).is_err() {
            self.handle.lock().acceptor.handle_error(self.handle.now());
        }
    }
}

/// Returns an address at which this machine can reach the listener.
fn local_address(listener: &TcpListener) -> Option<SocketAddr> {
    let mut address = listener.local_addr().ok()?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Some(address)
}

/// Makes `accept` time out periodically, so that nothing else need wake the accepting thread. Only
/// some systems support that, Linux among them; on the others, a server that stops connects to
/// itself.
fn prepare_listener(listener: &TcpListener) {
    const LONGEST_ACCEPT: Duration = Duration::from_millis(500);
    let _ = listener.set_nonblocking(false);
    let _ = SockRef::from(listener).set_read_timeout(Some(LONGEST_ACCEPT));
}

/// Sets socket options, so that small events are sent at once, a vanished peer is detected, and the
/// system buffers no more than it can send soon. Unsupported options are ignored.
fn prepare(socket: &TcpStream, config: &ServerConfig) {
    let unacknowledged = config.unacknowledged;
    let _ = socket.set_nodelay(true);
    let _ = socket.set_write_timeout(config.stream.stall.map(timeout));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let _ = SockRef::from(socket).set_tcp_user_timeout(unacknowledged);
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = config.unsent.map(|bytes| SockRef::from(socket).set_tcp_notsent_lowat(bytes));
    // Probes idle connections, on which no data could go unacknowledged.
    let _ = SockRef::from(socket).set_keepalive(unacknowledged.is_some());
}

/// Closes the remaining connections when the server is done or dropped.
struct CloseOnDrop(ServerHandle);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use socket2::SockRef;

    use super::{ServerConfig, TcpListener, TcpStream, prepare};

    #[test]
    fn a_machine_that_vanishes_is_noticed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        prepare(&socket, &ServerConfig::default());
        assert_eq!(socket.write_timeout().unwrap(), Some(Duration::from_secs(30)));
        let socket = SockRef::from(&socket);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(30)));
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), 16 * 1024);
    }
}
