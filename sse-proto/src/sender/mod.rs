//! The sending side of one connection: events in, bytes out.
//!
//! [`Sender`] is the machine; [`StreamConfig`] is what its user may choose.

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
use crate::{Encoder, EventRef, Frame, Instant};

/// Holds what is to be written on one connection: encoded events, framed as the response demands.
///
/// Commands append; the caller writes [`pending`](Self::pending) and reports with
/// [`handle_written`](Self::handle_written). An event is one piece: written in one go where the transport lets it, and
/// never mixed with another. What was not written stays pending, so that an interrupted write costs nothing.
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
/// Asked what it [wants](Self::want), it also keeps the connection open, ends the stream in time, and notices a peer that
/// reads no more:
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
/// // What the clock would say.
/// let mut now = Instant::default();
/// let seed = 42; // of your source of randomness
/// let mut sender = Sender::default().with_config(StreamConfig::default(), seed);
/// loop {
///     let (want, deadline) = sender.want(now);
///     match want {
///         Want::Write => {
///             let count = connection.write(sender.pending())?;
///             sender.handle_written(count);
///         }
///         // Wait for an event or the deadline, whatever comes first.
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
    /// Written after `out`, from where it lies.
    frame: Option<Frame<B>>,
    frame_written: usize,
    /// Written after `frame`, where that is too large to be copied.
    tail: Vec<u8>,
    is_chunked: bool,
    finished: bool,
    cut: bool,
    /// What keeps the connection open is due.
    keeps_alive: bool,
    config: StreamConfig,
    clock: Clock,
    random: Random,
}

/// What a [`Sender`] wants. Each stands until it is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Want {
    /// Write some of what is pending. More may be appended, unless the sender is full.
    Write,
    /// Wait for something to append, or for the deadline.
    Wait,
    /// Append what keeps the connection open: [`send_keep_alive`](Sender::send_keep_alive). Only if
    /// [`StreamConfig::set_keep_alive`] was called; the shortest comment is appended without asking.
    KeepAlive,
    /// Everything is written, the end included: close the connection.
    Finished,
    /// Drop the connection as it is: the stream was [aborted](Sender::abort), or the peer took nothing for
    /// [too long](StreamConfig::stall).
    Cut,
}

/// Nothing more is sent on a stream: it was ended, or the client is gone. The answer of those who hold one end of it to who has
/// the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream has ended")
    }
}

impl core::error::Error for Ended {}

/// Something pending that was [taken](Sender::take_pending).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece<B> {
    /// Bytes of the sender's own.
    Bytes(Vec<u8>),
    /// A frame, of which nothing was written.
    Frame(Frame<B>),
}

impl Sender {
    /// A sender of a bare event stream.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A sender of a bare event stream, for frames that are held as `B`.
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
    /// Capacity that the buffer keeps; what more a large event needed is given back, as there may be many senders.
    const RETAINED: usize = 256;

    /// A frame that is longer is not copied, but written from where it lies, even if it takes a write of its own.
    const COPIED: usize = 4 * 1024;

    /// Sets the configuration. The seed, of a source of randomness, makes this sender's jitter differ from that
    /// of others.
    #[must_use]
    pub fn with_config(mut self, config: StreamConfig, seed: u64) -> Self {
        self.set_config(config, seed);
        self
    }

    pub(crate) fn set_config(&mut self, config: StreamConfig, seed: u64) -> StreamConfig {
        let former = core::mem::replace(&mut self.config, config);
        self.random = Random::new(seed);
        if let Some(padding) = self.config.padding {
            // A colon and a line end belong to it.
            let text = " ".repeat(padding.min(StreamConfig::LONGEST_PADDING).saturating_sub(2));
            self.comment(&text);
        }
        former
    }

