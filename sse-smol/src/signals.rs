//! What happens besides events.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};
use sse_proto::source::Signal;

use crate::EventSource;

/// All that happens to a source; see [`EventSource::signals`].
#[derive(Debug)]
pub struct Signals<'s, S = EventSource> {
    pub(crate) source: &'s mut S,
}

impl Stream for Signals<'_> {
    type Item = Signal;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Signal>> {
        self.source.poll_signal(cx)
    }
}

impl FusedStream for Signals<'_> {
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}
