//! The fields of the current block, and where their values are stored.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::scan;

/// The location of a field's value: absent, in the decoder's buffer for the field, or in the chunk
/// being decoded. A place in the chunk outlives a call only while the block is lent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The start in the chunk, or one of two marks, which no chunk is long enough to reach.
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

    /// Returns the value if it lies in the chunk. `chunk` must be the chunk in which the value was
    /// found.
    #[inline]
    pub(super) fn within(self, chunk: &[u8]) -> Option<&[u8]> {
        chunk.get(self.start..self.end)
    }

    /// Returns the value and the byte after it. `chunk` must be the chunk in which the value was
    /// found.
    #[inline]
    pub(super) fn with_end(self, chunk: &[u8]) -> Option<&[u8]> {
        chunk.get(self.start..=self.end)
    }

    /// Returns the value from the chunk or from the buffer.
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

/// The fields since the last blank line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(super) data: Place,
    pub(super) name: Place,
    pub(super) id: Place,
    /// Whether the block has set the decoder's retry time.
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

    /// Returns whether a missing blank line would lose anything. A retry time takes effect before
    /// the blank line.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        !(self.data.is_absent() && self.name.is_absent() && self.id.is_absent())
    }
}

/// An item that the decoder can lend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A block with data: an event.
    Event,
    /// A block without data.
    NoData,
    /// A comment, in the value buffer. The block around it continues.
    Comment,
}

/// Returns a value as text if it is UTF-8, which it nearly always is.
#[inline(always)]
pub(super) fn text(value: Option<&[u8]>) -> Result<Option<&str>, NotUtf8> {
    match value {
        Some(value) => scan::text(value).map(Some).ok_or(NotUtf8),
        None => Ok(None),
    }
}

pub(super) struct NotUtf8;

/// Writes name and data as text into `buffer`, one after the other, with U+FFFD for invalid bytes.
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

/// Returns a value as text, after replacing invalid bytes by U+FFFD in place.
pub(super) fn lossy_in_place(value: &mut Vec<u8>) -> &str {
    if scan::text(value).is_none() {
        *value = String::from_utf8_lossy(value).into_owned().into_bytes();
    }
    scan::text(value).unwrap_or_default()
}

/// Appends text, with U+FFFD for each maximal subpart of an ill-formed sequence (Encoding Standard,
/// "UTF-8 decode").
///
/// Replacing value by value is exact, because CR and LF never occur inside a sequence.
#[inline(always)]
pub(super) fn push_lossy(text: &mut String, bytes: &[u8]) {
    match scan::text(bytes) {
        Some(valid) => text.push_str(valid),
        None => push_ill_formed(text, bytes),
    }
}

#[cold]
fn push_ill_formed(text: &mut String, bytes: &[u8]) {
    // Reserve the exact length: growing by doubling could take twice as much, and more while it
    // copies.
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
