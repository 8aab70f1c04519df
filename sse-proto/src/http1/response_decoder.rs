//! Reading responses, as a client.

use alloc::string::String;
use core::fmt;

use super::body::{BodyDecoder, BodyError};
use super::head::{HeadError, HeadLimits, HeadReader, Progress};
use crate::http::{Framing, ResponseHead};

/// Decodes the response to one request.
///
/// ```text
///  ┌─1xx─┐
///  ▼     │
/// Head ──┴─final──► Body, until its decoder is complete
///  └──────┬───────────┘
///         ▼ error
///       Failed, permanently
/// ```
///
/// ```
/// use sse_proto::http1::{ResponseDecoder, ResponseError, ResponsePart};
///
/// # fn main() -> Result<(), ResponseError> {
/// let reads = ["HTTP/1.1 200 OK\r\nContent-Le", "ngth: 9\r\n\r\ndata", ": x\n\n"];
/// let mut decoder = ResponseDecoder::new("GET");
/// let mut body = Vec::new();
/// for read in reads {
///     let mut input = read.as_bytes();
///     while let Some(part) = decoder.decode(&mut input)? {
///         match part {
///             ResponsePart::Interim(_) => {}
///             ResponsePart::Head(head) => assert_eq!(head.status(), 200),
///             ResponsePart::Body(bytes) => body.extend_from_slice(bytes),
///         }
///     }
///     if decoder.is_complete() {
///         assert!(decoder.reusable(input));
///     }
/// }
/// assert_eq!(body, b"data: x\n\n");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ResponseDecoder {
    state: State,
    method: String,
    limits: HeadLimits,
    single_use: bool,
    /// The last head that arrived.
    head: Option<ResponseHead>,
    /// Whether the head allows another request to follow.
    keep_alive: bool,
}

#[derive(Clone, Debug)]
enum State {
    Head(HeadReader),
    Body(BodyDecoder),
    Failed(ResponseError),
}