    /// Appends one event: one chunk, where the response is chunked.
    pub fn event<'e>(&mut self, event: impl Into<EventRef<'e>>) {
        let event = event.into();
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

    /// Appends an event that is encoded already. It is not copied, unless it is short and others are pending, or others follow
    /// before it is written. One that is as large as [`StreamConfig::high_water`] is never copied, if the caller appends no other
    /// event while the sender is full.
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

    /// Appends what is encoded already, by copying it.
    pub fn encoded(&mut self, frame: &Frame) {
        if !self.finished {
            let bytes = framed(frame, self.is_chunked);
            self.own().extend_from_slice(bytes);
        }
    }

    /// Passes on what a subscriber of a [hub](crate::Hub) gets: an event as it is, a gap as [`StreamConfig::set_gap`] says, a position as
    /// a block without data; where nothing more comes, the stream [ends](Self::finish_with_retry).
    pub fn deliver(&mut self, delivery: Delivery<Frame<B>>) {
        match delivery {
            Delivery::Event(frame) => self.frame(frame),
            Delivery::Gap(gap) => self.gap(gap),
            Delivery::Position(id) => self.position(id),
            Delivery::Lagged { .. } | Delivery::Closed => self.finish_with_retry(),
        }
    }

    /// Appends what tells the client that events are gone.
    pub fn gap(&mut self, gap: Gap) {
        let frame = self.config.hooks.gap(gap);
        self.encoded(&frame);
    }

    /// Appends a block with this id and nothing else: the client adopts the id, and dispatches nothing (HTML, "Interpreting an
    /// event stream").
    pub fn position(&mut self, id: Id) {
        let id = id.to_string();
        let event = EventRef::default();
        // Always: it is letters, digits and a hyphen.
        self.event(event.with_id(&id).unwrap_or(event));
    }

    /// The functions that encode what the sender says by itself, to be called when no lock is held.
    pub fn hooks(&self) -> &Hooks {
        &self.config.hooks
    }

    /// Ends the stream: appends the last chunk, where the response is chunked. What is appended later is dropped.
    ///
    /// Without this call the client can tell that the stream was cut.
    pub fn finish(&mut self) {
        if self.is_chunked && !self.finished {
            self.own().extend_from_slice(LAST_CHUNK);
        }
        self.finished = true;
    }

    /// Ends the stream in the middle: what is pending is still sent, but not the last chunk. The client can tell that the stream was
    /// cut, if it is chunked. What is appended later is dropped.
    pub fn break_off(&mut self) {
        self.finished = true;
    }

    /// Ends the stream so that the client comes back: tells it [when](StreamConfig::final_retry), and finishes.
    pub fn finish_with_retry(&mut self) {
        if let Some((least, most)) = self.config.final_retry.filter(|_| !self.finished) {
            let retry = least.saturating_add(self.random.below(most.saturating_sub(least)));
            self.event(EventRef::default().with_retry(retry));
        }
        self.finish();
    }

    /// [Ends](Self::finish_with_retry) the stream at some point within [`StreamConfig::drain_window`], if not before: for a server that
    /// stops. The point of each sender is another.
    pub fn drain(&mut self, now: Instant) {
        let delay = self.random.below(self.config.drain_window);
        self.clock.end_by(now.after(delay));
    }

    /// Drops what is pending and whatever is appended later. The client can tell that the stream was cut, if it is chunked.
    pub fn abort(&mut self) {
        (self.out, self.written) = (Vec::new(), 0);
        (self.frame, self.frame_written, self.tail) = (None, 0, Vec::new());
        (self.finished, self.cut) = (true, true);
    }

    /// What to do next, and until when. If the deadline passes first, report it with
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

    /// Reports that a deadline has passed. One that has not, or is no longer one, changes nothing.
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

    /// Appends what keeps the connection open, as [`StreamConfig::set_keep_alive`] says. Whoever holds a lock around the sender calls
    /// [`Hooks::keep_alive`] without it, and reports with [`handle_keep_alive`](Self::handle_keep_alive).
    pub fn send_keep_alive(&mut self, now: Instant) {
        let frame = self.config.hooks.keep_alive();
        self.handle_keep_alive(now, &frame);
    }

    /// Reports what keeps the connection open; if that is nothing, it is asked for again when it is due next. Without
    /// [`Want::KeepAlive`], nothing happens.
    pub fn handle_keep_alive(&mut self, now: Instant, frame: &Frame) {
        if core::mem::take(&mut self.keeps_alive) {
            self.clock.restart(now);
            self.encoded(frame);
        }
    }

    /// Whether so much is pending ([`StreamConfig::high_water`]) that it should be written before more is appended.
    pub fn is_full(&self) -> bool {
        let pending = self.pending_slices().iter().fold(0usize, |sum, slice| sum.saturating_add(slice.len()));
        // With nothing pending there is room for one event, whatever the mark is.
        pending > 0 && pending >= self.config.high_water
    }

    /// Whether the stream has ended, though the end may still be pending: what is appended is dropped.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// What is to be written first. Empty if nothing is.
    pub fn pending(&self) -> &[u8] {
        self.pending_slices().into_iter().find(|slice| !slice.is_empty()).unwrap_or_default()
    }

    /// All that is to be written, in order, for transports that write several slices at once. Any may be empty.
    pub fn pending_slices(&self) -> [&[u8]; 3] {
        let frame = self.frame.as_ref().map(|frame| framed(frame, self.is_chunked)).unwrap_or_default();
        [
            self.out.get(self.written..).unwrap_or_default(),
            frame.get(self.frame_written..).unwrap_or_default(),
            &self.tail,
        ]
    }

    /// What [`pending`](Self::pending) begins with, as something that can be written after a lock around the sender was
    /// released: a frame by reference, or a copy of the sender's own bytes, at most this many.
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

    /// Takes what is to be written first, which counts as written: for a transport that takes buffers instead of slices.
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

    /// Reports that the first `count` bytes of [`pending`](Self::pending), or of [all slices](Self::pending_slices), were
    /// written; more than all of it is taken for all of it.
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
            // What stood behind the frame is now all there is.
            (self.out, self.written) = (core::mem::take(&mut self.tail), rest.min(tail));
        }
        // Moving the rest only when it is the smaller part keeps time linear, and the buffer below twice what is pending.
        if self.written >= self.out.len() / 2 {
            self.out.drain(..self.written);
            self.written = 0;
            if self.out.is_empty() && self.out.capacity() > Self::RETAINED {
                self.out = Vec::new();
            }
            self.out.shrink_to(Self::RETAINED.max(2 * self.out.len()));
        }
    }

    /// Has what is begun follow these bytes, some of which are written already.
    #[cfg(feature = "http1")]
    pub(crate) fn begin_behind(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Begins a body that is delimited so, after these bytes.
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

    /// Where the sender's own bytes are appended, behind all that is pending. A frame below the high-water mark is copied, so
    /// that all is one slice; behind a larger one they have a place of their own.
    fn own(&mut self) -> &mut Vec<u8> {
        let frame = self.frame.as_ref().map_or(0, |frame| framed(frame, self.is_chunked).len());
        if frame > 0 && (frame >= self.config.high_water || !self.tail.is_empty()) {
            return &mut self.tail;
        }
        self.copy_frame();
        &mut self.out
    }

    /// Makes the frame bytes of the sender's own, with those behind it.
    fn copy_frame(&mut self) {
        if let Some(frame) = self.frame.take() {
            let bytes = framed(&frame, self.is_chunked);
            self.out.extend_from_slice(bytes.get(self.frame_written..).unwrap_or_default());
            self.out.append(&mut self.tail);
            self.frame_written = 0;
        }
    }
}

/// The beginning of what is pending: see [`Sender::pending_piece`].
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
