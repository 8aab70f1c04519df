//! The output buffers of an encoder.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A growable buffer that an encoder appends text to and can truncate.
pub trait Buffer {
    /// Returns the number of bytes in the buffer.
    fn len(&self) -> usize;

    /// Returns whether the buffer is empty.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reserves capacity for `additional` more bytes.
    fn reserve(&mut self, additional: usize);

    /// Appends text.
    fn push_str(&mut self, text: &str);

    /// Keeps only the first `len` bytes. `len` is an earlier result of [`len`](Self::len).
    fn truncate(&mut self, len: usize);
}

impl Buffer for Vec<u8> {
    fn len(&self) -> usize {
        self.len()
    }

    #[inline]
    fn reserve(&mut self, additional: usize) {
        self.reserve(additional);
    }

    #[inline]
    fn push_str(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }

    fn truncate(&mut self, len: usize) {
        self.truncate(len);
    }
}

impl Buffer for String {
    fn len(&self) -> usize {
        self.len()
    }

    #[inline]
    fn reserve(&mut self, additional: usize) {
        self.reserve(additional);
    }

    #[inline]
    fn push_str(&mut self, text: &str) {
        self.push_str(text);
    }

    fn truncate(&mut self, len: usize) {
        self.truncate(len);
    }
}

#[cfg(feature = "bytes")]
impl Buffer for bytes::BytesMut {
    fn len(&self) -> usize {
        self.len()
    }

    #[inline]
    fn reserve(&mut self, additional: usize) {
        self.reserve(additional);
    }

    #[inline]
    fn push_str(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }

    fn truncate(&mut self, len: usize) {
        self.truncate(len);
    }
}

/// A slice that is filled from its beginning. Bytes beyond its end are only counted.
pub(super) struct SliceBuffer<'s> {
    slice: &'s mut [u8],
    len: usize,
}

impl<'s> SliceBuffer<'s> {
    pub(super) fn new(slice: &'s mut [u8]) -> Self {
        Self { slice, len: 0 }
    }

    pub(super) fn written(&self) -> Result<usize, BufferTooSmall> {
        if self.len <= self.slice.len() { Ok(self.len) } else { Err(BufferTooSmall { needed: self.len }) }
    }
}

impl Buffer for SliceBuffer<'_> {
    fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn reserve(&mut self, _additional: usize) {}

    fn push_str(&mut self, text: &str) {
        let end = self.len.saturating_add(text.len());
        if let Some(room) = self.slice.get_mut(self.len..end) {
            // The lengths are equal. `copy_from_slice` would panic if they were not; this loop
            // cannot.
            for (to, from) in room.iter_mut().zip(text.as_bytes()) {
                *to = *from;
            }
        }
        self.len = end;
    }

    fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

/// The error of encoding into a slice that is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferTooSmall {
    needed: usize,
}

impl BufferTooSmall {
    /// Returns the number of bytes that the event needs.
    pub fn needed(&self) -> usize {
        self.needed
    }
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "buffer too small: the encoded event needs {} bytes", self.needed)
    }
}

impl core::error::Error for BufferTooSmall {}
