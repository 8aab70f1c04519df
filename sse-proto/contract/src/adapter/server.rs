//! The server's types. A handler runs on any thread, so its futures are [`Send`].

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;

use sse_proto::AsEvent;
use sse_proto::http1::server::{Closed, ServerConfig};
use sse_proto::http1::{RequestHead, Response};
use sse_proto::hub::Subscription;
use sse_proto::sender::Ended;

/// A `Server`.
pub trait Server: Sized + Send + Sync + 'static {
    /// Its `ServerHandle`.
    type Handle: ServerHandle;

    /// Sets the configuration.
    #[must_use]
    fn with_config(self, config: ServerConfig) -> Self;
    /// Calls this at the end of each connection.
    #[must_use]
    fn with_on_closed(self, on_closed: impl Fn(SocketAddr, &Closed) + Send + Sync + 'static) -> Self;
    /// A handle to stop it.
    fn handle(&self) -> Self::Handle;
}

/// A `ServerHandle`.
pub trait ServerHandle: Clone + Send + Sync + 'static {
    /// Stops the server gracefully.
    fn shutdown(&self);
    /// Stops the server at once.
    fn close(&self);
    /// The number of open connections.
    fn connections(&self) -> usize;
}

/// An `Incoming`.
pub trait Incoming<H>: Sized + Send + 'static {
    /// Its `EventSender`.
    type Sender: EventSender;

    /// The head of the request.
    fn head(&self) -> &RequestHead;
    /// The address of the client.
    fn peer_addr(&self) -> SocketAddr;
    /// The method of the request.
    fn method(&self) -> &str;
    /// The path of the request.
    fn path(&self) -> &str;
    /// The body of the request.
    fn body(&self) -> &[u8];
    /// The id that the client resumes after.
    fn last_event_id(&self) -> Option<Cow<'_, str>>;
    /// Answers with a whole body.
    fn respond(self, response: &Response, body: impl AsRef<[u8]>);
    /// Answers with an event stream.
    fn open(self, response: Response) -> Self::Sender;
    /// Answers with the stream of a hub.
    fn forward(
        self,
        hub: &H,
        subscription: &Subscription,
        response: Response,
    ) -> impl Future<Output = Result<(), Ended>> + Send;
}

/// An `EventSender`.
pub trait EventSender: Clone + Send + Sync + 'static {
    /// Sends an event; waits for room.
    fn send(&self, event: impl AsEvent + Send) -> impl Future<Output = Result<(), Ended>> + Send;
    /// Sends a comment; waits for room.
    fn comment(&self, text: &str) -> impl Future<Output = Result<(), Ended>> + Send;
    /// Sends an event, if there is room.
    fn try_send(&self, event: impl AsEvent) -> Result<bool, Ended>;
    /// Waits for the end of the stream.
    fn closed(&self) -> impl Future<Output = ()> + Send;
    /// Waits until the server stops.
    fn draining(&self) -> impl Future<Output = ()> + Send;
    /// Whether the stream has ended.
    fn is_closed(&self) -> bool;
    /// Whether the server stops.
    fn is_draining(&self) -> bool;
    /// Ends the stream.
    fn finish(&self);
}

/// An `EventWriter`.
pub trait Writer {
    /// Writes an event.
    async fn send(&mut self, event: impl AsEvent) -> io::Result<()>;
    /// Writes a comment.
    async fn comment(&mut self, text: &str) -> io::Result<()>;
    /// Writes a keep-alive.
    async fn keep_alive(&mut self) -> io::Result<()>;
    /// Ends the stream.
    async fn close(self) -> io::Result<()>;
    /// Cuts the stream.
    fn abort(self);
}
