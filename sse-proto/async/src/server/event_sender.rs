//! A handle that sends events on a stream that others may write to as well.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread;

use bytes::Bytes;
use sse_proto::hub::Delivery;
use sse_proto::sender::Ended;
use sse_proto::{AsEvent, Sender};

use crate::server::shared_stream::SharedStream;
use crate::{Frame, Subscriber};

/// Sends events to one client. The handle can be cloned and used from any task or thread; events
/// are never interleaved.
///
/// The task of the connection writes each event as soon as it is sent. If the client does not read,
/// [`send`](Self::send) waits once the pending bytes reach
/// [`high_water`](sse_proto::sender::StreamConfig::high_water). Keep-alives are sent automatically.
///
/// The stream ends cleanly when its handler has returned `Ok` and all senders are dropped, or on
/// [`finish`](Self::finish) or [`finish_with_retry`](Self::finish_with_retry). The client can
/// detect that the stream was cut if the handler fails, if the handler or a task with a sender
/// panics, or on [`abort`](Self::abort).
///
/// Its futures are cancel-safe: no event is partially sent.
#[derive(Debug)]
pub struct EventSender {
    stream: Arc<SharedStream>,
}

impl EventSender {
    pub(crate) fn new(stream: Arc<SharedStream>) -> Self {
        stream.lock().add_sender();
        Self { stream }
    }

    /// Sends an event. Waits while the client is too slow.
    ///
    /// # Errors
    /// If the stream has ended, or the client is gone. The event is not sent.
    pub async fn send(&self, event: impl AsEvent) -> Result<(), Ended> {
        // User code, so not called under the lock.
        let event = event.as_event();
        self.room().await?;
        self.act(|stream| stream.event(event))
    }

    /// Sends a comment, which clients ignore.
    ///
    /// # Errors
    /// Like [`send`](Self::send).
    pub async fn comment(&self, text: &str) -> Result<(), Ended> {
        self.room().await?;
        self.act(|stream| stream.comment(text))
    }

    /// Sends an encoded event, which other streams may share.
    ///
    /// # Errors
    /// Like [`send`](Self::send).
    pub async fn send_frame(&self, frame: Frame) -> Result<(), Ended> {
        self.room().await?;
        self.act(|stream| stream.frame(frame))
    }

    /// Sends an event without waiting. Returns `false` if the stream is full and the event was not
    /// sent.
    ///
    /// # Errors
    /// Like [`send`](Self::send).
    pub fn try_send(&self, event: impl AsEvent) -> Result<bool, Ended> {
        let event = event.as_event();
        self.stream.act(|stream| {
            let is_ready = stream.ready()?;
            if is_ready {
                stream.stream()?.event(event);
            }
            Ok(is_ready)
        })
    }

    /// Forwards the deliveries of a hub's subscriber until the last one, when the hub is closed or
    /// the subscriber lags. The stream then [ends](Self::finish_with_retry), and the client
    /// reconnects.
    ///
    /// # Errors
    /// If the stream ended before that, or the client is gone.
    pub async fn forward(&self, subscriber: &mut Subscriber) -> Result<(), Ended> {
        poll_fn(|cx| self.poll_forward(cx, subscriber)).await
    }

    /// Waits until the stream has ended or the client is gone.
    pub async fn closed(&self) {
        poll_fn(|cx| self.poll_end(cx, |_, is_open| !is_open)).await;
    }

    /// Waits until the server starts a graceful shutdown, or the stream has ended. A handler may
    /// then still send final events for a [short
    /// time](sse_proto::sender::StreamConfig::drain_window).
    pub async fn draining(&self) {
        poll_fn(|cx| self.poll_end(cx, |is_draining, is_open| is_draining || !is_open)).await;
    }

    /// Returns whether the stream has ended or the client is gone.
    pub fn is_closed(&self) -> bool {
        !self.stream.lock().connection().is_open()
    }

    /// Returns whether the server is shutting down.
    pub fn is_draining(&self) -> bool {
        self.stream.lock().connection().is_draining()
    }

    /// Ends the stream cleanly, for all its senders.
    pub fn finish(&self) {
        let _ = self.act(|stream| stream.finish());
    }

    /// Ends the stream so that the client reconnects, after the delay set by
    /// [`final_retry`](sse_proto::sender::StreamConfig::final_retry).
    pub fn finish_with_retry(&self) {
        let _ = self.act(|stream| stream.finish_with_retry());
    }

    /// Cuts the stream. Pending bytes are not sent, and the client can detect the cut.
    pub fn abort(&self) {
        self.stream.act(|stream| stream.connection().close());
    }

    /// Waits until the stream accepts an event.
    async fn room(&self) -> Result<(), Ended> {
        poll_fn(|cx| self.poll_room(cx)).await
    }

    fn act(&self, append: impl FnOnce(&mut Sender<Bytes>)) -> Result<(), Ended> {
        self.stream.act(|stream| {
            append(stream.stream()?);
            Ok(())
        })
    }

    /// Appends a delivery, and returns whether the stream accepts more.
    fn deliver(&self, delivery: Delivery<Frame>) -> Result<bool, Ended> {
        let Delivery::Gap(gap) = delivery else { return self.stream.act(|stream| stream.deliver(delivery)) };
        // User code, so not called under the lock.
        let hooks = self.stream.lock().connection().hooks().clone();
        let frame = hooks.gap(gap);
        self.stream.act(|stream| stream.encoded(&frame))
    }

    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        let mut stream = self.stream.lock();
        let is_ready = stream.ready()?;
        if is_ready {
            return Poll::Ready(Ok(()));
        }
        stream.wait_for_room(cx.waker().clone(), |other| other.will_wake(cx.waker()));
        Poll::Pending
    }

    fn poll_forward(&self, cx: &mut Context<'_>, subscriber: &mut Subscriber) -> Poll<Result<(), Ended>> {
        let mut has_room = false;
        loop {
            if !has_room {
                ready!(self.poll_room(cx))?;
            }
            let Poll::Ready(delivery) = subscriber.poll_recv(cx) else {
                ready!(self.poll_end(cx, |_, is_open| !is_open));
                return Poll::Ready(Err(Ended));
            };
            let is_last = delivery.is_last();
            has_room = self.deliver(delivery)?;
            if is_last {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_end(&self, cx: &mut Context<'_>, is_it: impl FnOnce(bool, bool) -> bool) -> Poll<()> {
        let mut stream = self.stream.lock();
        let server = stream.connection();
        if is_it(server.is_draining(), server.is_open()) {
            return Poll::Ready(());
        }
        stream.wait_for_end(cx.waker().clone(), |other| other.will_wake(cx.waker()));
        Poll::Pending
    }
}

impl Clone for EventSender {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.stream))
    }
}

impl Drop for EventSender {
    fn drop(&mut self) {
        let now = self.stream.now();
        self.stream.act(|stream| stream.remove_sender(now, thread::panicking()));
    }
}
