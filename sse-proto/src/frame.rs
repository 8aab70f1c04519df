//! An event encoded once for all of its connections.

use alloc::vec::Vec;

use crate::{AsEvent, Decoder, Encoder, Event, EventRef, Limits};

/// An encoded event, ready for any number of connections, chunked or not.
///
/// The frame is stored as an HTTP/1.1 chunk that contains the event. `B` holds the bytes; with a
/// `B` that is cheap to clone, all connections share them.
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
    /// The length of the chunk-size line before the event.
    prefix: u8,
}

impl Frame {
    /// Encodes one event.
    pub fn event(event: impl AsEvent) -> Self {
        let event = event.as_event();
        Self::encode(|mut encoder| encoder.event(event))
    }

    /// Encodes a comment, which clients ignore.
    pub fn comment(text: &str) -> Self {
        Self::encode(|mut encoder| encoder.comment(text))
    }

    /// Encodes several events and comments into one frame, which a sender writes as a unit.
    pub fn encode(encode: impl FnOnce(Encoder<'_>)) -> Self {
        let mut chunk = Vec::new();
        encode(Encoder::new(&mut chunk));
        let prefix = make_chunk(&mut chunk, 0);
        // At most 16 digits and a line end.
        Self { chunk, prefix: prefix as u8 }
    }
}

impl Frame {
    /// Adds an id to an encoded event.
    pub(crate) fn with_id(id: impl core::fmt::Display, event: &[u8]) -> Self {
        let mut chunk = alloc::format!("id: {id}\n").into_bytes();
        chunk.extend_from_slice(event);
        let prefix = make_chunk(&mut chunk, 0);
        // At most 16 digits and a line end.
        Self { chunk, prefix: prefix as u8 }
    }
}

impl<B> Frame<B> {
    /// Converts the storage, as in `frame.map(Arc::from)` or `frame.map(Bytes::from)`. `hold` must
    /// keep the bytes unchanged.
    pub fn map<C>(self, hold: impl FnOnce(B) -> C) -> Frame<C> {
        Frame { chunk: hold(self.chunk), prefix: self.prefix }
    }

    /// Returns the storage, which holds the whole chunk.
    pub fn get_ref(&self) -> &B {
        &self.chunk
    }
}

impl<B: AsRef<[u8]>> Frame<B> {
    /// Returns the encoded event without the chunk framing.
    pub fn bytes(&self) -> &[u8] {
        self.chunk().get(self.range()).unwrap_or_default()
    }

    /// Returns the event as a chunk (RFC 9112 section 7.1). An empty frame has an empty chunk.
    pub fn chunk(&self) -> &[u8] {
        self.chunk.as_ref()
    }

    /// Returns the range of the event within the chunk.
    pub fn range(&self) -> core::ops::Range<usize> {
        let start = usize::from(self.prefix);
        start..self.chunk().len().saturating_sub(CHUNK_END.len()).max(start)
    }

    /// Decodes the first event of the frame. Returns `None` if the frame holds only comments, ids and
    /// reconnection times.
    ///
    /// ```
    /// use sse_proto::{Event, Frame};
    ///
    /// let event = Event::new("hello").with_name("greeting")?;
    /// assert_eq!(Frame::event(&event).to_event(), Some(event));
    /// # Ok::<(), sse_proto::InvalidField>(())
    /// ```
    pub fn to_event(&self) -> Option<Event> {
        self.decode(|event| event.map(EventRef::to_event))
    }

    /// Lends the first event of the frame.
    pub(crate) fn decode<T>(&self, look: impl FnOnce(Option<EventRef<'_>>) -> T) -> T {
        let mut decoder = Decoder::new().with_limits(NO_LIMITS);
        // Cannot fail: there are no limits.
        look(decoder.decode(&mut self.bytes()).unwrap_or_default())
    }

    /// Returns the number of bytes that the frame stores.
    pub fn weight(&self) -> usize {
        self.chunk().len()
    }
}

/// For what was encoded here.
const NO_LIMITS: Limits = Limits {
    event_bytes: usize::MAX,
    name_bytes: usize::MAX,
    id_bytes: usize::MAX,
    comment_bytes: usize::MAX,
};

const CHUNK_END: &[u8] = b"\r\n";

/// The last chunk, which ends a chunked body (RFC 9112 section 7.1).
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Turns the bytes from `start` on into one chunk, and returns the length of the chunk-size line.
/// No bytes make no chunk, because an empty chunk would end the body.
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
