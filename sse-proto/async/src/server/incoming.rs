//! A request that waits for its answer.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use sse_proto::http1::{RequestHead, Response};
use sse_proto::hub::Subscription;
use sse_proto::sender::Ended;

use crate::server::shared_stream::SharedStream;
use crate::{EventSender, Hub, Runtime, Subscriber};

/// A request that came in, to be answered with an event stream or something else. If its handler returns
/// without an answer, the client is told 500.
#[derive(Debug)]
pub struct Incoming {
    stream: Arc<SharedStream>,
    // In a box, so that the future of a handler is not much larger for it.
    asked: Box<Asked>,
}

#[derive(Debug)]
struct Asked {
    head: RequestHead,
    body: Vec<u8>,
    peer: SocketAddr,
}

impl Incoming {
    pub(crate) fn new(stream: Arc<SharedStream>, head: RequestHead, body: Vec<u8>, peer: SocketAddr) -> Self {
        Self { stream, asked: Box::new(Asked { head, body, peer }) }
    }

    /// Method, target, headers.
    pub fn head(&self) -> &RequestHead {
        &self.asked.head
    }

    /// The method, `GET` for instance.
    pub fn method(&self) -> &str {
        self.asked.head.method()
    }

    /// The path, not decoded.
    pub fn path(&self) -> &str {
        self.asked.head.path()
    }

    /// The body, whole; empty if there is none.
    pub fn body(&self) -> &[u8] {
        &self.asked.body
    }

    /// The last event id of a client that comes back: from its header, or from the parameter
    /// [`lastEventId`](sse_proto::header::LAST_EVENT_ID_PARAMETER) of the query.
    pub fn last_event_id(&self) -> Option<Cow<'_, str>> {
        self.asked.head.last_event_id_or_param()
    }

    /// The address of the client, or of the proxy before it.
    pub fn peer_addr(&self) -> SocketAddr {
        self.asked.peer
    }

    /// Answers with something else than an event stream, whole. To HEAD, without the body.
    pub fn respond(self, response: &Response, body: impl AsRef<[u8]>) {
        // Code of the user's: not while the lock is held.
        let (now, body) = (self.stream.now(), body.as_ref());
        self.stream.act(|stream| stream.connection().respond(now, response, body));
    }

    /// Answers with an event stream. Its head is sent at once, with the [headers](sse_proto::header::RESPONSE) of an event stream
    /// where `response` does not bring its own. In answer to HEAD it ends there.
    pub fn open(self, response: Response) -> EventSender {
        let now = self.stream.now();
        self.stream.act(|stream| stream.connection().open(now, response));
        EventSender::new(self.stream)
    }

    /// A subscriber for this client: one that comes back gets what it has missed first, and is told of what is gone.
    pub fn subscribe<R: Runtime>(&self, hub: &Hub<R>, subscription: &Subscription) -> Subscriber {
        hub.subscribe_from(subscription, self.last_event_id().as_deref()).0
    }

    /// Answers with the events of a hub: with this status and these headers, those of an event stream, and first what a client
    /// that comes back has missed. If some of that is gone, an event [`gap`](sse_proto::sender::StreamConfig::set_gap) says so before any
    /// other.
    ///
    /// For pages of other origins, `response` has the header `Access-Control-Allow-Origin`; see [`Server`](crate::Server) for all
    /// that CORS takes.
    ///
    /// # Errors
    /// If the stream ended before the hub: because the client is gone, most often.
    pub fn forward<R: Runtime>(
        self,
        hub: &Hub<R>,
        subscription: &Subscription,
        response: Response,
    ) -> impl Future<Output = Result<(), Ended>> + Send + use<R> {
        let mut subscriber = self.subscribe(hub, subscription);
        // The request is gone from here on: as long as the stream is open, a subscriber is all there is.
        let events = self.open(response);
        async move { events.forward(&mut subscriber).await }
    }
}
