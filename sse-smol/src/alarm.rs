//! Deadlines.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use async_io::Timer;

/// One timer for all deadlines there are one after the other.
#[derive(Default)]
pub(crate) struct Alarm {
    timer: Option<(Instant, Timer)>,
}

impl Alarm {
    /// Waits until then; for ever without a deadline.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        let (at, timer) = self.timer.get_or_insert_with(|| (deadline, Timer::at(deadline)));
        if *at != deadline {
            (*at, *timer) = (deadline, Timer::at(deadline));
        }
        let fired = Pin::new(timer).poll(cx).map(drop);
        if fired.is_ready() {
            self.timer = None;
        }
        fired
    }

    /// Waits until then or some time before, which spares most of the work where the deadline moves all the time.
    pub(crate) fn poll_early(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let set = self.timer.as_ref().map(|(at, _)| *at);
        self.poll(cx, deadline.map(|deadline| set.map_or(deadline, |set| set.min(deadline))))
    }
}
