//! The framing that a message announces (RFC 9112 section 6).

use alloc::vec::Vec;

use super::head::HeadError;
use crate::http::fields::{Fields, excerpt};
use crate::http::{Framing, Version};

impl Framing {
    /// Returns the framing that the fields of a head announce, if any.
    pub(super) fn announced(fields: &Fields, version: Version) -> Result<Option<Framing>, HeadError> {
        if fields.get("transfer-encoding").is_none() {
            return content_length(fields).map(|length| length.map(Framing::Length));
        }
        if version == Version::Http10 {
            return Err(HeadError::Http10TransferEncoding);
        }
        if fields.get("content-length").is_some() {
            return Err(HeadError::ConflictingFraming);
        }
        let codings = transfer_codings(fields);
        if matches!(codings[..], [coding] if is_chunked(coding)) {
            return Ok(Some(Framing::Chunked));
        }
        Err(refused_codings(&codings))
    }

    /// [`announced`](Self::announced) for a connection that carries nothing after this message: a
    /// wrong guess costs one stream and smuggles nothing.
    ///
    /// `chunked` overrides a length and may be named twice, even in HTTP/1.0. `identity` is not a
    /// coding.
    pub(super) fn announced_once(fields: &Fields) -> Result<Option<Framing>, HeadError> {
        let mut codings = transfer_codings(fields);
        codings.retain(|coding| !coding.eq_ignore_ascii_case(b"identity"));
        if codings.is_empty() {
            return content_length(fields).map(|length| length.map(Framing::Length));
        }
        if codings.iter().all(|coding| is_chunked(coding)) {
            return Ok(Some(Framing::Chunked));
        }
        Err(refused_codings(&codings))
    }
}

fn transfer_codings(fields: &Fields) -> Vec<&[u8]> {
    fields.list("transfer-encoding").filter(|coding| !coding.is_empty()).collect()
}

fn is_chunked(coding: &[u8]) -> bool {
    coding.eq_ignore_ascii_case(b"chunked")
}

/// Returns why these codings, which are not just `chunked`, are rejected.
fn refused_codings(codings: &[&[u8]]) -> HeadError {
    match codings.split_last() {
        Some((last, below @ [first, ..]))
            if is_chunked(last) && !below.iter().any(|coding| is_chunked(coding)) =>
        {
            HeadError::UnknownTransferCoding { value: excerpt(first) }
        }
        _ => HeadError::TransferEncoding { value: excerpt(&codings.join(&b", "[..])) },
    }
}

/// Parses the `Content-Length`. Equal values, in one line or several, count as one.
fn content_length(fields: &Fields) -> Result<Option<u64>, HeadError> {
    let mut length = None;
    for element in fields.list("content-length") {
        match decimal(element) {
            Some(value) if length.is_none_or(|length| length == value) => length = Some(value),
            _ => return Err(HeadError::ContentLength { value: excerpt(element) }),
        }
    }
    Ok(length)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    // `parse` would accept a plus sign.
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}
