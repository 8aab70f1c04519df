//! The head of a response, as a client receives it.

use super::fields::{Fields, excerpt, is_value_byte};
use super::framing::Framing;
use super::head::{HeadError, HeadLimits, Version, split_start_line, unfold};
use super::response_decoder::ResponseError;

/// Status line and headers of a response (RFC 9112 sections 4 and 5).
///
/// The reason phrase is dropped, as it means nothing. `Debug` output is bounded and hides the values of `Set-Cookie` and
/// the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    status: u16,
    version: Version,
    fields: Fields,
}

impl ResponseHead {
    pub(super) fn parse(head: &[u8], limits: HeadLimits) -> Result<ResponseHead, ResponseError> {
        let (line, block) = split_start_line(head);
        let (version, status) =
            parse_status_line(line).ok_or_else(|| ResponseError::StatusLine { line: excerpt(line) })?;
        let fields = Fields::parse(&unfold(block), limits.headers)?;
        Ok(ResponseHead { status, version, fields })
    }

    /// The status code, 100 to 999 (RFC 9110 section 15); those from 600 are nobody's, and count as server errors.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The version of the response.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The value of the first header called `name`, in any case. Bytes above 127 have no defined meaning
    /// (RFC 9110 section 5.5).
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name)
    }

    /// All headers in order, names as they were sent.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter()
    }

    /// Whether the server means to keep the connection open (RFC 9112 section 9.3).
    pub fn keep_alive(&self) -> bool {
        self.version.keep_alive(&self.fields)
    }

    pub(super) fn is_interim(&self) -> bool {
        self.status < 200
    }

    /// How the body is delimited that answers a request with such a method.
    pub(super) fn framing(&self, method: &str) -> Result<Framing, HeadError> {
        // Whatever the fields say: RFC 9112 section 6.3, rule 1.
        if method == "HEAD" || matches!(self.status, 204 | 304) {
            return Ok(Framing::None);
        }
        Ok(Framing::announced(&self.fields, self.version)?.unwrap_or(Framing::UntilClose))
    }
}

/// Without a reason phrase even the space before it may be missing: against the grammar, but seen in the wild.
fn parse_status_line(line: &[u8]) -> Option<(Version, u16)> {
    let (&[minor, b' ', hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9'], reason) =
        line.strip_prefix(b"HTTP/1.")?.split_first_chunk()?
    else {
        return None;
    };
    let digit = |ascii: u8| u16::from(ascii - b'0');
    let status = digit(hundreds) * 100 + digit(tens) * 10 + digit(ones);
    let reason_is_good = matches!(reason, [] | [b' ', ..]) && reason.iter().copied().all(is_value_byte);
    reason_is_good.then_some((Version::from_minor(minor)?, status))
}
