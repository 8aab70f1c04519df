//! `sse-blocking`: every function blocks its thread until it is done, and then is ready at once.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sse_proto::http::Request;
use sse_proto::http1::server::{Closed, ServerConfig};
use sse_proto::http1::{RequestHead, Response, ResponseHead};
use sse_proto::hub::{Delivery, HubConfig, PublishError, Published, Resume, Stats, Subscription};
use sse_proto::sender::Ended;
use sse_proto::source::{Session, Signal, SourceConfig, SourceError};
use sse_proto::{End, Event, EventRef, Frame, Item, Receiver};

use super::{
    AcceptError, Adapter, BoxError, CloseHandle, EventSender, Exchange, Hub, Incoming, ReadError, Reader,
    Recorder, Server, ServerHandle, Source, Subscriber, Writer,
};

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
    type Exchange = sse_blocking::Exchange<TcpStream>;
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

    async fn connect(request: &Request) -> Result<Self::Reader, ReadError> {
        sse_blocking::connect(request)
    }

    async fn connect_with(request: &Request, receiver: Receiver) -> Result<Self::Reader, ReadError> {
        sse_blocking::connect_with(request, receiver)
    }

    fn reader(socket: TcpStream, receiver: Receiver) -> Self::Reader {
        sse_blocking::EventReader::with_receiver(socket, receiver)
    }

    fn writer(recorder: Recorder) -> Self::Writer {
        sse_blocking::EventWriter::new(recorder)
    }

    async fn accept(socket: TcpStream) -> Result<Self::Exchange, AcceptError> {
        sse_blocking::accept(socket)
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
}

impl CloseHandle for sse_blocking::CloseHandle {
    fn close(&self) {
        self.close();
    }

    fn is_closed(&self) -> bool {
        self.is_closed()
    }
}

macro_rules! source {
    ($source:ty) => {
        impl Source for $source {
            type CloseHandle = sse_blocking::CloseHandle;

            fn with_config(self, config: SourceConfig) -> Self {
                self.with_config(config)
            }

            fn with_prepare(
                self,
                prepare: impl FnMut(Request) -> Result<Request, BoxError> + Send + 'static,
            ) -> Self {
                self.with_prepare(prepare)
            }

            async fn next(&mut self) -> Option<Result<Event, SourceError>> {
                Iterator::next(self)
            }

            async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, SourceError>> {
                self.next_ref()
            }

            async fn next_signal(&mut self) -> Option<Signal> {
                self.next_signal()
            }

            async fn listen(&mut self, handler: impl FnMut(EventRef<'_>)) -> Result<(), SourceError> {
                self.listen(handler)
            }

            fn last_event_id(&self) -> &str {
                self.last_event_id()
            }

            fn machine(&self) -> &Session {
                self.machine()
            }

            fn close_handle(&self) -> sse_blocking::CloseHandle {
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

source!(sse_blocking::EventSource);
source!(sse_blocking::HttpSource);

impl<S: Read + sse_blocking::Shutdown + std::fmt::Debug> Reader for sse_blocking::EventReader<S> {
    type CloseHandle = sse_blocking::CloseHandle;

    async fn next(&mut self) -> Option<Result<Event, ReadError>> {
        Iterator::next(self)
    }

    async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, ReadError>> {
        self.next_ref()
    }

    async fn next_item(&mut self) -> Option<Result<Item<'_>, ReadError>> {
        self.next_item()
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

    fn close_handle(&mut self) -> sse_blocking::CloseHandle {
        self.close_handle().unwrap()
    }

    fn close(&mut self) {
        self.close();
    }
}

impl<S: Write + std::fmt::Debug> Exchange for sse_blocking::Exchange<S> {
    type Writer = sse_blocking::EventWriter<S>;

    fn request(&self) -> &RequestHead {
        self.request()
    }

    async fn open(self, response: Response) -> io::Result<Self::Writer> {
        self.open(response)
    }

    async fn respond(self, response: &Response, body: &str) -> io::Result<()> {
        self.respond(response, body)
    }
}

impl<S: Write> Writer for sse_blocking::EventWriter<S> {
    async fn send<'e>(&mut self, event: impl Into<EventRef<'e>>) -> io::Result<()> {
        self.send(event)
    }

    async fn comment(&mut self, text: &str) -> io::Result<()> {
        self.comment(text)
    }

    async fn keep_alive(&mut self) -> io::Result<()> {
        self.keep_alive()
    }

    async fn close(self) -> io::Result<()> {
        self.close()
    }

    fn abort(self) {
        self.abort();
    }
}

impl Server for sse_blocking::Server {
    type Handle = sse_blocking::ServerHandle;

    fn with_config(self, config: ServerConfig) -> Self {
        self.with_config(config)
    }

    fn with_on_closed(self, on_closed: impl Fn(SocketAddr, &Closed) + Send + Sync + 'static) -> Self {
        self.with_on_closed(on_closed)
    }

    fn handle(&self) -> sse_blocking::ServerHandle {
        self.handle()
    }
}

impl ServerHandle for sse_blocking::ServerHandle {
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

impl Incoming<sse_blocking::Hub> for sse_blocking::Incoming {
    type Sender = sse_blocking::EventSender;

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

    fn open(self, response: Response) -> sse_blocking::EventSender {
        self.open(response)
    }

    async fn forward(
        self,
        hub: &sse_blocking::Hub,
        subscription: &Subscription,
        response: Response,
    ) -> Result<(), Ended> {
        self.forward(hub, subscription, response)
    }
}

impl EventSender for sse_blocking::EventSender {
    async fn send<'e>(&self, event: impl Into<EventRef<'e>> + Send) -> Result<(), Ended> {
        self.send(event)
    }

    async fn comment(&self, text: &str) -> Result<(), Ended> {
        self.comment(text)
    }

    fn try_send<'e>(&self, event: impl Into<EventRef<'e>>) -> Result<bool, Ended> {
        self.try_send(event)
    }

    async fn closed(&self) {
        self.closed();
    }

    async fn draining(&self) {
        self.draining();
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

impl Hub for sse_blocking::Hub {
    type Subscriber = sse_blocking::Subscriber;

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
        self.publish_waiting(topic, event)
    }

    fn subscribe(&self, subscription: &Subscription) -> sse_blocking::Subscriber {
        self.subscribe(subscription)
    }

    fn replay(&self, subscription: &Subscription) -> sse_blocking::Subscriber {
        self.replay(subscription)
    }

    fn resume(&self, subscription: &Subscription, last_event_id: &str) -> (sse_blocking::Subscriber, Resume) {
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

impl Subscriber for sse_blocking::Subscriber {
    async fn recv(&mut self) -> Delivery<Frame<Arc<[u8]>>> {
        self.recv()
    }

    fn try_recv(&mut self) -> Option<Delivery<Frame<Arc<[u8]>>>> {
        self.try_recv()
    }
}
