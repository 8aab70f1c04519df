//! Bytes to events: HTML, "Parsing an event stream" and "Interpreting an event stream".
//!
//! The path of a line: [`Decoder::advance`] finds its end. A line that lies whole in the chunk goes to
//! [`Decoder::whole_line`]; one that is cut by the end of a chunk goes piece by piece to
//! [`Decoder::part_of_line`] and [`Decoder::end_of_cut_line`]. Both end in the same few methods, one per field. The
//! blank line goes to [`Decoder::end_of_block`], and [`Decoder::view`] lends what has come together.

mod block;
mod line;

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

pub(crate) use self::block::Found;
use self::block::{Block, Place, push_lossy, texts};
use self::line::{Digits, Field, Line};
use crate::field::{self, InvalidField};
use crate::limits::{Limit, LimitExceeded, Limits};
use crate::{EventRef, scan};

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Capacity that a buffer may keep for the next event; what an exceptional event needed beyond it is given back.
const RETAINED: usize = 64 * 1024;

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
    /// What the former call lent has to be cleared away.
    lent: bool,
    line: Line,
    digits: Digits,
    block: Block,
    /// The data of the block, as bytes, where it does not lie in the chunk. Empty otherwise.
    data: Vec<u8>,
    /// The name of the block, as bytes, where it does not lie in the chunk.
    name: Vec<u8>,
    /// The id of the block, where it does not lie in the chunk.
    id: Vec<u8>,
    /// The value of a cut line so far, except data, which is collected in its place.
    value: Vec<u8>,
    /// Name and data of the lent event, one behind the other, if one of them was not UTF-8.
    lossy: String,
    last_event_id: String,
    retry: Option<u64>,
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

    /// A decoder with other limits.
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
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
    pub fn decode<'d, 'i: 'd>(
        &'d mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<EventRef<'d>>, LimitExceeded> {
        let chunk = *input;
        match self.advance::<false>(input)? {
            Some(Found::Event(block)) => Ok(Some(self.view(chunk, &block))),
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
        Ok(found.map(|found| self.item(chunk, &found)))
    }

    /// Ends the stream: drops what is incomplete, and stands at the start of the next stream.
    ///
    /// The last event id, the retry time and the limits stay, for the reconnection.
    pub fn finish(&mut self) -> End {
        let in_bom = (1..BOM.len()).contains(&usize::from(self.bom));
        let waiting = self.skipping || self.block.is_waiting();
        let end = if in_bom || waiting || self.line != Line::Start { End::Truncated } else { End::Clean };
        let limits = self.limits;
        let last_event_id = mem::take(&mut self.last_event_id);
        *self = Self { last_event_id, retry: self.retry, ..Self::with_limits(limits) };
        end
    }

    /// Finds the next event, and with `OBSERVE` what else there is to show. `None`: all of `input` is consumed.
    ///
    /// Places in what it found are offsets in `input` as it was before the call; [`view`](Self::view) needs the same
    /// slice again.
    pub(crate) fn advance<const OBSERVE: bool>(
        &mut self,
        input: &mut &[u8],
    ) -> Result<Option<Found>, LimitExceeded> {
        if self.lent {
            self.clear_lent();
        }
        let chunk = *input;
        let mut at = 0;
        let mut block = mem::take(&mut self.block);
        let found = self.advance_in::<OBSERVE>(chunk, &mut at, &mut block);
        *input = chunk.get(at..).unwrap_or_default();
        self.lent = matches!(found, Ok(Some(_)));
        // A found event has taken the block with it. Otherwise the block goes on after this chunk.
        self.keep(block, chunk);
        found
    }

    fn advance_in<const OBSERVE: bool>(
        &mut self,
        chunk: &[u8],
        at: &mut usize,
        block: &mut Block,
    ) -> Result<Option<Found>, LimitExceeded> {
        self.skip_bom(chunk, at);
        self.skip_lf(chunk, at);
        loop {
            let rest = chunk.get(*at..).unwrap_or_default();
            let Some(len) = scan::line_end(rest) else {
                *at = chunk.len();
                self.part_of_line::<OBSERVE>(chunk, rest, block)?;
                return Ok(None);
            };
            let (line, end) = rest.split_at(len);
            let start = *at;
            // An error below consumes the line as well; it is complete.
            *at += len + 1;
            self.after_cr = end.first() == Some(&b'\r');
            self.skip_lf(chunk, at);

            let found = if self.line != Line::Start {
                let part = self.part_of_line::<OBSERVE>(chunk, line, block);
                let ended = self.end_of_cut_line::<OBSERVE>(chunk, block);
                part.and(ended)?
            } else if line.is_empty() {
                self.end_of_block::<OBSERVE>(chunk, block)
            } else {
                self.whole_line::<OBSERVE>(chunk, start, line, block)?
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Drops one BOM at the start of the stream (the standard decodes with "UTF-8 decode", which strips it).
    fn skip_bom(&mut self, chunk: &[u8], at: &mut usize) {
        while let (Some(expected), Some(byte)) = (BOM.get(usize::from(self.bom)), chunk.get(*at)) {
            if byte == expected {
                *at += 1;
                self.bom += 1;
                continue;
            }
            if self.bom > 0 {
                // No BOM after all: the line begins with a byte that no field begins with.
                self.line = Line::Skip;
            }
            self.bom = u8::MAX;
        }
    }

    fn skip_lf(&mut self, chunk: &[u8], at: &mut usize) {
        if !self.after_cr {
            return;
        }
        if let Some(byte) = chunk.get(*at) {
            self.after_cr = false;
            *at += usize::from(*byte == b'\n');
        }
    }

    /// A line that lies in the chunk from `start` on.
    fn whole_line<const OBSERVE: bool>(
        &mut self,
        chunk: &[u8],
        start: usize,
        line: &[u8],
        block: &mut Block,
    ) -> Result<Option<Found>, LimitExceeded> {
        let Some((field, value)) = Field::split(line) else { return Ok(None) };
        let end = start + line.len();
        let place = Place::Chunk { start: end - value.len(), end };
        match field {
            Field::Data if self.skipping => {}
            Field::Data if block.data == Place::Absent => {
                self.fits(Limit::Event, value.len(), block)?;
                block.data = place;
            }
            Field::Data => {
                self.begin_data_line(chunk, block);
                self.fits(Limit::Event, self.data.len().saturating_add(value.len()), block)?;
                append(&mut self.data, value);
            }
            Field::Event if self.skipping => {}
            Field::Event => {
                self.fits(Limit::Name, value.len(), block)?;
                block.name = place;
            }
            Field::Id => {
                if self.fits(Limit::Id, value.len(), block)? && !value.contains(&0) {
                    block.id = place;
                }
            }
            Field::Retry => {
                let mut digits = Digits::default();
                digits.push(value);
                self.set_retry(digits, block);
            }
            Field::Comment if OBSERVE => {
                self.fits(Limit::Comment, value.len(), block)?;
                return Ok(Some(Found::Comment(place)));
            }
            Field::Comment => {}
        }
        Ok(None)
    }

    /// A piece of a line that began before this chunk or does not end in it.
    fn part_of_line<const OBSERVE: bool>(
        &mut self,
        chunk: &[u8],
        mut bytes: &[u8],
        block: &mut Block,
    ) -> Result<(), LimitExceeded> {
        if let Some(field) = self.line.push_name(&mut bytes) {
            self.begin_value::<OBSERVE>(field, chunk, block);
        }
        if let Line::Value { space, .. } = &mut self.line {
            if *space && !bytes.is_empty() {
                *space = false;
                bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
            }
        }
        self.push_part(bytes, block)
    }

    /// The end of a line that began before this chunk; its last piece has been pushed.
    fn end_of_cut_line<const OBSERVE: bool>(
        &mut self,
        chunk: &[u8],
        block: &mut Block,
    ) -> Result<Option<Found>, LimitExceeded> {
        let mut pushed = Ok(());
        if let Some(field) = self.line.end_name() {
            self.begin_value::<OBSERVE>(field, chunk, block);
            pushed = self.push_part(&[], block);
        }
        // Whatever became of it, the line is over.
        let line = mem::take(&mut self.line);
        pushed?;
        let Line::Value { field, .. } = line else { return Ok(None) };
        match field {
            Field::Data => {}
            Field::Event => {
                mem::swap(&mut self.name, &mut self.value);
                block.name = Place::Kept;
            }
            Field::Id if self.value.contains(&0) => {}
            Field::Id => {
                mem::swap(&mut self.id, &mut self.value);
                block.id = Place::Kept;
            }
            Field::Retry => self.set_retry(self.digits, block),
            Field::Comment if OBSERVE => return Ok(Some(Found::Comment(Place::Kept))),
            Field::Comment => {}
        }
        Ok(None)
    }

    fn begin_value<const OBSERVE: bool>(&mut self, field: Field, chunk: &[u8], block: &mut Block) {
        self.value.clear();
        self.digits = Digits::default();
        match field {
            Field::Data | Field::Event if self.skipping => self.line = Line::Skip,
            Field::Comment if !OBSERVE => self.line = Line::Skip,
            Field::Data => self.begin_data_line(chunk, block),
            _ => {}
        }
    }

    /// A piece of the value of a cut line.
    fn push_part(&mut self, bytes: &[u8], block: &mut Block) -> Result<(), LimitExceeded> {
        let Line::Value { field, .. } = self.line else { return Ok(()) };
        let (limit, len) = match field {
            Field::Data => (Limit::Event, self.data.len()),
            Field::Event => (Limit::Name, self.value.len()),
            Field::Id => (Limit::Id, self.value.len()),
            Field::Comment => (Limit::Comment, self.value.len()),
            Field::Retry => {
                self.digits.push(bytes);
                return Ok(());
            }
        };
        let fits = self.fits(limit, len.saturating_add(bytes.len()), block);
        match fits {
            Ok(true) if field == Field::Data => append(&mut self.data, bytes),
            Ok(true) => append(&mut self.value, bytes),
            _ => self.line = Line::Skip,
        }
        fits.map(|_| ())
    }

    /// Makes room for one more line of data in the buffer, behind what the block has so far.
    fn begin_data_line(&mut self, chunk: &[u8], block: &mut Block) {
        if block.data != Place::Absent {
            self.keep_data(chunk, block);
            self.data.push(b'\n');
        }
        block.data = Place::Kept;
    }

    fn set_retry(&mut self, digits: Digits, block: &mut Block) {
        if let Some(millis) = digits.value() {
            self.retry = Some(millis);
            block.retry = Some(millis);
        }
    }

    /// The blank line: the id counts from here on, and what has data is an event.
    fn end_of_block<const OBSERVE: bool>(&mut self, chunk: &[u8], block: &mut Block) -> Option<Found> {
        if let Some(id) = block.id.of(chunk, &self.id) {
            self.last_event_id.clear();
            push_lossy(&mut self.last_event_id, id);
        }
        let block = mem::take(block);
        if mem::take(&mut self.skipping) {
            None
        } else if block.data != Place::Absent {
            Some(Found::Event(block))
        } else if OBSERVE && (block.is_waiting() || block.retry.is_some()) {
            Some(Found::NoData(block))
        } else {
            None
        }
    }

    /// Whether a value of `len` bytes is within the limit; if not, it must be ignored.
    ///
    /// Unless it is a mere comment, the event is lost with it. That is an error once for each event: only an id line
    /// can still be over its limit later, since it counts in a lost event too.
    fn fits(&mut self, limit: Limit, len: usize, block: &mut Block) -> Result<bool, LimitExceeded> {
        let max = match limit {
            Limit::Event => self.limits.event_bytes,
            Limit::Name => self.limits.name_bytes,
            Limit::Id => self.limits.id_bytes,
            Limit::Comment => self.limits.comment_bytes,
        };
        if len <= max {
            return Ok(true);
        }
        release(&mut self.value);
        if limit != Limit::Comment {
            if mem::replace(&mut self.skipping, true) {
                return Ok(false);
            }
            block.data = Place::Absent;
            block.name = Place::Absent;
            release(&mut self.data);
        }
        Err(LimitExceeded { limit, max })
    }

    /// Lends what was found, likewise.
    pub(crate) fn item<'d>(&'d mut self, chunk: &'d [u8], found: &Found) -> Item<'d> {
        match found {
            Found::Event(block) => Item::Event(self.view(chunk, block)),
            Found::NoData(block) => Item::NoData(self.view(chunk, block)),
            Found::Comment(place) => {
                let text = place.of(chunk, &self.value).unwrap_or_default();
                Item::Comment(texts(&[], text, &mut self.lossy).1)
            }
        }
    }

    /// Lends a found event. `chunk` is the slice that [`advance`](Self::advance) was called with.
    pub(crate) fn view<'d>(&'d mut self, chunk: &'d [u8], block: &Block) -> EventRef<'d> {
        let name = block.name.of(chunk, &self.name);
        let data = block.data.of(chunk, &self.data);
        let (name_text, data_text) =
            texts(name.unwrap_or_default(), data.unwrap_or_default(), &mut self.lossy);
        EventRef {
            name: name.map(|_| name_text),
            data: data.map(|_| data_text),
            has_id: block.id != Place::Absent,
            last_event_id: &self.last_event_id,
            retry: block.retry,
        }
    }

    /// Copies what lies in the chunk, for the block goes on after it.
    fn keep(&mut self, mut block: Block, chunk: &[u8]) {
        self.keep_data(chunk, &mut block);
        for (place, kept) in [(&mut block.name, &mut self.name), (&mut block.id, &mut self.id)] {
            if let Place::Chunk { start, end } = *place {
                kept.clear();
                append(kept, chunk.get(start..end).unwrap_or_default());
                *place = Place::Kept;
            }
        }
        self.block = block;
    }

    fn keep_data(&mut self, chunk: &[u8], block: &mut Block) {
        if let Place::Chunk { start, end } = block.data {
            append(&mut self.data, chunk.get(start..end).unwrap_or_default());
            block.data = Place::Kept;
        }
    }

    /// Clears what the former call lent, except what belongs to a block that goes on.
    fn clear_lent(&mut self) {
        self.lent = false;
        if self.block.data == Place::Absent {
            release(&mut self.data);
        }
        if self.block.name == Place::Absent {
            release(&mut self.name);
        }
        if self.block.id == Place::Absent {
            release(&mut self.id);
        }
        release(&mut self.value);
        if self.lossy.capacity() > RETAINED {
            self.lossy = String::new();
        }
    }
}

fn append(buffer: &mut Vec<u8>, bytes: &[u8]) {
    #[cfg(test)]
    scan::work::add(bytes.len());
    buffer.extend_from_slice(bytes);
}

/// Empties a buffer, and gives back what an exceptional event needed.
fn release(buffer: &mut Vec<u8>) {
    buffer.clear();
    if buffer.capacity() > RETAINED {
        *buffer = Vec::new();
    }
}

#[cfg(test)]
mod tests;
