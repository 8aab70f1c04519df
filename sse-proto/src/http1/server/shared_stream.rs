//! A connection that several tasks or threads share.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;

use super::Connection;
use crate::hub::Delivery;
use crate::sender::Ended;
use crate::{Frame, Instant, Sender};

/// A connection together with the tasks or threads that wait for it: the state shared, under a
/// lock, by the senders of its stream and the driver, which does the I/O. `W` wakes one of them,
/// such as a `Waker`.
///
/// A shared stream wakes nobody itself: take the wakers after a change, release the lock, and then
/// wake them.
///
/// ```
/// use sse_proto::http1::server::Connection;
/// use sse_proto::http1::server::SharedStream;
/// use sse_proto::sender::StreamConfig;
///
/// let mut stream: SharedStream<Vec<u8>, &str> = SharedStream::new(Connection::bare(StreamConfig::default(), 42));
/// stream.add_sender();
/// stream.wait_for_end("another task", |_| false);
/// stream.set_driver("the driver");
///
/// assert_eq!(stream.ready(), Ok(true));
/// stream.stream()?.event("hello");
/// assert_eq!(stream.take_driver(), Some("the driver"));
///
/// // The handler is done and the last sender is gone, so the stream ends.
/// let now = sse_proto::Instant::default();
/// stream.handle_done(now, Ok(()));
/// stream.remove_sender(now, false);
/// assert!(stream.ready().is_err());
/// let mut woken = Vec::new();
/// stream.take_woken(&mut woken);
/// assert_eq!(woken, ["another task"]);
/// # Ok::<(), sse_proto::sender::Ended>(())
/// ```
#[derive(Debug)]
pub struct SharedStream<B, W> {
    connection: Connection<B>,
    senders: usize,
    /// Whether only its senders keep the stream open.
    is_done: bool,
    driver: Option<W>,
    /// The wakers of senders that wait for room.
    for_room: Vec<W>,
    /// The wakers of tasks that wait for the end of the stream, or for a shutdown of the server.
    for_end: Vec<W>,
    told_to_drain: bool,
}

impl<B: AsRef<[u8]>, W> SharedStream<B, W> {
    /// Creates a shared stream without waiting tasks.
    pub fn new(connection: Connection<B>) -> Self {
        Self {
            connection,
            senders: 0,
            is_done: false,
            driver: None,
            for_room: Vec::new(),
            for_end: Vec::new(),
            told_to_drain: false,
        }
    }

    /// Returns the machine.
    pub fn connection(&mut self) -> &mut Connection<B> {
        &mut self.connection
    }

    /// Returns the stream, to append events or to end it.
    ///
    /// # Errors
    /// If the stream has ended.
    pub fn stream(&mut self) -> Result<&mut Sender<B>, Ended> {
        self.connection.stream().ok_or(Ended)
    }

    /// Appends what a subscriber of a hub receives; see [`Connection::deliver`]. Returns whether the
    /// stream accepts more.
    ///
    /// # Errors
    /// If nothing more is sent.
    pub fn deliver(&mut self, delivery: Delivery<Frame<B>>) -> Result<bool, Ended> {
        self.connection.deliver(delivery)?;
        Ok(self.ready() == Ok(true))
    }

    /// Appends a copy of something encoded; see [`Sender::encoded`]. Returns whether the stream accepts
    /// more.
    ///
    /// # Errors
    /// If nothing more is sent.
    pub fn encoded(&mut self, frame: &Frame) -> Result<bool, Ended> {
        self.stream()?.encoded(frame);
        self.ready()
    }

    /// Adds a sender.
    pub fn add_sender(&mut self) {
        self.senders += 1;
    }

    /// Removes a sender. A sender that is lost to a panic cuts the stream.
    pub fn remove_sender(&mut self, now: Instant, is_panicking: bool) {
        self.senders = self.senders.saturating_sub(1);
        if is_panicking {
            let _ = self.connection.handle_done(now, Err("a sender panicked".into()));
        }
        self.finish_if_done();
    }

    /// Returns whether the stream accepts an event now. If not, [wait for
    /// room](Self::wait_for_room).
    ///
    /// # Errors
    /// If the stream has ended.
    pub fn ready(&self) -> Result<bool, Ended> {
        if self.connection.is_open() { Ok(!self.connection.is_full()) } else { Err(Ended) }
    }

    /// Reports that the handler is done; see [`Connection::handle_done`]. After a success, an open
    /// stream continues while it has senders.
    ///
    /// Returns an error that has no effect, so that it can be dropped without holding a lock.
    pub fn handle_done(
        &mut self,
        now: Instant,
        result: Result<(), Box<dyn Error + Send + Sync>>,
    ) -> Option<Box<dyn Error + Send + Sync>> {
        self.is_done = true;
        match result {
            Ok(()) if self.senders > 0 => None,
            result => self.connection.handle_done(now, result),
        }
    }

    /// Reports that the handler panicked, which counts as a [failure](Self::handle_done).
    pub fn handle_panic(&mut self, now: Instant) {
        let _ = self.handle_done(now, Err("the handler panicked".into()));
    }

    /// Registers a waker for when there is room or the stream has ended, unless a registered waker
    /// satisfies `is_same`.
    pub fn wait_for_room(&mut self, waker: W, is_same: impl FnMut(&W) -> bool) {
        register(&mut self.for_room, waker, is_same);
    }

    /// Registers a waker for when the stream has ended or the server is shutting down, unless a
    /// registered waker satisfies `is_same`.
    pub fn wait_for_end(&mut self, waker: W, is_same: impl FnMut(&W) -> bool) {
        register(&mut self.for_end, waker, is_same);
    }

    /// Registers the waker of the driver, and returns its previous waker if that was not taken.
    pub fn set_driver(&mut self, waker: W) -> Option<W> {
        self.driver.replace(waker)
    }

    /// Takes the waker of the driver, to wake it after a change.
    pub fn take_driver(&mut self) -> Option<W> {
        self.driver.take()
    }

    /// Appends the wakers of the tasks that can continue.
    pub fn take_woken(&mut self, woken: &mut Vec<W>) {
        let is_draining = self.connection.is_draining() && !core::mem::replace(&mut self.told_to_drain, true);
        let ready = self.ready();
        if ready != Ok(false) {
            woken.append(&mut self.for_room);
        }
        if ready.is_err() || is_draining {
            woken.append(&mut self.for_end);
        }
    }

    fn finish_if_done(&mut self) {
        if self.is_done && self.senders == 0 {
            if let Some(stream) = self.connection.stream() {
                stream.finish();
            }
        }
    }
}

fn register<W>(list: &mut Vec<W>, waker: W, is_same: impl FnMut(&W) -> bool) {
    if !list.iter().any(is_same) {
        list.push(waker);
    }
}
