//! One connection of a server.

use std::net;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use sse_proto::http1::server::{Closed, Want};

use crate::guard::guard;
use crate::net::{Alarm, BoxFuture};
use crate::server::shared_stream::{SharedStream, release, wait_as_driver};
use crate::server::state::ServerState;
use crate::span::Span;
use crate::{BoxError, ByteStream, Incoming, Runtime};

/// Serves a connection until its end. Dropping the task closes the connection.
pub(crate) struct ConnectionTask<S, R: Runtime> {
    socket: S,
    peer: net::SocketAddr,
    state: Arc<ServerState>,
    /// The connection's number in the server.
    number: u64,
    stream: Arc<SharedStream>,
    /// Whether anything was written since the last flush.
    is_unflushed: bool,
    alarm: Alarm<R>,
    /// The future of the handler.
    work: Option<BoxFuture<Result<(), BoxError>>>,
    /// The span of the request, once there is one.
    span: Span,
}

/// The next event in the life of a connection.
enum Step {
    Request(Incoming),
    Closed,
}

impl<S: ByteStream<R>, R: Runtime> ConnectionTask<S, R> {
    pub(crate) fn new(
        socket: S,
        peer: net::SocketAddr,
        state: Arc<ServerState>,
        (number, stream): (u64, Arc<SharedStream>),
    ) -> Self {
        Self {
            socket,
            peer,
            state,
            number,
            stream,
            is_unflushed: false,
            alarm: Alarm::default(),
            work: None,
            span: Span::none(),
        }
    }

    fn poll_work(&mut self, cx: &mut Context<'_>) {
        let Some(work) = &mut self.work else { return };
        let done = match guard(|| self.span.run(|| work.as_mut().poll(cx))) {
            Some(Poll::Pending) => return,
            Some(Poll::Ready(done)) => Some(done),
            None => None,
        };
        // Dropping the future runs user code, which may panic.
        let dropped = guard(|| self.work = None);
        self.handle_done(done.filter(|_| dropped.is_some()));
    }

    /// Reports the result of the handler, or `None` if it panicked.
    fn handle_done(&self, done: Option<Result<(), BoxError>>) {
        let now = self.stream.now();
        match done {
            // An error that the client is not told of is dropped after the lock is released.
            Some(done) => drop(self.stream.act(|stream| stream.handle_done(now, done))),
            None => self.stream.act(|stream| stream.handle_panic(now)),
        }
    }

    fn start_work(&mut self, incoming: Incoming) {
        self.span = Span::of_request(self.peer, &incoming);
        self.work = guard(|| self.span.run(|| self.state.handle(incoming)));
        if self.work.is_none() {
            self.handle_done(None);
        }
    }

    /// Does what the machine wants, until a request has arrived or the connection is over.
    fn poll_advance(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let mut stream = self.stream.lock();
        // Read again only after what may take a while.
        let mut now = self.state.now();
        loop {
            let server = stream.connection();
            let (want, deadline) = server.want(now);
            let socket = &mut self.socket;
            let done = match want {
                Want::Write => {
                    let written = socket.poll_write(cx, server.pending());
                    self.is_unflushed |= written.is_ready();
                    written.map_ok(|count| server.handle_written(now, count))
                }
                Want::Read | Want::Open => {
                    let read = socket.poll_read(cx, server.space());
                    read.map_ok(|count| server.handle_read(now, count))
                }
                Want::Request => {
                    let Some((head, body)) = server.take_request() else { continue };
                    let incoming = Incoming::new(Arc::clone(&self.stream), head, body, self.peer);
                    return Poll::Ready(Step::Request(incoming));
                }
                Want::KeepAlive => {
                    let hooks = server.hooks().clone();
                    drop(stream);
                    // User code, so not called under the lock.
                    let frame = guard(|| hooks.keep_alive());
                    stream = self.stream.lock();
                    now = self.state.now();
                    match frame {
                        Some(frame) => stream.connection().handle_keep_alive(now, &frame),
                        None => stream.handle_panic(now),
                    }
                    continue;
                }
                Want::Wait => Poll::Pending,
                Want::Shutdown => socket.poll_shutdown(cx).map(|_| {
                    server.handle_shutdown(now);
                    Ok(())
                }),
                _ => {
                    release(stream, false);
                    return Poll::Ready(Step::Closed);
                }
            };
            let done = match done {
                // The transport may buffer, as TLS does.
                Poll::Pending if self.is_unflushed => match self.socket.poll_flush(cx) {
                    Poll::Ready(flushed) => {
                        self.is_unflushed = false;
                        flushed.map_or_else(|error| Poll::Ready(Err(error)), |()| Poll::Pending)
                    }
                    Poll::Pending => Poll::Pending,
                },
                done => done,
            };
            match done {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => server.handle_error(now, error),
                Poll::Pending => {
                    wait_as_driver(stream, cx);
                    // Only after the lock is released, because the timer drops its previous waker.
                    ready!(self.alarm.poll_early(cx, self.stream.clock(), deadline));
                    stream = self.stream.lock();
                    now = self.state.now();
                    stream.connection().handle_deadline(now);
                }
            }
        }
    }

    fn poll_serve(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // The loop writes whatever the handler appends, so no wake-up is needed.
        drop(self.stream.lock().take_driver());
        loop {
            self.poll_work(cx);
            match ready!(self.poll_advance(cx)) {
                Step::Request(incoming) => self.start_work(incoming),
                Step::Closed => return Poll::Ready(()),
            }
        }
    }
}

impl<S: ByteStream<R>, R: Runtime> Future for ConnectionTask<S, R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // A panic must end only this connection, whatever the runtime does on panics.
        guard(|| self.poll_serve(cx)).unwrap_or(Poll::Ready(()))
    }
}

impl<S, R: Runtime> Drop for ConnectionTask<S, R> {
    fn drop(&mut self) {
        guard(|| self.work = None);
        let closed = self.stream.act(|stream| {
            stream.connection().close();
            stream.connection().take_closed()
        });
        let closed = closed.unwrap_or(Closed::Aborted);
        self.span.log_closed(&closed);
        self.state.handle_closed(self.number, self.peer, &closed);
        // Dropping the user's error may panic.
        guard(|| drop(closed));
    }
}
