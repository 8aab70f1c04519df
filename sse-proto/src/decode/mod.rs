//! Bytes to events: HTML, "Parsing an event stream" and "Interpreting an event stream".
//!
//! How a line is processed: `decode` calls `advance_many` for long chunks and `advance_few`, which
//! treats every line as cut, for a few bytes. `advance_many` first completes the line that the
//! previous chunk cut (`rest_of_cut_line`). `whole_lines` then finds the lines in the chunk and
//! passes each to `whole_line`, and `part_of_line` keeps the remainder. A cut line goes piece by
//! piece through `part_of_line` and then to `end_of_cut_line`, both in `cut_line`. Whole and cut
//! lines apply each field to the block in the same way, with one match arm per field. A blank line
//! goes to `end_of_block`, and `view` lends the result.

mod beginning;
mod block;
mod cut_line;
mod data;
mod line;
mod machine;

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

pub(crate) use self::beginning::Beginning;
pub(crate) use self::block::Found;
use self::block::{Block, NotUtf8, lossy_in_place, rewritten, text};
use self::data::Data;
use self::line::{Digits, Line};
use crate::field::{self, InvalidField};
use crate::limits::{LimitExceeded, Limits};
use crate::{EventRef, scan};

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// The longest chunk that is not scanned for whole lines if it starts in the middle of a line: such
/// a chunk rarely holds more than a piece of that line.
const PIECE: usize = 64;

/// The capacity that a buffer always keeps.
const RETAINED: usize = 64 * 1024;

/// The capacity that a buffer keeps while event after event needs it.
const RETAINED_IN_USE: usize = 2 * 1024 * 1024;

/// Decodes an event stream, chunk by chunk.
///
/// ```text
///            ┌────────────────────────────────────────────┐
///  chunk ───►│ decode ──► Some(event) ── call it again ──┐│
///            │   ▲ └────► Err(limit) ─── call it again ──┤│
///            │   └───────────────────────────────────────┘│
///            │   └──────► None: the chunk is used up      │
///            └────────────────────────────────────────────┘
///  end of the stream ──► finish ──► Clean or Truncated, ready for the next stream
/// ```
///
/// The events do not depend on how the bytes are split into chunks. Each event is available as soon
/// as its last byte has arrived: a CR ends a line without waiting for an LF. Nothing here panics,
/// time is linear in the number of bytes, and memory is bounded by the [`Limits`] and freed after
/// an exceptional event.
///
/// Events are lent. A single data line within a chunk is lent as a slice of the chunk; other data is
/// in a buffer that the decoder reuses, so that decoding allocates nothing in the long run. Use
/// [`EventRef::to_event`] to keep an event.
///
/// Details of the standard that matter in practice: the blank line commits an id, even in a block
/// without data. A retry time takes effect as soon as its line is complete. Both survive
/// [`finish`](Self::finish).
///
/// ```
/// use sse_proto::{Decoder, End};
///
/// let mut decoder = Decoder::new();
/// let mut seen = Vec::new();
/// for chunk in ["id: 1\ndata: he", "llo\n\ndata: wor", "ld\n", "\n"] {
///     let mut input = chunk.as_bytes();
///     while let Some(event) = decoder.decode(&mut input)? {
///         seen.push((event.last_event_id().to_owned(), event.data().to_owned()));
///     }
/// }
/// assert_eq!(seen, [("1".into(), "hello".into()), ("1".into(), "world".into())]);
/// assert_eq!(decoder.finish(), End::Clean);
/// # Ok::<(), sse_proto::LimitExceeded>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    limits: Limits,
    /// The number of BOM bytes seen, or `u8::MAX` once the first byte of a line has arrived.
    bom: u8,
    /// Whether the last line ended with CR, so that an LF that follows belongs to it.
    after_cr: bool,
    /// Whether the event has exceeded a limit, so that its remaining data and name lines are
    /// ignored.
    skipping: bool,
    /// Whether the block's buffers have content, or more capacity than they always keep.
    buffered: bool,
    /// What the previous call lent and the next call must clear.
    lent: Lent,
    line: Line,
    digits: Digits,
    block: Block,
    /// The data of the block if it does not lie in the chunk, with an LF after each line. Empty
    /// otherwise.
    data: Data,
    /// The name of the block if it does not lie in the chunk.
    name: Vec<u8>,
    /// The id of the block if it does not lie in the chunk.
    id: Vec<u8>,
    /// Within a cut line: its id or comment so far. While an item is lent: the comment, or the name
    /// and data of an event that was not UTF-8, rewritten one after the other.
    value: Vec<u8>,
    last_event_id: String,
    retry: Option<u64>,
}

