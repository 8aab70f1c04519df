//! What happens besides events.

use std::iter::FusedIterator;

use sse_proto::source::Signal;

use crate::EventSource;

/// All that happens to a source; see [`EventSource::signals`].
#[derive(Debug)]
pub struct Signals<'s, S = EventSource> {
    pub(crate) source: &'s mut S,
}

impl Iterator for Signals<'_> {
    type Item = Signal;

    fn next(&mut self) -> Option<Signal> {
        self.source.next_signal()
    }
}

impl FusedIterator for Signals<'_> {}
