//! The state of a server, shared by its accept loop, its connections and its handles.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use sse_proto::Instant;
use sse_proto::http1::server::{self, AcceptWant, Acceptor, Closed, ServerConfig, ServerStats};

use crate::guard::guard;
use crate::net::{BoxFuture, Clock};
use crate::server::shared_stream::SharedStream;
use crate::{BoxError, Incoming};

pub(crate) type Handler = Arc<dyn Fn(Incoming) -> BoxFuture<Result<(), BoxError>> + Send + Sync>;
pub(crate) type OnClosed = Arc<dyn Fn(SocketAddr, &Closed) + Send + Sync>;

/// Stops a [`Server`](crate::Server) from any task or thread. Handles can be cloned.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    connections: Mutex<Connections>,
}

/// The open connections.
#[derive(Debug)]
struct Connections {
    acceptor: Acceptor,
    streams: HashMap<u64, Arc<SharedStream>>,
    next: u64,
    /// The waker of the accept loop.
    waker: Option<Waker>,
}

impl ServerHandle {
    pub(crate) fn new(clock: Clock) -> Self {
        let connections = Connections {
            acceptor: Acceptor::new(ServerConfig::default(), seed()),
            streams: HashMap::new(),
            next: 0,
            waker: None,
        };
        Self { shared: Arc::new(Shared { clock, connections: Mutex::new(connections) }) }
    }

    /// Starts a graceful shutdown: the server stops accepting, tells its
    /// [handlers](crate::EventSender::draining), and ends the streams within the [drain
    /// window](sse_proto::sender::StreamConfig::drain_window). After the [drain
    /// timeout](ServerConfig::drain_timeout), it cuts the remaining connections.
    pub fn shutdown(&self) {
        let now = self.shared.clock.now();
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

    pub(crate) fn config(&self) -> ServerConfig {
        self.lock().acceptor.config().clone()
    }

    pub(crate) fn set_config(&self, config: ServerConfig) {
        let acceptor = Acceptor::new(config, seed());
        let former = mem::replace(&mut self.lock().acceptor, acceptor);
        // The old configuration may hold user code, so it is not dropped under the lock.
        drop(former);
    }

    pub(crate) fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Returns what to do about new connections now. `waker` is woken when that changes before the
    /// deadline.
    pub(crate) fn want(&self, waker: &Waker) -> (AcceptWant, Option<Instant>) {
        let waker = waker.clone();
        let mut connections = self.lock();
        // Registered first, so that no change is missed.
        let former = connections.waker.replace(waker);
        let want = connections.acceptor.want(self.shared.clock.now());
        drop(connections);
        // Not dropped under the lock: it may be the last reference to its task, whose drop may call
        // anything.
        drop(former);
        want
    }

    pub(crate) fn handle_error(&self) {
        self.lock().acceptor.handle_error(self.shared.clock.now());
    }

    /// Admits a connection, unless there are too many.
    pub(crate) fn admit(&self) -> Option<Admitted> {
        let now = self.shared.clock.now();
        let since_unix_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let mut connections = self.lock();
        connections.acceptor.set_wall_clock(now, since_unix_epoch.unwrap_or_default());
        let stream = SharedStream::new(connections.acceptor.admit(now)?, self.shared.clock);
        let number = connections.next;
        connections.next += 1;
        connections.streams.insert(number, Arc::clone(&stream));
        let config = connections.acceptor.config();
        Some(Admitted { number, stream, unacknowledged: config.unacknowledged, unsent: config.unsent })
    }

    fn remove(&self, number: u64, closed: &Closed) {
        let mut connections = self.lock();
        let asks_again = connections.acceptor.handle_closed(closed);
        let stream = connections.streams.remove(&number);
        if connections.streams.len() < connections.streams.capacity() / 4 {
            let left = 2 * connections.streams.len();
            connections.streams.shrink_to(left);
        }
        let waker = if asks_again { connections.waker.take() } else { None };
        drop(connections);
        drop(stream);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Applies `tell` to all connections, and wakes the accept loop, after the lock is released.
    fn tell_all(
        &self,
        mut connections: MutexGuard<'_, Connections>,
        tell: impl Fn(&mut server::SharedStream<Bytes, Waker>),
    ) {
        let streams: Vec<_> = connections.streams.values().cloned().collect();
        let waker = connections.waker.take();
        drop(connections);
        streams.iter().for_each(|stream| stream.act(&tell));
        waker.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        // The state is always consistent: nothing called under the lock panics.
        self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An admitted connection, and the socket options of the configuration.
pub(crate) struct Admitted {
    /// The connection's number in the server.
    pub(crate) number: u64,
    pub(crate) stream: Arc<SharedStream>,
    pub(crate) unacknowledged: Option<Duration>,
    pub(crate) unsent: Option<u32>,
}

/// The part of a server that its connections use.
pub(crate) struct ServerState {
    pub(crate) handle: ServerHandle,
    pub(crate) handler: Handler,
    pub(crate) on_closed: OnClosed,
}

impl ServerState {
    pub(crate) fn now(&self) -> Instant {
        self.handle.shared.clock.now()
    }

    pub(crate) fn handle(&self, incoming: Incoming) -> BoxFuture<Result<(), BoxError>> {
        (self.handler)(incoming)
    }

    pub(crate) fn handle_closed(&self, number: u64, peer: SocketAddr, closed: &Closed) {
        self.handle.remove(number, closed);
        guard(|| (self.on_closed)(peer, closed));
    }
}

fn seed() -> u64 {
    // The only randomness in `std`: hash keys that differ with each call.
    RandomState::new().hash_one(())
}