/// What the decoder lends between two calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lent {
    #[default]
    Nothing,
    /// A complete block.
    Block,
    /// A comment, inside a block that continues.
    Comment,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum End {
    /// Nothing was lost.
    Clean,
    /// The stream ended within a line or before the blank line after some fields. The decoder
    /// dropped them, as the standard requires.
    Truncated,
}

/// An item that [`Decoder::decode_item`] finds in a stream.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Item<'a> {
    /// An event to dispatch.
    Event(EventRef<'a>),
    /// A block without data. There is nothing to dispatch, but its id and retry time count.
    NoData(EventRef<'a>),
    /// A comment line: the text after the colon, including a leading space.
    Comment(&'a str),
}

impl Decoder {
    /// Creates a decoder at the start of a stream, with the default [`Limits`]. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Sets the last event id at the start of the stream: the `Last-Event-ID` of the request.
    ///
    /// # Errors
    /// If the id holds CR, LF or NUL: no event stream can have set it.
    pub fn set_last_event_id(&mut self, id: &str) -> Result<(), InvalidField> {
        field::check_id(id)?;
        self.last_event_id.clear();
        self.last_event_id.push_str(id);
        Ok(())
    }

    /// Returns the last event id so far, or an empty string if there is none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// Returns the last reconnection time that the stream requested (its `retry` field), saturated
    /// at `u64::MAX` milliseconds.
    pub fn retry(&self) -> Option<Duration> {
        self.retry.map(Duration::from_millis)
    }

    /// Decodes up to the next event, and consumes the bytes from the front of `input`.
    ///
    /// Returns `None` once all of `input` is consumed. Skips comments, unknown fields and blocks
    /// without data, whose id and retry time still count.
    ///
    /// # Errors
    /// If the peer exceeds one of the [`Limits`], once per event. The next call continues after the
    /// error.
    #[inline]
    pub fn decode<'d, 'i: 'd>(
        &'d mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<EventRef<'d>>, LimitExceeded> {
        // Single bytes and small pieces mostly fall into the middle of a line.
        let in_line = scan::MANY_AT_ONCE && !self.line.is_start();
        match *input {
            [byte] if in_line && !matches!(byte, b'\n' | b'\r') => {
                self.part_of_line_outlined::<false>(mem::take(input)).map(|_| None)
            }
            few if scan::is_few(few) => self.decode_few(input),
            piece if piece.len() <= PIECE && in_line && !self.line.is_skipped() => self.decode_few(input),
            _ => self.decode_lines(input),
        }
    }

    #[inline]
    fn decode_few<'d, 'i: 'd>(
        &'d mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<EventRef<'d>>, LimitExceeded> {
        match self.advance_few::<false>(input)? {
            Some(Found::Event) => Ok(Some(self.view_buffers())),
            _ => Ok(None),
        }
    }

    #[inline(never)]
    fn decode_lines<'d, 'i: 'd>(
        &'d mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<EventRef<'d>>, LimitExceeded> {
        let chunk = *input;
        match self.advance_many::<false>(input)? {
            Some(Found::Event) => Ok(Some(self.view(chunk))),
            _ => Ok(None),
        }
    }

    /// Like [`decode`](Self::decode), but also returns comments and blocks without data, for
    /// proxies and to observe heartbeats.
    ///
    /// Calls to the two may be mixed. A comment that `decode` has partly consumed is not returned.
    ///
    /// ```
    /// use sse_proto::{Decoder, Item};
    ///
    /// let mut decoder = Decoder::new();
    /// let mut input = ":heartbeat\nid: 7\n\n".as_bytes();
    /// let first = decoder.decode_item(&mut input)?;
    /// assert!(matches!(first, Some(Item::Comment("heartbeat"))));
    /// let second = decoder.decode_item(&mut input)?;
    /// assert!(matches!(second, Some(Item::NoData(block)) if block.id() == Some("7")));
    /// # Ok::<(), sse_proto::LimitExceeded>(())
    /// ```
    ///
    /// # Errors
    /// Like [`decode`](Self::decode), and if a comment exceeds its limit.
    pub fn decode_item<'d, 'i: 'd>(
        &'d mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Item<'d>>, LimitExceeded> {
        let chunk = *input;
        let found = self.advance::<true>(input)?;
        Ok(found.map(|found| self.item(chunk, found)))
    }

    /// Ends the stream: drops incomplete lines and blocks, and prepares for the next stream.
    ///
    /// Keeps the last event id, the retry time and the limits for the reconnection.
    pub fn finish(&mut self) -> End {
        let end = self.end();
        let last_event_id = mem::take(&mut self.last_event_id);
        *self = Self { limits: self.limits, last_event_id, retry: self.retry, ..Self::default() };
        end
    }

    /// Returns whether the next call clears what the last one lent.
    #[inline]
    pub(crate) fn lends(&self) -> bool {
        self.lent != Lent::Nothing
    }

    /// Returns how the stream would end here.
    pub(crate) fn end(&self) -> End {
        let in_bom = (1..BOM.len()).contains(&usize::from(self.bom));
        let waiting = self.skipping || (self.lent != Lent::Block && self.block.is_waiting());
        if in_bom || waiting || !self.line.is_start() { End::Truncated } else { End::Clean }
    }

    /// Shows the incomplete last block as if a blank line had completed it. Returns `None` if there
    /// is none. Its id and retry time take no effect. Only [`finish`](Self::finish) may follow.
    pub(crate) fn last_block<T>(&mut self, show: impl FnOnce(EventRef<'_>) -> T) -> Option<T> {
        if self.end() == End::Clean {
            return None;
        }
        let (last_event_id, retry) = (self.last_event_id.clone(), self.retry);
        let mut rest = &b"\n\n"[..];
        let mut found = None;
        while !rest.is_empty() && !matches!(found, Some(Found::Event | Found::NoData)) {
            // Line ends exceed no limit.
            found = self.advance_few::<true>(&mut rest).unwrap_or_default();
        }
        // Restored before the call of `show`, which is user code and may panic.
        let last_event_id = mem::replace(&mut self.last_event_id, last_event_id);
        let retry = mem::replace(&mut self.retry, retry).filter(|_| self.block.has_retry);
        match found {
            Some(Found::Event | Found::NoData) => {
                Some(show(EventRef { last_event_id: &last_event_id, retry, ..self.view_buffers() }))
            }
            _ => None,
        }
    }

    /// Lends an item. `chunk` is the slice that [`advance`](Self::advance) was called with.
    pub(crate) fn item<'d>(&'d mut self, chunk: &'d [u8], found: Found) -> Item<'d> {
        match found {
            Found::Event => Item::Event(self.view(chunk)),
            Found::NoData => Item::NoData(self.view(chunk)),
            Found::Comment => Item::Comment(lossy_in_place(&mut self.value)),
        }
    }

    /// Lends an event, no part of which lies in a chunk.
    #[inline(never)]
    fn view_buffers(&mut self) -> EventRef<'_> {
        self.view(&[])
    }

    /// Lends an event. `chunk` is the slice that [`advance`](Self::advance) was called with.
    #[inline(always)]
    pub(crate) fn view<'d>(&'d mut self, chunk: &'d [u8]) -> EventRef<'d> {
        let Block { name, data, id, .. } = self.block;
        let name_text = text(name.of(chunk, &self.name));
        let data_text =
            if data.is_kept() { self.data.text().map(Some).ok_or(NotUtf8) } else { text(data.within(chunk)) };
        let (name, data) = match (name_text, data_text) {
            (Ok(name), Ok(data)) => (name, data),
            _ => rewritten(name.of(chunk, &self.name), data.of(chunk, self.data.bytes()), &mut self.value),
        };
        EventRef {
            name,
            data,
            has_id: !id.is_absent(),
            last_event_id: &self.last_event_id,
            retry: self.retry.filter(|_| self.block.has_retry),
        }
    }
}

#[cfg(test)]
mod tests;
