//! A server of event streams.

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

    /// Calls this whenever a connection is over: for a log. It must not block.
    #[must_use]
    pub fn with_on_closed(self, on_closed: impl Fn(SocketAddr, &Closed) + Send + Sync + 'static) -> Self {
        Self { on_closed: Arc::new(on_closed), ..self }
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
        let _closes = CloseOnDrop(self.handle());
        let (state, spawn, tasks) = (self.state(), self.spawn, R::Tasks::default());
        let (listener, alarm) = (Some(listener), Alarm::default());
        let mut accepting = Accepting::<R> { state, listener, alarm, tasks: &tasks, spawn };
        R::run(&tasks, poll_fn(|cx| accepting.poll(cx))).await;
    }

    /// Serves one connection that was accepted elsewhere, over TLS or a Unix socket for instance, until it is over. It counts
    /// among the connections of this server: the configuration's limits hold, and [shutdown](ServerHandle::shutdown) ends it.
    ///
    /// `peer` is passed on to [`Incoming::peer_addr`] and [`with_on_closed`](Self::with_on_closed). Options of the socket,
    /// such as `TCP_NODELAY`, are left to the caller.
    ///
    /// If this future is dropped, the connection is closed.
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

/// Accepts connections, and starts the task of each.
struct Accepting<'t, R: Runtime> {
    state: Arc<ServerState>,
    /// Gone once the server drains.
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
