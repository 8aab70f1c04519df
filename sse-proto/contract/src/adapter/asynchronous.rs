//! Every adapter that is a [`Runtime`]: its types are those of `sse_async`.

use std::borrow::Cow;
use std::fmt;
use std::future::ready;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use sse_async::{Reads, Runtime, Writes};
use sse_proto::http::Request;
use sse_proto::http1::server::{Closed, ServerConfig};
use sse_proto::http1::{RequestHead, Response, ResponseHead};
use sse_proto::hub::{Delivery, HubConfig, PublishError, Published, Resume, Stats, Subscription};
use sse_proto::sender::Ended;
use sse_proto::source::{Session, Signal, SourceConfig, SourceError};
use sse_proto::{End, Event, EventRef, Frame, Item, Receiver};

use super::{
    AcceptError, Adapter, BoxError, CloseHandle, Endless, EventSender, Exchange, HttpClient, Hub, Incoming,
    ReadError, Reader, Recorder, Server, ServerHandle, Source, Subscriber, Writer,
};

/// A runtime that can run tests.
pub trait Executor:
    Runtime<Socket: fmt::Debug>
    + Reads<<Self as Runtime>::Socket>
    + Writes<<Self as Runtime>::Socket>
    + Reads<Endless>
    + Writes<Recorder>
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
    type Exchange = sse_async::Exchange<R::Socket, R>;
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

    async fn connect(request: &Request) -> Result<Self::Reader, ReadError> {
        sse_async::connect(request).await
    }

    async fn connect_with(request: &Request, receiver: Receiver) -> Result<Self::Reader, ReadError> {
        sse_async::connect_with(request, receiver).await
    }

    fn reader(socket: TcpStream, receiver: Receiver) -> Self::Reader {
        sse_async::EventReader::with_receiver(R::socket(socket), receiver)
    }

    fn writer(recorder: Recorder) -> Self::Writer {
        sse_async::EventWriter::new(recorder)
    }

    async fn accept(socket: TcpStream) -> Result<Self::Exchange, AcceptError> {
        sse_async::accept(R::socket(socket)).await
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
}

impl CloseHandle for sse_async::CloseHandle {
    fn close(&self) {
        self.close();
    }

    fn is_closed(&self) -> bool {
        self.is_closed()
    }
}

macro_rules! source {
    ($source:ty) => {
        impl<R: Executor> Source for $source {
            type CloseHandle = sse_async::CloseHandle;

            fn with_config(self, config: SourceConfig) -> Self {
                self.with_config(config)
            }

            fn with_prepare(
                self,
                mut prepare: impl FnMut(Request) -> Result<Request, BoxError> + Send + 'static,
            ) -> Self {
                self.with_prepare(move |request| ready(prepare(request)))
            }

            async fn next(&mut self) -> Option<Result<Event, SourceError>> {
                self.next().await
            }

            async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, SourceError>> {
                self.next_ref().await
            }

            async fn next_signal(&mut self) -> Option<Signal> {
                self.next_signal().await
            }

            async fn listen(&mut self, handler: impl FnMut(EventRef<'_>)) -> Result<(), SourceError> {
                self.listen(handler).await
            }

            fn last_event_id(&self) -> &str {
                self.last_event_id()
            }

            fn machine(&self) -> &Session {
                self.machine()
            }

            fn close_handle(&self) -> sse_async::CloseHandle {
                self.close_handle()
            }

            fn restart(&mut self) {
                self.restart();
            }

            fn close(&mut self) {
                self.close();
            }
        }
    };
}

source!(sse_async::EventSource<R>);
source!(sse_async::HttpSource<R>);

impl<S: Unpin + fmt::Debug, R: Reads<S>> Reader for sse_async::EventReader<S, R> {
    type CloseHandle = sse_async::CloseHandle;

    async fn next(&mut self) -> Option<Result<Event, ReadError>> {
        self.next().await
    }

    async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, ReadError>> {
        self.next_ref().await
    }

    async fn next_item(&mut self) -> Option<Result<Item<'_>, ReadError>> {
        self.next_item().await
    }

    fn response(&self) -> Option<&ResponseHead> {
        self.response()
    }

    fn last_event_id(&self) -> &str {
        self.last_event_id()
    }

    fn retry(&self) -> Option<Duration> {
        self.retry()
    }

    fn end(&self) -> Option<End> {
        self.end()
    }

    fn close_handle(&mut self) -> sse_async::CloseHandle {
        self.close_handle()
    }

    fn close(&mut self) {
        self.close();
    }
}

impl<S: Unpin + fmt::Debug, R: Writes<S>> Exchange for sse_async::Exchange<S, R> {
    type Writer = sse_async::EventWriter<S, R>;

    fn request(&self) -> &RequestHead {
        self.request()
    }

