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
    if payload.is_empty() {
        return;
    }
    let size = payload.len();
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4);
    out.reserve(digits as usize + size + 4);
    for place in (0..digits).rev() {
        // Masked to four bits.
        let digit = (size >> (4 * place)) as u8 & 0xf;
        out.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\r\n");
}
