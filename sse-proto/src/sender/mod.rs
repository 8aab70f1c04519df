//! The sending side of one connection: events in, bytes out.
//!
//! [`Sender`] is the machine, [`StreamConfig`] its configuration.

mod clock;
mod config;
mod hooks;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

pub use self::config::StreamConfig;
pub use self::hooks::Hooks;

use self::clock::{Clock, Due};
use crate::frame::{LAST_CHUNK, make_chunk};
#[cfg(feature = "http1")]
use crate::http::Framing;
use crate::hub::{Delivery, Gap, Id};
use crate::random::Random;
use crate::{AsEvent, Encoder, EventRef, Frame, Instant};

/// Holds the pending bytes of one connection: encoded events in the framing of the response.
///
/// Commands append bytes. The caller writes [`pending`](Self::pending) and reports with
/// [`handle_written`](Self::handle_written). An event is contiguous and never interleaved with
/// another one. Unwritten bytes stay pending, so an interrupted write loses nothing.
///
/// ```
/// use sse_proto::Sender;
/// use std::io::Write;
///
/// let mut connection = Vec::new();
/// let mut sender = Sender::new();
/// sender.event("hello");
/// while !sender.pending().is_empty() {
///     let count = connection.write(sender.pending())?;
///     sender.handle_written(count);
/// }
/// assert_eq!(connection, b"data: hello\n\n");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// A caller that follows [`want`](Self::want) also sends keep-alives, ends the stream at its
/// maximum age, and detects a peer that has stopped reading:
///
/// ```
/// use std::io::Write;
/// use std::sync::Arc;
///
/// use sse_proto::sender::{StreamConfig, Want};
/// use sse_proto::{Frame, Instant, Sender};
///
/// # let mut connection = Vec::new();
/// # let mut events: Vec<Frame<Arc<[u8]>>> = vec![Frame::event("hello").map(Arc::from)];
/// // In a program, read the clock.
/// let mut now = Instant::default();
/// let seed = 42; // from your source of randomness
/// let mut sender = Sender::default().with_config(StreamConfig::default(), seed);
/// loop {
///     let (want, deadline) = sender.want(now);
///     match want {
///         Want::Write => {
///             let count = connection.write(sender.pending())?;
///             sender.handle_written(count);
///         }
///         // Wait for an event or for the deadline, whichever comes first.
///         Want::Wait => match events.pop() {
///             Some(frame) => sender.frame(frame),
///             None if connection.ends_with(b":\n") => sender.finish(),
///             None => {
///                 now = deadline.expect("a connection is kept open");
///                 sender.handle_deadline(now);
///             }
///         },
///         Want::KeepAlive => sender.send_keep_alive(now),
///         Want::Finished | Want::Cut => break,
///         _ => {}
///     }
/// }
/// assert_eq!(connection, b"data: hello\n\n:\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Sender<B = Vec<u8>> {
    out: Vec<u8>,
    written: usize,
    /// A shared frame, written after `out` without a copy.
    frame: Option<Frame<B>>,
    frame_written: usize,
    /// Bytes written after `frame`, used only if `frame` is too large to copy.
    tail: Vec<u8>,
    is_chunked: bool,
    finished: bool,
    cut: bool,
    /// Whether a keep-alive by the user's callback is due.
    keeps_alive: bool,
    config: StreamConfig,
    clock: Clock,
    random: Random,
}

/// The next step of a [`Sender`]. Each want stands until it is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Want {
    /// Write some pending bytes. More events may be appended, unless the sender is full.
    Write,
    /// Wait for an event to append, or for the deadline.
    Wait,
    /// Append a keep-alive by [`send_keep_alive`](Sender::send_keep_alive). Only returned after
    /// [`StreamConfig::set_keep_alive`]; the sender appends the default keep-alive itself.
    KeepAlive,
    /// Everything has been written, including the end. Close the connection.
    Finished,
    /// Drop the connection as it is: the stream was [aborted](Sender::abort), or the peer accepted
    /// no bytes for [too long](StreamConfig::stall).
    Cut,
}

