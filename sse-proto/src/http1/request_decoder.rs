//! The server's reading side.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::head::{HeadError, HeadLimits, HeadReader, Progress};
use super::request_head::RequestHead;
use super::response::Response;
use crate::http::fields::is_token_byte;

/// How many empty lines before a request line are skipped (RFC 9112 section 2.2 asks for one).
const LEADING_EMPTY_LINES: usize = 4;

/// Takes the bytes of a connection and gives the heads of the requests on it.
///
/// What follows a head stays in the input: read the body with [`BodyDecoder::for_request`](super::BodyDecoder::for_request), then
/// `decode` gives the next head.
///
/// ```text
///  ┌─head─┐
///  ▼      │
/// Reading ┴─error──► Failed, for good
/// ```
///
/// ```
/// use sse_proto::http1::{RequestDecoder, RequestHeadError};
///
/// # fn main() -> Result<(), RequestHeadError> {
/// let mut decoder = RequestDecoder::new();
/// for read in ["GET /sse HTTP/1.1\r\nHo", "st: example.com\r\n\r\n"] {
///     let mut input = read.as_bytes();
///     while let Some(head) = decoder.decode(&mut input)? {
///         assert_eq!((head.method(), head.path()), ("GET", "/sse"));
///         assert_eq!(head.header("host"), Some(&b"example.com"[..]));
///     }
/// }
/// decoder.handle_eof()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RequestDecoder {
    state: State,
    empty_lines: usize,
    limits: HeadLimits,
}

#[derive(Clone, Debug)]
enum State {
    Reading(HeadReader),
    Failed(RequestHeadError),
}

impl Default for RequestDecoder {
    fn default() -> RequestDecoder {
        RequestDecoder::new()
    }
}

impl RequestDecoder {
    /// A decoder with the default limits.
    pub fn new() -> RequestDecoder {
        let limits = HeadLimits::default();
        RequestDecoder { state: State::Reading(HeadReader::new(limits)), empty_lines: 0, limits }
    }

    /// Starts over with these limits, which hold for each head.
    #[must_use]
    pub fn with_limits(self, limits: HeadLimits) -> RequestDecoder {
        RequestDecoder { state: State::Reading(HeadReader::new(limits)), limits, ..self }
    }

    /// Takes bytes from the front of `input` up to the end of a head. `None` says that `input` is used up.
    ///
    /// # Errors
    ///
    /// What the client did wrong, with the [status](RequestHeadError::status) to answer; then and on every further call.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<RequestHead>, RequestHeadError> {
        self.advance(input).map_err(|error| self.fail(error))
    }

    /// Takes what was read from a connection that is expected to send a request; nothing if it ended. What follows the
    /// head in `bytes` is dropped.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode); [`RequestHeadError::IncompleteHead`] if the connection ended.
    pub fn handle_read(&mut self, bytes: &[u8]) -> Result<Option<RequestHead>, RequestHeadError> {
        if bytes.is_empty() {
            return self.handle_eof().and(Err(RequestHeadError::IncompleteHead));
        }
        self.decode(&mut { bytes })
    }

    /// Told that the connection ended.
    ///
    /// # Errors
    ///
    /// [`RequestHeadError::IncompleteHead`] inside a head; an earlier error again.
    pub fn handle_eof(&mut self) -> Result<(), RequestHeadError> {
        match &self.state {
            State::Reading(reader) if reader.bytes().is_empty() => Ok(()),
            State::Reading(_) => Err(self.fail(RequestHeadError::IncompleteHead)),
            State::Failed(error) => Err(error.clone()),
        }
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<RequestHead>, RequestHeadError> {
        let reader = match &mut self.state {
            State::Reading(reader) => reader,
            State::Failed(error) => return Err(error.clone()),
        };
        loop {
            let progress = reader.read(input);
            refuse_other_protocol(reader.bytes())?;
            match progress {
                Progress::More => return Ok(None),
                Progress::Full if reader.in_first_line() => {
                    return Err(RequestHeadError::UriTooLong { limit: self.limits.bytes });
                }
                Progress::Full => return Err(HeadError::TooLarge { limit: self.limits.bytes }.into()),
                Progress::Ended if reader.in_first_line() && self.empty_lines < LEADING_EMPTY_LINES => {
                    self.empty_lines += 1;
                    reader.clear();
                }
                Progress::Ended => {
                    let head = RequestHead::parse(reader.bytes(), self.limits)?;
                    *reader = HeadReader::new(self.limits);
                    self.empty_lines = 0;
                    return Ok(Some(head));
                }
            }
        }
    }

    fn fail(&mut self, error: RequestHeadError) -> RequestHeadError {
        self.state = State::Failed(error.clone());
        error
    }
}