/// A part of a response, returned by [`ResponseDecoder::decode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponsePart<'d> {
    /// The head of an interim response (1xx, RFC 9110 section 15.2). Another head follows.
    Interim(&'d ResponseHead),
    /// The head of the response. Returned once.
    Head(&'d ResponseHead),
    /// Some bytes of the body, never empty.
    Body(&'d [u8]),
}

impl ResponseDecoder {
    /// Creates a decoder for the response to a request with this method. A response to `HEAD` has
    /// no body. `CONNECT` is not supported.
    pub fn new(method: &str) -> ResponseDecoder {
        ResponseDecoder {
            state: State::Head(HeadReader::new(HeadLimits::default())),
            method: method.into(),
            limits: HeadLimits::default(),
            single_use: false,
            head: None,
            keep_alive: false,
        }
    }

    /// Restarts the decoder with these limits. Default: [`HeadLimits::default`].
    #[must_use]
    pub fn with_limits(self, limits: HeadLimits) -> ResponseDecoder {
        ResponseDecoder { state: State::Head(HeadReader::new(limits)), limits, ..self }
    }

    /// Tolerates the framing that servers send in practice, on a connection that carries no other
    /// response.
    ///
    /// The decoder then accepts a `Content-Length` beside `Transfer-Encoding: chunked`, which
    /// overrides the length; `Transfer-Encoding` in HTTP/1.0; `chunked` named twice, which is
    /// applied once; the coding `identity`, which is ignored (RFC 9112 sections 6.1 and 6.3); and
    /// whitespace around a chunk size, within [`BodyDecoder::CHUNK_LINE_LIMIT`].
    ///
    /// By default all of these are errors: on a connection that carries another response, an
    /// ambiguous body would let an attacker choose that response. For single use,
    /// [`reusable`](Self::reusable) therefore always returns `false`.
    #[must_use]
    pub fn for_single_use(self) -> ResponseDecoder {
        ResponseDecoder { single_use: true, ..self }
    }

    /// Consumes bytes from the front of `input`, and returns the next part of the response. Body
    /// bytes are returned as soon as they arrive.
    ///
    /// Returns `None` once `input` is consumed, or when the response is complete; bytes after the
    /// response stay in `input`.
    ///
    /// # Errors
    ///
    /// If the server makes a mistake. Every further call returns the same error. Input that cannot
    /// be HTTP/1 is rejected at its first wrong byte.
    pub fn decode<'d, 'i: 'd>(
        &'d mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<ResponsePart<'d>>, ResponseError> {
        match self.advance(input) {
            Ok(Advance::Used) => Ok(None),
            Ok(Advance::Head) => Ok(self.head.as_ref().map(|head| {
                if head.is_interim() { ResponsePart::Interim(head) } else { ResponsePart::Head(head) }
            })),
            Ok(Advance::Body(bytes)) => Ok(Some(ResponsePart::Body(bytes))),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Reports the end of the connection, which completes a body that is delimited by it.
    ///
    /// # Errors
    ///
    /// [`ResponseError::IncompleteHead`] or [`ResponseError::IncompleteBody`] if the response was
    /// not complete; an earlier error again.
    pub fn handle_eof(&mut self) -> Result<(), ResponseError> {
        let ended = match &mut self.state {
            State::Head(_) => Err(ResponseError::IncompleteHead),
            State::Body(body) => body.handle_eof().map_err(ResponseError::from),
            State::Failed(error) => Err(error.clone()),
        };
        ended.map_err(|error| self.fail(error))
    }

    /// Returns whether `decode` has returned the whole response.
    pub fn is_complete(&self) -> bool {
        matches!(&self.state, State::Body(body) if body.is_complete())
    }

    /// Returns the head of the response once it has arrived, never an interim one.
    pub fn head(&self) -> Option<&ResponseHead> {
        self.head.as_ref().filter(|head| !head.is_interim())
    }

    /// Returns whether another request may be sent on the connection (RFC 9112 section 9.3).
    ///
    /// That requires that the response is complete, neither it nor its framing ends the connection,
    /// and `leftover`, the input that `decode` did not consume, is empty: unsolicited bytes make
    /// the rest of the connection suspect. Always `false` [for single use](Self::for_single_use).
    pub fn reusable(&self, leftover: &[u8]) -> bool {
        !self.single_use && self.is_complete() && self.keep_alive && leftover.is_empty()
    }

    fn advance<'i>(&mut self, input: &mut &'i [u8]) -> Result<Advance<'i>, ResponseError> {
        let reader = match &mut self.state {
            State::Head(reader) => reader,
            State::Body(body) => return Ok(body.decode(input)?.map_or(Advance::Used, Advance::Body)),
            State::Failed(error) => return Err(error.clone()),
        };
        let progress = reader.read(input);
        refuse_other_protocol(reader.bytes())?;
        match progress {
            Progress::More => return Ok(Advance::Used),
            Progress::Full => return Err(HeadError::TooLarge { limit: self.limits.bytes }.into()),
            Progress::Ended => {}
        }
        let head = ResponseHead::parse(reader.bytes(), self.limits)?;
        if head.status() == 101 {
            return Err(ResponseError::Upgrade);
        }
        if head.is_interim() {
            reader.clear();
        } else {
            let framing = head.framing(&self.method, self.single_use)?;
            self.keep_alive = head.keep_alive() && framing != Framing::UntilClose;
            let body = BodyDecoder::new(framing).with_limits(self.limits);
            self.state = State::Body(body.with_padded_sizes(self.single_use));
        }
        self.head = Some(head);
        Ok(Advance::Head)
    }

    fn fail(&mut self, error: ResponseError) -> ResponseError {
        self.state = State::Failed(error.clone());
        error
    }
}

/// A [`ResponsePart`] that does not borrow from the decoder.
enum Advance<'i> {
    Used,
    Head,
    Body(&'i [u8]),
}

fn refuse_other_protocol(head: &[u8]) -> Result<(), ResponseError> {
    match head.iter().zip(b"HTTP/1.").enumerate().find(|(_, (byte, expected))| byte != expected) {
        Some((position, (&byte, _))) => Err(ResponseError::NotHttp1 { byte, position }),
        None => Ok(()),
    }
}

/// Why a response cannot be used. The server's fault, or the connection's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The response does not start with `HTTP/1.`: another protocol, or another version.
    NotHttp1 {
        /// The first byte that differs.
        byte: u8,
        /// The position of the byte.
        position: usize,
    },
    /// The first line is not a valid status line (RFC 9112 section 4).
    StatusLine {
        /// The line, escaped and truncated.
        line: String,
    },
    /// Another error in the head.
    Head(HeadError),
    /// Status 101, by which the server leaves HTTP (RFC 9110 section 15.2.2), was not requested.
    Upgrade,
    /// The framing of the body is invalid. Never [`BodyError::Incomplete`].
    Body(BodyError),
    /// The connection ended before the head.
    IncompleteHead,
    /// The connection ended before the body.
    IncompleteBody,
}

impl From<HeadError> for ResponseError {
    fn from(error: HeadError) -> ResponseError {
        ResponseError::Head(error)
    }
}

impl From<BodyError> for ResponseError {
    fn from(error: BodyError) -> ResponseError {
        match error {
            BodyError::Incomplete => ResponseError::IncompleteBody,
            error => ResponseError::Body(error),
        }
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResponseError::NotHttp1 { byte, position } => {
                write!(f, "not an http/1 response: unexpected byte 0x{byte:02x} at byte {position}")
            }
            ResponseError::StatusLine { line } => write!(f, "malformed status line \"{line}\""),
            ResponseError::Head(error) => error.fmt(f),
            ResponseError::Upgrade => f.write_str("status 101 without a request to upgrade"),
            ResponseError::Body(error) => error.fmt(f),
            ResponseError::IncompleteHead => f.write_str("connection closed before the head was complete"),
            ResponseError::IncompleteBody => BodyError::Incomplete.fmt(f),
        }
    }
}

impl core::error::Error for ResponseError {}