/// The error for a stream that accepts no more events, because it was ended or the client is gone.
/// One end of a stream returns it when the other end has closed the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream has ended")
    }
}

impl core::error::Error for Ended {}

/// Pending output that the caller has [taken](Sender::take_pending).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece<B> {
    /// Bytes from the sender's buffer.
    Bytes(Vec<u8>),
    /// A whole frame, of which nothing was written.
    Frame(Frame<B>),
}

impl Sender {
    /// Creates a sender of a bare event stream.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Creates a sender of a bare event stream, with frames stored as `B`.
impl<B> Default for Sender<B> {
    fn default() -> Self {
        Self {
            out: Vec::new(),
            written: 0,
            frame: None,
            frame_written: 0,
            tail: Vec::new(),
            is_chunked: false,
            finished: false,
            cut: false,
            keeps_alive: false,
            config: StreamConfig::default(),
            clock: Clock::default(),
            random: Random::default(),
        }
    }
}

impl<B: AsRef<[u8]>> Sender<B> {
    /// The capacity that the buffer keeps. A server may have many senders, so memory beyond it is
    /// freed.
    const RETAINED: usize = 256;

    /// The maximum length of a frame that is copied behind pending bytes. A longer frame is not
    /// copied, even if it takes a write of its own.
    const COPIED: usize = 4 * 1024;

    /// Sets the configuration. `seed` must be random; it makes the jitter of this sender differ
    /// from that of other senders.
    #[must_use]
    pub fn with_config(mut self, config: StreamConfig, seed: u64) -> Self {
        self.set_config(config, seed);
        self
    }

    /// Returns the configuration.
    pub fn config(&self) -> &StreamConfig {
        &self.config
    }

    pub(crate) fn set_config(&mut self, config: StreamConfig, seed: u64) -> StreamConfig {
        let former = core::mem::replace(&mut self.config, config);
        self.random = Random::new(seed);
        if let Some(padding) = self.config.padding {
            // The colon and the line end count, too.
            let text = " ".repeat(padding.min(StreamConfig::LONGEST_PADDING).saturating_sub(2));
            self.comment(&text);
        }
        former
    }

    /// Appends an event, as one chunk if the response is chunked.
    pub fn event(&mut self, event: impl AsEvent) {
        let event = event.as_event();
        self.encode(|mut encoder| encoder.event(event));
    }

    /// Appends a comment, which clients ignore.
    pub fn comment(&mut self, text: &str) {
        self.encode(|mut encoder| encoder.comment(text));
    }

    /// Appends the shortest comment, which keeps an idle connection open.
    pub fn keep_alive(&mut self) {
        self.encode(|mut encoder| encoder.keep_alive());
    }

    /// Appends an encoded event, if possible without copying it.
    ///
    /// A short frame is copied if other bytes are pending, and any frame shorter than
    /// [`StreamConfig::high_water`] if more is appended before it is written. A frame of that
    /// length or more is never copied as long as the caller appends nothing to a full sender.
    pub fn frame(&mut self, frame: Frame<B>) {
        if self.finished {
            return;
        }
        let is_small = framed(&frame, self.is_chunked).len() <= Self::COPIED;
        let is_empty = self.own().is_empty();
        if self.frame.is_none() && (is_empty || !is_small) {
            self.frame = Some(frame);
            return;
        }
        let bytes = framed(&frame, self.is_chunked);
        self.own().extend_from_slice(bytes);
    }

    /// Appends a copy of something encoded: an event, the report of a gap, a keep-alive.
    pub fn encoded(&mut self, frame: &Frame) {
        if !self.finished {
            let bytes = framed(frame, self.is_chunked);
            self.own().extend_from_slice(bytes);
        }
    }

