//! The output buffers of an encoder.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::scan;

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

    /// Appends a line: `prefix`, then `line`, which has no line end, then a line feed. A buffer that
    /// can do so faster in one step may override this.
    #[inline]
    fn push_line(&mut self, prefix: &str, line: &str) {
        #[cfg(test)]
        scan::work::add(line.len());
        self.push_str(prefix);
        self.push_str(line);
        self.push_str("\n");
    }

    /// Appends every line of `text`, like [`push_line`](Self::push_line). Lines end in LF, CR or CRLF.
    /// A buffer that can do so faster in one step may override this.
    #[inline]
    fn push_lines(&mut self, prefix: &str, text: &str) {
        if !scan::has_line_end(text.as_bytes()) {
            return self.push_line(prefix, text);
        }
        for line in scan::lines(text) {
            self.push_line(prefix, line);
        }
    }
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

    #[inline]
    fn push_line(&mut self, prefix: &str, line: &str) {
        scan::push_line(self, prefix, line.as_bytes());
    }

    #[inline]
    fn push_lines(&mut self, prefix: &str, text: &str) {
        let mut rest = text.as_bytes();
        while let Some(end) = scan::push_line(self, prefix, rest) {
            rest = match rest.get(end..) {
                Some([b'\r', b'\n', rest @ ..] | [_, rest @ ..]) => rest,
                _ => &[],
            };
        }
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
