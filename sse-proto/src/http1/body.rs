//! The framing of bodies: where a body starts and ends among the bytes of a connection, and the
//! chunks to send.

use alloc::vec::Vec;
use core::fmt;

use super::head::HeadLimits;
use super::request_head::RequestHead;
use crate::frame::make_chunk;
use crate::http::Framing;
use crate::http::fields::{is_token_byte, is_value_byte};

/// Removes the framing of a body (RFC 9112 sections 6 and 7), without copying.
///
/// A [`ResponseDecoder`](super::ResponseDecoder) contains one. On its own, it decodes the body of a
/// request.
///
/// ```text
/// Length ────────────────────────────────────────────────────┐
/// UntilClose ──(eof)─────────────────────────────────────────┤
///                                                            ▼
/// Size ──► SizeEnd ──(0)──► Trailer ──(blank line)──────► Complete
///  ▲          │
///  │          ▼
/// DataLf ◄── Data
/// ```
///
/// ```
/// use sse_proto::http1::{BodyDecoder, BodyError, Framing};
///
/// # fn main() -> Result<(), BodyError> {
/// let mut decoder = BodyDecoder::new(Framing::Chunked);
/// let mut body = Vec::new();
/// for mut input in [&b"5\r\nhel"[..], b"lo\r\n0\r\n\r", b"\nnext"] {
///     while let Some(bytes) = decoder.decode(&mut input)? {
///         body.extend_from_slice(bytes);
///     }
///     // Bytes left in `input` follow the body.
///     assert!(input.is_empty() || (decoder.is_complete() && input == b"next"));
/// }
/// decoder.handle_eof()?;
/// assert_eq!(body, b"hello");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BodyDecoder {
    state: State,
    /// The number of bytes in the current chunk line, or in the trailer section.
    framing_bytes: usize,
    trailers: usize,
    limits: HeadLimits,
    /// Whether whitespace around a chunk size is accepted.
    padded_sizes: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Length(u64),
    UntilClose,
    /// In the digits of a chunk size; `None` before the first digit.
    Size(Option<u64>),
    /// In the whitespace between size and extension.
    SizeSpace(u64),
    Extension(u64),
    /// Before the LF of a chunk line.
    SizeEnd(u64),
    Data(u64),
    /// Before the CR after a chunk's data; `DataLf` is before the LF.
    DataCr,
    DataLf,
    Trailer(Trailer),
    Complete,
    Failed(BodyError),
}

#[derive(Clone, Copy, Debug)]
enum Trailer {
    /// At the start of a line.
    Start,
    Name,
    Value,
    /// Before the LF of a trailer line.
    Lf,
    /// Before the LF of the blank line.
    End,
}

impl BodyDecoder {
    /// The maximum length of a line with a chunk's size and extensions, in bytes. Extensions are
    /// ignored.
    pub const CHUNK_LINE_LIMIT: usize = 4096;

    /// Creates a decoder for one body, with the default limits for its trailers.
    pub fn new(framing: Framing) -> BodyDecoder {
        let state = match framing {
            Framing::Chunked => State::Size(None),
            Framing::Length(0) | Framing::None => State::Complete,
            Framing::Length(length) => State::Length(length),
            Framing::UntilClose => State::UntilClose,
        };
        BodyDecoder {
            state,
            framing_bytes: 0,
            trailers: 0,
            limits: HeadLimits::default(),
            padded_sizes: false,
        }
    }

    /// Creates a decoder for the body that follows `head`.
    pub fn for_request(head: &RequestHead) -> BodyDecoder {
        BodyDecoder::new(head.framing())
    }

    /// Sets the limits of the trailer section, which is read and dropped.
    #[must_use]
    pub fn with_limits(mut self, limits: HeadLimits) -> BodyDecoder {
        self.limits = limits;
        self
    }

    /// Sets whether whitespace around chunk sizes is accepted, which servers send that write sizes
    /// with a fixed width.
    pub(super) fn with_padded_sizes(self, padded_sizes: bool) -> BodyDecoder {
        BodyDecoder { padded_sizes, ..self }
    }

