//! Every adapter that is a [`Runtime`]: its types are those of `sse_async`.

mod client;
mod server;

use std::fmt;
use std::net::{SocketAddr, TcpListener, TcpStream};

use sse_async::{Reads, Runtime, Writes};
use sse_proto::http::Request;
use sse_proto::{Receiver, Sender};

use super::{Adapter, BoxError, Buffered, Endless, HttpClient, ReadError, Recorder};

/// A runtime that can run tests.
pub trait Executor:
    Runtime<Socket: fmt::Debug>
    + Reads<<Self as Runtime>::Socket>
    + Writes<<Self as Runtime>::Socket>
    + Reads<Endless>
    + Writes<Recorder>
    + Reads<Buffered>
    + Writes<Buffered>
{
    /// The name of the adapter's package.
    const PACKAGE: &'static str;

    /// Runs a future on this thread.
    fn block_on<T>(future: impl Future<Output = T>) -> T;

    /// Makes a socket of the runtime of one of `std`.
    fn socket(socket: TcpStream) -> Self::Socket;

    /// Runs a server until it has stopped.
    fn serve(server: sse_async::Server<Self>, listener: TcpListener);
}

impl<R: Executor> Adapter for R {
    const PACKAGE: &'static str = <R as Executor>::PACKAGE;

    type Source = sse_async::EventSource<R>;
    type Reader = sse_async::EventReader<R::Socket, R>;
    type Writer = sse_async::EventWriter<Recorder, R>;
    type Server = sse_async::Server<R>;
    type ServerHandle = sse_async::ServerHandle;
    type Incoming = sse_async::Incoming;
    type EventSender = sse_async::EventSender;
    type Hub = sse_async::Hub<R>;

    fn block_on<T>(test: impl Future<Output = T>) -> T {
        <R as Executor>::block_on(test)
    }

    fn source(request: Request) -> Self::Source {
        sse_async::EventSource::new(request)
    }

    async fn open(socket: TcpStream, request: &Request) -> Result<Self::Reader, ReadError> {
        sse_async::EventReader::open(R::socket(socket), request).await
    }

    async fn open_with(
        socket: TcpStream,
        request: &Request,
        receiver: Receiver,
    ) -> Result<Self::Reader, ReadError> {
        sse_async::EventReader::open_with(R::socket(socket), request, receiver).await
    }

    fn reader(socket: TcpStream, receiver: Receiver) -> Self::Reader {
        sse_async::EventReader::with_receiver(R::socket(socket), receiver)
    }

    fn writer(recorder: Recorder, sender: Sender) -> Self::Writer {
        sse_async::EventWriter::with_sender(recorder, sender)
    }

    fn server<H, F>(handler: H) -> Self::Server
    where
        H: Fn(Self::Incoming) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        sse_async::Server::new(handler)
    }

    fn serve(server: Self::Server, listener: TcpListener) {
        <R as Executor>::serve(server, listener);
    }

    fn serve_connection(server: &Self::Server, socket: TcpStream, peer: SocketAddr) {
        // The socket is adopted inside of the runtime.
        <R as Executor>::block_on(async { server.serve_connection(R::socket(socket), peer).await });
    }
}

/// An async HTTP client of the user's.
pub trait AsyncHttpClient: 'static {
    /// The runtime of the client.
    type Runtime: Executor;
    /// The body of a response.
    type Body: http_body::Body<Error: Into<BoxError> + fmt::Debug> + Send + Unpin + 'static;
    /// Why there is no response.
    type Error: Into<BoxError> + fmt::Debug;

    /// Runs a test on this thread. The connections of the client must not depend on it.
    fn block_on<T>(test: impl Future<Output = T>) -> T;
    /// Sends a request.
    fn send(
        request: http::Request<Vec<u8>>,
    ) -> impl Future<Output = Result<http::Response<Self::Body>, Self::Error>> + Send;
}

impl<C: AsyncHttpClient> HttpClient for C {
    type Source = sse_async::HttpSource<C::Runtime>;

    fn block_on<T>(test: impl Future<Output = T>) -> T {
        <C as AsyncHttpClient>::block_on(test)
    }

    fn source(request: Request) -> Self::Source {
        sse_async::HttpSource::new(request, C::send)
    }
}
