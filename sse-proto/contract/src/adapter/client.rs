//! The client's types.

use std::time::Duration;

use sse_proto::http::{HeaderError, Request, ResponseHead};
use sse_proto::source::{Session, Signal, SourceConfig, SourceError};
use sse_proto::{End, Event, EventRef, Item};

use super::{BoxError, ReadError};

/// A handle that closes a source or a reader from anywhere.
pub trait CloseHandle: Clone + Send + 'static {
    /// Closes it.
    fn close(&self);
    /// Whether it is closed.
    fn is_closed(&self) -> bool;
}

/// An `EventSource` or an `HttpSource`.
pub trait Source: Sized {
    /// Its `CloseHandle`.
    type CloseHandle: CloseHandle;

    /// Sets the configuration.
    #[must_use]
    fn with_config(self, config: SourceConfig) -> Self;
    /// Prepares the request of each attempt. The hook blocks, whatever the adapter.
    #[must_use]
    fn with_prepare(self, prepare: impl FnMut(Request) -> Result<Request, BoxError> + Send + 'static)
    -> Self;
    /// Changes the configuration.
    #[must_use]
    fn configure(self, change: impl FnOnce(&mut SourceConfig)) -> Self;
    /// Adds a header to the request.
    fn with_header(self, name: &str, value: &str) -> Result<Self, HeaderError>;
    /// Waits for the response.
    async fn open(&mut self) -> Result<&ResponseHead, SourceError>;
    /// The next event.
    async fn next(&mut self) -> Option<Result<Event, SourceError>>;
    /// The next event, lent.
    async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, SourceError>>;
    /// The next signal.
    async fn next_signal(&mut self) -> Option<Signal>;
    /// Calls a handler with each event.
    async fn listen(&mut self, handler: impl FnMut(EventRef<'_>)) -> Result<(), SourceError>;
    /// The id to resume after.
    fn last_event_id(&self) -> &str;
    /// The machine inside.
    fn machine(&self) -> &Session;
    /// A handle to close it.
    fn close_handle(&self) -> Self::CloseHandle;
    /// Leaves the stream for a new one.
    fn restart(&mut self);
    /// Closes it.
    fn close(&mut self);
}

/// An `EventReader`.
pub trait Reader: std::fmt::Debug {
    /// Its `CloseHandle`.
    type CloseHandle: CloseHandle;

    /// The next event.
    async fn next(&mut self) -> Option<Result<Event, ReadError>>;
    /// The next event, lent.
    async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, ReadError>>;
    /// The next event, comment or block without data.
    async fn next_item(&mut self) -> Option<Result<Item<'_>, ReadError>>;
    /// The head of the response.
    fn response(&self) -> Option<&ResponseHead>;
    /// The id to resume after.
    fn last_event_id(&self) -> &str;
    /// The last `retry`.
    fn retry(&self) -> Option<Duration>;
    /// How the stream ended.
    fn end(&self) -> Option<End>;
    /// A handle to close it.
    fn close_handle(&mut self) -> Self::CloseHandle;
    /// Closes it.
    fn close(&mut self);
}

/// An HTTP client of the user's, and the `HttpSource` over it.
pub trait HttpClient {
    /// The `HttpSource` of an adapter.
    type Source: Source;

    /// Runs a test on this thread. The connections of the client must not depend on it.
    fn block_on<T>(test: impl Future<Output = T>) -> T;
    /// `HttpSource::new`, over this client.
    fn source(request: Request) -> Self::Source;
}
