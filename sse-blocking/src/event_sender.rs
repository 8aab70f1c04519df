//! Events to a stream that others write to as well.

use std::sync::Arc;
use std::thread::{self, Thread};

use sse_proto::http1::server;
use sse_proto::hub::Delivery;
use sse_proto::sender::Ended;
use sse_proto::{EventRef, Sender};

use crate::shared_stream::SharedStream;
use crate::{Frame, Subscriber};

/// Sends events to one client. A handle, which can be cloned and used from any thread: events are never mixed.
///
/// What is sent is written at once. A client that does not read makes the thread that writes wait, for as long as
/// [`stall`](sse_proto::sender::StreamConfig::stall) says; what other threads send meanwhile is kept for it, until as much is pending as
/// [`high_water`](sse_proto::sender::StreamConfig::high_water) says. Keep-alives are sent without being asked for.
///
/// The stream ends when its handler has returned `Ok` and all senders are dropped, or with [`finish`](Self::finish), or
/// [`finish_with_retry`](Self::finish_with_retry). The client can tell that it was cut if the handler fails, or one of them panics, or with
/// [`abort`](Self::abort).
#[derive(Debug)]
pub struct EventSender {
    stream: Arc<SharedStream>,
}

impl EventSender {
    pub(crate) fn new(stream: Arc<SharedStream>) -> Self {
        stream.look(|stream| stream.add_sender());
        Self { stream }
    }

    /// Sends one event; waits while the client is too slow.
    ///
    /// # Errors
    /// If the stream has ended, or the client is gone. The event is not sent.
    pub fn send<'e>(&self, event: impl Into<EventRef<'e>>) -> Result<(), Ended> {
        // Code of the user's: not while the lock is held.
        let event = event.into();
        self.room()?;
        self.act(|stream| stream.event(event))
    }

    /// Sends a comment, which clients ignore.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn comment(&self, text: &str) -> Result<(), Ended> {
        self.room()?;
        self.act(|stream| stream.comment(text))
    }

    /// Sends an event that is encoded already, and shared with other streams.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_frame(&self, frame: Frame) -> Result<(), Ended> {
        self.room()?;
        self.act(|stream| stream.frame(frame))
    }

    /// Sends one event, if there is room; for those who cannot wait. `false` if there is none, and the event is not sent.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn try_send<'e>(&self, event: impl Into<EventRef<'e>>) -> Result<bool, Ended> {
        let event = event.into();
        self.stream.act(|stream| {
            let is_ready = stream.ready()?;
            if is_ready {
                stream.stream()?.event(event);
            }
            Ok(is_ready)
        })
    }

    /// Passes on what a subscriber of a hub gets, until that ends or lags: the stream then [ends](Self::finish_with_retry), and the client comes back.
    ///
    /// # Errors
    /// If the stream ended before, or the client is gone, which wakes this thread.
    pub fn forward(&self, subscriber: &mut Subscriber) -> Result<(), Ended> {
        loop {
            self.room()?;
            let Some(delivery) = subscriber.take(Some(thread::current())) else {
                if self.wait_for(|_, is_open| !is_open) {
                    return Err(Ended);
                }
                // Whoever publishes after the lock was released unparks it, also if it is not parked yet.
                thread::park();
                continue;
            };
            let is_last = delivery.is_last();
            self.deliver(delivery)?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Waits until the stream has ended: because it was ended, or the client is gone.
    pub fn closed(&self) {
        while !self.wait_for(|_, is_open| !is_open) {
            thread::park();
        }
    }

    /// Waits until the server stops, or the stream has ended: the time for last words, which is
    /// [short](sse_proto::sender::StreamConfig::drain_window).
    pub fn draining(&self) {
        while !self.wait_for(|is_draining, is_open| is_draining || !is_open) {
            thread::park();
        }
    }

    /// Whether the stream has ended: because it was ended, or the client is gone.
    pub fn is_closed(&self) -> bool {
        self.stream.look(|stream| !stream.connection().is_open())
    }

    /// Whether the server stops.
    pub fn is_draining(&self) -> bool {
        self.stream.look(|stream| stream.connection().is_draining())
    }

    /// Ends the stream for all its senders, so that the client sees a clean end.
    pub fn finish(&self) {
        let _ = self.act(|stream| stream.finish());
    }

    /// Ends the stream so that the client comes back, at the time that the [server's
    /// config](sse_proto::sender::StreamConfig::final_retry) says.
    pub fn finish_with_retry(&self) {
        let _ = self.act(|stream| stream.finish_with_retry());
    }

    /// Cuts the stream: what is pending is not sent, and the client can tell.
    pub fn abort(&self) {
        self.stream.act(|stream| stream.connection().close());
    }

    /// Waits until something can be appended.
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

    fn deliver(&self, delivery: Delivery<Frame>) -> Result<(), Ended> {
        let Delivery::Gap(gap) = delivery else { return self.stream.act(|stream| stream.deliver(delivery)) };
        // Code of the user's: not while the lock is held.
        let frame = self.stream.look(|stream| stream.connection().hooks().clone()).gap(gap);
        self.act(|stream| stream.encoded(&frame))
    }

    /// Whether it is so. If not, this thread will be unparked when it is.
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