    /// Appends the delivery of a [hub](crate::Hub): an event as it is, a gap as configured by
    /// [`StreamConfig::set_gap`], a position as a block without data. The last delivery
    /// [ends](Self::finish_with_retry) the stream.
    pub fn deliver(&mut self, delivery: Delivery<Frame<B>>) {
        match delivery {
            Delivery::Event(frame) => self.frame(frame),
            Delivery::Gap(gap) => self.gap(gap),
            Delivery::Position(id) => self.position(id),
            Delivery::Lagged { .. } | Delivery::Closed | Delivery::Revoked => self.finish_with_retry(),
        }
    }

    /// Appends the event that reports a gap to the client.
    pub fn gap(&mut self, gap: Gap) {
        let frame = self.config.hooks.gap(gap);
        self.encoded(&frame);
    }

    /// Appends a block with this id and no other field. The client adopts the id and dispatches
    /// nothing (HTML, "Interpreting an event stream").
    pub fn position(&mut self, id: Id) {
        let id = id.to_string();
        let event = EventRef::default();
        // Cannot fail: the id consists of letters, digits and a hyphen.
        self.event(event.with_id(&id).unwrap_or(event));
    }

    /// Returns the callbacks that encode keep-alives and gaps, to be called without holding a lock.
    pub fn hooks(&self) -> &Hooks {
        &self.config.hooks
    }

    /// Ends the stream, with the last chunk if the response is chunked. Later events are dropped.
    ///
    /// Without this call, the client can detect that the stream was cut off.
    pub fn finish(&mut self) {
        if self.is_chunked && !self.finished {
            self.own().extend_from_slice(LAST_CHUNK);
        }
        self.finished = true;
    }

    /// Ends the stream without the last chunk, after all pending bytes. If the response is chunked,
    /// the client can detect that the stream was cut off. Later events are dropped.
    pub fn break_off(&mut self) {
        self.finished = true;
    }

    /// Ends the stream after sending a reconnection time in the range of
    /// [`StreamConfig::final_retry`], if one is set. The client reconnects.
    pub fn finish_with_retry(&mut self) {
        if let Some((least, most)) = self.config.final_retry.filter(|_| !self.finished) {
            let retry = least.saturating_add(self.random.below(most.saturating_sub(least)));
            self.event(EventRef::default().with_retry(retry));
        }
        self.finish();
    }

    /// [Ends](Self::finish_with_retry) the stream at a random time within
    /// [`StreamConfig::drain_window`], or earlier if it ends by itself. For the graceful shutdown
    /// of a server.
    pub fn drain(&mut self, now: Instant) {
        let delay = self.random.below(self.config.drain_window);
        self.clock.end_by(now.after(delay));
    }

    /// Cuts the stream: drops all pending bytes and all later events. If the response is chunked,
    /// the client can detect that the stream was cut off.
    pub fn abort(&mut self) {
        (self.out, self.written) = (Vec::new(), 0);
        (self.frame, self.frame_written, self.tail) = (None, 0, Vec::new());
        (self.finished, self.cut) = (true, true);
    }

    /// Returns the next step, and the deadline for it. Report a deadline that has passed with
    /// [`handle_deadline`](Self::handle_deadline).
    pub fn want(&mut self, now: Instant) -> (Want, Option<Instant>) {
        self.observe(now);
        let want = match self.pending().is_empty() {
            _ if self.cut => Want::Cut,
            false => Want::Write,
            true if self.finished => Want::Finished,
            true if self.keeps_alive => Want::KeepAlive,
            true => Want::Wait,
        };
        (want, self.clock.deadline(self.finished, &self.config).map(|(at, _)| at).filter(|_| !self.cut))
    }

    /// Reports that a deadline has passed. Has no effect if no deadline is due.
    pub fn handle_deadline(&mut self, now: Instant) {
        self.observe(now);
        match self.clock.deadline(self.finished, &self.config) {
            Some((at, due)) if at <= now => match due {
                Due::End => self.finish_with_retry(),
                Due::Stall => self.abort(),
                Due::KeepAlive => {
                    self.clock.restart(now);
                    match self.config.hooks.has_keep_alive() {
                        true => self.keeps_alive = true,
                        false => self.keep_alive(),
                    }
                }
            },
            _ => {}
        }
    }

