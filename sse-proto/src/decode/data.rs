//! The data of an event that spans several lines or chunks.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::{RETAINED, RETAINED_IN_USE};
use crate::scan;

/// Lines of data, each followed by an LF.
#[derive(Clone, Debug)]
pub(super) enum Data {
    /// Bytes whose encoding has not been checked.
    Bytes(Vec<u8>),
    /// Text, checked piece by piece while each piece was in the first-level cache.
    Text(String),
}

/// The minimum length of the first piece for data to be checked piece by piece.
const CHECKED_IN_PIECES: usize = 256;

impl Default for Data {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl Data {
    #[inline(always)]
    pub(super) fn push(&mut self, piece: &[u8]) {
        match (self, piece) {
            (Self::Bytes(bytes), [byte]) => bytes.push(*byte),
            (Self::Bytes(bytes), _) if piece.len() < CHECKED_IN_PIECES => append(bytes, piece),
            (data, _) => data.push_long(piece),
        }
    }

    #[inline(never)]
    fn push_long(&mut self, piece: &[u8]) {
        *self = match (mem::take(self), scan::ascii(piece)) {
            (Self::Text(mut text), Some(piece)) => {
                #[cfg(test)]
                scan::work::add(piece.len());
                text.push_str(piece);
                Self::Text(text)
            }
            (Self::Bytes(bytes), Some(piece)) if bytes.is_empty() => {
                let mut text = String::from_utf8(bytes).unwrap_or_default();
                text.push_str(piece);
                Self::Text(text)
            }
            (data, _) => {
                let mut bytes = data.into_bytes();
                append(&mut bytes, piece);
                Self::Bytes(bytes)
            }
        };
    }

    /// Returns the data without the LF after its last line, if it is UTF-8.
    #[inline(always)]
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Bytes(_) => scan::text(self.bytes()),
            Self::Text(text) => Some(text.strip_suffix('\n').unwrap_or(text)),
        }
    }

    /// Returns the data without the LF after its last line, whatever its encoding.
    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        let bytes = match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        };
        bytes.split_last().map_or(bytes, |(_, data)| data)
    }

    /// Returns the length of all lines, including the LF after each.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Text(text) => text.len(),
        }
    }

    /// Empties the buffer, and returns whether its capacity still exceeds [`RETAINED`].
    pub(super) fn recycle(&mut self) -> bool {
        let mut bytes = mem::take(self).into_bytes();
        let large = recycle(&mut bytes);
        *self = Self::Bytes(bytes);
        large
    }

    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.into_bytes(),
        }
    }
}

#[inline(always)]
pub(super) fn append(buffer: &mut Vec<u8>, bytes: &[u8]) {
    #[cfg(test)]
    scan::work::add(bytes.len());
    buffer.extend_from_slice(bytes);
}

/// Empties a buffer, and returns whether its capacity still exceeds [`RETAINED`].
///
/// Frees the memory of an exceptional event, unless the following events need it too.
pub(super) fn recycle(buffer: &mut Vec<u8>) -> bool {
    let (used, capacity) = (buffer.len(), buffer.capacity());
    buffer.clear();
    if capacity > RETAINED && (capacity > RETAINED_IN_USE || used < capacity / 4) {
        *buffer = Vec::new();
    }
    buffer.capacity() > RETAINED
}
