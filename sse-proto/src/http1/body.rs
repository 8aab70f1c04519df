//! Where a body begins and ends among the bytes of a connection.

use core::fmt;

use super::head::HeadLimits;
use super::request_head::RequestHead;
use crate::http::Framing;
use crate::http::fields::{is_token_byte, is_value_byte};

/// Takes the framing off a body (RFC 9112 sections 6 and 7), without copying it.
///
/// [`ResponseDecoder`](super::ResponseDecoder) has one inside; alone it reads the body of a request.
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
///     // What is left in `input` comes after the body.
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
    /// Bytes of the current chunk line, or of the trailer section.
    framing_bytes: usize,
    trailers: usize,
    limits: HeadLimits,
    /// Whether whitespace may stand around a chunk size.
    padded_sizes: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Length(u64),
    UntilClose,
    /// In the digits of a chunk size; `None` before the first.
    Size(Option<u64>),
    /// In the whitespace between size and extension.
    SizeSpace(u64),
    Extension(u64),
    /// Before the LF of a chunk line.
    SizeEnd(u64),
    Data(u64),
    /// Before the CR, then the LF, after a chunk's data.
    DataCr,
    DataLf,
    Trailer(Trailer),
    Complete,
    Failed(BodyError),
}

#[derive(Clone, Copy, Debug)]
enum Trailer {
    /// At the beginning of a line.
    Start,
    Name,
    Value,
    /// Before the LF of a trailer's line.
    Lf,
    /// Before the LF of the blank line.
    End,
}

impl BodyDecoder {
    /// How long the line with a chunk's size and extensions may be, in bytes. Extensions are skipped.
    pub const CHUNK_LINE_LIMIT: usize = 4096;

    /// A decoder for one body, with the default limits for its trailers.
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

    /// A decoder for the body that follows `head`.
    pub fn for_request(head: &RequestHead) -> BodyDecoder {
        BodyDecoder::new(head.framing())
    }

    /// Sets the limits for the trailer section, which is read and dropped.
    #[must_use]
    pub fn with_limits(mut self, limits: HeadLimits) -> BodyDecoder {
        self.limits = limits;
        self
    }

    /// Whether to accept whitespace around chunk sizes, as servers send that write them with a fixed width.
    pub(super) fn with_padded_sizes(self, padded_sizes: bool) -> BodyDecoder {
        BodyDecoder { padded_sizes, ..self }
    }

    /// Takes bytes from the front of `input` and returns the next piece of the body, as much as is in.
    ///
    /// `None` says that `input` is used up, or that the body is complete; then what follows it stays in `input`.
    ///
    /// # Errors
    ///
    /// What the peer's framing breaks; then and on every further call.
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
                    let Some((&byte, rest)) = input.split_first() else { return Ok(None) };
                    *input = rest;
                    self.state = self.handle_framing(byte).unwrap_or_else(State::Failed);
                }
            }
        }
    }

    /// Told that the connection ended, which completes a body delimited by that.
    ///
    /// # Errors
    ///
    /// [`BodyError::Incomplete`] if more was announced; an earlier error again.
    pub fn handle_eof(&mut self) -> Result<(), BodyError> {
        self.state = match self.state {
            State::UntilClose | State::Complete => State::Complete,
            State::Failed(error) => State::Failed(error),
            _ => State::Failed(BodyError::Incomplete),
        };
        if let State::Failed(error) = self.state { Err(error) } else { Ok(()) }
    }

    /// Whether the whole body was returned by `decode`.
    pub fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete)
    }

    /// How many bytes of the chunk that was announced last are still to come.
    pub(super) fn chunk_left(&self) -> u64 {
        if let State::SizeEnd(left) | State::Data(left) = self.state { left } else { 0 }
    }

    /// The state after one byte that is not the body's.
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
                    // Cannot overflow: the lowest four bits of a multiple of 16 are free.
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
            // `decode` gives these no framing bytes.
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

/// Takes up to `left` bytes off `input`; returns them and how many are still left after them.
fn take<'i>(input: &mut &'i [u8], left: u64) -> (&'i [u8], u64) {
    let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
    // Cannot panic: `count` is at most the length.
    let (part, rest) = input.split_at(count);
    *input = rest;
    (part, left - count as u64)
}

/// How a body's framing is broken. The peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// A byte that is no hexadecimal digit where a chunk's size stands, or stands no more.
    ChunkSize {
        /// The byte.
        byte: u8,
    },
    /// A chunk size of 2^64 or above.
    ChunkTooLarge,
    /// A control byte in a chunk extension; a bare LF is one.
    ChunkExtension {
        /// The byte.
        byte: u8,
    },
    /// A line with a chunk's size and extensions beyond [`BodyDecoder::CHUNK_LINE_LIMIT`].
    ChunkLineTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Something other than CR and LF after a chunk's data or at the end of a chunk line.
    ChunkEnd {
        /// The first byte that is neither.
        byte: u8,
    },
    /// A byte that cannot stand there in a trailer.
    Trailer {
        /// The byte.
        byte: u8,
    },
    /// A trailer section of more bytes than [`HeadLimits::bytes`].
    TrailersTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// More trailers than [`HeadLimits::headers`].
    TooManyTrailers {
        /// The limit.
        limit: usize,
    },
    /// The connection ended before the body did.
    Incomplete,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyError::ChunkSize { byte } => write!(f, "byte 0x{byte:02x} in a chunk size"),
            BodyError::ChunkTooLarge => f.write_str("chunk size of 2^64 or above"),
            BodyError::ChunkExtension { byte } => write!(f, "byte 0x{byte:02x} in a chunk extension"),
            BodyError::ChunkLineTooLong { limit } => write!(f, "chunk line longer than {limit} bytes"),
            BodyError::ChunkEnd { byte } => write!(f, "byte 0x{byte:02x} where a chunk's line end belongs"),
            BodyError::Trailer { byte } => write!(f, "byte 0x{byte:02x} in a trailer"),
            BodyError::TrailersTooLarge { limit } => write!(f, "trailers larger than {limit} bytes"),
            BodyError::TooManyTrailers { limit } => write!(f, "more than {limit} trailers"),
            BodyError::Incomplete => f.write_str("connection closed before the body was complete"),
        }
    }
}

impl core::error::Error for BodyError {}
