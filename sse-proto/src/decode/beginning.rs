//! Detects a body that is not an event stream although it was sent as one: a JSON error message, an
//! HTML page.

use alloc::vec::Vec;
use core::mem;

use super::BOM;
use super::line::Line;

/// The beginning of a stream, kept until a line is recognised as a field or a comment. The owner
/// drops it then, so the rest of the stream costs nothing.
#[derive(Debug)]
pub(crate) struct Beginning {
    kept: Vec<u8>,
    limit: usize,
    line: Line,
    /// The number of BOM bytes seen, or `u8::MAX` once another byte has arrived.
    bom: u8,
    /// Whether a line was not blank.
    has_text: bool,
}

impl Beginning {
    /// Keeps at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit, line: Line::Start, bom: 0, has_text: false }
    }

    /// Examines the next bytes, and returns whether a line was recognised.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        let mut is_first = true;
        for part in self.skip_bom(bytes).split(|byte| matches!(byte, b'\n' | b'\r')) {
            // Every part but the first follows a line end.
            if !mem::take(&mut is_first) && self.end_line() {
                return true;
            }
            if self.push_part(part) {
                return true;
            }
        }
        let room = self.limit.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        false
    }

    /// Returns the kept bytes at the end of the stream, or `None` if its last line is a field or
    /// all its lines are blank.
    pub(crate) fn finish(mut self) -> Option<Vec<u8>> {
        let has_text = self.has_text || (1..BOM.len()).contains(&usize::from(self.bom));
        (has_text && !self.end_line()).then_some(self.kept)
    }

    fn push_part(&mut self, mut part: &[u8]) -> bool {
        self.has_text |= !part.is_empty();
        matches!(self.line, Line::Start | Line::Name { .. }) && self.line.push_name(&mut part).is_some()
    }

    fn end_line(&mut self) -> bool {
        mem::take(&mut self.line).end_name().is_some()
    }

    fn skip_bom<'b>(&mut self, mut bytes: &'b [u8]) -> &'b [u8] {
        while let (Some(expected), Some((byte, rest))) = (BOM.get(usize::from(self.bom)), bytes.split_first())
        {
            if byte == expected {
                self.bom += 1;
                bytes = rest;
                continue;
            }
            if self.bom > 0 {
                // Not a BOM, so the line starts with a byte that no field name starts with.
                (self.line, self.has_text) = (Line::Skip, true);
            }
            self.bom = u8::MAX;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_recognised_by_one_line_however_it_is_cut() {
        for (stream, kept) in [
            (&b"{\"error\":\"x\"}"[..], Some(&b"{\"error\":"[..])),
            (b"{\n  \"data\": 1,\n}\n", Some(b"{\n  \"data\"")),
            (b"<p>\r\n\r\n</p>", Some(b"<p>\r\n\r\n</")),
            (b"dat: x\nDATA: x\ndatas\n data: x", Some(b"dat: x\nDA")),
            (b"dat", Some(b"dat")),
            (b"\xEF\xBB\xBFx", Some(b"\xEF\xBB\xBFx")),
            (b"\xEF\xBBdata: x", Some(b"\xEF\xBBdata: x")),
            (b"\xEF\xBB", Some(b"\xEF\xBB")),
            (b"", None),
            (b"\n\r\n\r", None),
            (b"\xEF\xBB\xBF\n", None),
            (b"data", None),
            (b"data:", None),
            (b"{}\n{}\ndata: x", None),
            (b"{}\r:\r{}", None),
            (b"\xEF\xBB\xBFid: 3\n{}", None),
            (b"retry: soon\n", None),
            (b"x\nevent\nx", None),
        ] {
            for piece in 1..=stream.len().max(1) {
                let mut beginning = Some(Beginning::new(9));
                for piece in stream.chunks(piece) {
                    beginning =
                        beginning.and_then(|mut beginning| (!beginning.push(piece)).then_some(beginning));
                }
                let found = beginning.and_then(Beginning::finish);
                let kept = kept.map(|kept| &kept[..kept.len().min(9)]);
                assert_eq!(found.as_deref(), kept, "{:?} in pieces of {piece}", stream.escape_ascii());
            }
        }
    }
}
