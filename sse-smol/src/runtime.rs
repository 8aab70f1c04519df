//! The driver's runtime traits for smol: futures-io, and the reactor of async-io, which works under
//! any executor.

use std::io;
use std::net::{self, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use async_executor::Executor;
use async_io::Async;
use async_net::{TcpListener, TcpStream};
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;
use sse_async::{Reads, Runtime, Timer, Writes};

/// The smol runtime.
#[derive(Debug)]
pub enum Smol {}

impl Runtime for Smol {
    const USER_AGENT: &'static str = crate::USER_AGENT;

    type Socket = TcpStream;
    type Listener = TcpListener;
    type Timer = SmolTimer;
    type Tasks = Executor<'static>;

    async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        async_net::resolve((host, port)).await
    }

    async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address).await
    }

    fn poll_accept(
        listener: &TcpListener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let listener: Arc<Async<net::TcpListener>> = listener.clone().into();
        loop {
            match listener.get_ref().accept() {
                Ok((socket, peer)) => return Poll::Ready(Ok((Async::new(socket)?.into(), peer))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(listener.poll_readable(cx))?;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn socket_ref(socket: &TcpStream) -> SockRef<'_> {
        SockRef::from(socket)
    }

    fn spawn(tasks: &Executor<'static>, task: impl Future<Output = ()> + Send + 'static) {
        tasks.spawn(task).detach();
    }

    fn run(
        tasks: &Executor<'static>,
        server: impl Future<Output = ()> + Send,
    ) -> impl Future<Output = ()> + Send {
        tasks.run(server)
    }
}

/// A timer of async-io.
#[derive(Debug, Default)]
pub struct SmolTimer(Option<(Instant, async_io::Timer)>);

impl Timer for SmolTimer {
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let (at, timer) = self.0.get_or_insert_with(|| (deadline, async_io::Timer::at(deadline)));
        if *at != deadline {
            (*at, *timer) = (deadline, async_io::Timer::at(deadline));
        }
        let fired = Pin::new(timer).poll(cx).map(drop);
        if fired.is_ready() {
            self.0 = None;
        }
        fired
    }
}

// Without this, an error about another stream names only a missing trait, not the advice of `Reads`.
#[diagnostic::do_not_recommend]
impl<S: AsyncRead + ?Sized> Reads<S> for Smol {
    fn poll_read(stream: Pin<&mut S>, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        stream.poll_read(cx, space)
    }
}

// The same for `Writes`.
#[diagnostic::do_not_recommend]
impl<S: AsyncWrite + ?Sized> Writes<S> for Smol {
    fn poll_write(stream: Pin<&mut S>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        stream.poll_write(cx, bytes)
    }

    fn poll_flush(stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream.poll_flush(cx)
    }

    fn poll_shutdown(stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream.poll_close(cx)
    }
}
