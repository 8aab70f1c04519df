//! A server of event streams.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{self, Duration, SystemTime};
use std::{fmt, mem};

use socket2::SockRef;
use sse_proto::Instant;
use sse_proto::http1::server::{self, AcceptWant, Acceptor, Closed, ServerConfig};

use crate::connection_task::ConnectionTask;
use crate::guard::guard;
use crate::shared_stream::SharedStream;
use crate::timeouts::{is_timeout, timeout};
use crate::{BoxError, Incoming};

type Handler = Arc<dyn Fn(Incoming) -> Result<(), BoxError> + Send + Sync>;
type OnClosed = Arc<dyn Fn(SocketAddr, &Closed) + Send + Sync>;

/// Serves event streams over HTTP/1.1, and what little else their users need: a page, an answer to a POST.
///
/// For each request the handler is called, in a thread of its own. When the client leaves, even while nothing is written, whatever
/// waits in a method of [`EventSender`](crate::EventSender) is woken, and gets an error. An error, a panic, or no answer is told
/// to the client as 500, or as a cut where the stream is open.
///
/// What is bounded, and how long what may take, is a matter of its [`ServerConfig`]. Requests that cannot be served never get to the
/// handler.
///
/// # Pages of other origins
///
/// A browser shows a stream to a page of another origin if the response has `Access-Control-Allow-Origin` (Fetch, "CORS protocol").
/// Clients that set headers of their own, a token for instance, ask before, with `OPTIONS`: add it to [`ServerConfig::methods`], and
/// answer it with status 204 and `Access-Control-Allow-Origin`, `Access-Control-Allow-Methods`, `Access-Control-Allow-Headers`:
/// `Last-Event-ID, Cache-Control`, and what else they may set.
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
///         events.send(&*count.to_string())?;
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
    /// Answers requests with this.
    pub fn new(handler: impl Fn(Incoming) -> Result<(), BoxError> + Send + Sync + 'static) -> Self {
        Self { handler: Arc::new(handler), on_closed: Arc::new(|_, _| {}), handle: ServerHandle::new() }
    }

    /// Sets the configuration.
    #[must_use]
    pub fn with_config(self, config: ServerConfig) -> Self {
        // The only randomness in `std`: keys that differ with each call.
        let seed = RandomState::new().hash_one(());
        let former = mem::replace(&mut self.handle.lock().acceptor, Acceptor::new(config, seed));
        // What its configuration has captured is code of the user's: not while the lock is held.
        drop(former);
        self
    }

    /// Calls this whenever a connection is over: for a log. It must not block.
    #[must_use]
    pub fn with_on_closed(self, on_closed: impl Fn(SocketAddr, &Closed) + Send + Sync + 'static) -> Self {
        Self { on_closed: Arc::new(on_closed), ..self }
    }

    /// A handle that stops this server from any thread.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Accepts connections and serves them, each with two threads of its own: one reads, the other runs the handler. Returns when
    /// the server was [shut down](ServerHandle::shutdown) and they are over, or their time is. When it cannot accept, it tries
    /// again a little later.
    ///
    /// A deadline may be noticed half a second late.
    pub fn serve(self, listener: TcpListener) {
        let _closes = CloseOnDrop(self.handle());
        self.state().listen(listener);
    }

    /// Serves one connection that was accepted elsewhere, until it is over. It counts among the connections of this server: the
    /// configuration's limits hold, and [shutdown](ServerHandle::shutdown) ends it. This thread reads; another one runs the
    /// handler.
    ///
    /// `peer` is passed on to [`Incoming::peer_addr`] and [`with_on_closed`](Self::with_on_closed).
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

/// Stops a [`Server`], from any thread. Handles can be cloned.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    epoch: time::Instant,
    connections: Mutex<Connections>,
}

/// The connections there are.
#[derive(Debug)]
struct Connections {
    acceptor: Acceptor,
    streams: HashMap<u64, Arc<SharedStream>>,
    next: u64,
    /// The thread that accepts, and where it can be called upon while it does.
    accepting: Option<(Thread, Option<SocketAddr>)>,
}

