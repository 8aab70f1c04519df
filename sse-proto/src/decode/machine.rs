//! From chunk to block: the lines of a chunk, whole or cut, and what they do to the block.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::block::{Block, Found, Place, push_lossy};
use super::line::{Digits, Field, Line};
use super::{BOM, Decoder, Lent, RETAINED};
use crate::limits::{Limit, LimitExceeded};
use crate::scan;

impl Decoder {
    /// Finds the next event, and with `OBSERVE` what else there is to show. `None`: all of `input` is consumed.
    ///
    /// What was found may lie in `input` as it was before the call: [`view`](Self::view) needs the same slice again.
    pub(crate) fn advance<const OBSERVE: bool>(
        &mut self,
        input: &mut &[u8],
    ) -> Result<Option<Found>, LimitExceeded> {
        if self.lent != Lent::Nothing {
            self.clear_lent();
        }
        let chunk = *input;
        let mut at = 0;
        let found = self.lines::<OBSERVE>(chunk, &mut at);
        *input = chunk.get(at..).unwrap_or_default();
        if let Ok(Some(Found::Event | Found::NoData)) = found {
            self.lent = Lent::Block;
        } else {
            // The block goes on after this chunk.
            self.keep(chunk);
            self.lent = if matches!(found, Ok(Some(_))) { Lent::Comment } else { Lent::Nothing };
        }
        found
    }