    /// Appends the keep-alive configured by [`StreamConfig::set_keep_alive`]. A caller that holds a
    /// lock around the sender instead calls [`Hooks::keep_alive`] without the lock, and reports the
    /// frame with [`handle_keep_alive`](Self::handle_keep_alive).
    pub fn send_keep_alive(&mut self, now: Instant) {
        let frame = self.config.hooks.keep_alive();
        self.handle_keep_alive(now, &frame);
    }

    /// Reports an encoded keep-alive. If the frame is empty, the sender asks again at the next
    /// keep-alive deadline. Without [`Want::KeepAlive`], the report is ignored.
    pub fn handle_keep_alive(&mut self, now: Instant, frame: &Frame) {
        if core::mem::take(&mut self.keeps_alive) {
            self.clock.restart(now);
            self.encoded(frame);
        }
    }

    /// Returns whether the pending bytes have reached [`StreamConfig::high_water`]. Write them
    /// before you append more.
    pub fn is_full(&self) -> bool {
        let pending = self.pending_slices().iter().fold(0usize, |sum, slice| sum.saturating_add(slice.len()));
        // An empty sender accepts one event, whatever the high-water mark.
        pending > 0 && pending >= self.config.high_water
    }

    /// Returns whether the stream has ended. The end may still be pending; later events are
    /// dropped.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Returns the next bytes to write. Empty if nothing is pending.
    pub fn pending(&self) -> &[u8] {
        self.pending_slices().into_iter().find(|slice| !slice.is_empty()).unwrap_or_default()
    }

    /// Returns all pending bytes in order, for vectored writes. Any slice may be empty.
    pub fn pending_slices(&self) -> [&[u8]; 3] {
        let frame = self.frame.as_ref().map(|frame| framed(frame, self.is_chunked)).unwrap_or_default();
        [
            self.out.get(self.written..).unwrap_or_default(),
            frame.get(self.frame_written..).unwrap_or_default(),
            &self.tail,
        ]
    }

    /// Returns the start of [`pending`](Self::pending) as an owned piece, which can be written
    /// after the lock around the sender is released: a shared frame, or a copy of at most `most`
    /// buffered bytes.
    pub fn pending_piece(&self, most: usize) -> PendingPiece<B>
    where
        B: Clone,
    {
        match (&self.frame, self.out.get(self.written..)) {
            (Some(frame), None | Some([])) => {
                let chunk = frame.clone();
                let range = if self.is_chunked { 0..chunk.chunk().len() } else { chunk.range() };
                let start = range.start.saturating_add(self.frame_written).min(range.end);
                PendingPiece(Piece::Frame(chunk), start..range.end)
            }
            _ => {
                let pending = self.pending();
                let bytes = pending.get(..most).unwrap_or(pending).to_vec();
                let range = 0..bytes.len();
                PendingPiece(Piece::Bytes(bytes), range)
            }
        }
    }

    /// Removes and returns the first pending piece, which then counts as written. For transports
    /// that take owned buffers instead of slices.
    pub fn take_pending(&mut self) -> Option<Piece<B>> {
        if self.pending().is_empty() {
            return None;
        }
        self.clock.write();
        self.keeps_alive = false;
        if self.out.is_empty() && self.frame.is_some() && self.frame_written == 0 {
            let frame = self.frame.take().map(Piece::Frame);
            self.out = core::mem::take(&mut self.tail);
            return frame;
        }
        if self.out.is_empty() {
            self.copy_frame();
        }
        self.out.drain(..core::mem::take(&mut self.written));
        Some(Piece::Bytes(core::mem::take(&mut self.out)))
    }

