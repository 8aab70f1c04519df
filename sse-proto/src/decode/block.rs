//! The fields of a block as they come together, and where their values are.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::scan;

/// Where the value of a field is: absent, kept in the decoder's buffer for the field, or in the chunk that is being
/// decoded; the latter between two calls only while the block is lent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Where in the chunk it begins, or one of two marks: no chunk is that long.
    start: usize,
    end: usize,
}

impl Place {
    pub(super) const ABSENT: Self = Self { start: usize::MAX, end: 0 };
    pub(super) const KEPT: Self = Self { start: usize::MAX - 1, end: 0 };

    #[inline]
    pub(super) fn in_chunk(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    #[inline]
    pub(super) fn is_absent(self) -> bool {
        self.start == Self::ABSENT.start
    }

    #[inline]
    pub(super) fn is_kept(self) -> bool {
        self.start == Self::KEPT.start
    }

    /// The value, if it lies in the chunk. A place is only ever asked of the chunk it was found in.
    #[inline]
    pub(super) fn within(self, chunk: &[u8]) -> Option<&[u8]> {
        chunk.get(self.start..self.end)
    }

    /// The value and the byte behind it, likewise.
    #[inline]
    pub(super) fn with_end(self, chunk: &[u8]) -> Option<&[u8]> {
        chunk.get(self.start..=self.end)
    }

    /// The value, wherever it is.
    #[inline(always)]
    pub(super) fn of<'a>(self, chunk: &'a [u8], kept: &'a [u8]) -> Option<&'a [u8]> {
        if self.is_absent() {
            None
        } else if self.is_kept() {
            Some(kept)
        } else {
            self.within(chunk)
        }
    }
}

/// The fields of the lines since the last blank line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(super) data: Place,
    pub(super) name: Place,
    pub(super) id: Place,
    /// Whether it has set the decoder's retry time.
    pub(super) has_retry: bool,
}

impl Default for Block {
    fn default() -> Self {
        Self { data: Place::ABSENT, name: Place::ABSENT, id: Place::ABSENT, has_retry: false }
    }
}

impl Block {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        !self.is_waiting() && !self.has_retry
    }

    /// Whether something would be lost if the blank line never came. A retry time has taken effect already.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        !(self.data.is_absent() && self.name.is_absent() && self.id.is_absent())
    }
}

/// What there is to lend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The block is an event.
    Event,
    /// The block has no data.
    NoData,
    /// A comment, in the buffer for values; the block around it goes on.
    Comment,
}

/// A value as text, if it is UTF-8, which it nearly always is.
#[inline(always)]
pub(super) fn text(value: Option<&[u8]>) -> Result<Option<&str>, NotUtf8> {
    match value {
        Some(value) => scan::text(value).map(Some).ok_or(NotUtf8),
        None => Ok(None),
    }
}

pub(super) struct NotUtf8;

/// The values rewritten as text, one behind the other in `buffer`.
#[cold]
pub(super) fn rewritten<'a>(
    name: Option<&[u8]>,
    data: Option<&[u8]>,
    buffer: &'a mut Vec<u8>,
) -> (Option<&'a str>, Option<&'a str>) {
    buffer.clear();
    let mut text = String::from_utf8(mem::take(buffer)).unwrap_or_default();
    push_lossy(&mut text, name.unwrap_or_default());
    let middle = text.len();
    push_lossy(&mut text, data.unwrap_or_default());
    *buffer = text.into_bytes();
    let (name_text, data_text) =
        scan::text(buffer).unwrap_or_default().split_at_checked(middle).unwrap_or_default();
    (name.map(|_| name_text), data.map(|_| data_text))
}

/// A value as text; rewritten if it is not UTF-8.
pub(super) fn lossy_in_place(value: &mut Vec<u8>) -> &str {
    if scan::text(value).is_none() {
        *value = String::from_utf8_lossy(value).into_owned().into_bytes();
    }
    scan::text(value).unwrap_or_default()
}

/// Appends text, with U+FFFD for each maximal subpart of an ill-formed sequence (Encoding Standard, "UTF-8 decode").
///
/// To do this value by value is exact, since CR and LF never occur inside a sequence.
#[inline(always)]
pub(super) fn push_lossy(text: &mut String, bytes: &[u8]) {
    match scan::text(bytes) {
        Some(valid) => text.push_str(valid),
        None => push_ill_formed(text, bytes),
    }
}

#[cold]
fn push_ill_formed(text: &mut String, bytes: &[u8]) {
    // Counted first: growing by doubling would take twice as much, and more meanwhile.
    let len = |chunk: core::str::Utf8Chunk<'_>| {
        chunk.valid().len() + if chunk.invalid().is_empty() { 0 } else { 3 }
    };
    text.reserve(bytes.utf8_chunks().map(len).sum());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}
