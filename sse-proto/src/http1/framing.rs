//! How a message says where its body ends (RFC 9112 section 6).

use alloc::vec::Vec;

use super::head::HeadError;
use crate::http::fields::{Fields, excerpt};
use crate::http::{Framing, Version};

impl Framing {
    /// What a head's fields say, if they say anything.
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

    /// As [`announced`](Self::announced), where the connection carries nothing after this message: then a wrong guess costs
    /// one stream, and smuggles nothing.
    ///
    /// `chunked` overrides a length and may be named twice, in HTTP/1.0 too; `identity` is no coding.
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

/// Why these codings, which are not `chunked` alone, are refused.
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

/// Equal values, in one line or in several, are one value.
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
    // The number parser would take a plus sign.
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}
