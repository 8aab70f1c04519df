//! The framing of a message body.

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
