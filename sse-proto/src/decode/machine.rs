//! From chunks to blocks: splits chunks into lines, and applies each whole line to the block.

use core::mem;

use super::block::{Block, Found, Place, push_lossy};
use super::data::{Data, append, recycle};
use super::line::{Digits, Field, Line};
use super::{BOM, Decoder, Lent};
use crate::limits::{Limit, LimitExceeded};
use crate::scan::{self, LineEnds};

/// The size of a piece that is scanned, checked and copied in turn. It fits into the first-level
/// cache.
const HOT: usize = 8 * 1024;

impl Decoder {
    /// Finds the next event; with `OBSERVE` also comments and blocks without data. `None` means
    /// that all of `input` has been consumed.
    ///
    /// The item may lie in the original `input`: pass the same slice to [`view`](Self::view).
    #[inline(always)]
    pub(crate) fn advance<const OBSERVE: bool>(
        &mut self,
        input: &mut &[u8],
    ) -> Result<Option<Found>, LimitExceeded> {
        if scan::is_few(input) {
            return self.advance_few::<OBSERVE>(input);
        }
        self.advance_many::<OBSERVE>(input)
    }

    #[inline(always)]
    pub(super) fn advance_many<const OBSERVE: bool>(
        &mut self,
        input: &mut &[u8],
    ) -> Result<Option<Found>, LimitExceeded> {
        let chunk = *input;
        let mut at = 0;
        let found = self.advance_from::<OBSERVE>(chunk, &mut at);
        if let Some(rest) = chunk.get(at..) {
            *input = rest;
        }
        found
    }

    /// [`advance`](Self::advance) for a few bytes, as when a stream arrives byte by byte. It treats
    /// every line as cut, so nothing is lent from the chunk.
    #[inline(never)]
    pub(super) fn advance_few<const OBSERVE: bool>(
        &mut self,
        input: &mut &[u8],
    ) -> Result<Option<Found>, LimitExceeded> {
        let chunk = mem::take(input);
        let mut at = 0;
        self.begin(chunk, &mut at);
        let mut ends = LineEnds::new(chunk);
        while let Some(rest @ [_, ..]) = chunk.get(at..) {
            let end = match rest {
                [b'\n' | b'\r', ..] => Some(at),
                [_] => None,
                _ => ends.after(at),
            };
            let Some(end) = end else {
                return self.part_of_line_outlined::<OBSERVE>(rest);
            };
            let part = chunk.get(at..end).unwrap_or_default();
            at = self.end_of_line(chunk, end);
            let found = if part.is_empty() && self.line.is_start() {
                Ok(self.end_of_block::<OBSERVE>(&[]))
            } else {
                let pushed = self.part_of_line::<OBSERVE>(part);
                let ended = self.end_of_cut_line::<OBSERVE>();
                pushed.and(ended)
            };
            if let Ok(None) = found {
                continue;
            }
            *input = chunk.get(at..).unwrap_or_default();
            if let Ok(Some(Found::Event | Found::NoData)) = found {
                self.lent = Lent::Block;
            }
            return found;
        }
        Ok(None)
    }

    /// [`advance_many`](Self::advance_many) from `at` on. Moves `at` past the consumed bytes; an
    /// error consumes its line, too.
    #[inline(always)]
    fn advance_from<const OBSERVE: bool>(
        &mut self,
        chunk: &[u8],
        at: &mut usize,
    ) -> Result<Option<Found>, LimitExceeded> {
        if self.lent != Lent::Nothing {
            self.clear_lent();
        }
        if usize::from(self.bom) < BOM.len() {
            self.skip_bom(chunk, at);
        }
        if !self.line.is_start() {
            let found = self.rest_of_cut_line::<OBSERVE>(chunk, at)?;
            if found.is_some() || !self.line.is_start() {
                return Ok(found);
            }
        }
        if self.after_cr {
            self.skip_lf(chunk, at);
        }
        let found = self.whole_lines::<OBSERVE>(chunk, at);
        self.lent = match found {
            Ok(Some(Found::Event | Found::NoData)) => {
                self.lent = Lent::Block;
                return found;
            }
            Ok(Some(Found::Comment)) => Lent::Comment,
            _ => Lent::Nothing,
        };
        // The block continues after this chunk.
        self.keep(chunk);
        if let Ok(None) = found {
            let cut = chunk.get(*at..).unwrap_or_default();
            *at = chunk.len();
            self.part_of_line::<OBSERVE>(cut)?;
        }
        found
    }

