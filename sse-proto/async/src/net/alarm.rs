//! Deadlines on the clock of a runtime.

use std::task::{Context, Poll};
use std::time;

use sse_proto::Instant;

use crate::{Runtime, Timer};

/// The clock of a machine: the clock of a runtime, relative to an epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: time::Instant,
    read: fn() -> time::Instant,
}

impl Clock {
    /// Starts a clock, whose epoch is now.
    pub(crate) fn start<R: Runtime>() -> Self {
        Self { epoch: R::now(), read: R::now }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_epoch((self.read)().saturating_duration_since(self.epoch))
    }

    /// Converts `deadline` to the runtime's clock. Returns `None` if it overflows.
    fn at(&self, deadline: Instant) -> Option<time::Instant> {
        self.epoch.checked_add(deadline.since_epoch())
    }
}

/// A timer for the deadlines of one machine.
pub(crate) struct Alarm<R: Runtime> {
    timer: R::Timer,
    /// The deadline of the timer, until it fires.
    set: Option<time::Instant>,
}

impl<R: Runtime> Default for Alarm<R> {
    fn default() -> Self {
        Self { timer: R::Timer::default(), set: None }
    }
}

impl<R: Runtime> Alarm<R> {
    /// Waits until `deadline`, or forever if there is none.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, clock: Clock, deadline: Option<Instant>) -> Poll<()> {
        self.poll_at(cx, deadline.and_then(|deadline| clock.at(deadline)))
    }

    /// Waits until `deadline` or an earlier time. This saves resetting the timer for a deadline
    /// that moves constantly.
    pub(crate) fn poll_early(
        &mut self,
        cx: &mut Context<'_>,
        clock: Clock,
        deadline: Option<Instant>,
    ) -> Poll<()> {
        let at = deadline.and_then(|deadline| clock.at(deadline));
        self.poll_at(cx, at.map(|at| self.set.map_or(at, |set| set.min(at))))
    }

    fn poll_at(&mut self, cx: &mut Context<'_>, at: Option<time::Instant>) -> Poll<()> {
        let Some(at) = at else { return Poll::Pending };
        self.set = Some(at);
        let fired = self.timer.poll(cx, at);
        if fired.is_ready() {
            self.set = None;
        }
        fired
    }
}