    /// Consumes bytes from the front of `input`, and returns the next part of the body, as much as
    /// is available.
    ///
    /// Returns `None` once `input` is consumed, or when the body is complete; bytes after the body
    /// stay in `input`.
    ///
    /// # Errors
    ///
    /// If the peer violates the framing. Every further call returns the same error.
    pub fn decode<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<&'i [u8]>, BodyError> {
        loop {
            match self.state {
                State::Failed(error) => return Err(error),
                State::Complete => return Ok(None),
                _ if input.is_empty() => return Ok(None),
                State::UntilClose => return Ok(Some(core::mem::take(input))),
                State::Length(left) => {
                    let (part, left) = take(input, left);
                    self.state = if left == 0 { State::Complete } else { State::Length(left) };
                    return Ok(Some(part));
                }
                State::Data(left) => {
                    let (part, left) = take(input, left);
                    self.state = if left == 0 { State::DataCr } else { State::Data(left) };
                    return Ok(Some(part));
                }
                _ => {
                    if let Some((size, rest)) = self.whole_size(input) {
                        (self.state, *input) = (self.start(State::Data(size)), rest);
                        continue;
                    }
                    let Some((&byte, rest)) = input.split_first() else { return Ok(None) };
                    *input = rest;
                    self.state = self.handle_framing(byte).unwrap_or_else(State::Failed);
                }
            }
        }
    }

    /// Reports the end of the connection, which completes a body that is delimited by it.
    ///
    /// # Errors
    ///
    /// [`BodyError::Incomplete`] if the body was not complete; an earlier error again.
    pub fn handle_eof(&mut self) -> Result<(), BodyError> {
        self.state = match self.state {
            State::UntilClose | State::Complete => State::Complete,
            State::Failed(error) => State::Failed(error),
            _ => State::Failed(BodyError::Incomplete),
        };
        if let State::Failed(error) = self.state { Err(error) } else { Ok(()) }
    }

    /// Returns whether `decode` has returned the whole body.
    pub fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete)
    }

    /// Returns the number of missing bytes of the chunk that was announced last.
    pub(super) fn chunk_left(&self) -> u64 {
        if let State::SizeEnd(left) | State::Data(left) = self.state { left } else { 0 }
    }

    /// Returns the size of the next chunk and the rest of the input, if all between the data of two chunks
    /// is there and is plain: the common case, without a step for each byte.
    fn whole_size<'i>(&self, input: &'i [u8]) -> Option<(u64, &'i [u8])> {
        // More digits might overflow.
        const DIGITS: usize = 8;
        let line = match self.state {
            State::DataCr => input.strip_prefix(b"\r\n")?,
            State::Size(None) if self.framing_bytes == 0 => input,
            _ => return None,
        };
        let mut size = 0;
        for (index, &byte) in line.iter().take(DIGITS + 1).enumerate() {
            match char::from(byte).to_digit(16) {
                Some(digit) => size = size << 4 | u64::from(digit),
                None if size == 0 => return None,
                None => return Some((size, line.get(index..)?.strip_prefix(b"\r\n")?)),
            }
        }
        None
    }

    /// Returns the state after one byte of the framing.
    fn handle_framing(&mut self, byte: u8) -> Result<State, BodyError> {
        self.framing_bytes += 1;
        self.check_limits()?;
        Ok(match (self.state, byte) {
            (State::Size(Some(size)), b'\r') => State::SizeEnd(size),
            (State::Size(Some(size)), b';') => State::Extension(size),
            (State::Size(Some(size)), b' ' | b'\t') => State::SizeSpace(size),
            (State::Size(None), b' ' | b'\t') if self.padded_sizes => State::Size(None),
            (State::Size(size), _) => {
                match (char::from(byte).to_digit(16), size.unwrap_or(0).checked_mul(16)) {
                    // Cannot overflow: the lowest four bits of a multiple of 16 are zero.
                    (Some(digit), Some(size)) => State::Size(Some(size + u64::from(digit))),
                    (Some(_), None) => return Err(BodyError::ChunkTooLarge),
                    (None, _) => return Err(BodyError::ChunkSize { byte }),
                }
            }
            (State::SizeSpace(size), b' ' | b'\t') => State::SizeSpace(size),
            (State::SizeSpace(size), b';') => State::Extension(size),
            (State::SizeSpace(size), b'\r') if self.padded_sizes => State::SizeEnd(size),
            (State::SizeSpace(_), _) => return Err(BodyError::ChunkSize { byte }),
            (State::Extension(size), b'\r') => State::SizeEnd(size),
            (State::Extension(size), _) if is_value_byte(byte) => State::Extension(size),
            (State::Extension(_), _) => return Err(BodyError::ChunkExtension { byte }),
            (State::SizeEnd(0), b'\n') => self.start(State::Trailer(Trailer::Start)),
            (State::SizeEnd(size), b'\n') => self.start(State::Data(size)),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => self.start(State::Size(None)),
            (State::SizeEnd(_) | State::DataCr | State::DataLf, _) => {
                return Err(BodyError::ChunkEnd { byte });
            }
            (State::Trailer(Trailer::Start), b'\r') => State::Trailer(Trailer::End),
            (State::Trailer(Trailer::Start | Trailer::End), b'\n') => State::Complete,
            // A folded line.
            (State::Trailer(Trailer::Start), b' ' | b'\t') if self.trailers > 0 => {
                State::Trailer(Trailer::Value)
            }
            (State::Trailer(Trailer::Start), _) if is_token_byte(byte) => {
                if self.trailers == self.limits.headers {
                    return Err(BodyError::TooManyTrailers { limit: self.limits.headers });
                }
                self.trailers += 1;
                State::Trailer(Trailer::Name)
            }
            (State::Trailer(Trailer::Name), b':') => State::Trailer(Trailer::Value),
            (State::Trailer(Trailer::Name), _) if is_token_byte(byte) => State::Trailer(Trailer::Name),
            (State::Trailer(Trailer::Value), b'\r') => State::Trailer(Trailer::Lf),
            (State::Trailer(Trailer::Value | Trailer::Lf), b'\n') => State::Trailer(Trailer::Start),
            (State::Trailer(Trailer::Value), _) if is_value_byte(byte) => State::Trailer(Trailer::Value),
            (State::Trailer(_), _) => return Err(BodyError::Trailer { byte }),
            // `decode` passes no framing bytes in these states.
            (
                State::Length(_) | State::UntilClose | State::Data(_) | State::Complete | State::Failed(_),
                _,
            ) => self.state,
        })
    }

    fn start(&mut self, state: State) -> State {
        self.framing_bytes = 0;
        state
    }

    fn check_limits(&self) -> Result<(), BodyError> {
        match self.state {
            State::Trailer(_) if self.framing_bytes > self.limits.bytes => {
                Err(BodyError::TrailersTooLarge { limit: self.limits.bytes })
            }
            State::Trailer(_) => Ok(()),
            // Chunk lines, and the two bytes after a chunk's data.
            _ if self.framing_bytes > Self::CHUNK_LINE_LIMIT => {
                Err(BodyError::ChunkLineTooLong { limit: Self::CHUNK_LINE_LIMIT })
            }
            _ => Ok(()),
        }
    }
}

