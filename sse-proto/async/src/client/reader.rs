//! Events from a byte stream.

use std::future::poll_fn;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::{FusedStream, Stream};
use sse_proto::http::Request;
use sse_proto::http1::ResponseHead;
use sse_proto::{End, Event, EventRef, Item, Receiver, Want};

use crate::{CloseHandle, ReadError, Reads, Writes};

/// Reads events from a byte stream.
///
/// As a [`Stream`] it yields owned events. [`next_ref`](Self::next_ref) lends events without
/// allocating, and [`next_item`](Self::next_item) also returns comments. After
/// [`ReceiveError::Limit`](sse_proto::ReceiveError::Limit) the stream continues. After any other
/// error, and at the end of the stream, the reader drops the connection and returns `None` from
/// then on.
///
/// All its futures are cancel-safe. The reader reads up to [`Receiver::CAPACITY`] bytes at a time,
/// so a `BufReader` around the stream gains nothing.
#[derive(Debug)]
pub struct EventReader<S, R> {
    /// `None` once the stream is over.
    io: Option<S>,
    receiver: Receiver,
    handle: Option<CloseHandle>,
    runtime: PhantomData<fn() -> R>,
}

impl<S: Unpin, R: Reads<S>> EventReader<S, R> {
    /// Creates a reader of a bare event stream.
    pub fn new(io: S) -> Self {
        Self::with_receiver(io, Receiver::new())
    }

    /// Creates a reader with a configured receiver, for example with other limits, with a last
    /// event id, or for an HTTP response.
    pub fn with_receiver(io: S, receiver: Receiver) -> Self {
        Self { io: Some(io), receiver, handle: None, runtime: PhantomData }
    }

    /// Waits for the next event. Returns `None` at the end of the stream.
    ///
    /// # Errors
    /// If the stream fails, or the peer sends something invalid.
    pub async fn next(&mut self) -> Option<Result<Event, ReadError>> {
        Some(self.next_ref().await?.map(EventRef::to_event))
    }

    /// Waits for the next event, and lends it. Returns `None` at the end of the stream.
    ///
    /// # Errors
    /// Like [`next`](Self::next).
    pub async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, ReadError>> {
        match poll_fn(|cx| self.poll_advance(cx, Receiver::want)).await? {
            Ok(()) => Some(Ok(self.receiver.event())),
            Err(error) => Some(Err(error)),
        }
    }

