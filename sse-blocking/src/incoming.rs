//! A request that awaits its response.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use sse_proto::http1::{RequestHead, Response};
use sse_proto::hub::Subscription;
use sse_proto::sender::Ended;

use crate::shared_stream::SharedStream;
use crate::{EventSender, Hub, Subscriber};

/// A received request, to be answered with an event stream or another response. If the handler
/// returns without an answer, the client receives status 500.
#[derive(Debug)]
pub struct Incoming {
    stream: Arc<SharedStream>,
    head: RequestHead,
    body: Vec<u8>,
    peer: SocketAddr,
}

impl Incoming {
    pub(crate) fn new(stream: Arc<SharedStream>, head: RequestHead, body: Vec<u8>, peer: SocketAddr) -> Self {
        Self { stream, head, body, peer }
    }

    /// Returns the method, target and headers.
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// Returns the method, for example `GET`.
    pub fn method(&self) -> &str {
        self.head.method()
    }

    /// Returns the path, without percent-decoding.
    pub fn path(&self) -> &str {
        self.head.path()
    }

    /// Returns the whole body, or an empty slice if there is none.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the last event id of a reconnecting client, from its header or from the query
    /// parameter [`lastEventId`](sse_proto::header::LAST_EVENT_ID_PARAMETER).
    pub fn last_event_id(&self) -> Option<Cow<'_, str>> {
        self.head.last_event_id_or_param()
    }

    /// Returns the address of the client, or of the proxy in front of it.
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// Answers with a complete response that is not an event stream. The body is omitted for HEAD.
    pub fn respond(self, response: &Response, body: impl AsRef<[u8]>) {
        // User code, so not called under the lock.
        let (now, body) = (self.stream.now(), body.as_ref());
        self.stream.act(|stream| stream.connection().respond(now, response, body));
    }

    /// Answers with an event stream. The head is sent at once, with those
    /// [headers](sse_proto::header::RESPONSE) of an event stream that `response` does not set. For
    /// HEAD, the response ends there.
    pub fn open(self, response: Response) -> EventSender {
        let now = self.stream.now();
        self.stream.act(|stream| stream.connection().open(now, response));
        EventSender::new(self.stream)
    }

    /// Subscribes this client to a hub. A reconnecting client first receives the events that it
    /// missed, and is told of a gap.
    pub fn subscribe(&self, hub: &Hub, subscription: &Subscription) -> Subscriber {
        hub.subscribe_from(subscription, self.last_event_id().as_deref()).0
    }

    /// Answers with the events of a hub. The response has the status and headers of `response`, and
    /// the headers of an event stream. A reconnecting client first receives the events that it
    /// missed. If the hub no longer holds some of them, a
    /// [`gap`](sse_proto::sender::StreamConfig::set_gap) event precedes all others.
    ///
    /// For pages of other origins, set `Access-Control-Allow-Origin` on `response`;
    /// [`Server`](crate::Server) describes CORS in full.
    ///
    /// # Errors
    /// If the stream ended before the hub, usually because the client is gone.
    pub fn forward(self, hub: &Hub, subscription: &Subscription, response: Response) -> Result<(), Ended> {
        let mut subscriber = self.subscribe(hub, subscription);
        self.open(response).forward(&mut subscriber)
    }
}
