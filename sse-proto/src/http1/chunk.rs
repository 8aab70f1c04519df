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

use crate::frame::make_chunk;

/// The last chunk, which ends a chunked body. A body without it was cut off.
pub const LAST: &[u8] = crate::frame::LAST_CHUNK;

/// Appends `payload` to `out` as one chunk. An empty payload appends nothing, because an empty
/// chunk would end the body.
pub fn append(out: &mut Vec<u8>, payload: &[u8]) {
    let start = out.len();
    // The longest size line, and both line ends.
    out.reserve(payload.len() + 20);
    out.extend_from_slice(payload);
    make_chunk(out, start);
}