    async fn open(self, response: Response) -> io::Result<Self::Writer> {
        self.open(response).await
    }

    async fn respond(self, response: &Response, body: &str) -> io::Result<()> {
        self.respond(response, body).await
    }
}

impl<S: Unpin, R: Writes<S>> Writer for sse_async::EventWriter<S, R> {
    async fn send<'e>(&mut self, event: impl Into<EventRef<'e>>) -> io::Result<()> {
        self.send(event).await
    }

    async fn comment(&mut self, text: &str) -> io::Result<()> {
        self.comment(text).await
    }

    async fn keep_alive(&mut self) -> io::Result<()> {
        self.keep_alive().await
    }

    async fn close(self) -> io::Result<()> {
        self.close().await
    }

    fn abort(self) {
        self.abort();
    }
}

impl<R: Executor> Server for sse_async::Server<R> {
    type Handle = sse_async::ServerHandle;

    fn with_config(self, config: ServerConfig) -> Self {
        self.with_config(config)
    }

    fn with_on_closed(self, on_closed: impl Fn(SocketAddr, &Closed) + Send + Sync + 'static) -> Self {
        self.with_on_closed(on_closed)
    }

    fn handle(&self) -> sse_async::ServerHandle {
        self.handle()
    }
}

impl ServerHandle for sse_async::ServerHandle {
    fn shutdown(&self) {
        self.shutdown();
    }

    fn close(&self) {
        self.close();
    }

    fn connections(&self) -> usize {
        self.connections()
    }
}

impl<R: Runtime> Incoming<sse_async::Hub<R>> for sse_async::Incoming {
    type Sender = sse_async::EventSender;

    fn method(&self) -> &str {
        self.method()
    }

    fn path(&self) -> &str {
        self.path()
    }

    fn body(&self) -> &[u8] {
        self.body()
    }

    fn last_event_id(&self) -> Option<Cow<'_, str>> {
        self.last_event_id()
    }

    fn respond(self, response: &Response, body: impl AsRef<[u8]>) {
        self.respond(response, body);
    }

    fn open(self, response: Response) -> sse_async::EventSender {
        self.open(response)
    }

    fn forward(
        self,
        hub: &sse_async::Hub<R>,
        subscription: &Subscription,
        response: Response,
    ) -> impl Future<Output = Result<(), Ended>> + Send {
        self.forward(hub, subscription, response)
    }
}

impl EventSender for sse_async::EventSender {
    async fn send<'e>(&self, event: impl Into<EventRef<'e>> + Send) -> Result<(), Ended> {
        self.send(event).await
    }

    async fn comment(&self, text: &str) -> Result<(), Ended> {
        self.comment(text).await
    }

    fn try_send<'e>(&self, event: impl Into<EventRef<'e>>) -> Result<bool, Ended> {
        self.try_send(event)
    }

    async fn closed(&self) {
        self.closed().await;
    }

    async fn draining(&self) {
        self.draining().await;
    }

    fn is_closed(&self) -> bool {
        self.is_closed()
    }

    fn is_draining(&self) -> bool {
        self.is_draining()
    }

    fn finish(&self) {
        self.finish();
    }
}

impl<R: Runtime> Hub for sse_async::Hub<R> {
    type Subscriber = sse_async::Subscriber;

    fn new(config: HubConfig) -> Self {
        Self::new(config)
    }

    fn with_generation(generation: u64, config: HubConfig) -> Self {
        Self::with_generation(generation, config)
    }

    fn publish<'e>(&self, topic: &str, event: impl Into<EventRef<'e>>) -> Result<Published, PublishError> {
        self.publish(topic, event)
    }

    async fn publish_waiting<'e>(
        &self,
        topic: &str,
        event: impl Into<EventRef<'e>>,
    ) -> Result<Published, PublishError> {
        self.publish_waiting(topic, event).await
    }

    fn subscribe(&self, subscription: &Subscription) -> sse_async::Subscriber {
        self.subscribe(subscription)
    }

    fn replay(&self, subscription: &Subscription) -> sse_async::Subscriber {
        self.replay(subscription)
    }

    fn resume(&self, subscription: &Subscription, last_event_id: &str) -> (sse_async::Subscriber, Resume) {
        self.resume(subscription, last_event_id)
    }

    fn subscribers(&self, topic: &str) -> usize {
        self.subscribers(topic)
    }

    fn stats(&self) -> Stats {
        self.stats()
    }

    fn close(&self) {
        self.close();
    }
}

impl Subscriber for sse_async::Subscriber {
    async fn recv(&mut self) -> Delivery<Frame<Arc<[u8]>>> {
        self.recv().await
    }

    fn try_recv(&mut self) -> Option<Delivery<Frame<Arc<[u8]>>>> {
        self.try_recv()
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
