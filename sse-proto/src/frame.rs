//! An event encoded once, for every connection it goes to.

use alloc::vec::Vec;

use crate::{Encoder, EventRef};

/// An encoded event, ready to be written to any number of connections, chunked or not: it is stored as an HTTP/1.1 chunk, of
/// which the event is a part.
///
/// `B` holds the bytes; something that is cheap to clone lets all connections share them.
///
/// ```
/// use std::sync::Arc;
/// use sse_proto::Frame;
///
/// let frame: Frame<Arc<[u8]>> = Frame::event("hello").map(Arc::from);
/// assert_eq!(frame.bytes(), b"data: hello\n\n");
/// assert_eq!(frame.clone().chunk(), b"d\r\ndata: hello\n\n\r\n");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Frame<B = Vec<u8>> {
    chunk: B,
    /// The length of the line before the event.
    prefix: u8,
}

impl Frame {
    /// One event.
    pub fn event<'e>(event: impl Into<EventRef<'e>>) -> Self {
        let event = event.into();
        Self::encode(|mut encoder| encoder.event(event))
    }

    /// A comment, which clients ignore.
    pub fn comment(text: &str) -> Self {
        Self::encode(|mut encoder| encoder.comment(text))
    }

    /// Whatever is encoded here; written together, it also arrives together.
    pub fn encode(encode: impl FnOnce(Encoder<'_>)) -> Self {
        let mut chunk = Vec::new();
        encode(Encoder::new(&mut chunk));
        let prefix = make_chunk(&mut chunk, 0);
        // No more than 16 digits and a line end.
        Self { chunk, prefix: prefix as u8 }
    }
}

impl<B> Frame<B> {
    /// Holds the bytes otherwise: `frame.map(Arc::from)`, `frame.map(Bytes::from)`. They must stay the same.
    pub fn map<C>(self, hold: impl FnOnce(B) -> C) -> Frame<C> {
        Frame { chunk: hold(self.chunk), prefix: self.prefix }
    }

    /// What holds the chunk.
    pub fn get_ref(&self) -> &B {
        &self.chunk
    }
}

impl<B: AsRef<[u8]>> Frame<B> {
    /// The event.
    pub fn bytes(&self) -> &[u8] {
        self.chunk().get(self.range()).unwrap_or_default()
    }

    /// The event as a chunk (RFC 9112 section 7.1); nothing, if it is empty.
    pub fn chunk(&self) -> &[u8] {
        self.chunk.as_ref()
    }

    /// Where in the chunk the event is.
    pub fn range(&self) -> core::ops::Range<usize> {
        let start = usize::from(self.prefix);
        start..self.chunk().len().saturating_sub(CHUNK_END.len()).max(start)
    }

    /// How many bytes it holds.
    pub fn weight(&self) -> usize {
        self.chunk().len()
    }
}

const CHUNK_END: &[u8] = b"\r\n";

/// What ends a chunked body (RFC 9112 section 7.1).
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Makes one chunk of what stands from `start` on, and says how long the line before it is. Nothing becomes nothing, as an empty
/// chunk would end the body.
pub(crate) fn make_chunk(out: &mut Vec<u8>, start: usize) -> usize {
    let end = out.len();
    let size = end.saturating_sub(start);
    if size == 0 {
        return 0;
    }
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4);
    for place in (0..digits).rev() {
        // Masked to four bits.
        let digit = (size >> (4 * place)) as u8 & 0xf;
        out.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
    }
    out.extend_from_slice(CHUNK_END);
    let prefix = out.len() - end;
    if let Some(chunk) = out.get_mut(start..) {
        chunk.rotate_right(prefix);
    }
    out.extend_from_slice(CHUNK_END);
    prefix
}
