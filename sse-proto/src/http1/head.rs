//! Common parts of request and response heads: limits, errors, the search for their end, and the
//! parsing of header lines.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use memchr::{memchr, memchr_iter};

use crate::http::fields::Fields;

/// Limits the size of a head. A head that exceeds a limit is rejected with an error that names the
/// limit.
///
/// The same limits apply separately to the trailer section of a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Limits the bytes from the start line to the blank line. Interim responses and the final one
    /// count together. Default: 65,536, as common servers allow 8 to 64 KiB. A decoder needs about
    /// twice as much memory at most.
    pub bytes: usize,
    /// Limits the number of header lines. Default: 128. Common servers allow 100.
    pub headers: usize,
}

impl Default for HeadLimits {
    fn default() -> HeadLimits {
        HeadLimits { bytes: 64 * 1024, headers: 128 }
    }
}

/// An error in the head of a request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// The head exceeds [`HeadLimits::bytes`].
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The head has more header lines than [`HeadLimits::headers`].
    TooManyHeaders {
        /// The limit.
        limit: usize,
    },
    /// A line is not a valid header (RFC 9112 section 5).
    Header {
        /// The line number. 1 is the line after the start line; folded lines count as one.
        line: usize,
    },
    /// A `Content-Length` is not a number below 2^64, or differs from another one.
    ContentLength {
        /// The invalid value, escaped and truncated.
        value: String,
    },
    /// The `Transfer-Encoding` does not end with `chunked`, applied once.
    TransferEncoding {
        /// The invalid value, escaped and truncated.
        value: String,
    },
    /// A coding other than `chunked` is applied before `chunked`.
    UnknownTransferCoding {
        /// The coding, escaped and truncated.
        value: String,
    },
    /// An HTTP/1.0 message has a `Transfer-Encoding` (RFC 9112 section 6.1).
    Http10TransferEncoding,
    /// The head has both `Content-Length` and `Transfer-Encoding`.
    ConflictingFraming,
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeadError::TooLarge { limit } => write!(f, "head exceeds the limit of {limit} bytes"),
            HeadError::TooManyHeaders { limit } => write!(f, "head exceeds the limit of {limit} headers"),
            HeadError::Header { line } => write!(f, "malformed header line {line}"),
            HeadError::ContentLength { value } => {
                write!(f, "invalid or conflicting content-length \"{value}\"")
            }
            HeadError::TransferEncoding { value } => write!(f, "invalid transfer-encoding \"{value}\""),
            HeadError::UnknownTransferCoding { value } => write!(f, "unknown transfer coding \"{value}\""),
            HeadError::Http10TransferEncoding => f.write_str("transfer-encoding in an http/1.0 message"),
            HeadError::ConflictingFraming => f.write_str("both content-length and transfer-encoding"),
        }
    }
}

impl core::error::Error for HeadError {}

/// Collects bytes up to the blank line that ends a head. Each byte is scanned once, however the
/// input is split.
#[derive(Clone)]
pub(super) struct HeadReader {
    bytes: Vec<u8>,
    line_start: usize,
    /// How many more bytes are allowed.
    room: usize,
}

pub(super) enum Progress {
    /// The input is consumed.
    More,
    /// The blank line has arrived; `bytes` is the head.
    Ended,
    /// The head has more bytes than allowed. The first excess byte is still in the input.
    Full,
}

impl HeadReader {
    pub(super) fn new(limits: HeadLimits) -> HeadReader {
        HeadReader { bytes: Vec::new(), line_start: 0, room: limits.bytes }
    }

    pub(super) fn read(&mut self, input: &mut &[u8]) -> Progress {
        while !input.is_empty() {
            let line_end = memchr(b'\n', input).map(|at| at + 1);
            let wanted = line_end.unwrap_or(input.len());
            // Cannot panic: `wanted` is at most the input's length.
            let (taken, rest) = input.split_at(wanted.min(self.room));
            self.bytes.extend_from_slice(taken);
            self.room -= taken.len();
            *input = rest;
            if taken.len() < wanted {
                return Progress::Full;
            }
            if line_end.is_some() {
                if matches!(self.bytes.get(self.line_start..), Some(b"\n" | b"\r\n")) {
                    return Progress::Ended;
                }
                self.line_start = self.bytes.len();
            }
        }
        Progress::More
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns whether the start line is incomplete, or is the blank line.
    pub(super) fn in_first_line(&self) -> bool {
        self.line_start == 0
    }

    /// Prepares for another head, within the remaining limit.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.line_start = 0;
    }
}

/// Omits the bytes, which may hold credentials.
impl fmt::Debug for HeadReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadReader").field("len", &self.bytes.len()).field("room", &self.room).finish()
    }
}

/// Splits a head into its start line, without the line end, and the lines after it.
pub(super) fn split_start_line(head: &[u8]) -> (&[u8], &[u8]) {
    // Cannot panic: the position after a byte that was found, or the length.
    let (line, fields) = head.split_at(memchr(b'\n', head).map_or(head.len(), |at| at + 1));
    (without_line_end(line), fields)
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Replaces each line fold, with the whitespace around it, by one space (RFC 9112 section 5.2).
/// Whitespace before the first header is not a fold; it is kept, so that parsing rejects it
/// (section 2.2).
pub(super) fn unfold(block: &[u8]) -> Cow<'_, [u8]> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    if !memchr_iter(b'\n', block).any(|at| block.get(at + 1).is_some_and(is_blank)) {
        return Cow::Borrowed(block);
    }
    let mut unfolded = Vec::with_capacity(block.len());
    for line in block.split_inclusive(|&byte| byte == b'\n') {
        if unfolded.is_empty() || !line.first().is_some_and(is_blank) {
            unfolded.extend_from_slice(line);
            continue;
        }
        let line_so_far = without_line_end(&unfolded);
        let blanks = line_so_far.iter().rev().take_while(|byte| is_blank(byte)).count();
        unfolded.truncate(line_so_far.len() - blanks);
        unfolded.push(b' ');
        unfolded.extend(line.iter().skip_while(|byte| is_blank(byte)));
    }
    Cow::Owned(unfolded)
}

impl Fields {
    /// Parses the lines after a start line, including the final blank line.
    pub(super) fn parse(block: &[u8], limit: usize) -> Result<Fields, HeadError> {
        // At most one header per line, so that a large limit costs nothing.
        let lines = memchr_iter(b'\n', block).count();
        let mut parsed = vec![httparse::EMPTY_HEADER; limit.min(lines)];
        match httparse::parse_headers(block, &mut parsed) {
            Ok(httparse::Status::Complete((end, headers))) if end == block.len() => {
                let size = headers.iter().map(|header| header.name.len() + header.value.len()).sum();
                let mut fields = Fields::with_capacity(size, headers.len());
                for header in headers.iter() {
                    fields.push(header.name, header.value);
                }
                Ok(fields)
            }
            Err(httparse::Error::TooManyHeaders) => Err(HeadError::TooManyHeaders { limit }),
            _ => {
                // The headers before the invalid line were parsed, and no name is empty.
                let good = parsed.iter().take_while(|header| !header.name.is_empty()).count();
                Err(HeadError::Header { line: good + 1 })
            }
        }
    }
}
