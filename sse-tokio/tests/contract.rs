//! The contract of the adapters, on tokio.

use std::sync::{Arc, Mutex};

use sse_tokio::{
    AcceptError, CloseHandle, EventReader, EventWriter, ReadError, accept, connect, connect_with,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener as Listener;

macro_rules! contract {
    ($(fn $name:ident() $body:block)*) => { $(#[test] fn $name() { block_on(async move $body) })* };
}

macro_rules! wait {
    ($future:expr) => {
        $future.await
    };
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn close_handle<R: AsyncRead + Unpin>(reader: &mut EventReader<R>) -> CloseHandle {
    reader.close_handle()
}

fn elsewhere(run: impl FnOnce() + Send + 'static) {
    thread::spawn(run);
}

fn adopt(socket: TcpStream) -> tokio::net::TcpStream {
    socket.set_nonblocking(true).unwrap();
    tokio::net::TcpStream::from_std(socket).unwrap()
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

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
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

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Comments without end.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        space.put_slice(&b":\n".repeat(space.remaining() / 2));
        Poll::Ready(Ok(()))
    }
}

include!("../../sse-proto/tests/adapters/contract.rs");
include!("../../sse-proto/tests/adapters/contract_async.rs");
