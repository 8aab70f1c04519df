//! smol as a runtime of tests.

use std::io::{self, Write};
use std::net::{self, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use smol::net::TcpListener;
use sse_smol::{Server, Smol};

use super::{Buffered, Endless, Executor, Recorder};

impl Executor for Smol {
    const PACKAGE: &'static str = "sse-smol";

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }

    fn socket(socket: TcpStream) -> smol::net::TcpStream {
        smol::net::TcpStream::try_from(socket).unwrap()
    }

    fn serve(server: Server, listener: net::TcpListener) {
        smol::block_on(async { server.serve(TcpListener::try_from(listener).unwrap()).await });
    }
}

impl AsyncWrite for Recorder {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.record(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.flush())
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.push(b"close");
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(Self::fill(space)))
    }
}

impl AsyncRead for Buffered {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        self.read(cx, space).map(Ok)
    }
}

impl AsyncWrite for Buffered {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.write(bytes)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush();
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
