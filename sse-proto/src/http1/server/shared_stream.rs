//! One connection that many write to.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;

use super::Connection;
use crate::hub::Delivery;
use crate::sender::Ended;
use crate::{Frame, Instant, Sender};

/// A connection's machine, and who waits for it: what is shared, under a lock, by those who write to its stream and the one
/// who does the I/O. `W` is what wakes one of them: a `Waker`, a thread.
///
/// Nothing here wakes anybody: whoever changes something takes those it concerns, releases the lock, and wakes them.
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
/// // The handler is done, and the last sender is gone: the stream ends.
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
    /// Nothing but its senders keeps the stream open.
    is_done: bool,
    driver: Option<W>,
    /// Those who have something to append.
    for_room: Vec<W>,
    /// Those who want to know of the end, or that it is near.
    for_end: Vec<W>,
    told_to_drain: bool,
}

impl<B: AsRef<[u8]>, W> SharedStream<B, W> {
    /// Nobody waits yet.
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

    /// The machine.
    pub fn connection(&mut self) -> &mut Connection<B> {
        &mut self.connection
    }

    /// The stream, to append to it or to end it.
    ///
    /// # Errors
    /// If nothing more is sent.
    pub fn stream(&mut self) -> Result<&mut Sender<B>, Ended> {
        self.connection.stream().ok_or(Ended)
    }

    /// Passes on what a subscriber of a hub gets: see [`Connection::deliver`].
    ///
    /// # Errors
    /// If nothing more is sent.
    pub fn deliver(&mut self, delivery: Delivery<Frame<B>>) -> Result<(), Ended> {
        self.connection.deliver(delivery)
    }

    /// Counts one more sender.
    pub fn add_sender(&mut self) {
        self.senders += 1;
    }

    /// Counts one sender less. One that is lost to a panic cuts the stream.
    pub fn remove_sender(&mut self, now: Instant, is_panicking: bool) {
        self.senders = self.senders.saturating_sub(1);
        if is_panicking {
            let _ = self.connection.handle_done(now, Err("a sender panicked".into()));
        }
        self.finish_if_done();
    }

    /// Whether something can be appended now, or should wait for [room](Self::wait_for_room).
    ///
    /// # Errors
    /// If nothing more is sent.
    pub fn ready(&self) -> Result<bool, Ended> {
        if self.connection.is_open() { Ok(!self.connection.is_full()) } else { Err(Ended) }
    }

    /// Reports that the handler is done: see [`Connection::handle_done`]. A stream that it opened goes on while it has senders.
    ///
    /// An error that changes nothing is handed back, so that it can be dropped when no lock is held.
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

    /// Reports that the handler panicked: as one that [failed](Self::handle_done).
    pub fn handle_panic(&mut self, now: Instant) {
        let _ = self.handle_done(now, Err("the handler panicked".into()));
    }

    /// Registers a waker for when there is room, or nothing more is sent, unless one that `is_same` is registered.
    pub fn wait_for_room(&mut self, waker: W, is_same: impl FnMut(&W) -> bool) {
        register(&mut self.for_room, waker, is_same);
    }

    /// Registers a waker for when nothing more is sent, or the server stops, unless one that `is_same` is registered.
    pub fn wait_for_end(&mut self, waker: W, is_same: impl FnMut(&W) -> bool) {
        register(&mut self.for_end, waker, is_same);
    }

    /// Registers the waker of the task that does the I/O. Hands back the waker that it had, if that was not taken.
    pub fn set_driver(&mut self, waker: W) -> Option<W> {
        self.driver.replace(waker)
    }

    /// Takes the waker of the task that does the I/O, to wake it after something was appended or decided.
    pub fn take_driver(&mut self) -> Option<W> {
        self.driver.take()
    }

    /// Appends the wakers of the tasks that can go on.
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
