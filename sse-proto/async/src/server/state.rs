//! The state of a server, which its accept loop, its connections and its handles share.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use sse_proto::Instant;
use sse_proto::http1::server::{self, AcceptWant, Acceptor, Closed, ServerConfig};

use crate::guard::guard;
use crate::net::{BoxFuture, Clock};
use crate::server::shared_stream::SharedStream;
use crate::{BoxError, Incoming};

pub(crate) type Handler = Arc<dyn Fn(Incoming) -> BoxFuture<Result<(), BoxError>> + Send + Sync>;
pub(crate) type OnClosed = Arc<dyn Fn(SocketAddr, &Closed) + Send + Sync>;

/// Stops a [`Server`](crate::Server), from any task or thread. Handles can be cloned.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    connections: Mutex<Connections>,
}

/// The connections there are.
#[derive(Debug)]
struct Connections {
    acceptor: Acceptor,
    streams: HashMap<u64, Arc<SharedStream>>,
    next: u64,
    /// The task that accepts.
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

    /// Stops the server gracefully: it accepts nothing more, tells the [handlers](crate::EventSender::draining), ends the
    /// streams over a [window](sse_proto::sender::StreamConfig::drain_window), and cuts what is left after a [while](ServerConfig::drain_timeout).
    pub fn shutdown(&self) {
        let now = self.shared.clock.now();
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

    pub(crate) fn set_config(&self, config: ServerConfig) {
        let acceptor = Acceptor::new(config, seed());
        let former = mem::replace(&mut self.lock().acceptor, acceptor);
        // What its configuration has captured is code of the user's: not while the lock is held.
        drop(former);
    }

    pub(crate) fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// What to do about new connections now. `waker` is woken when that changes before the deadline.
    pub(crate) fn want(&self, waker: &Waker) -> (AcceptWant, Option<Instant>) {
        let waker = waker.clone();
        let mut connections = self.lock();
        // First, so that no change in between is missed.
        let former = connections.waker.replace(waker);
        let want = connections.acceptor.want(self.shared.clock.now());
        drop(connections);
        // It may be the last of its task, whose drop may call anything: not while the lock is held.
        drop(former);
        want
    }

    pub(crate) fn handle_error(&self) {
        self.lock().acceptor.handle_error(self.shared.clock.now());
    }

    /// Takes a connection in, unless there are too many already.
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

    /// Tells all connections something, and whoever accepts, once the lock is released.
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
        // It is never left half changed: nothing that is called under the lock panics.
        self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that was taken in, and what the configuration says of its socket.
pub(crate) struct Admitted {
    /// Its number among the connections.
    pub(crate) number: u64,
    pub(crate) stream: Arc<SharedStream>,
    pub(crate) unacknowledged: Option<Duration>,
    pub(crate) unsent: Option<u32>,
}

/// What the connections of a server need of it.
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
    // The only randomness in `std`: keys that differ with each call.
    RandomState::new().hash_one(())
}
