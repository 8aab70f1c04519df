//! The contract of the adapters, on smol.

use std::sync::{Arc, Mutex};

use futures_io::{AsyncRead, AsyncWrite};
use smol::block_on;
use smol::net::TcpListener as Listener;
use sse_smol::{
    AcceptError, CloseHandle, EventReader, EventWriter, ReadError, accept, connect, connect_with,
};

macro_rules! contract {
    ($(fn $name:ident() $body:block)*) => { $(#[test] fn $name() { block_on(async move $body) })* };
}

macro_rules! wait {
    ($future:expr) => {
        $future.await
    };
}

fn close_handle<R: AsyncRead + Unpin>(reader: &mut EventReader<R>) -> CloseHandle {
    reader.close_handle()
}

fn elsewhere(run: impl FnOnce() + Send + 'static) {
    thread::spawn(run);
}

fn adopt(socket: TcpStream) -> smol::net::TcpStream {
    socket.set_nonblocking(true).unwrap();
    smol::net::TcpStream::try_from(socket).unwrap()
}

#[derive(Clone, Debug)]
struct Recorder {
    most: usize,
    log: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    fn new(most: usize) -> Self {
        Self { most, log: Arc::default() }
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    fn push(&self, entry: &[u8]) -> Poll<std::io::Result<()>> {
        self.log.lock().unwrap().push(String::from_utf8(entry.to_vec()).unwrap());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Recorder {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let taken = bytes.len().min(self.most);
        self.push(&bytes[..taken]).map_ok(|()| taken)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.push(b"flush")
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.push(b"close")
    }
}

/// Not ready the first time it is written to.
struct PendingOnce {
    ready: bool,
    inner: Recorder,
}

impl AsyncWrite for PendingOnce {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        if std::mem::replace(&mut self.ready, true) {
            return Pin::new(&mut self.inner).poll_write(cx, bytes);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

/// Comments without end.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<std::io::Result<usize>> {
        space.chunks_exact_mut(2).for_each(|comment| comment.copy_from_slice(b":\n"));
        Poll::Ready(Ok(space.len() & !1))
    }
}

include!("../../sse-proto/tests/adapters/contract.rs");
include!("../../sse-proto/tests/adapters/contract_async.rs");
