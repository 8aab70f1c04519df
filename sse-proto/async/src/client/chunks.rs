//! A body that arrives in chunks.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::TryStream;

/// A body, and the remainder of its last chunk.
pub(crate) struct Chunks<S: TryStream + ?Sized> {
    stream: Pin<Box<S>>,
    chunk: Option<S::Ok>,
    taken: usize,
}

impl<S: TryStream<Ok: AsRef<[u8]>> + ?Sized> Chunks<S> {
    pub(crate) fn new(stream: Pin<Box<S>>) -> Self {
        Self { stream, chunk: None, taken: 0 }
    }

    /// Returns the next bytes, which may be empty, or `None` at the end.
    pub(crate) fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<&[u8], S::Error>>> {
        if self.rest().is_empty() {
            (self.chunk, self.taken) = (None, 0);
            match ready!(self.stream.as_mut().try_poll_next(cx)) {
                Some(Ok(chunk)) => self.chunk = Some(chunk),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        Poll::Ready(Some(Ok(self.rest())))
    }

    /// Consumes `count` of those bytes.
    pub(crate) fn take(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count);
    }

    fn rest(&self) -> &[u8] {
        let chunk = self.chunk.as_ref().map(AsRef::as_ref).unwrap_or_default();
        chunk.get(self.taken..).unwrap_or_default()
    }
}
