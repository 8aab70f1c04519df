//! The traits that an async runtime implements for the driver.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use socket2::SockRef;

/// An async runtime: its clock, timers, sockets and tasks.
///
/// An adapter implements it on a marker type, in about 120 lines together with [`Reads`] and
/// [`Writes`]. The types of this crate are generic over the marker, and the adapter names them by
/// type aliases: `type EventSource = sse_async::EventSource<Tokio>`.
pub trait Runtime: Sized + Send + Sync + fmt::Debug + 'static {
    /// The default `User-Agent` of requests: name and version of the adapter, as in
    /// `sse-tokio/0.1.0` (RFC 9110 section 10.1.5).
    const USER_AGENT: &'static str;

    /// A TCP connection.
    type Socket: ByteStream<Self>;

    /// A listening TCP socket.
    type Listener: Send + Sync + 'static;

    /// A timer.
    type Timer: Timer;

    /// The task set of one server, or `()` if the runtime can spawn from anywhere.
    type Tasks: Default + Send + Sync;

    /// Returns the current time. A runtime may override the system clock, for example by a clock
    /// that tests can pause, if its timers follow the same clock.
    fn now() -> Instant {
        Instant::now()
    }

    /// Resolves a host to its addresses. The host is a name, an IPv4 address, or an IPv6 address
    /// without brackets but with its zone.
    fn resolve(host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Connects to an address.
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Socket>> + Send;

    /// Accepts a connection, and returns it with the address of its peer.
    fn poll_accept(
        listener: &Self::Listener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Self::Socket, SocketAddr)>>;

    /// Returns the system's socket, to set its options.
    fn socket_ref(socket: &Self::Socket) -> SockRef<'_>;

    /// Runs the task of a connection in the background. If `tasks` is dropped, the task may be
    /// dropped, too.
    fn spawn(tasks: &Self::Tasks, task: impl Future<Output = ()> + Send + 'static);

    /// Drives a server, together with the tasks that run only while it is polled, if the runtime
    /// has such tasks.
    fn run(tasks: &Self::Tasks, server: impl Future<Output = ()> + Send) -> impl Future<Output = ()> + Send {
        let _ = tasks;
        server
    }
}

/// A timer that can be reset.
pub trait Timer: Default + Send + Unpin {
    /// Waits until `deadline`, which replaces any previous deadline. If it is pending, it wakes the task of
    /// `cx` then, and no longer the one of an earlier call.
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()>;
}

/// The ability of a runtime to read from a byte stream of type `S`.
///
/// An adapter implements it once, for all types that its runtime can read: `impl<S: AsyncRead +
/// ?Sized> Reads<S> for Tokio`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot read from `{S}`",
    label = "`{S}` does not implement the `AsyncRead` of this runtime",
    note = "for the body of an HTTP response, use `EventStream::from_body` (feature `http`)",
    note = "for a socket of `std`, call `tokio::net::TcpStream::from_std` or `smol::net::TcpStream::try_from`",
    note = "for a stream of futures-io (smol, async-std), use `sse-smol`, or wrap it with `tokio_util::compat::FuturesAsyncReadCompatExt::compat` for `sse-tokio`",
    note = "for a stream of tokio, use `sse-tokio`, or wrap it with `tokio_util::compat::TokioAsyncReadCompatExt::compat` for `sse-smol`"
)]
pub trait Reads<S: ?Sized>: Runtime {
    /// Reads into `space`, and returns the number of bytes read, or 0 at the end of the stream. If it is
    /// pending, it wakes the task of `cx` once bytes are there, as every `poll` function here.
    fn poll_read(stream: Pin<&mut S>, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>>;
}

/// The ability of a runtime to write to a byte stream of type `S`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot write to `{S}`",
    label = "`{S}` does not implement the `AsyncWrite` of this runtime",
    note = "for a socket of `std`, call `tokio::net::TcpStream::from_std` or `smol::net::TcpStream::try_from`",
    note = "for a stream of futures-io (smol, async-std), use `sse-smol`, or wrap it with `tokio_util::compat::FuturesAsyncWriteCompatExt::compat_write` for `sse-tokio`",
    note = "for a stream of tokio, use `sse-tokio`, or wrap it with `tokio_util::compat::TokioAsyncWriteCompatExt::compat_write` for `sse-smol`"
)]
pub trait Writes<S: ?Sized>: Runtime {
    /// Writes a prefix of `bytes`, and returns the number of bytes written.
    fn poll_write(stream: Pin<&mut S>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Flushes buffered bytes.
    fn poll_flush(stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Flushes, and shuts down the writing half.
    fn poll_shutdown(stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A byte stream that runtime `R` can read and write. Implemented for every such type; do not
/// implement it yourself.
#[diagnostic::on_unimplemented(
    message = "`{R}` cannot read from and write to `{Self}`",
    label = "`{Self}` does not implement the `AsyncRead` and `AsyncWrite` of this runtime, `Send`, `Unpin` and `'static`",
    note = "for a socket of `std`, call `tokio::net::TcpStream::from_std` or `smol::net::TcpStream::try_from`",
    note = "for a stream of futures-io (smol, async-std), use `sse-smol`, or wrap it with `tokio_util::compat::FuturesAsyncReadCompatExt::compat` for `sse-tokio`",
    note = "for a stream of tokio, use `sse-tokio`, or wrap it with `tokio_util::compat::TokioAsyncReadCompatExt::compat` for `sse-smol`"
)]
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

// Without this, an error about another stream names only a missing trait, not the advice above.
#[diagnostic::do_not_recommend]
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
