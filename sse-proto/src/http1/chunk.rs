//! The chunked transfer coding, sending side (RFC 9112 section 7.1).
//!
//! ```
//! use sse_proto::http1::chunk;
//!
//! let mut out = Vec::new();
//! chunk::append(&mut out, b"data: hello\n\n");
//! out.extend_from_slice(chunk::LAST);
//! assert_eq!(out, b"d\r\ndata: hello\n\n\r\n0\r\n\r\n");
//! ```

use alloc::vec::Vec;

/// What ends a chunked body. A body without it was cut.
pub const LAST: &[u8] = b"0\r\n\r\n";

/// Appends `payload` to `out` as one chunk; nothing if it is empty, as an empty chunk would end the body.
pub fn append(out: &mut Vec<u8>, payload: &[u8]) {
    crate::frame::append_chunk(out, payload);
}
