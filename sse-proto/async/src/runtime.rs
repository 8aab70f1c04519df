//! What the driver needs from an async runtime.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use socket2::SockRef;

/// An async runtime: its clock, its timers, its sockets, its tasks.
///
/// It is implemented on a marker type, about 120 lines with [`Reads`] and [`Writes`]. The types of this crate are generic
/// over the marker, and an adapter for a runtime names them by type aliases: `type EventSource = sse_async::EventSource<Tokio>`.
pub trait Runtime: Sized + Send + Sync + fmt::Debug + 'static {
    /// The `User-Agent` of requests that have none: name and version of the adapter, as in `sse-tokio/0.1.0` (RFC 9110 section 10.1.5).
    const USER_AGENT: &'static str;

    /// A TCP connection.
    type Socket: ByteStream<Self>;

    /// A listening TCP socket.
    type Listener: Send + Sync + 'static;

    /// A timer.
    type Timer: Timer;

    /// Where the connections of one server run: `()` if the runtime spawns from anywhere.
    type Tasks: Default + Send + Sync;

    /// The time now. Another clock than the system's may be told, one that tests can pause, if timers go by it.
    fn now() -> Instant {
        Instant::now()
    }

    /// Looks up the addresses of a host: a name, an IPv4 address, or an IPv6 address without brackets, with its zone if it has one.
    fn resolve(host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Connects to an address.
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Socket>> + Send;

    /// Accepts a connection, with the address of its peer.
    fn poll_accept(
        listener: &Self::Listener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Self::Socket, SocketAddr)>>;

    /// The socket of the system, to set its options.
    fn socket_ref(socket: &Self::Socket) -> SockRef<'_>;

    /// Runs the task of a connection in the background. If `tasks` is dropped, the task may be too.
    fn spawn(tasks: &Self::Tasks, task: impl Future<Output = ()> + Send + 'static);

    /// Drives a server, and with it the tasks that only run here, if there are such.
    fn run(tasks: &Self::Tasks, server: impl Future<Output = ()> + Send) -> impl Future<Output = ()> + Send {
        let _ = tasks;
        server
    }
}

/// A timer that is set again and again.
pub trait Timer: Default + Send + Unpin {
    /// Waits for `deadline`, whatever was waited for before.
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()>;
}

/// How a runtime reads from a byte stream of type `S`.
///
/// An adapter implements it once, for all `S` that its runtime can read: `impl<S: AsyncRead + ?Sized> Reads<S> for Tokio`.
#[diagnostic::on_unimplemented(
    message = "`{S}` is not a byte stream that `{Self}` can read",
    label = "does not implement the `AsyncRead` of this runtime",
    note = "streams of tokio go with `sse-tokio`, those of futures-io (smol, async-std) with `sse-smol`"
)]
pub trait Reads<S: ?Sized>: Runtime {
    /// Reads into `space`, and returns the number of bytes read; 0 at the end of the stream.
    fn poll_read(stream: Pin<&mut S>, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>>;
}

/// How a runtime writes to a byte stream of type `S`.
#[diagnostic::on_unimplemented(
    message = "`{S}` is not a byte stream that `{Self}` can write to",
    label = "does not implement the `AsyncWrite` of this runtime",
    note = "streams of tokio go with `sse-tokio`, those of futures-io (smol, async-std) with `sse-smol`"
)]
pub trait Writes<S: ?Sized>: Runtime {
    /// Writes the beginning of `bytes`, and returns the number of bytes written.
    fn poll_write(stream: Pin<&mut S>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Flushes what is buffered.
    fn poll_flush(stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Flushes, and closes the writing half.
    fn poll_shutdown(stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A byte stream that runtime `R` reads and writes. Implemented for every such type; not to be implemented elsewhere.
pub trait ByteStream<R>: Send + Unpin + 'static {
    /// See [`Reads::poll_read`].
    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>>;

    /// See [`Writes::poll_write`].
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// See [`Writes::poll_flush`].
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// See [`Writes::poll_shutdown`].
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl<S: Send + Unpin + 'static, R: Reads<S> + Writes<S>> ByteStream<R> for S {
    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        <R as Reads<S>>::poll_read(Pin::new(self), cx, space)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        <R as Writes<S>>::poll_write(Pin::new(self), cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        <R as Writes<S>>::poll_flush(Pin::new(self), cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        <R as Writes<S>>::poll_shutdown(Pin::new(self), cx)
    }
}