impl ServerHandle {
    /// How long calling upon the thread that accepts may take.
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

    /// Stops the server gracefully: it accepts nothing more, tells the [handlers](crate::EventSender::draining), ends the
    /// streams over a [window](sse_proto::sender::StreamConfig::drain_window), and cuts what is left after a [while](ServerConfig::drain_timeout).
    pub fn shutdown(&self) {
        let now = self.now();
        let mut connections = self.lock();
        connections.acceptor.drain(now);
        self.tell_all(connections, |stream| stream.connection().drain(now));
    }

    /// Stops the server at once: cuts all connections.
    pub fn close(&self) {
        let mut connections = self.lock();
        connections.acceptor.close();
        self.tell_all(connections, |stream| stream.connection().close());
    }

    /// How many connections there are, those that are sent away among them.
    pub fn connections(&self) -> usize {
        self.lock().acceptor.connections()
    }

    /// Tells all connections something, and whoever accepts, once the lock is released.
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
            // Ends `accept` at once. Where this fails, for want of descriptors or because of a firewall, its timeout does.
            let _ = address.map(|address| TcpStream::connect_timeout(&address, Self::LONGEST_CALL));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        // It is never left half changed: nothing that is called under the lock panics.
        self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        Instant::from_epoch(self.shared.epoch.elapsed())
    }
}

/// A server at work.
pub(crate) struct ServerState {
    handle: ServerHandle,
    handler: Handler,
    on_closed: OnClosed,
}

impl ServerState {
    pub(crate) fn handle(&self, incoming: Incoming) -> Result<(), BoxError> {
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
                    Ok((socket, peer)) => {
                        if let Some(connection) = self.admit(socket, peer) {
                            self.spawn(connection);
                        }
                    }
                    // The time to look whether the server stops.
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

    /// Takes a connection in, unless there are too many already.
    fn admit(self: &Arc<Self>, socket: TcpStream, peer: SocketAddr) -> Option<ConnectionTask> {
        let mut connections = self.handle.lock();
        let now = self.handle.now();
        // Then it is the call that ended `accept`, most likely.
        if connections.acceptor.is_draining() {
            return None;
        }
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

    /// Serves a connection in a thread of its own.
    fn spawn(&self, connection: ConnectionTask) {
        // If there can be no thread, the connection is closed.
        if thread::Builder::new().name("sse-connection".into()).spawn(|| connection.run()).is_err() {
            self.handle.lock().acceptor.handle_error(self.handle.now());
        }
    }
}

/// Where the listener can be reached from here.
fn local_address(listener: &TcpListener) -> Option<SocketAddr> {
    let mut address = listener.local_addr().ok()?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Some(address)
}

/// Has `accept` end now and then: nothing else need then wake the thread that accepts. Only some systems do, Linux among them; on the
/// others, a server that stops calls upon itself.
fn prepare_listener(listener: &TcpListener) {
    const LONGEST_ACCEPT: Duration = Duration::from_millis(500);
    let _ = listener.set_nonblocking(false);
    let _ = SockRef::from(listener).set_read_timeout(Some(LONGEST_ACCEPT));
}

/// Small events go out at once, a machine that has vanished is noticed, and the system takes no more than it soon sends. What the
/// system does not have, it goes without.
fn prepare(socket: &TcpStream, config: &ServerConfig) {
    let unacknowledged = config.unacknowledged;
    let _ = socket.set_nodelay(true);
    let _ = socket.set_write_timeout(config.stream.stall.map(timeout));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let _ = SockRef::from(socket).set_tcp_user_timeout(unacknowledged);
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = config.unsent.map(|bytes| SockRef::from(socket).set_tcp_notsent_lowat(bytes));
    // Where nothing is sent, there is nothing to go without an answer.
    let _ = SockRef::from(socket).set_keepalive(unacknowledged.is_some());
}

/// Closes what is left when the server is done, or dropped.
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