    /// Reports that the first `count` bytes of [`pending`](Self::pending) or
    /// [`pending_slices`](Self::pending_slices) were written. A larger count counts as all pending
    /// bytes.
    pub fn handle_written(&mut self, count: usize) {
        if count > 0 {
            self.clock.write();
            self.keeps_alive = false;
        }
        let [own, frame, tail] = self.pending_slices().map(<[u8]>::len);
        let (of_own, rest) = (count.min(own), count.saturating_sub(own));
        let (of_frame, rest) = (rest.min(frame), rest.saturating_sub(frame));
        self.written += of_own;
        self.frame_written += of_frame;
        if self.frame.is_some() && of_own == own && of_frame == frame {
            (self.frame, self.frame_written) = (None, 0);
            // The tail is all that is left.
            (self.out, self.written) = (core::mem::take(&mut self.tail), rest.min(tail));
        }
        // Moving the remainder only when it is the smaller part keeps time linear, and the buffer
        // below twice the pending length.
        if self.written >= self.out.len() / 2 {
            self.out.drain(..self.written);
            self.written = 0;
            if self.out.is_empty() && self.out.capacity() > Self::RETAINED {
                self.out = Vec::new();
            }
            self.out.shrink_to(Self::RETAINED.max(2 * self.out.len()));
        }
    }

    /// Appends bytes before the body, some of which have been written already.
    #[cfg(feature = "http1")]
    pub(crate) fn begin_behind(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Starts a body with this framing, after the bytes that `head` appends.
    #[cfg(feature = "http1")]
    pub(crate) fn begin(&mut self, framing: Framing, head: impl FnOnce(&mut Vec<u8>)) {
        head(&mut self.out);
        self.is_chunked = framing == Framing::Chunked;
        self.finished |= framing == Framing::None;
    }

    fn observe(&mut self, now: Instant) {
        let is_pending = !self.pending().is_empty();
        self.clock.observe(now, is_pending, &self.config, &mut self.random);
    }

    fn encode(&mut self, encode: impl FnOnce(Encoder<'_>)) {
        if self.finished {
            return;
        }
        let is_chunked = self.is_chunked;
        let out = self.own();
        let start = out.len();
        encode(Encoder::new(out));
        if is_chunked {
            make_chunk(out, start);
        }
    }

    /// Returns the buffer for the bytes that follow everything pending. A frame below the
    /// high-water mark is first copied into `out`, so that everything is one slice; bytes after a
    /// larger frame go into `tail`.
    fn own(&mut self) -> &mut Vec<u8> {
        let frame = self.frame.as_ref().map_or(0, |frame| framed(frame, self.is_chunked).len());
        if frame > 0 && (frame >= self.config.high_water || !self.tail.is_empty()) {
            return &mut self.tail;
        }
        self.copy_frame();
        &mut self.out
    }

    /// Copies the frame and the tail into `out`.
    fn copy_frame(&mut self) {
        if let Some(frame) = self.frame.take() {
            let bytes = framed(&frame, self.is_chunked);
            self.out.extend_from_slice(bytes.get(self.frame_written..).unwrap_or_default());
            self.out.append(&mut self.tail);
            self.frame_written = 0;
        }
    }
}

/// The start of the pending bytes. Returned by [`Sender::pending_piece`].
#[derive(Debug)]
pub struct PendingPiece<B>(Piece<B>, core::ops::Range<usize>);

impl<B> PendingPiece<B> {
    #[cfg(feature = "http1")]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Piece::Bytes(bytes.to_vec()), 0..bytes.len())
    }
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for PendingPiece<B> {
    fn as_ref(&self) -> &[u8] {
        let bytes = match &self.0 {
            Piece::Bytes(bytes) => bytes.as_slice(),
            Piece::Frame(frame) => frame.chunk(),
        };
        bytes.get(self.1.clone()).unwrap_or_default()
    }
}

fn framed<B: AsRef<[u8]>>(frame: &Frame<B>, is_chunked: bool) -> &[u8] {
    if is_chunked { frame.chunk() } else { frame.bytes() }
}
