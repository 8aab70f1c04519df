//! The server's types of `sse_async`, and the hub's.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;

use sse_async::{Runtime, Writes};
use sse_proto::http1::server::{Closed, ServerConfig};
use sse_proto::http1::{RequestHead, Response};
use sse_proto::hub::{
    Delivery, HubConfig, PublishError, Published, Resume, Stats, SubscribeError, Subscription,
};
use sse_proto::sender::Ended;
use sse_proto::{AsEvent, Frame};

use crate::adapter::{EventSender, Executor, Hub, Incoming, Server, ServerHandle, Subscriber, Writer};

impl<S: Unpin, R: Writes<S>> Writer for sse_async::EventWriter<S, R> {
    async fn send(&mut self, event: impl AsEvent) -> io::Result<()> {
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

    fn head(&self) -> &RequestHead {
        self.head()
    }

    fn peer_addr(&self) -> SocketAddr {
        self.peer_addr()
    }

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
    async fn send(&self, event: impl AsEvent + Send) -> Result<(), Ended> {
        self.send(event).await
    }

    async fn comment(&self, text: &str) -> Result<(), Ended> {
        self.comment(text).await
    }

    fn try_send(&self, event: impl AsEvent) -> Result<bool, Ended> {
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

    fn publish(&self, topic: &str, event: impl AsEvent) -> Result<Published, PublishError> {
        self.publish(topic, event)
    }

    async fn publish_waiting(&self, topic: &str, event: impl AsEvent) -> Result<Published, PublishError> {
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

    fn subscribe_as(
        &self,
        client: &str,
        subscription: &Subscription,
        last_event_id: Option<&str>,
    ) -> Result<(Self::Subscriber, Resume), SubscribeError> {
        self.subscribe_as(client, subscription, last_event_id)
    }

    fn close_client(&self, client: &str) -> usize {
        self.close_client(client)
    }

    fn clients(&self) -> Vec<(String, usize)> {
        self.clients()
    }

    fn close_topic(&self, topic: &str) -> bool {
        self.close_topic(topic)
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
    type Bytes = bytes::Bytes;

    async fn recv(&mut self) -> Delivery<Frame<Self::Bytes>> {
        self.recv().await
    }

    fn try_recv(&mut self) -> Option<Delivery<Frame<Self::Bytes>>> {
        self.try_recv()
    }
}
