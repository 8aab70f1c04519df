//! A server of event streams.

use std::collections::HashMap;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, SystemTime};
use std::{fmt, mem};

use socket2::SockRef;
use sse_proto::Instant;
use sse_proto::http1::server::{self, AcceptWant, Acceptor, Closed, ServerConfig};

use crate::guard::guard;
use crate::net::{Alarm, BoxFuture, Clock};
use crate::server::connection_task::ConnectionTask;
use crate::server::shared_stream::SharedStream;
use crate::{BoxError, Incoming, Runtime};

type Handler = Box<dyn Fn(Incoming) -> BoxFuture<Result<(), BoxError>> + Send + Sync>;
type Spawn = Box<dyn Fn(BoxFuture<()>) + Send + Sync>;
type OnClosed = Box<dyn Fn(SocketAddr, &Closed) + Send + Sync>;

/// Serves event streams over HTTP/1.1, and what little else their users need: a page, an answer to a POST.
///
/// For each request the handler is called. Its future is polled by the task of the connection, and is dropped when that is over: when
/// the client leaves, even while nothing is written, or soon after the whole answer was sent. Before the answer, a client that leaves cannot be told
/// from one that only shut down its writing half, and has [some time](ServerConfig::half_closed). What must go on regardless belongs in
/// a task of its own. An error, a panic, or no answer is told
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
pub struct Server<R> {
    handler: Handler,
    on_closed: OnClosed,
    spawn: Option<Spawn>,
    handle: ServerHandle,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> Server<R> {
    /// Answers requests with this.
    pub fn new<F, A>(handler: F) -> Self
    where
        F: Fn(Incoming) -> A + Send + Sync + 'static,
        A: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self {
            handler: Box::new(move |incoming| Box::pin(handler(incoming))),
            on_closed: Box::new(|_, _| {}),
            spawn: None,
            handle: ServerHandle::new(Clock::start::<R>()),
            runtime: PhantomData,
        }
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
        Self { on_closed: Box::new(on_closed), ..self }
    }

    /// Hands the task of each connection to `spawn`, to run it elsewhere than the runtime does by itself: on another executor, in a span of yours.
    #[must_use]
    pub fn with_spawn(
        self,
        spawn: impl Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync + 'static,
    ) -> Self {
        Self { spawn: Some(Box::new(spawn)), ..self }
    }

    /// A handle that stops this server from any task or thread.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Accepts connections and serves them, each in a task of its own, until the server was [shut down](ServerHandle::shutdown)
    /// and they are over. When it cannot accept, it tries again a little later.
    ///
    /// If this future is dropped, the connections are closed.
    pub async fn serve(self, listener: R::Listener) {
        let Self { handler, on_closed, spawn, handle, .. } = self;
        let _closes = CloseOnDrop(handle.clone());
        let state = Arc::new(ServerState { handle, handler, on_closed, spawn });
        let (mut listener, mut alarm, tasks) = (Some(listener), Alarm::<R>::default(), R::Tasks::default());
        R::run(&tasks, poll_fn(|cx| state.poll(cx, &mut listener, &mut alarm, &tasks))).await;
    }

    /// As [`serve`](Self::serve), and shuts down when this future is ready: a signal of the system, for instance.
    pub async fn serve_with_shutdown(self, listener: R::Listener, signal: impl Future<Output = ()>) {
        let handle = self.handle();
        let (mut signal, mut served) = (pin!(signal), pin!(self.serve(listener)));
        let mut is_over = false;
        poll_fn(|cx| {
            if !is_over && signal.as_mut().poll(cx).is_ready() {
                is_over = true;
                handle.shutdown();
            }
            served.as_mut().poll(cx)
        })
        .await;
    }
}

impl<R> fmt::Debug for Server<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// Stops a [`Server`], from any task or thread. Handles can be cloned.
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
    streams: HashMap<u64, Arc<SharedStream<Arc<[u8]>>>>,
    next: u64,
    /// The task that accepts.
    waker: Option<Waker>,
}

