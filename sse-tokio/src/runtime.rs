//! The driver's runtime traits for tokio.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use socket2::SockRef;
use sse_async::{Reads, Runtime, Timer, Writes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::time::{self, Sleep};

/// The tokio runtime.
#[derive(Debug)]
pub enum Tokio {}

impl Runtime for Tokio {
    const USER_AGENT: &'static str = crate::USER_AGENT;

    type Socket = TcpStream;
    type Listener = TcpListener;
    type Timer = TokioTimer;
    type Tasks = ();

    fn now() -> Instant {
        // tokio's clock, which tests can pause.
        time::Instant::now().into_std()
    }

    async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((host, port)).await?.collect())
    }

    async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address).await
    }

    fn poll_accept(
        listener: &TcpListener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        listener.poll_accept(cx)
    }

    fn socket_ref(socket: &TcpStream) -> SockRef<'_> {
        SockRef::from(socket)
    }

    fn spawn((): &(), task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(task);
    }
}

/// A tokio timer.
#[derive(Debug, Default)]
pub struct TokioTimer(Option<Pin<Box<Sleep>>>);

impl Timer for TokioTimer {
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let deadline = time::Instant::from_std(deadline);
        let timer = self.0.get_or_insert_with(|| Box::pin(time::sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    }
}

// Without this, an error about another stream names only a missing trait, not the advice of `Reads`.
#[diagnostic::do_not_recommend]
impl<S: AsyncRead + ?Sized> Reads<S> for Tokio {
    fn poll_read(stream: Pin<&mut S>, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut space = ReadBuf::new(space);
        ready!(stream.poll_read(cx, &mut space))?;
        Poll::Ready(Ok(space.filled().len()))
    }
}

// The same for `Writes`.
#[diagnostic::do_not_recommend]
impl<S: AsyncWrite + ?Sized> Writes<S> for Tokio {
    fn poll_write(stream: Pin<&mut S>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        stream.poll_write(cx, bytes)
    }

    fn poll_flush(stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream.poll_flush(cx)
    }

    fn poll_shutdown(stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream.poll_shutdown(cx)
    }
}
