//! Deadlines.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// One timer for all deadlines there are one after the other.
#[derive(Default)]
pub(crate) struct Alarm {
    timer: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Waits until then; for ever without a deadline.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    }

    /// Waits until then or some time before, which spares most of the work where the deadline moves all the time.
    pub(crate) fn poll_early(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let set = self.timer.as_ref().filter(|timer| !timer.is_elapsed()).map(|timer| timer.deadline());
        self.poll(cx, deadline.map(|deadline| set.map_or(deadline, |set| set.min(deadline))))
    }
}