    /// Works through the lines from `at` on, and moves it behind what it has consumed: an error too consumes its line.
    fn lines<const OBSERVE: bool>(
        &mut self,
        chunk: &[u8],
        at: &mut usize,
    ) -> Result<Option<Found>, LimitExceeded> {
        if usize::from(self.bom) < BOM.len() {
            self.skip_bom(chunk, at);
        }
        if self.after_cr {
            self.skip_lf(chunk, at);
        }
        loop {
            let start = *at;
            let rest = chunk.get(start..).unwrap_or_default();
            let Some(line) = scan::line_end(rest).and_then(|len| rest.get(..len)) else {
                *at = chunk.len();
                self.part_of_line::<OBSERVE>(chunk, rest)?;
                return Ok(None);
            };
            *at = self.end_of_line(chunk, start + line.len());
            let found = if self.line != Line::Start {
                let part = self.part_of_line::<OBSERVE>(chunk, line);
                let ended = self.end_of_cut_line::<OBSERVE>(chunk);
                part.and(ended)?
            } else if line.is_empty() {
                self.end_of_block::<OBSERVE>(chunk)
            } else {
                self.whole_line::<OBSERVE>(chunk, start, line)?
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

    /// Drops an LF that follows the CR at the end of the chunk before.
    fn skip_lf(&mut self, chunk: &[u8], at: &mut usize) {
        if let Some(byte) = chunk.get(*at) {
            self.after_cr = false;
            *at += usize::from(*byte == b'\n');
        }
    }

    /// Where the next line begins, if one ends at `end`. A CR ends it at once; an LF after it may still be to come.
    #[inline]
    fn end_of_line(&mut self, chunk: &[u8], end: usize) -> usize {
        match chunk.get(end..) {
            Some([b'\r', b'\n', ..]) => end + 2,
            Some([b'\r']) => {
                self.after_cr = true;
                end + 1
            }
            _ => end + 1,
        }
    }

    /// A line that lies in the chunk from `start` on.
    #[inline]
    fn whole_line<const OBSERVE: bool>(
        &mut self,
        chunk: &[u8],
        start: usize,
        line: &[u8],
    ) -> Result<Option<Found>, LimitExceeded> {
        let Some((field, value)) = Field::split(line) else { return Ok(None) };
        let end = start + line.len();
        let place = Place::Chunk { start: end - value.len(), end };
        match field {
            Field::Data | Field::Event if self.skipping => {}
            Field::Data if self.block.data == Place::Absent => {
                self.fits(Limit::Event, value.len())?;
                self.block.data = place;
            }
            Field::Data => {
                self.begin_data_line(chunk);
                self.fits(Limit::Event, self.data.len().saturating_add(value.len()))?;
                append(&mut self.data, value);
            }
            Field::Event => {
                self.fits(Limit::Name, value.len())?;
                self.block.name = place;
            }
            Field::Id => {
                if self.fits(Limit::Id, value.len())? && !value.contains(&0) {
                    self.block.id = place;
                }
            }
            Field::Retry => {
                let mut digits = Digits::default();
                digits.push(value);
                self.set_retry(digits);
            }
            Field::Comment if OBSERVE => {
                self.fits(Limit::Comment, value.len())?;
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
    ) -> Result<(), LimitExceeded> {
        if let Some(field) = self.line.push_name(&mut bytes) {
            self.begin_value::<OBSERVE>(field, chunk);
        }
        if let Line::Value { space, .. } = &mut self.line {
            if *space && !bytes.is_empty() {
                *space = false;
                bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
            }
        }
        self.push_part(bytes)
    }

    /// The end of a line that began before this chunk; its last piece has been pushed.
    fn end_of_cut_line<const OBSERVE: bool>(&mut self, chunk: &[u8]) -> Result<Option<Found>, LimitExceeded> {
        let mut pushed = Ok(());
        if let Some(field) = self.line.end_name() {
            self.begin_value::<OBSERVE>(field, chunk);
            pushed = self.push_part(&[]);
        }
        // Whatever became of it, the line is over.
        let line = mem::take(&mut self.line);
        pushed?;
        let Line::Value { field, .. } = line else { return Ok(None) };
        match field {
            Field::Data => {}
            Field::Event => {
                mem::swap(&mut self.name, &mut self.value);
                self.block.name = Place::Kept;
            }
            Field::Id if self.value.contains(&0) => {}
            Field::Id => {
                mem::swap(&mut self.id, &mut self.value);
                self.block.id = Place::Kept;
            }
            Field::Retry => self.set_retry(self.digits),
            Field::Comment if OBSERVE => return Ok(Some(Found::Comment(Place::Kept))),
            Field::Comment => {}
        }
        Ok(None)
    }

    fn begin_value<const OBSERVE: bool>(&mut self, field: Field, chunk: &[u8]) {
        self.value.clear();
        self.digits = Digits::default();
        match field {
            Field::Data | Field::Event if self.skipping => self.line = Line::Skip,
            Field::Comment if !OBSERVE => self.line = Line::Skip,
            Field::Data => self.begin_data_line(chunk),
            _ => {}
        }
    }

    /// A piece of the value of a cut line.
    fn push_part(&mut self, bytes: &[u8]) -> Result<(), LimitExceeded> {
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
        let fits = self.fits(limit, len.saturating_add(bytes.len()));
        match fits {
            Ok(true) if field == Field::Data => append(&mut self.data, bytes),
            Ok(true) => append(&mut self.value, bytes),
            _ => self.line = Line::Skip,
        }
        fits.map(|_| ())
    }

    /// Makes room for one more line of data in the buffer, behind what the block has so far.
    fn begin_data_line(&mut self, chunk: &[u8]) {
        if self.block.data != Place::Absent {
            self.keep_data(chunk);
            self.data.push(b'\n');
        }
        self.block.data = Place::Kept;
    }

    fn set_retry(&mut self, digits: Digits) {
        if let Some(millis) = digits.value() {
            self.retry = Some(millis);
            self.block.retry = Some(millis);
        }
    }

    /// The blank line: the id counts from here on, and what has data is an event.
    #[inline]
    fn end_of_block<const OBSERVE: bool>(&mut self, chunk: &[u8]) -> Option<Found> {
        if let Some(id) = self.block.id.of(chunk, &self.id) {
            self.last_event_id.clear();
            push_lossy(&mut self.last_event_id, id);
        }
        if mem::take(&mut self.skipping) {
            self.block = Block::default();
        } else if self.block.data != Place::Absent {
            return Some(Found::Event);
        } else if self.block.is_waiting() || self.block.retry.is_some() {
            if OBSERVE {
                return Some(Found::NoData);
            }
            self.block = Block::default();
        }
        None
    }

    /// Whether a value of `len` bytes is within the limit; if not, it must be ignored.
    ///
    /// # Errors
    /// Where that has not been reported for this event yet.
    #[inline]
    fn fits(&mut self, limit: Limit, len: usize) -> Result<bool, LimitExceeded> {
        let max = match limit {
            Limit::Event => self.limits.event_bytes,
            Limit::Name => self.limits.name_bytes,
            Limit::Id => self.limits.id_bytes,
            Limit::Comment => self.limits.comment_bytes,
        };
        if len <= max { Ok(true) } else { self.exceed(limit, max) }
    }

    /// Unless it is a mere comment, the event is lost with what exceeds a limit. That is an error once for each event:
    /// only an id line can still be over its limit later, since it counts in a lost event too.
    #[cold]
    fn exceed(&mut self, limit: Limit, max: usize) -> Result<bool, LimitExceeded> {
        release(&mut self.value);
        if limit != Limit::Comment {
            if mem::replace(&mut self.skipping, true) {
                return Ok(false);
            }
            self.block.data = Place::Absent;
            self.block.name = Place::Absent;
            release(&mut self.data);
        }
        Err(LimitExceeded { limit, max })
    }

    /// Copies what of the block lies in the chunk, for the block goes on after it.
    fn keep(&mut self, chunk: &[u8]) {
        self.keep_data(chunk);
        let Block { name, id, .. } = &mut self.block;
        for (place, kept) in [(name, &mut self.name), (id, &mut self.id)] {
            if let Place::Chunk { start, end } = *place {
                kept.clear();
                append(kept, chunk.get(start..end).unwrap_or_default());
                *place = Place::Kept;
            }
        }
    }

    fn keep_data(&mut self, chunk: &[u8]) {
        if let Place::Chunk { start, end } = self.block.data {
            append(&mut self.data, chunk.get(start..end).unwrap_or_default());
            self.block.data = Place::Kept;
        }
    }

    /// Clears what the former call lent, except what belongs to a block that goes on.
    fn clear_lent(&mut self) {
        if self.lent == Lent::Block {
            let Block { data, name, id, .. } = mem::take(&mut self.block);
            // What lies in the chunk has used no buffer.
            for (place, kept) in [(data, &mut self.data), (name, &mut self.name), (id, &mut self.id)] {
                if place == Place::Kept {
                    release(kept);
                }
            }
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
#[inline]
fn release(buffer: &mut Vec<u8>) {
    buffer.clear();
    if buffer.capacity() > RETAINED {
        *buffer = Vec::new();
    }
}