impl ServerHandle {
    fn new(clock: Clock) -> Self {
        let connections = Connections {
            acceptor: Acceptor::new(ServerConfig::default(), RandomState::new().hash_one(())),
            streams: HashMap::new(),
            next: 0,
            waker: None,
        };
        Self { shared: Arc::new(Shared { clock, connections: Mutex::new(connections) }) }
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
        mut connections: MutexGuard<'_, Connections>,
        tell: impl Fn(&mut server::SharedStream<Arc<[u8]>, Waker>),
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

    fn now(&self) -> Instant {
        self.shared.clock.now()
    }
}

/// A server at work.
pub(crate) struct ServerState {
    handle: ServerHandle,
    handler: Handler,
    on_closed: OnClosed,
    spawn: Option<Spawn>,
}

impl ServerState {
    pub(crate) fn now(&self) -> Instant {
        self.handle.now()
    }

    pub(crate) fn handle(&self, incoming: Incoming) -> BoxFuture<Result<(), BoxError>> {
        (self.handler)(incoming)
    }

    pub(crate) fn handle_closed(&self, number: u64, peer: SocketAddr, closed: &Closed) {
        let mut connections = self.handle.lock();
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
        guard(|| (self.on_closed)(peer, closed));
    }

    /// Does what the acceptor wants, until the server has stopped.
    fn poll<R: Runtime>(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        listener: &mut Option<R::Listener>,
        alarm: &mut Alarm<R>,
        tasks: &R::Tasks,
    ) -> Poll<()> {
        loop {
            let mut connections = self.handle.lock();
            let now = self.handle.now();
            let (want, deadline) = connections.acceptor.want(now);
            let accepted = match (want, &*listener) {
                (AcceptWant::Accept, Some(listener)) => R::poll_accept(listener, cx),
                (AcceptWant::Accept | AcceptWant::Pause, _) => Poll::Pending,
                (AcceptWant::Drain, _) => {
                    *listener = None;
                    Poll::Pending
                }
                _ => return Poll::Ready(()),
            };
            match accepted {
                Poll::Ready(Ok((socket, peer))) => self.serve::<R>(connections, now, (socket, peer), tasks),
                Poll::Ready(Err(_)) => connections.acceptor.handle_error(now),
                Poll::Pending => {
                    let former = connections.waker.replace(cx.waker().clone());
                    drop(connections);
                    // It may be the last of its task, whose drop may call anything: not while the lock is held.
                    drop(former);
                    ready!(alarm.poll(cx, self.handle.shared.clock, deadline));
                }
            }
        }
    }

    fn serve<R: Runtime>(
        self: &Arc<Self>,
        mut connections: MutexGuard<'_, Connections>,
        now: Instant,
        (socket, peer): (R::Socket, SocketAddr),
        tasks: &R::Tasks,
    ) {
        let since_unix_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        connections.acceptor.set_wall_clock(now, since_unix_epoch.unwrap_or_default());
        let Some(server) = connections.acceptor.admit(now) else { return };
        let stream = SharedStream::new(server, self.handle.shared.clock);
        let number = connections.next;
        connections.next += 1;
        connections.streams.insert(number, Arc::clone(&stream));
        let config = connections.acceptor.config();
        let (unacknowledged, unsent) = (config.unacknowledged, config.unsent);
        drop(connections);
        prepare(R::socket_ref(&socket), unacknowledged, unsent);
        let task = ConnectionTask::<R>::new(socket, peer, Arc::clone(self), (number, stream));
        match &self.spawn {
            Some(spawn) => drop(guard(|| spawn(Box::pin(task)))),
            None => R::spawn(tasks, task),
        }
    }
}

/// Small events go out at once, a machine that has vanished is noticed, and the system takes no more than it soon sends. What the
/// system does not have, it goes without.
fn prepare(socket: SockRef<'_>, unacknowledged: Option<Duration>, unsent: Option<u32>) {
    let _ = socket.set_tcp_nodelay(true);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let _ = socket.set_tcp_user_timeout(unacknowledged);
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = unsent.map(|bytes| socket.set_tcp_notsent_lowat(bytes));
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = unsent;
    // Where nothing is sent, there is nothing to go without an answer.
    let _ = socket.set_keepalive(unacknowledged.is_some());
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

    use super::{ServerConfig, prepare};

    #[test]
    fn a_machine_that_vanishes_is_noticed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        prepare(
            SockRef::from(&socket),
            ServerConfig::default().unacknowledged,
            ServerConfig::default().unsent,
        );
        let socket = SockRef::from(&socket);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(30)));
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), 16 * 1024);
    }
}
