//! `sse-blocking`: every function blocks its thread until it is done, and then is ready at once.

mod client;
mod server;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use sse_proto::http::Request;
use sse_proto::{Receiver, Sender};

use super::{Adapter, BoxError, ReadError, Recorder};

/// Threads that block, the adapter of `sse-blocking`.
#[derive(Debug)]
pub enum Blocking {}

/// The output of a future that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a test on threads waits for a future"),
    }
}

impl Adapter for Blocking {
    const PACKAGE: &'static str = "sse-blocking";

    type Source = sse_blocking::EventSource;
    type Reader = sse_blocking::EventReader<TcpStream>;
    type Writer = sse_blocking::EventWriter<Recorder>;
    type Server = sse_blocking::Server;
    type ServerHandle = sse_blocking::ServerHandle;
    type Incoming = sse_blocking::Incoming;
    type EventSender = sse_blocking::EventSender;
    type Hub = sse_blocking::Hub;

    fn block_on<T>(test: impl Future<Output = T>) -> T {
        ready(test)
    }

    fn source(request: Request) -> Self::Source {
        sse_blocking::EventSource::new(request)
    }

    async fn open(socket: TcpStream, request: &Request) -> Result<Self::Reader, ReadError> {
        sse_blocking::EventReader::open(socket, request)
    }

    async fn open_with(
        socket: TcpStream,
        request: &Request,
        receiver: Receiver,
    ) -> Result<Self::Reader, ReadError> {
        sse_blocking::EventReader::open_with(socket, request, receiver)
    }

    fn reader(socket: TcpStream, receiver: Receiver) -> Self::Reader {
        sse_blocking::EventReader::with_receiver(socket, receiver)
    }

    fn writer(recorder: Recorder, sender: Sender) -> Self::Writer {
        sse_blocking::EventWriter::with_sender(recorder, sender)
    }

    fn server<H, F>(handler: H) -> Self::Server
    where
        H: Fn(Self::Incoming) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        sse_blocking::Server::new(move |incoming| ready(handler(incoming)))
    }

    fn serve(server: Self::Server, listener: TcpListener) {
        server.serve(listener);
    }

    fn serve_connection(server: &Self::Server, socket: TcpStream, peer: SocketAddr) {
        server.serve_connection(socket, peer);
    }
}