    /// Like [`next_ref`](Self::next_ref), but also returns comments and blocks without data.
    ///
    /// # Errors
    /// Like [`next`](Self::next).
    pub async fn next_item(&mut self) -> Option<Result<Item<'_>, ReadError>> {
        match poll_fn(|cx| self.poll_advance(cx, Receiver::want_item)).await? {
            Ok(()) => self.receiver.item().map(Ok),
            Err(error) => Some(Err(error)),
        }
    }

    /// Returns the byte stream, or `None` once it has been dropped.
    pub fn get_ref(&self) -> Option<&S> {
        self.io.as_ref()
    }

    /// Returns the last event id so far, or an empty string if there is none.
    pub fn last_event_id(&self) -> &str {
        self.receiver.last_event_id()
    }

    /// Returns the last reconnection time that the stream requested.
    pub fn retry(&self) -> Option<Duration> {
        self.receiver.retry()
    }

    /// Returns the head of the HTTP response, if the events are in one.
    pub fn response(&self) -> Option<&ResponseHead> {
        self.receiver.response()
    }

    /// Returns how the stream ended. `None` before its end, and if this side closed it.
    pub fn end(&self) -> Option<End> {
        self.receiver.end()
    }

    /// Returns a handle that closes this reader from another task, even while it waits.
    pub fn close_handle(&mut self) -> CloseHandle {
        let handle = self.handle.get_or_insert_default();
        if self.io.is_none() {
            handle.close();
        }
        handle.clone()
    }

    /// Closes the connection at once without reading the rest, like dropping the reader.
    pub fn close(&mut self) {
        self.io = None;
        if let Some(handle) = &self.handle {
            handle.close();
        }
    }

    /// Reads until the response is accepted.
    async fn wait_until_open(&mut self) -> Result<(), ReadError> {
        while !self.receiver.is_open() {
            match poll_fn(|cx| self.poll_step(cx, Receiver::want)).await {
                Some(step) => step?,
                None => break,
            };
        }
        Ok(())
    }

    /// Reads until the receiver has found an item.
    fn poll_advance(
        &mut self,
        cx: &mut Context<'_>,
        want: impl Fn(&mut Receiver) -> Wanted + Copy,
    ) -> Poll<Option<Result<(), ReadError>>> {
        if let Some(handle) = &self.handle {
            handle.register(cx.waker());
        }
        while let Some(step) = ready!(self.poll_step(cx, want)) {
            match step {
                Ok(Want::Event) => return Poll::Ready(Some(Ok(()))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        Poll::Ready(None)
    }

    /// Performs the receiver's next step. Returns `None` if there is no connection.
    fn poll_step(
        &mut self,
        cx: &mut Context<'_>,
        want: impl Fn(&mut Receiver) -> Wanted + Copy,
    ) -> Poll<Option<Result<Want, ReadError>>> {
        if self.handle.as_ref().is_some_and(CloseHandle::is_closed) {
            self.close();
        }
        let Some(io) = &mut self.io else { return Poll::Ready(None) };
        let want = want(&mut self.receiver);
        match &want {
            Ok(Want::Read) => match ready!(R::poll_read(Pin::new(io), cx, self.receiver.space())) {
                Ok(count) => self.receiver.handle_read(count),
                Err(error) => {
                    self.close();
                    return Poll::Ready(Some(Err(error.into())));
                }
            },
            Ok(Want::Yield) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            _ if self.receiver.is_closed() => self.close(),
            _ => {}
        }
        Poll::Ready(Some(want.map_err(ReadError::from)))
    }
}

impl<S: Unpin, R: Reads<S> + Writes<S>> EventReader<S, R> {
    /// Sends a request over a connection of yours, and returns once the server has answered with an
    /// event stream. A request without a `User-Agent` is sent with the default
    /// [`USER_AGENT`](crate::Runtime::USER_AGENT).
    ///
    /// There are no timeouts. For a single response with timeouts or `https`, use an
    /// [`EventSource`](crate::EventSource) with
    /// [`Reconnect::Never`](sse_proto::source::Reconnect::Never).
    ///
    /// # Errors
    /// If the connection fails, or [`check_response`](sse_proto::source::check_response) rejects
    /// the response.
    pub async fn open(io: S, request: &Request) -> Result<Self, ReadError> {
        Self::open_with(io, request, Receiver::http1(request)).await
    }

    /// Like [`open`](Self::open), with a receiver made by [`Receiver::http1`], for example with
    /// other limits or a custom check.
    ///
    /// # Errors
    /// Like [`open`](Self::open).
    pub async fn open_with(mut io: S, request: &Request, receiver: Receiver) -> Result<Self, ReadError> {
        let mut bytes = Vec::new();
        request.encode_with_user_agent(R::USER_AGENT, &mut bytes);
        write_all::<S, R>(&mut io, &bytes).await?;
        let mut reader = Self::with_receiver(io, receiver);
        reader.wait_until_open().await?;
        Ok(reader)
    }
}

async fn write_all<S: Unpin, R: Writes<S>>(io: &mut S, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = poll_fn(|cx| R::poll_write(Pin::new(&mut *io), cx, bytes)).await?;
        bytes = bytes.get(count..).filter(|_| count > 0).ok_or(io::ErrorKind::WriteZero)?;
    }
    poll_fn(|cx| R::poll_flush(Pin::new(&mut *io), cx)).await
}

type Wanted = Result<Want, sse_proto::ReceiveError>;

impl<S, R> Drop for EventReader<S, R> {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.close();
        }
    }
}

impl<S: Unpin, R: Reads<S>> Stream for EventReader<S, R> {
    type Item = Result<Event, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let found = ready!(self.poll_advance(cx, Receiver::want));
        Poll::Ready(found.map(|found| found.map(|()| self.receiver.event().to_event())))
    }
}

impl<S: Unpin, R: Reads<S>> FusedStream for EventReader<S, R> {
    fn is_terminated(&self) -> bool {
        self.io.is_none()
    }
}
