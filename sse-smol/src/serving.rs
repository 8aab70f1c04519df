//! One connection of a server.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::{io, net};

use async_net::TcpStream;
use futures_io::{AsyncRead, AsyncWrite};
use sse_proto::http1;
use sse_proto::http1::server::{Closed, Want};

use crate::alarm::Alarm;
use crate::connection::BoxFuture;
use crate::guard::guard;
use crate::outlet::{Outlet, release, wait_as_driver};
use crate::server::Listening;
use crate::{BoxError, Incoming};

/// Serves a connection to its end; dropped before, it closes it.
pub(crate) struct Serving {
    socket: TcpStream,
    peer: net::SocketAddr,
    listening: Arc<Listening>,
    /// Its number among the connections.
    number: u64,
    outlet: Arc<Outlet<Arc<[u8]>>>,
    alarm: Alarm,
    /// What the handler does.
    work: Option<BoxFuture<Result<(), BoxError>>>,
}

/// What the connection has come to.
enum Step {
    Request(Incoming),
    Closed,
}

impl Serving {
    pub(crate) fn new(
        socket: TcpStream,
        peer: net::SocketAddr,
        listening: Arc<Listening>,
        (number, outlet): (u64, Arc<Outlet<Arc<[u8]>>>),
    ) -> Self {
        Self { socket, peer, listening, number, outlet, alarm: Alarm::default(), work: None }
    }

    fn poll_work(&mut self, cx: &mut Context<'_>) {
        let Some(work) = &mut self.work else { return };
        let done = match guard(|| work.as_mut().poll(cx)) {
            Some(Poll::Pending) => return,
            Some(Poll::Ready(done)) => Some(done),
            None => None,
        };
        // What it is made of may panic when it is dropped.
        let dropped = guard(|| self.work = None);
        self.handle_done(done.filter(|_| dropped.is_some()));
    }

    /// Reports what came of the handler; nothing, if it panicked.
    fn handle_done(&self, done: Option<Result<(), BoxError>>) {
        let now = self.outlet.now();
        match done {
            // An error that nobody is told is dropped when the lock is released.
            Some(done) => drop(self.outlet.act(|outlet| outlet.handle_done(now, done))),
            None => self.outlet.act(|outlet| outlet.handle_panic(now)),
        }
    }

    fn start_work(&mut self, incoming: Incoming) {
        self.work = guard(|| self.listening.handle(incoming));
        if self.work.is_none() {
            self.handle_done(None);
        }
    }

    /// Does what the machine wants, until the request is there or nothing more comes.
    fn poll_advance(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let mut outlet = self.outlet.lock();
        loop {
            let now = self.listening.now();
            let server = outlet.server();
            let (want, deadline) = server.want(now);
            let socket = Pin::new(&mut self.socket);
            let done = match want {
                Want::Write => {
                    let written = socket.poll_write(cx, server.pending());
                    written.map_ok(|count| server.handle_written(now, count))
                }
                Want::Read | Want::Open => poll_read(socket, cx, now, server),
                Want::Request => {
                    let Some((head, body)) = server.take_request() else { continue };
                    let incoming = Incoming::new(Arc::clone(&self.outlet), head, body, self.peer);
                    return Poll::Ready(Step::Request(incoming));
                }
                Want::KeepAlive => {
                    let hooks = server.hooks().clone();
                    drop(outlet);
                    // Code of the user's: not while the lock is held.
                    let frame = guard(|| hooks.keep_alive());
                    outlet = self.outlet.lock();
                    match frame {
                        Some(frame) => outlet.server().handle_keep_alive(now, &frame),
                        None => outlet.handle_panic(now),
                    }
                    continue;
                }
                Want::Wait => Poll::Pending,
                Want::Shutdown => socket.poll_close(cx).map(|_| {
                    server.handle_shutdown(now);
                    Ok(())
                }),
                _ => {
                    release(outlet, false);
                    return Poll::Ready(Step::Closed);
                }
            };
            match done {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => server.handle_error(now, error),
                Poll::Pending => {
                    wait_as_driver(outlet, cx);
                    // Only now, as the timer drops the waker that it had.
                    ready!(self.alarm.poll_early(cx, self.listening.at(deadline)));
                    outlet = self.outlet.lock();
                    outlet.server().handle_deadline(self.listening.now());
                }
            }
        }
    }
}

fn poll_read(
    socket: Pin<&mut TcpStream>,
    cx: &mut Context<'_>,
    now: sse_proto::Instant,
    server: &mut http1::Server<Arc<[u8]>>,
) -> Poll<io::Result<()>> {
    let count = ready!(socket.poll_read(cx, server.space()))?;
    server.handle_read(now, count);
    Poll::Ready(Ok(()))
}

impl Serving {
    fn poll_serve(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // What the handler appends is written below, and needs no waking.
        drop(self.outlet.lock().take_driver());
        loop {
            self.poll_work(cx);
            match ready!(self.poll_advance(cx)) {
                Step::Request(incoming) => self.start_work(incoming),
                Step::Closed => return Poll::Ready(()),
            }
        }
    }
}

impl Future for Serving {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Whatever panics here takes this connection with it, and no other, whatever the runtime does then.
        guard(|| self.poll_serve(cx)).unwrap_or(Poll::Ready(()))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        guard(|| self.work = None);
        let closed = self.outlet.act(|outlet| {
            outlet.server().close();
            outlet.server().take_closed()
        });
        let closed = closed.unwrap_or(Closed::Aborted);
        self.listening.handle_closed(self.number, self.peer, &closed);
        // An error of the user's, which may panic when it is dropped.
        guard(|| drop(closed));
    }
}
