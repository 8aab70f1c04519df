//! Bytes to events: HTML, "Parsing an event stream" and "Interpreting an event stream".
//!
//! The path of a line, in `machine`: `decode` chooses between `advance_many`, for chunks of some length, and `advance_few`,
//! for a few bytes, which takes every line for one that is cut. `advance_many` first completes the line that the chunk before
//! has cut (`rest_of_cut_line`), then gives each line that lies in the chunk to `whole_line` (`whole_lines` finds their ends),
//! and keeps what is left (`part_of_line`). A cut line goes piece by piece to `part_of_line`, then to `end_of_cut_line`. Whole
//! or cut, it does the same to the block, one arm for each field. The blank line goes to `end_of_block`, and `view` lends what
//! has come together.

mod beginning;
mod block;
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

/// In the middle of a line, a chunk of at most this length hardly ever holds more than a piece of it: it is not scanned for
/// whole lines.
const PIECE: usize = 64;

/// Capacity that a buffer keeps for good.
const RETAINED: usize = 64 * 1024;

/// Capacity that a buffer keeps as long as event after event needs it.
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
/// Every cut of the same bytes into chunks gives the same events, and each event is out as soon as the byte that
/// completes it is in: a CR ends a line without waiting for an LF. Nothing here panics, time is linear in the bytes,
/// and memory is bounded by the [`Limits`] and given back after an exceptional event.
///
/// An event is lent: its data is a slice of the chunk where it is one line of it, else of a buffer that is used again
/// and again, so that decoding allocates nothing in the long run. Take [`EventRef::to_event`] to keep one.
///
/// What decides, beyond the letter of the standard: an id counts from the blank line on, with data or without; it
/// survives [`finish`](Self::finish), as does the retry time, which counts as soon as its line is complete.
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
    /// How many bytes of a BOM have been seen; more than it has once the first byte of a line is in.
    bom: u8,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
    /// The event has exceeded a limit: its remaining data and name lines are ignored.
    skipping: bool,
    /// The buffers of the block have been written to, or are larger than what they keep for good.
    buffered: bool,
    /// What the former call lent, and this one has to clear away.
    lent: Lent,
    line: Line,
    digits: Digits,
    block: Block,
    /// The data of the block where it does not lie in the chunk, an LF after each line. Empty otherwise.
    data: Data,
    /// The name of the block where it does not lie in the chunk.
    name: Vec<u8>,
    /// The id of the block where it does not lie in the chunk.
    id: Vec<u8>,
    /// While a line is cut: its id or comment so far. While something is lent: the comment, or, of an event whose name or data
    /// is not UTF-8, both rewritten, one behind the other.
    value: Vec<u8>,
    last_event_id: String,
    retry: Option<u64>,
}

/// What of the decoder's is lent between two calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lent {
    #[default]
    Nothing,
    /// The block, which is complete.
    Block,
    /// A comment, with the block around it still to be completed.
    Comment,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum End {
    /// Nothing was lost.
    Clean,
    /// A line, or fields waiting for their blank line, were cut off and dropped, as the standard demands.
    Truncated,
}

/// What [`Decoder::decode_item`] finds in a stream.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Item<'a> {
    /// An event to dispatch.
    Event(EventRef<'a>),
    /// A block without data: nothing to dispatch, but its id or retry time counts.
    NoData(EventRef<'a>),
    /// A comment line: the text after the colon, a leading space included.
    Comment(&'a str),
}

impl Decoder {
    /// A decoder at the start of a stream, with the default [`Limits`]. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Sets the last event id that the stream begins with: what the request sent as `Last-Event-ID`.
    ///
    /// # Errors
    /// If the id holds CR, LF or NUL: no event stream can have set it.
    pub fn set_last_event_id(&mut self, id: &str) -> Result<(), InvalidField> {
        field::check_id(id)?;
        self.last_event_id.clear();
        self.last_event_id.push_str(id);
        Ok(())
    }

    /// The last event id so far; empty where there is none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The last reconnection time that the stream asked for (its `retry` field); saturates at `u64::MAX` milliseconds.
    pub fn retry(&self) -> Option<Duration> {
        self.retry.map(Duration::from_millis)
    }

    /// Decodes up to the next event, and consumes what it read from the front of `input`.
    ///
    /// `None` means that all of `input` is consumed. What is not an event is skipped: comments, unknown fields and
    /// blocks without data, though their id and retry time count.
    ///
    /// # Errors
    /// When the peer exceeds one of the [`Limits`], once for each event. Calling again goes on behind it.
    #[inline]
    pub fn decode<'d, 'i: 'd>(
        &'d mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<EventRef<'d>>, LimitExceeded> {
        // What comes byte by byte, or in other small pieces, is in the middle of a line for the most part.
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

    /// As [`decode`](Self::decode), but shows comments and blocks without data too: for proxies, for heartbeats.
    ///
    /// The two may be mixed; a comment of which `decode` consumed a part is not shown.
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
    /// As [`decode`](Self::decode); a comment over its limit is one too.
    pub fn decode_item<'d, 'i: 'd>(
        &'d mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Item<'d>>, LimitExceeded> {
        let chunk = *input;
        let found = self.advance::<true>(input)?;
        Ok(found.map(|found| self.item(chunk, found)))
    }

    /// Ends the stream: drops what is incomplete, and stands at the start of the next stream.
    ///
    /// The last event id, the retry time and the limits stay, for the reconnection.
    pub fn finish(&mut self) -> End {
        let end = self.end();
        let last_event_id = mem::take(&mut self.last_event_id);
        *self = Self { limits: self.limits, last_event_id, retry: self.retry, ..Self::default() };
        end
    }

    /// How the stream would end here.
    pub(crate) fn end(&self) -> End {
        let in_bom = (1..BOM.len()).contains(&usize::from(self.bom));
        let waiting = self.skipping || (self.lent != Lent::Block && self.block.is_waiting());
        if in_bom || waiting || !self.line.is_start() { End::Truncated } else { End::Clean }
    }

    /// Shows the last block as a blank line would have completed it; `None` without one. Its id and retry time take no
    /// effect. Nothing but [`finish`](Self::finish) may follow.
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
        // Back at once: `show` is the user's, and may panic.
        let last_event_id = mem::replace(&mut self.last_event_id, last_event_id);
        let retry = mem::replace(&mut self.retry, retry).filter(|_| self.block.has_retry);
        match found {
            Some(Found::Event | Found::NoData) => {
                Some(show(EventRef { last_event_id: &last_event_id, retry, ..self.view_buffers() }))
            }
            _ => None,
        }
    }

    /// Lends what was found. `chunk` is the slice that [`advance`](Self::advance) was called with.
    pub(crate) fn item<'d>(&'d mut self, chunk: &'d [u8], found: Found) -> Item<'d> {
        match found {
            Found::Event => Item::Event(self.view(chunk)),
            Found::NoData => Item::NoData(self.view(chunk)),
            Found::Comment => Item::Comment(lossy_in_place(&mut self.value)),
        }
    }

    /// Lends a found event of which nothing lies in a chunk.
    #[inline(never)]
    fn view_buffers(&mut self) -> EventRef<'_> {
        self.view(&[])
    }

    /// Lends a found event, likewise.
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
