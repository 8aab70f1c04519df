//! What an adapter is, as the suites see it.
//!
//! The traits have the names and the methods of the adapters' types, as `async fn`s. For a [`Runtime`](sse_async::Runtime) that
//! is an [`Executor`] they are implemented once, by the types of `sse_async`. The functions of `sse-blocking` do their work and
//! are ready at once.

mod asynchronous;
#[cfg(feature = "blocking")]
mod blocking;
mod client;
mod hub;
mod io;
mod server;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

use std::net::{SocketAddr, TcpListener, TcpStream};

pub use asynchronous::{AsyncHttpClient, Executor};
#[cfg(feature = "blocking")]
pub use blocking::Blocking;
pub use client::{CloseHandle, HttpClient, Reader, Source};
pub use hub::{Hub, Subscriber};
pub use io::{Buffered, Endless, Recorder};
pub use server::{EventSender, Incoming, Server, ServerHandle, Writer};
use sse_proto::http::Request;
use sse_proto::{Receiver, Sender};

/// Why an answer failed: any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why reading events failed.
pub type ReadError = sse_proto::ReadError<std::io::Error>;

/// An adapter of `sse-proto` to a runtime.
pub trait Adapter: Sized + 'static {
    /// The name of its package, which it sends in `User-Agent`.
    const PACKAGE: &'static str;

    /// Its `EventSource`.
    type Source: Source;
    /// Its `EventReader` of a TCP connection.
    type Reader: Reader;
    /// Its `EventWriter` to a [`Recorder`].
    type Writer: Writer;
    /// Its `Server`.
    type Server: Server<Handle = Self::ServerHandle>;
    /// Its `ServerHandle`.
    type ServerHandle: ServerHandle;
    /// Its `Incoming`.
    type Incoming: Incoming<Self::Hub, Sender = Self::EventSender>;
    /// Its `EventSender`.
    type EventSender: EventSender;
    /// Its `Hub`.
    type Hub: Hub;

    /// Runs a test on this thread.
    fn block_on<T>(test: impl Future<Output = T>) -> T;

    /// `EventSource::new`.
    fn source(request: Request) -> Self::Source;

    /// `EventReader::open`.
    async fn open(socket: TcpStream, request: &Request) -> Result<Self::Reader, ReadError>;

    /// `EventReader::open_with`.
    async fn open_with(
        socket: TcpStream,
        request: &Request,
        receiver: Receiver,
    ) -> Result<Self::Reader, ReadError>;

    /// `EventReader::with_receiver`.
    fn reader(socket: TcpStream, receiver: Receiver) -> Self::Reader;

    /// `EventWriter::with_sender`.
    fn writer(recorder: Recorder, sender: Sender) -> Self::Writer;

    /// `Server::new`.
    fn server<H, F>(handler: H) -> Self::Server
    where
        H: Fn(Self::Incoming) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send + 'static;

    /// `Server::serve`, on this thread, until the server has stopped.
    fn serve(server: Self::Server, listener: TcpListener);

    /// `Server::serve_connection`, on this thread, until the connection is over.
    fn serve_connection(server: &Self::Server, socket: TcpStream, peer: SocketAddr);
}
