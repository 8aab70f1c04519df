//! A handle that sends events on a stream that others may write to as well.

use std::sync::Arc;
use std::thread::{self, Thread};

use sse_proto::http1::server;
use sse_proto::hub::Delivery;
use sse_proto::sender::Ended;
use sse_proto::{AsEvent, Sender};

use crate::shared_stream::SharedStream;
use crate::{Frame, Subscriber};

/// Sends events to one client. The handle can be cloned and used from any thread; events are never
/// interleaved.
///
/// The calling thread writes each event as soon as it is sent. A client that does not read blocks
/// the writing thread, for at most [`stall`](sse_proto::sender::StreamConfig::stall). Other threads
/// meanwhile queue their events, and block once the pending bytes reach
/// [`high_water`](sse_proto::sender::StreamConfig::high_water). Keep-alives are sent automatically.
///
/// The stream ends cleanly when its handler has returned `Ok` and all senders are dropped, or on
/// [`finish`](Self::finish) or [`finish_with_retry`](Self::finish_with_retry). The client can
/// detect that the stream was cut if the handler fails, if the handler or a thread with a sender
/// panics, or on [`abort`](Self::abort).
#[derive(Debug)]
pub struct EventSender {
    stream: Arc<SharedStream>,
}

impl EventSender {
    pub(crate) fn new(stream: Arc<SharedStream>) -> Self {
        stream.look(|stream| stream.add_sender());
        Self { stream }
    }

    /// Sends an event. Blocks while the client is too slow.
    ///
    /// # Errors
    /// If the stream has ended, or the client is gone. The event is not sent.
    pub fn send(&self, event: impl AsEvent) -> Result<(), Ended> {
        // User code, so not called under the lock.
        let event = event.as_event();
        self.room()?;
        self.act(|stream| stream.event(event))
    }

    /// Sends a comment, which clients ignore.
    ///
    /// # Errors
    /// Like [`send`](Self::send).
    pub fn comment(&self, text: &str) -> Result<(), Ended> {
        self.room()?;
        self.act(|stream| stream.comment(text))
    }

    /// Sends an encoded event, which other streams may share.
    ///
    /// # Errors
    /// Like [`send`](Self::send).
    pub fn send_frame(&self, frame: Frame) -> Result<(), Ended> {
        self.room()?;
        self.act(|stream| stream.frame(frame))
    }

    /// Sends an event if the stream is not full. Returns `false` if it is full and the event was
    /// not sent.
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
    /// If the stream ended before that, or the client is gone, which wakes this thread.
    pub fn forward(&self, subscriber: &mut Subscriber) -> Result<(), Ended> {
        loop {
            self.room()?;
            let Some(delivery) = subscriber.take(Some(thread::current())) else {
                if self.wait_for(|_, is_open| !is_open) {
                    return Err(Ended);
                }
                // A publisher unparks this thread even if it is not parked yet.
                thread::park();
                continue;
            };
            // What is there already goes out in one write.
            let held = self.stream.hold();
            let mut next = Some(delivery);
            while let Some(delivery) = next.take() {
                let is_last = delivery.is_last();
                let has_room = self.deliver(delivery)?;
                if is_last {
                    return Ok(());
                }
                if has_room {
                    next = subscriber.try_recv();
                }
            }
            drop(held);
        }
    }

    /// Blocks until the stream has ended or the client is gone.
    pub fn closed(&self) {
        while !self.wait_for(|_, is_open| !is_open) {
            thread::park();
        }
    }

    /// Blocks until the server starts a graceful shutdown, or the stream has ended. A handler may
    /// then still send final events for a [short
    /// time](sse_proto::sender::StreamConfig::drain_window).
    pub fn draining(&self) {
        while !self.wait_for(|is_draining, is_open| is_draining || !is_open) {
            thread::park();
        }
    }

    /// Returns whether the stream has ended or the client is gone.
    pub fn is_closed(&self) -> bool {
        self.stream.look(|stream| !stream.connection().is_open())
    }

    /// Returns whether the server is shutting down.
    pub fn is_draining(&self) -> bool {
        self.stream.look(|stream| stream.connection().is_draining())
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

    /// Blocks until the stream accepts an event.
    fn room(&self) -> Result<(), Ended> {
        let current = thread::current();
        let is_ready = |stream: &mut server::SharedStream<_, Thread>| {
            let is_ready = stream.ready()?;
            if !is_ready {
                stream.wait_for_room(current.clone(), |other| other.id() == current.id());
            }
            Ok(is_ready)
        };
        while !self.stream.look(is_ready)? {
            thread::park();
        }
        Ok(())
    }

    fn act(&self, append: impl FnOnce(&mut Sender<Arc<[u8]>>)) -> Result<(), Ended> {
        self.stream.act(|stream| {
            append(stream.stream()?);
            Ok(())
        })
    }

    /// Appends a delivery, and returns whether the stream accepts more.
    fn deliver(&self, delivery: Delivery<Frame>) -> Result<bool, Ended> {
        let Delivery::Gap(gap) = delivery else { return self.stream.act(|stream| stream.deliver(delivery)) };
        // User code, so not called under the lock.
        let frame = self.stream.look(|stream| stream.connection().hooks().clone()).gap(gap);
        self.stream.act(|stream| stream.encoded(&frame))
    }

    /// Returns whether the condition holds. If not, registers this thread to be unparked when it
    /// may.
    fn wait_for(&self, is_so: impl FnOnce(bool, bool) -> bool) -> bool {
        let current = thread::current();
        self.stream.look(|stream| {
            let is_so = is_so(stream.connection().is_draining(), stream.connection().is_open());
            if !is_so {
                stream.wait_for_end(current.clone(), |other| other.id() == current.id());
            }
            is_so
        })
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
