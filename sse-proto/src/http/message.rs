//! What requests and responses share: the version, and the framing of the body.

use super::fields::Fields;

/// A version of HTTP/1 (RFC 9112 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0: no chunked bodies, and the connection closes unless both sides agree to keep it.
    Http10,
    /// HTTP/1.1, or a later minor version, which is compatible.
    Http11,
}

impl Version {
    #[cfg(feature = "http1")]
    pub(crate) fn from_minor(digit: u8) -> Option<Version> {
        match digit {
            b'0' => Some(Version::Http10),
            b'1'..=b'9' => Some(Version::Http11),
            _ => None,
        }
    }

    /// Returns whether a connection persists after a message of this version with these fields (RFC
    /// 9112 section 9.3).
    pub(crate) fn keep_alive(self, fields: &Fields) -> bool {
        let says = |option: &[u8]| fields.list("connection").any(|token| token.eq_ignore_ascii_case(option));
        !says(b"close") && (self == Version::Http11 || says(b"keep-alive"))
    }
}

/// How a body is delimited (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `Transfer-Encoding: chunked`, for a body whose length is not known in advance.
    Chunked,
    /// `Content-Length`, in bytes.
    Length(u64),
    /// The end of the connection. A truncated body cannot be detected.
    UntilClose,
    /// No body, and no header that states its length.
    None,
}
