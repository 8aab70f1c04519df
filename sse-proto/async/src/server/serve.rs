//! A server for event streams.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use sse_proto::http1::server::{AcceptWant, Closed, ServerConfig};

use crate::guard::guard;
use crate::net::{Alarm, BoxFuture, Clock};
use crate::server::connection_task::ConnectionTask;
use crate::server::state::{Admitted, Handler, OnClosed, ServerHandle, ServerState};
use crate::{BoxError, ByteStream, Incoming, Runtime};

type Spawn = Box<dyn Fn(BoxFuture<()>) + Send + Sync>;

/// Serves event streams over HTTP/1.1, and the few other responses that their users need: a page,
/// the answer to a POST.
///
/// The handler is called for each request. The task of the connection polls the handler's future,
/// and drops it when the connection is over: as soon as the client leaves, even if nothing is being
/// written, or soon after a complete response was sent. Before the response, a client that has left
/// looks like one that has only shut down its writing half, so it is given [some
/// time](ServerConfig::half_closed). Spawn a task for work that must continue regardless. If the
/// handler fails, panics or does not answer, the client receives status 500; if the stream is
/// already open, it is cut.
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
pub struct Server<R> {
    handler: Handler,
    on_closed: OnClosed,
    spawn: Option<Spawn>,
    handle: ServerHandle,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> Server<R> {
    /// Creates a server that answers requests by `handler`.
    pub fn new<F, A>(handler: F) -> Self
    where
        F: Fn(Incoming) -> A + Send + Sync + 'static,
        A: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self {
            handler: Arc::new(move |incoming| Box::pin(handler(incoming))),
            on_closed: Arc::new(|_, _| {}),
            spawn: None,
            handle: ServerHandle::new(Clock::start::<R>()),
            runtime: PhantomData,
        }
    }

    /// Sets the configuration.
    #[must_use]
    pub fn with_config(self, config: ServerConfig) -> Self {
        self.handle.set_config(config);
        self
    }

    /// Changes the configuration, as in `configure(|config| config.connections = 10_000)`.
    #[must_use]
    pub fn configure(self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = self.handle.config();
        change(&mut config);
        self.with_config(config)
    }

    /// Sets a callback for the end of each connection, for example for a log. It must not block.
    #[must_use]
    pub fn with_on_closed(self, on_closed: impl Fn(SocketAddr, &Closed) + Send + Sync + 'static) -> Self {
        Self { on_closed: Arc::new(on_closed), ..self }
    }

    /// Sets a function that spawns the task of each connection, for example on another executor or
    /// in a tracing span. Default: the runtime's own way to spawn.
    #[must_use]
    pub fn with_spawn(
        self,
        spawn: impl Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync + 'static,
    ) -> Self {
        Self { spawn: Some(Box::new(spawn)), ..self }
    }

    /// Returns a handle that stops this server from any task or thread.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Accepts connections and serves each in its own task, until the server is [shut
    /// down](ServerHandle::shutdown) and all connections are over. After an accept error, it
    /// retries a little later.
    ///
    /// Dropping the future closes all connections.
    pub async fn serve(self, listener: R::Listener) {
        let _closes = CloseOnDrop(self.handle());
        let (state, spawn, tasks) = (self.state(), self.spawn, R::Tasks::default());
        let (listener, alarm) = (Some(listener), Alarm::default());
        let mut accepting = Accepting::<R> { state, listener, alarm, tasks: &tasks, spawn };
        R::run(&tasks, poll_fn(|cx| accepting.poll(cx))).await;
    }

    /// Serves one connection that was accepted elsewhere, for example over TLS or a Unix socket,
    /// until it is over. It counts as a connection of this server: the limits of the configuration
    /// apply, and [shutdown](ServerHandle::shutdown) ends it.
    ///
    /// `peer` is passed to [`Incoming::peer_addr`] and to the callback of
    /// [`with_on_closed`](Self::with_on_closed). Socket options such as `TCP_NODELAY` are left to
    /// the caller.
    ///
    /// Dropping the future closes the connection.
    pub async fn serve_connection<S: ByteStream<R>>(&self, io: S, peer: SocketAddr) {
        let Some(Admitted { number, stream, .. }) = self.handle.admit() else { return };
        ConnectionTask::<S, R>::new(io, peer, self.state(), (number, stream)).await;
    }

    fn state(&self) -> Arc<ServerState> {
        Arc::new(ServerState {
            handle: self.handle.clone(),
            handler: Arc::clone(&self.handler),
            on_closed: Arc::clone(&self.on_closed),
        })
    }

    /// Like [`serve`](Self::serve), and starts a graceful shutdown when `signal` completes.
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

/// Accepts connections, and spawns the task of each.
struct Accepting<'t, R: Runtime> {
    state: Arc<ServerState>,
    /// `None` once the server drains.
    listener: Option<R::Listener>,
    alarm: Alarm<R>,
    tasks: &'t R::Tasks,
    spawn: Option<Spawn>,
}

impl<R: Runtime> Accepting<'_, R> {
    /// Does what the acceptor wants, until the server has stopped.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let handle = &self.state.handle;
            let (want, deadline) = handle.want(cx.waker());
            let accepted = match (want, &self.listener) {
                (AcceptWant::Accept, Some(listener)) => R::poll_accept(listener, cx),
                (AcceptWant::Accept | AcceptWant::Pause, _) => Poll::Pending,
                (AcceptWant::Drain, _) => {
                    self.listener = None;
                    Poll::Pending
                }
                _ => return Poll::Ready(()),
            };
            match accepted {
                Poll::Ready(Ok((socket, peer))) => self.start(socket, peer),
                Poll::Ready(Err(_)) => handle.handle_error(),
                Poll::Pending => ready!(self.alarm.poll(cx, handle.clock(), deadline)),
            }
        }
    }

    fn start(&self, socket: R::Socket, peer: SocketAddr) {
        let Some(admitted) = self.state.handle.admit() else { return };
        prepare(R::socket_ref(&socket), admitted.unacknowledged, admitted.unsent);
        let connection = (admitted.number, admitted.stream);
        let task = ConnectionTask::<_, R>::new(socket, peer, Arc::clone(&self.state), connection);
        match &self.spawn {
            Some(spawn) => drop(guard(|| spawn(Box::pin(task)))),
            None => R::spawn(self.tasks, task),
        }
    }
}

/// Sets socket options, so that small events are sent at once, a vanished peer is detected, and the
/// system buffers no more than it can send soon. Unsupported options are ignored.
fn prepare(socket: SockRef<'_>, unacknowledged: Option<Duration>, unsent: Option<u32>) {
    let _ = socket.set_tcp_nodelay(true);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let _ = socket.set_tcp_user_timeout(unacknowledged);
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = unsent.map(|bytes| socket.set_tcp_notsent_lowat(bytes));
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = unsent;
    // Probes idle connections, on which no data could go unacknowledged.
    let _ = socket.set_keepalive(unacknowledged.is_some());
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
