//! The plain way, on every target.

/// Finds the line ends of a chunk, from front to back.
pub(crate) struct LineEnds<'c> {
    chunk: &'c [u8],
}

impl<'c> LineEnds<'c> {
    #[inline]
    pub(crate) fn new(chunk: &'c [u8]) -> Self {
        Self { chunk }
    }

    /// The offset of the first CR or LF that is not before `start`, which is not before the one found last.
    #[inline]
    pub(crate) fn after(&mut self, start: usize) -> Option<usize> {
        let found = match self.chunk.get(start..)? {
            // A blank line ends every event: a tenth of the cost of a search that finds nothing before it.
            [b'\n' | b'\r', ..] => Some(0),
            rest => memchr::memchr2(b'\n', b'\r', rest),
        };
        #[cfg(test)]
        super::work::add(found.map_or(self.chunk.len() - start, |at| at + 1));
        found.map(|at| start + at)
    }
}

/// The bytes as text, if they are ASCII and that is quickly said: never.
#[inline]
pub(crate) fn ascii(_bytes: &[u8]) -> Option<&str> {
    None
}

/// Whether there is a CR or LF among the bytes.
#[inline]
pub(crate) fn has_line_end(bytes: &[u8]) -> bool {
    #[cfg(test)]
    super::work::add(bytes.len());
    memchr::memchr2(b'\n', b'\r', bytes).is_some()
}

/// Whether there is a NUL among the bytes.
#[inline]
pub(crate) fn has_nul(bytes: &[u8]) -> bool {
    bytes.contains(&0)
}
