//! Events from a response body.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::{FusedStream, Stream, TryStream};
use sse_proto::{End, Event, EventRef, Item, ReadError, ReceiveError, Receiver, Want};

use crate::client::chunks::Chunks;

/// Reads events from a body that arrives in chunks: a [`Stream`] of anything that holds bytes. It
/// does not reconnect.
///
/// As a [`Stream`] it yields owned events. [`next_ref`](Self::next_ref) lends events without
/// allocating, and [`next_item`](Self::next_item) also returns comments. After
/// [`ReceiveError::Limit`] the stream continues. After an error of the body ([`ReadError::Io`]),
/// and at its end, the stream drops the body and returns `None` from then on. Check the status and
/// media type yourself, with [`check_response`](sse_proto::source::check_response).
///
/// All its futures are cancel-safe. At most [`Receiver::CAPACITY`] bytes of a chunk are processed
/// at a time.
///
/// ```
/// # use std::{convert::Infallible, pin::Pin, task::{Context, Poll}};
/// # struct Body(Vec<&'static str>);
/// # impl futures_core::Stream for Body {
/// #     type Item = Result<&'static str, Infallible>;
/// #     fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
/// #         Poll::Ready(self.0.pop().map(Ok))
/// #     }
/// # }
/// # let body = Body(vec!["lo\n\n", "data: hel"]);
/// use sse_async::EventStream;
///
/// # futures_lite::future::block_on(async {
/// // `body` is the response body of an HTTP client, for example reqwest's `response.bytes_stream()`.
/// let mut events = EventStream::new(body);
/// while let Some(event) = events.next().await {
///     assert_eq!(event?.data(), "hello");
/// }
/// # Ok::<(), sse_async::proto::ReadError<Infallible>>(())
/// # }).unwrap();
/// ```
pub struct EventStream<S: TryStream> {
    /// `None` once the stream is over.
    body: Option<Chunks<S>>,
    receiver: Receiver,
}

impl<S: TryStream<Ok: AsRef<[u8]>>> EventStream<S> {
    /// Reads the events of this body. A body without a single field or comment line ends with
    /// [`ReceiveError::Unrecognized`].
    pub fn new(body: S) -> Self {
        Self::with_receiver(body, Receiver::new().with_refusal_bytes(Receiver::REFUSAL_BYTES))
    }

    /// Reads the body with a configured receiver, for example with other limits or with a last
    /// event id.
    pub fn with_receiver(body: S, receiver: Receiver) -> Self {
        Self { body: Some(Chunks::new(Box::pin(body))), receiver }
    }

    /// Waits for the next event. Returns `None` at the end of the body.
    ///
    /// # Errors
    /// If the body fails, an event exceeds a limit, or the body is not an event stream.
    pub async fn next(&mut self) -> Option<Result<Event, ReadError<S::Error>>> {
        Some(self.next_ref().await?.map(EventRef::to_event))
    }

    /// Waits for the next event, and lends it. Returns `None` at the end of the body.
    ///
    /// # Errors
    /// Like [`next`](Self::next).
    pub async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, ReadError<S::Error>>> {
        let found = poll_fn(|cx| self.poll_advance(cx, Receiver::want)).await?;
        Some(found.map(|()| self.receiver.event()))
    }

    /// Like [`next_ref`](Self::next_ref), but also returns comments and blocks without data.
    ///
    /// # Errors
    /// Like [`next`](Self::next).
    pub async fn next_item(&mut self) -> Option<Result<Item<'_>, ReadError<S::Error>>> {
        match poll_fn(|cx| self.poll_advance(cx, Receiver::want_item)).await? {
            Ok(()) => self.receiver.item().map(Ok),
            Err(error) => Some(Err(error)),
        }
    }

    /// Returns the last event id so far, or an empty string if there is none.
    pub fn last_event_id(&self) -> &str {
        self.receiver.last_event_id()
    }

    /// Returns the last reconnection time that the stream requested.
    pub fn retry(&self) -> Option<Duration> {
        self.receiver.retry()
    }

    /// Returns how the stream ended. `None` before its end, and if the body failed.
    pub fn end(&self) -> Option<End> {
        self.receiver.end()
    }

    fn poll_advance(
        &mut self,
        cx: &mut Context<'_>,
        want: fn(&mut Receiver) -> Result<Want, ReceiveError>,
    ) -> Poll<Option<Result<(), ReadError<S::Error>>>> {
        while let Some(body) = &mut self.body {
            let want = want(&mut self.receiver);
            if self.receiver.is_closed() {
                self.body = None;
                return Poll::Ready(want.err().map(|error| Err(error.into())));
            }
            match want {
                Ok(Want::Event) => return Poll::Ready(Some(Ok(()))),
                Ok(Want::Read) => match ready!(body.poll_bytes(cx)) {
                    Some(Ok(bytes)) => {
                        let count = self.receiver.handle_bytes(bytes);
                        body.take(count);
                    }
                    Some(Err(error)) => {
                        self.body = None;
                        return Poll::Ready(Some(Err(ReadError::Io(error))));
                    }
                    None => self.receiver.handle_read(0),
                },
                Ok(Want::Yield) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
            }
        }
        Poll::Ready(None)
    }
}

impl<S: TryStream> fmt::Debug for EventStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}

// The body is boxed, and its chunks are never pinned.
impl<S: TryStream> Unpin for EventStream<S> {}

impl<S: TryStream<Ok: AsRef<[u8]>>> Stream for EventStream<S> {
    type Item = Result<Event, ReadError<S::Error>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let found = ready!(self.poll_advance(cx, Receiver::want));
        Poll::Ready(found.map(|found| found.map(|()| self.receiver.event().to_event())))
    }
}

impl<S: TryStream<Ok: AsRef<[u8]>>> FusedStream for EventStream<S> {
    fn is_terminated(&self) -> bool {
        self.body.is_none()
    }
}
