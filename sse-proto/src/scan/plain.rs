//! The portable implementation, for every target.

use alloc::vec::Vec;

/// Finds the line ends of a chunk, from front to back.
pub(crate) struct LineEnds<'c> {
    chunk: &'c [u8],
}

impl<'c> LineEnds<'c> {
    #[inline]
    pub(crate) fn new(chunk: &'c [u8]) -> Self {
        Self { chunk }
    }

    /// Returns the offset of the first CR or LF at or after `start`. `start` must not precede the
    /// previous result.
    #[inline]
    pub(crate) fn after(&mut self, start: usize) -> Option<usize> {
        let found = match self.chunk.get(start..)? {
            // A blank line ends every event. Checking for it first costs a tenth of a search.
            [b'\n' | b'\r', ..] => Some(0),
            rest => find_line_end(rest),
        };
        #[cfg(test)]
        super::work::add(found.map_or(self.chunk.len() - start, |at| at + 1));
        found.map(|at| start + at)
    }
}

/// Returns the bytes as text if a fast check finds only ASCII. There is no fast check here, so
/// never.
#[inline]
pub(crate) fn ascii(_bytes: &[u8]) -> Option<&str> {
    None
}

/// Returns whether the bytes contain a CR or LF.
#[inline]
pub(crate) fn has_line_end(bytes: &[u8]) -> bool {
    #[cfg(test)]
    super::work::add(bytes.len());
    find_line_end(bytes).is_some()
}

/// Appends `prefix`, the bytes of `text` before its first CR or LF, and an LF. Returns the offset of
/// that line end in `text`.
#[inline]
pub(crate) fn push_line(out: &mut Vec<u8>, prefix: &str, text: &[u8]) -> Option<usize> {
    let end = find_line_end(text);
    let line = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    #[cfg(test)]
    super::work::add(line.len());
    out.extend_from_slice(prefix.as_bytes());
    out.extend_from_slice(line);
    out.push(b'\n');
    end
}

#[inline]
fn find_line_end(bytes: &[u8]) -> Option<usize> {
    // Firmware has little room for code, and no vectors that memchr could use.
    if cfg!(target_os = "none") {
        bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'))
    } else {
        memchr::memchr2(b'\n', b'\r', bytes)
    }
}

/// Returns whether the bytes contain a NUL.
#[inline]
pub(crate) fn has_nul(bytes: &[u8]) -> bool {
    bytes.contains(&0)
}
