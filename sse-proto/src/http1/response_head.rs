//! Parsing of response heads, and the framing that they announce.

use super::head::{HeadError, HeadLimits, split_start_line, unfold};
use super::response_decoder::ResponseError;
use crate::http::fields::{Fields, excerpt, is_value_byte};
use crate::http::{Framing, ResponseHead, Version};

impl ResponseHead {
    pub(super) fn parse(head: &[u8], limits: HeadLimits) -> Result<ResponseHead, ResponseError> {
        let (line, block) = split_start_line(head);
        let (version, status) =
            parse_status_line(line).ok_or_else(|| ResponseError::StatusLine { line: excerpt(line) })?;
        let fields = Fields::parse(&unfold(block), limits.headers)?;
        Ok(ResponseHead::parsed(status, version, fields))
    }

    pub(super) fn is_interim(&self) -> bool {
        self.status() < 200
    }

    /// Returns the framing of the body that answers a request with this method.
    ///
    /// `single_use` says that the connection carries nothing after this response.
    pub(super) fn framing(&self, method: &str, single_use: bool) -> Result<Framing, HeadError> {
        // Regardless of the fields: RFC 9112 section 6.3, rule 1.
        if method == "HEAD" || matches!(self.status(), 204 | 304) {
            return Ok(Framing::None);
        }
        let announced = if single_use {
            Framing::announced_once(self.fields())
        } else {
            Framing::announced(self.fields(), self.version())
        };
        Ok(announced?.unwrap_or(Framing::UntilClose))
    }
}

/// Accepts a status line without a reason phrase and the space before it, which is invalid but seen
/// in the wild.
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