    /// Consumes the chunk's part of the line that the previous chunk cut. No value of the block
    /// lies in the chunk then.
    fn rest_of_cut_line<const OBSERVE: bool>(
        &mut self,
        chunk: &[u8],
        at: &mut usize,
    ) -> Result<Option<Found>, LimitExceeded> {
        let end = loop {
            let rest = chunk.get(*at..).unwrap_or_default();
            let piece = rest.get(..HOT).unwrap_or(rest);
            if let Some(end) = LineEnds::new(piece).after(0) {
                break *at + end;
            }
            *at += piece.len();
            self.part_of_line::<OBSERVE>(piece)?;
            if *at == chunk.len() {
                return Ok(None);
            }
        };
        let part = chunk.get(*at..end).unwrap_or_default();
        *at = self.end_of_line(chunk, end);
        let pushed = self.part_of_line::<OBSERVE>(part);
        let ended = self.end_of_cut_line::<OBSERVE>();
        pushed.and(ended)
    }

    /// Processes the lines that lie entirely in the chunk.
    #[inline(always)]
    fn whole_lines<const OBSERVE: bool>(
        &mut self,
        chunk: &[u8],
        at: &mut usize,
    ) -> Result<Option<Found>, LimitExceeded> {
        let mut ends = LineEnds::new(chunk);
        while let Some(end) = ends.after(*at) {
            let Some(line) = chunk.get(*at..end) else { break };
            *at = self.end_of_line(chunk, end);
            let found = match line {
                [] => self.end_of_block::<OBSERVE>(chunk),
                [b':'] if !OBSERVE && !self.skipping && self.block.is_empty() => {
                    *at = chunk.len() - after_heartbeats(chunk.get(*at..).unwrap_or_default()).len();
                    None
                }
                line => self.whole_line::<OBSERVE>(chunk, end, line)?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Does what is due at the start of a line only.
    #[inline(always)]
    fn begin(&mut self, chunk: &[u8], at: &mut usize) {
        if !self.line.is_start() {
            return;
        }
        if self.lent != Lent::Nothing {
            self.clear_lent();
        }
        if usize::from(self.bom) < BOM.len() {
            self.skip_bom(chunk, at);
        }
        if self.after_cr {
            self.skip_lf(chunk, at);
        }
    }

    /// Drops one BOM at the start of the stream, as the standard's "UTF-8 decode" does.
    fn skip_bom(&mut self, chunk: &[u8], at: &mut usize) {
        while let (Some(expected), Some(byte)) = (BOM.get(usize::from(self.bom)), chunk.get(*at)) {
            if byte == expected {
                *at += 1;
                self.bom += 1;
                continue;
            }
            if self.bom > 0 {
                // Not a BOM, so the line starts with a byte that no field name starts with.
                self.line = Line::Skip;
            }
            self.bom = u8::MAX;
        }
    }

    /// Drops an LF after a CR that ended the previous chunk.
    fn skip_lf(&mut self, chunk: &[u8], at: &mut usize) {
        if let Some(byte) = chunk.get(*at) {
            self.after_cr = false;
            *at += usize::from(*byte == b'\n');
        }
    }

    /// Returns the start of the line after the line end at `end`. A CR ends a line at once; its LF
    /// may come in the next chunk.
    #[inline]
    fn end_of_line(&mut self, chunk: &[u8], end: usize) -> usize {
        if chunk.get(end) == Some(&b'\r') {
            match chunk.get(end + 1) {
                Some(b'\n') => return end + 2,
                Some(_) => {}
                None => self.after_cr = true,
            }
        }
        end + 1
    }

    /// Applies a line that lies in the chunk and ends at `end`.
    #[inline(always)]
    fn whole_line<const OBSERVE: bool>(
        &mut self,
        chunk: &[u8],
        end: usize,
        line: &[u8],
    ) -> Result<Option<Found>, LimitExceeded> {
        let Some((field, value)) = Field::split(line) else { return Ok(None) };
        let place = Place::in_chunk(end - value.len(), end);
        match field {
            Field::Data | Field::Event if self.skipping => {}
            Field::Data if self.block.data.is_absent() => {
                self.fits(Limit::Event, value.len())?;
                self.block.data = place;
            }
            Field::Data => {
                self.keep_data(chunk);
                self.fits(Limit::Event, self.data.len().saturating_add(value.len()))?;
                push_line(&mut self.data, chunk, place);
            }
            Field::Event => {
                self.fits(Limit::Name, value.len())?;
                self.block.name = place;
            }
            Field::Id => {
                if self.fits(Limit::Id, value.len())? && !scan::has_nul(value) {
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
                self.value.clear();
                append(&mut self.value, value);
                return Ok(Some(Found::Comment));
            }
            Field::Comment => {}
        }
        Ok(None)
    }

    pub(super) fn set_retry(&mut self, digits: Digits) {
        if let Some(millis) = digits.value() {
            self.retry = Some(millis);
            self.block.has_retry = true;
        }
    }

    /// Handles the blank line: commits the id, and completes an event if there is data.
    #[inline(always)]
    fn end_of_block<const OBSERVE: bool>(&mut self, chunk: &[u8]) -> Option<Found> {
        if let Some(id) = self.block.id.of(chunk, &self.id) {
            self.last_event_id.clear();
            push_lossy(&mut self.last_event_id, id);
        }
        if mem::take(&mut self.skipping) {
            self.block = Block::default();
        } else if !self.block.data.is_absent() {
            return Some(Found::Event);
        } else if !self.block.is_empty() {
            if OBSERVE {
                return Some(Found::NoData);
            }
            self.block = Block::default();
        }
        None
    }

    /// Returns whether a value of `len` bytes is within the limit. The caller must ignore a larger
    /// value.
    ///
    /// # Errors
    /// If the value exceeds the limit and the event has not reported an error yet.
    #[inline]
    fn fits(&mut self, limit: Limit, len: usize) -> Result<bool, LimitExceeded> {
        if len <= self.limits.of(limit) { Ok(true) } else { self.exceed(limit) }
    }

    /// Drops the event around a value that exceeds its limit, unless the value is a comment. Each
    /// event reports one error: later only an id line can exceed its limit, because ids count in a
    /// dropped event, too.
    #[cold]
    pub(super) fn exceed(&mut self, limit: Limit) -> Result<bool, LimitExceeded> {
        recycle(&mut self.value);
        if limit != Limit::Comment {
            if mem::replace(&mut self.skipping, true) {
                return Ok(false);
            }
            self.block.data = Place::ABSENT;
            self.block.name = Place::ABSENT;
            self.data.recycle();
            recycle(&mut self.name);
        }
        Err(LimitExceeded { limit, max: self.limits.of(limit) })
    }

    /// Copies the block's values out of the chunk, because the block continues after the chunk.
    fn keep(&mut self, chunk: &[u8]) {
        self.keep_data(chunk);
        let Block { name, id, .. } = &mut self.block;
        for (place, kept) in [(name, &mut self.name), (id, &mut self.id)] {
            if let Some(value) = place.within(chunk) {
                kept.clear();
                append(kept, value);
                *place = Place::KEPT;
                self.buffered = true;
            }
        }
    }

    #[inline]
    fn keep_data(&mut self, chunk: &[u8]) {
        if !self.block.data.is_kept() && !self.block.data.is_absent() {
            push_line(&mut self.data, chunk, self.block.data);
            self.block.data = Place::KEPT;
            self.buffered = true;
        }
    }

    /// Clears what the previous call lent, except the values of a block that continues.
    #[inline]
    fn clear_lent(&mut self) {
        if mem::take(&mut self.lent) == Lent::Block {
            if self.buffered {
                self.recycle_buffers();
            }
            self.block = Block::default();
        }
        if !self.value.is_empty() {
            self.buffered |= recycle(&mut self.value);
        }
    }

    #[inline(never)]
    fn recycle_buffers(&mut self) {
        let data = self.data.recycle();
        let name = recycle(&mut self.name);
        let id = recycle(&mut self.id);
        let value = recycle(&mut self.value);
        self.buffered = data | name | id | value;
    }
}

/// Skips a run of keep-alives after a first `:` line. An idle stream is little else than empty
/// comments, each followed by a blank line.
fn after_heartbeats(mut rest: &[u8]) -> &[u8] {
    while let Some(next) = rest.strip_prefix(b"\n:\n\n:\n\n:\n\n:\n") {
        rest = next;
    }
    while let Some(next) = rest.strip_prefix(b"\n:\n") {
        rest = next;
    }
    rest
}

/// Appends a line that lies in the chunk, with the LF that ends each line of data.
#[inline(always)]
fn push_line(data: &mut Data, chunk: &[u8], line: Place) {
    match line.with_end(chunk) {
        Some(whole @ [.., b'\n']) => data.push(whole),
        _ => {
            data.push(line.within(chunk).unwrap_or_default());
            data.push(b"\n");
        }
    }
}
