//! How a message says where its body ends.

/// How a body is delimited (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `Transfer-Encoding: chunked`, for a body whose length is not known when it begins.
    Chunked,
    /// `Content-Length`, in bytes.
    Length(u64),
    /// The body ends when the connection does. A cut cannot be told from an end.
    UntilClose,
    /// There is no body, and no header says how long it would be.
    None,
}
