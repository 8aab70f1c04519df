//! From chunk to block: the lines of a chunk, whole or cut, and what they do to the block.

use core::mem;

use super::block::{Block, Found, Place, push_lossy};
use super::data::{Data, append, recycle};
use super::line::{Digits, Field, Line};
use super::{BOM, Decoder, Lent};
use crate::limits::{Limit, LimitExceeded};
use crate::scan::{self, LineEnds};

/// Bytes that are looked at, checked and copied in turn: they stay in the first-level cache meanwhile.
const HOT: usize = 8 * 1024;

impl Decoder {
    /// Finds the next event, and with `OBSERVE` what else there is to show. `None`: all of `input` is consumed.
    ///
    /// What was found may lie in `input` as it was before the call: [`view`](Self::view) needs the same slice again.
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

    /// As [`advance`](Self::advance), of a few bytes, as when a stream comes byte by byte: every line is taken for one that
    /// is cut, so that nothing is lent from the chunk.
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

    /// As [`advance_many`](Self::advance_many), from `at` on, which it moves behind what is consumed. An error, too, consumes its
    /// line.
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
        // The block goes on after this chunk.
        self.keep(chunk);
        if let Ok(None) = found {
            let cut = chunk.get(*at..).unwrap_or_default();
            *at = chunk.len();
            self.part_of_line::<OBSERVE>(cut)?;
        }
        found
    }

    /// The line that the former chunk has cut: all of it that is in the chunk. Nothing of the block lies in a chunk.
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

    /// The lines that lie in the chunk.
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

    /// What there is to do between two lines only.
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
        if chunk.get(end) == Some(&b'\r') {
            match chunk.get(end + 1) {
                Some(b'\n') => return end + 2,
                Some(_) => {}
                None => self.after_cr = true,
            }
        }
        end + 1
    }

    /// A line that lies in the chunk and ends at `end`.
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

    /// A piece of a line that is cut by the end of a chunk.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn part_of_line<const OBSERVE: bool>(&mut self, mut bytes: &[u8]) -> Result<(), LimitExceeded> {
        if !OBSERVE && self.line.is_start() && bytes.starts_with(b":") {
            self.line = Line::Skip;
        }
        if self.line.is_skipped() {
            return Ok(());
        }
        if let Line::Start | Line::Name { .. } = self.line {
            if let Some(field) = self.line.push_name(&mut bytes) {
                self.begin_value::<OBSERVE>(field);
            }
        }
        if let Line::Value { space, .. } = &mut self.line {
            if *space && !bytes.is_empty() {
                *space = false;
                bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
            }
        }
        self.push_part(bytes)
    }

    /// As [`part_of_line`](Self::part_of_line), as a function of its own: it is large, and inlined elsewhere.
    #[inline(never)]
    pub(super) fn part_of_line_outlined<const OBSERVE: bool>(
        &mut self,
        bytes: &[u8],
    ) -> Result<Option<Found>, LimitExceeded> {
        self.part_of_line::<OBSERVE>(bytes).map(|()| None)
    }

    /// The end of a cut line; its last piece has been pushed.
    fn end_of_cut_line<const OBSERVE: bool>(&mut self) -> Result<Option<Found>, LimitExceeded> {
        if self.line.is_skipped() {
            self.line = Line::Start;
            return Ok(None);
        }
        let mut pushed = Ok(());
        if let Some(field) = self.line.end_name() {
            self.begin_value::<OBSERVE>(field);
            pushed = self.push_part(&[]);
        }
        // Whatever became of it, the line is over.
        let line = mem::take(&mut self.line);
        pushed?;
        let Line::Value { field, .. } = line else { return Ok(None) };
        match field {
            Field::Data => self.data.push(b"\n"),
            Field::Id if scan::has_nul(&self.value) => {}
            Field::Id => {
                mem::swap(&mut self.id, &mut self.value);
                self.block.id = Place::KEPT;
            }
            Field::Retry => self.set_retry(self.digits),
            Field::Comment if OBSERVE => {
                self.lent = Lent::Comment;
                return Ok(Some(Found::Comment));
            }
            Field::Event | Field::Comment => {}
        }
        Ok(None)
    }

    fn begin_value<const OBSERVE: bool>(&mut self, field: Field) {
        self.buffered = true;
        match field {
            Field::Data | Field::Event if self.skipping => self.line = Line::Skip,
            Field::Data => self.block.data = Place::KEPT,
            Field::Event => {
                self.name.clear();
                self.block.name = Place::KEPT;
            }
            Field::Id | Field::Comment => self.value.clear(),
            Field::Retry => self.digits = Digits::default(),
        }
    }

    /// A piece of the value of a cut line.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn push_part(&mut self, bytes: &[u8]) -> Result<(), LimitExceeded> {
        let Line::Value { field, .. } = self.line else { return Ok(()) };
        let (limit, len) = match field {
            Field::Data => (Limit::Event, self.data.len()),
            Field::Event => (Limit::Name, self.name.len()),
            Field::Id => (Limit::Id, self.value.len()),
            Field::Comment => (Limit::Comment, self.value.len()),
            Field::Retry => {
                self.digits.push(bytes);
                return Ok(());
            }
        };
        if len.saturating_add(bytes.len()) <= self.limits.of(limit) {
            match field {
                Field::Data => self.data.push(bytes),
                Field::Event => append(&mut self.name, bytes),
                _ => append(&mut self.value, bytes),
            }
            return Ok(());
        }
        self.line = Line::Skip;
        self.exceed(limit).map(|_| ())
    }

    fn set_retry(&mut self, digits: Digits) {
        if let Some(millis) = digits.value() {
            self.retry = Some(millis);
            self.block.has_retry = true;
        }
    }

    /// The blank line: the id counts from here on, and what has data is an event.
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

    /// Whether a value of `len` bytes is within the limit; if not, it must be ignored.
    ///
    /// # Errors
    /// Where that has not been reported for this event yet.
    #[inline]
    fn fits(&mut self, limit: Limit, len: usize) -> Result<bool, LimitExceeded> {
        if len <= self.limits.of(limit) { Ok(true) } else { self.exceed(limit) }
    }

    /// Unless it is a mere comment, the event is lost with what exceeds a limit. That is an error once for each event:
    /// only an id line can still be over its limit later, since it counts in a lost event too.
    #[cold]
    fn exceed(&mut self, limit: Limit) -> Result<bool, LimitExceeded> {
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

    /// Copies what of the block lies in the chunk, for the block goes on after it.
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

    /// Clears what the former call lent, except what belongs to a block that goes on.
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

/// What follows the heartbeats: a quiet stream is hardly anything else than comments without text, each with a blank line.
/// The first comment line is over.
fn after_heartbeats(mut rest: &[u8]) -> &[u8] {
    while let Some(next) = rest.strip_prefix(b"\n:\n\n:\n\n:\n\n:\n") {
        rest = next;
    }
    while let Some(next) = rest.strip_prefix(b"\n:\n") {
        rest = next;
    }
    rest
}

/// Appends a line that lies in the chunk, and the LF that ends each line of data.
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
