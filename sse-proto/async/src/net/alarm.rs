//! Deadlines by the clock of a runtime.

use std::task::{Context, Poll};
use std::time;

use sse_proto::Instant;

use crate::{Runtime, Timer};

/// The time of a machine: the clock of a runtime, counted from an epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: time::Instant,
    read: fn() -> time::Instant,
}

impl Clock {
    /// A clock that begins now.
    pub(crate) fn start<R: Runtime>() -> Self {
        Self { epoch: R::now(), read: R::now }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_epoch((self.read)().saturating_duration_since(self.epoch))
    }

    /// When `deadline` is by the clock of the runtime; `None` if that is beyond what it can tell.
    fn at(&self, deadline: Instant) -> Option<time::Instant> {
        self.epoch.checked_add(deadline.since_epoch())
    }
}

/// One timer for the deadlines of one machine.
pub(crate) struct Alarm<R: Runtime> {
    timer: R::Timer,
    /// The deadline that it waits for, until it has fired.
    set: Option<time::Instant>,
}

impl<R: Runtime> Default for Alarm<R> {
    fn default() -> Self {
        Self { timer: R::Timer::default(), set: None }
    }
}

impl<R: Runtime> Alarm<R> {
    /// Waits until `deadline`; for ever without one.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, clock: Clock, deadline: Option<Instant>) -> Poll<()> {
        self.poll_at(cx, deadline.and_then(|deadline| clock.at(deadline)))
    }

    /// Waits until `deadline` or some time before, which saves setting the timer anew where the deadline moves all the time.
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
