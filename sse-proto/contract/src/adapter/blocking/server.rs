//! The server's types of `sse-blocking`, and the hub's.

use std::borrow::Cow;
use std::io;
use std::io::Write;
use std::net::SocketAddr;

use sse_proto::http1::server::{Closed, ServerConfig};
use sse_proto::http1::{RequestHead, Response};
use sse_proto::hub::{
    Delivery, HubConfig, PublishError, Published, Resume, Stats, SubscribeError, Subscription,
};
use sse_proto::sender::Ended;
use sse_proto::{AsEvent, Frame};

use crate::adapter::{EventSender, Hub, Incoming, Server, ServerHandle, Subscriber, Writer};

impl<S: Write> Writer for sse_blocking::EventWriter<S> {
    async fn send(&mut self, event: impl AsEvent) -> io::Result<()> {
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
    async fn send(&self, event: impl AsEvent + Send) -> Result<(), Ended> {
        self.send(event)
    }

    async fn comment(&self, text: &str) -> Result<(), Ended> {
        self.comment(text)
    }

    fn try_send(&self, event: impl AsEvent) -> Result<bool, Ended> {
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

    fn publish(&self, topic: &str, event: impl AsEvent) -> Result<Published, PublishError> {
        self.publish(topic, event)
    }

    async fn publish_waiting(&self, topic: &str, event: impl AsEvent) -> Result<Published, PublishError> {
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

impl Subscriber for sse_blocking::Subscriber {
    type Bytes = std::sync::Arc<[u8]>;

    async fn recv(&mut self) -> Delivery<Frame<Self::Bytes>> {
        self.recv()
    }

    fn try_recv(&mut self) -> Option<Delivery<Frame<Self::Bytes>>> {
        self.try_recv()
    }
}
