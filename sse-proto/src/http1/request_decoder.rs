//! Reading requests, as a server.

use super::head::{HeadError, HeadLimits, HeadReader, Progress};
use super::request_head::{RequestHead, RequestHeadError};
use crate::http::fields::is_token_byte;

/// The number of empty lines that are skipped before a request line (RFC 9112 section 2.2 asks for
/// one).
const LEADING_EMPTY_LINES: usize = 4;

/// Decodes the heads of the requests on a connection.
///
/// Bytes after a head stay in the input. Decode the body with
/// [`BodyDecoder::for_request`](super::BodyDecoder::for_request); after that, `decode` returns the
/// next head.
///
/// ```text
///  ┌─head─┐
///  ▼      │
/// Reading ┴─error──► Failed, permanently
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
    /// Creates a decoder with the default limits.
    pub fn new() -> RequestDecoder {
        let limits = HeadLimits::default();
        RequestDecoder { state: State::Reading(HeadReader::new(limits)), empty_lines: 0, limits }
    }

    /// Restarts the decoder with these limits, which apply to each head.
    #[must_use]
    pub fn with_limits(self, limits: HeadLimits) -> RequestDecoder {
        RequestDecoder { state: State::Reading(HeadReader::new(limits)), limits, ..self }
    }

    /// Consumes bytes from the front of `input` up to the end of a head. Returns `None` once
    /// `input` is consumed.
    ///
    /// # Errors
    ///
    /// If the client makes a mistake; the error has the [status](RequestHeadError::status) of the
    /// response. Every further call returns the same error.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<RequestHead>, RequestHeadError> {
        self.advance(input).map_err(|error| self.fail(error))
    }

    /// Reports the end of the connection.
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

/// Rejects other protocols at their first byte. A TLS handshake on a plain port starts with a
/// control byte, and might never contain a line end.
fn refuse_other_protocol(head: &[u8]) -> Result<(), RequestHeadError> {
    match head.first() {
        Some(&byte) if !is_token_byte(byte) && byte != b'\r' && byte != b'\n' => {
            Err(RequestHeadError::NotHttp { byte })
        }
        _ => Ok(()),
    }
}