/// Takes up to `left` bytes from `input`. Returns them, and how many are still missing.
fn take<'i>(input: &mut &'i [u8], left: u64) -> (&'i [u8], u64) {
    let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
    // Cannot panic: `count` is at most the length.
    let (part, rest) = input.split_at(count);
    *input = rest;
    (part, left - count as u64)
}

/// A violation of a body's framing. The peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// A chunk size contains a byte that is not a hexadecimal digit, or is followed by an invalid
    /// byte.
    ChunkSize {
        /// The byte.
        byte: u8,
    },
    /// A chunk size is 2^64 or above.
    ChunkTooLarge,
    /// A chunk extension contains a control byte, such as a bare LF.
    ChunkExtension {
        /// The byte.
        byte: u8,
    },
    /// A line with a chunk's size and extensions exceeds [`BodyDecoder::CHUNK_LINE_LIMIT`].
    ChunkLineTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A chunk's data or a chunk line does not end with CR LF.
    ChunkEnd {
        /// The first wrong byte.
        byte: u8,
    },
    /// A trailer contains an invalid byte.
    Trailer {
        /// The byte.
        byte: u8,
    },
    /// The trailer section exceeds [`HeadLimits::bytes`].
    TrailersTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The trailer section has more fields than [`HeadLimits::headers`].
    TooManyTrailers {
        /// The limit.
        limit: usize,
    },
    /// The connection ended before the body.
    Incomplete,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyError::ChunkSize { byte } => write!(f, "invalid byte 0x{byte:02x} in a chunk size"),
            BodyError::ChunkTooLarge => f.write_str("chunk size of 2^64 or above"),
            BodyError::ChunkExtension { byte } => write!(f, "invalid byte 0x{byte:02x} in a chunk extension"),
            BodyError::ChunkLineTooLong { limit } => {
                write!(f, "chunk line exceeds the limit of {limit} bytes")
            }
            BodyError::ChunkEnd { byte } => write!(f, "byte 0x{byte:02x} instead of the line end of a chunk"),
            BodyError::Trailer { byte } => write!(f, "invalid byte 0x{byte:02x} in a trailer"),
            BodyError::TrailersTooLarge { limit } => {
                write!(f, "trailer section exceeds the limit of {limit} bytes")
            }
            BodyError::TooManyTrailers { limit } => {
                write!(f, "trailer section exceeds the limit of {limit} fields")
            }
            BodyError::Incomplete => f.write_str("connection closed before the body was complete"),
        }
    }
}

impl core::error::Error for BodyError {}

/// The last chunk, which ends a chunked body. A body without it was cut off.
pub const LAST_CHUNK: &[u8] = crate::frame::LAST_CHUNK;

/// Appends `payload` to `out` as one chunk (RFC 9112 section 7.1). An empty payload appends nothing,
/// because an empty chunk would end the body; [`LAST_CHUNK`] ends it.
///
/// ```
/// use sse_proto::http1::{LAST_CHUNK, append_chunk};
///
/// let mut out = Vec::new();
/// append_chunk(&mut out, b"data: hello\n\n");
/// out.extend_from_slice(LAST_CHUNK);
/// assert_eq!(out, b"d\r\ndata: hello\n\n\r\n0\r\n\r\n");
/// ```
pub fn append_chunk(out: &mut Vec<u8>, payload: &[u8]) {
    let start = out.len();
    // The longest size line, and both line ends.
    out.reserve(payload.len() + 20);
    out.extend_from_slice(payload);
    make_chunk(out, start);
}
