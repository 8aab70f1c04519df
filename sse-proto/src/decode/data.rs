//! The data of an event that does not lie in one chunk.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::{RETAINED, RETAINED_IN_USE};
use crate::scan;

/// Lines of data, an LF after each.
#[derive(Clone, Debug)]
pub(super) enum Data {
    /// Whether it is text is not known yet.
    Bytes(Vec<u8>),
    /// It was found to be ASCII piece by piece, as long as each was in the first-level cache.
    Text(String),
}

/// Data that begins with a piece of as many bytes is checked piece by piece.
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

    /// The data without the LF after its last line, if it is text.
    #[inline(always)]
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Bytes(_) => scan::text(self.bytes()),
            Self::Text(text) => Some(text.strip_suffix('\n').unwrap_or(text)),
        }
    }

    /// Likewise, whatever it is.
    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        let bytes = match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        };
        bytes.split_last().map_or(bytes, |(_, data)| data)
    }

    /// The bytes of all lines, with the LF after each.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Text(text) => text.len(),
        }
    }

    /// Empties it; whether it keeps more capacity than it keeps for good.
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

/// Empties a buffer. What an exceptional event needed is given back, unless the events after it need it too. Answers whether
/// the buffer keeps more than it does for good.
pub(super) fn recycle(buffer: &mut Vec<u8>) -> bool {
    let (used, capacity) = (buffer.len(), buffer.capacity());
    buffer.clear();
    if capacity > RETAINED && (capacity > RETAINED_IN_USE || used < capacity / 4) {
        *buffer = Vec::new();
    }
    buffer.capacity() > RETAINED
}
