//! Lines that a chunk boundary cuts: collects them piece by piece, and applies them to the block.

use core::mem;

use super::block::{Found, Place};
use super::data::append;
use super::line::{Digits, Field, Line};
use super::{Decoder, Lent};
use crate::limits::{Limit, LimitExceeded};
use crate::scan;

impl Decoder {
    /// Consumes a piece of a line that a chunk boundary cuts.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn part_of_line<const OBSERVE: bool>(
        &mut self,
        mut bytes: &[u8],
    ) -> Result<(), LimitExceeded> {
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

    /// [`part_of_line`](Self::part_of_line) as a separate function, because it is large and inlined
    /// elsewhere.
    #[inline(never)]
    pub(super) fn part_of_line_outlined<const OBSERVE: bool>(
        &mut self,
        bytes: &[u8],
    ) -> Result<Option<Found>, LimitExceeded> {
        self.part_of_line::<OBSERVE>(bytes).map(|()| None)
    }

    /// Ends a cut line after its last piece.
    pub(super) fn end_of_cut_line<const OBSERVE: bool>(&mut self) -> Result<Option<Found>, LimitExceeded> {
        if self.line.is_skipped() {
            self.line = Line::Start;
            return Ok(None);
        }
        let mut pushed = Ok(());
        if let Some(field) = self.line.end_name() {
            self.begin_value::<OBSERVE>(field);
            pushed = self.push_part(&[]);
        }
        // The line is over even after an error.
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

    /// Appends a piece of the value of a cut line.
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
}
