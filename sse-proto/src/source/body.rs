//! The body of a response as it comes: bytes in, events out.

use alloc::vec::Vec;
use core::ops::Range;

use super::reason::Cause;
use crate::decode::{Beginning, Found};
use crate::{Decoder, End, Item, LimitExceeded};

/// A buffer to read into, and the decoder of what is in it.
#[derive(Debug)]
pub(super) struct Body {
    /// Empty until the first read; then [`CAPACITY`](Self::CAPACITY) long.
    buffer: Vec<u8>,
    /// Event stream bytes that are still to be decoded.
    unread: Range<usize>,
    /// What was found last, and the bytes it may lie in.
    found: Option<(Found, Range<usize>)>,
    pub(super) decoder: Decoder,
    /// Until a line of an event stream is recognised.
    beginning: Option<Beginning>,
    /// Reads since an event was found.
    idle_reads: u8,
    /// How the body ended, once it has; counts when all is decoded.
    ended: Option<Result<(), Cause>>,
}

impl Body {
    /// How much is read at a time.
    const CAPACITY: usize = 16 * 1024;

    /// Reads without an event after which others have their turn.
    const MOST_IDLE_READS: u8 = 16;

    pub(super) fn new(decoder: Decoder) -> Self {
        Self {
            buffer: Vec::new(),
            unread: 0..0,
            found: None,
            decoder,
            beginning: None,
            idle_reads: 0,
            ended: None,
        }
    }

    /// Forgets what is left of a response, for the next.
    pub(super) fn clear(&mut self) {
        self.found = None;
        self.unread = 0..0;
        self.beginning = None;
        self.ended = None;
        self.idle_reads = 0;
    }

    /// An event stream begins, of which so many bytes are kept until a line is recognised.
    pub(super) fn open(&mut self, limit: usize) {
        self.beginning = Some(Beginning::new(limit));
    }

    /// At the end of an event stream: its beginning, if no line was recognised.
    pub(super) fn take_unrecognized(&mut self) -> Option<Vec<u8>> {
        self.beginning.take()?.finish()
    }

    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.buffer.is_empty() {
            self.buffer.resize(Self::CAPACITY, 0);
        }
        &mut self.buffer
    }

    pub(super) fn is_empty(&self) -> bool {
        self.unread.is_empty()
    }

    /// These bytes of the buffer are the body's.
    pub(super) fn set_unread(&mut self, bytes: Range<usize>) {
        self.found = None;
        self.unread = bytes.start.min(self.buffer.len())..bytes.end.min(self.buffer.len());
        if let Some(beginning) = &mut self.beginning {
            if beginning.push(self.buffer.get(self.unread.clone()).unwrap_or_default()) {
                self.beginning = None;
            }
        }
    }

    /// Counts a read.
    pub(super) fn count_read(&mut self) {
        self.idle_reads = self.idle_reads.saturating_add(1);
    }

    /// Whether others should have their turn before the next read. Says so once.
    pub(super) fn has_idle_reads(&mut self) -> bool {
        let idle_reads = self.idle_reads >= Self::MOST_IDLE_READS;
        if idle_reads {
            self.idle_reads = 0;
        }
        idle_reads
    }

    pub(super) fn end(&mut self, end: Result<(), Cause>) {
        self.ended.get_or_insert(end);
    }

    /// How the body ended, if it has and all is decoded.
    pub(super) fn take_end(&mut self) -> Option<Result<(), Cause>> {
        if self.is_empty() { self.ended.take() } else { None }
    }

    /// At the end of the body: ends the line that the body left incomplete, then its last block, one step with each call.
    /// `false`: there is nothing to complete.
    pub(super) fn complete(&mut self) -> bool {
        let is_complete = self.decoder.end() == End::Clean;
        if let (false, Some(first)) = (is_complete, self.space().first_mut()) {
            *first = b'\n';
            self.unread = 0..1;
            self.ended = Some(Ok(()));
        }
        !is_complete
    }

    /// Finds the next event, and with `OBSERVE` comments too. `false`: all is decoded.
    pub(super) fn advance<const OBSERVE: bool>(&mut self) -> Result<bool, LimitExceeded> {
        let chunk = self.unread.clone();
        let mut input = self.buffer.get(chunk.clone()).unwrap_or_default();
        let found = self.decoder.advance::<OBSERVE>(&mut input);
        self.unread.start = chunk.end - input.len();
        self.found = found?.map(|found| (found, chunk));
        if matches!(self.found, Some((Found::Event, _))) {
            self.idle_reads = 0;
        }
        Ok(self.found.is_some())
    }

    pub(super) fn forget_found(&mut self) {
        self.found = None;
    }

    /// What was found.
    pub(super) fn item(&mut self) -> Option<Item<'_>> {
        let (found, chunk) = self.found.clone()?;
        let chunk = self.buffer.get(chunk).unwrap_or_default();
        Some(self.decoder.item(chunk, found))
    }

    /// Moves bytes to `kept` instead of decoding them, while it is shorter than `limit`.
    pub(super) fn move_to(&mut self, kept: &mut Vec<u8>, limit: usize) {
        let bytes = self.buffer.get(core::mem::replace(&mut self.unread, 0..0)).unwrap_or_default();
        let room = limit.saturating_sub(kept.len());
        kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// These bytes of the buffer, whosever they are.
    #[cfg(feature = "http1")]
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }
}