/// A TLS handshake on a plain port begins with a control byte, and no line end may ever come.
fn refuse_other_protocol(head: &[u8]) -> Result<(), RequestHeadError> {
    match head.first() {
        Some(&byte) if !is_token_byte(byte) && byte != b'\r' && byte != b'\n' => {
            Err(RequestHeadError::NotHttp { byte })
        }
        _ => Ok(()),
    }
}

/// Why a request cannot be answered as it asks. The client's fault, or the connection's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestHeadError {
    /// No method begins with the first byte: another protocol.
    NotHttp {
        /// The byte.
        byte: u8,
    },
    /// A first line that is no request line (RFC 9112 section 3).
    RequestLine {
        /// The line, escaped and shortened.
        line: String,
    },
    /// A request line of more bytes than [`HeadLimits::bytes`].
    UriTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A version other than HTTP/1.
    Version {
        /// The version as it was sent.
        version: String,
    },
    /// HTTP/1.1 without a `Host`.
    MissingHost,
    /// More than one `Host`.
    DuplicateHost,
    /// A `Host` with bytes that neither a host nor a port holds.
    Host {
        /// Its value, escaped and shortened.
        host: String,
    },
    /// Wrong in the head otherwise.
    Head(HeadError),
    /// The connection ended inside a head.
    IncompleteHead,
}

impl RequestHeadError {
    /// A whole response that tells the client, with [`status`](Self::status) and this error as its text, and with a `Date` where the
    /// caller has a [clock](Response::with_date).
    pub fn response(&self, since_unix_epoch: Option<Duration>) -> Vec<u8> {
        let mut out = Vec::new();
        let response = Response::new(self.status());
        let response = match since_unix_epoch {
            Some(time) => response.with_date(time),
            None => response,
        };
        response.encode_whole("", format!("{self}\n").as_bytes(), &mut out);
        out
    }

    /// The status that tells the client (RFC 9110 section 15.5, RFC 6585 section 5): 400, 414, 431, 501 or 505. The
    /// connection has to be closed after it.
    pub fn status(&self) -> u16 {
        match self {
            RequestHeadError::UriTooLong { .. } => 414,
            RequestHeadError::Head(HeadError::TooLarge { .. } | HeadError::TooManyHeaders { .. }) => 431,
            RequestHeadError::Head(HeadError::UnknownTransferCoding { .. }) => 501,
            RequestHeadError::Version { .. } => 505,
            _ => 400,
        }
    }
}

impl From<HeadError> for RequestHeadError {
    fn from(error: HeadError) -> RequestHeadError {
        RequestHeadError::Head(error)
    }
}

impl fmt::Display for RequestHeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestHeadError::NotHttp { byte } => write!(f, "byte 0x{byte:02x} where a method should begin"),
            RequestHeadError::RequestLine { line } => write!(f, "malformed request line \"{line}\""),
            RequestHeadError::UriTooLong { limit } => write!(f, "request line longer than {limit} bytes"),
            RequestHeadError::Version { version } => write!(f, "unsupported version {version}"),
            RequestHeadError::MissingHost => f.write_str("http/1.1 request without a host header"),
            RequestHeadError::DuplicateHost => f.write_str("more than one host header"),
            RequestHeadError::Host { host } => write!(f, "malformed host \"{host}\""),
            RequestHeadError::Head(error) => error.fmt(f),
            RequestHeadError::IncompleteHead => f.write_str("connection closed before the head was complete"),
        }
    }
}

impl core::error::Error for RequestHeadError {}
