//! Deadline bookkeeping of a sender.

use core::time::Duration;

use super::config::StreamConfig;
use crate::Instant;
use crate::random::Random;

/// The points in time that deadlines are counted from: they are those of the wants, which follow every report.
#[derive(Debug, Default)]
pub(super) struct Clock {
    started: bool,
    /// When the stream ends.
    end: Option<Instant>,
    /// When something was written last, or became pending.
    moved: Instant,
    was_pending: bool,
    /// Something was written since the last look at the time.
    has_written: bool,
}

/// What is due at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    End,
    Stall,
    KeepAlive,
}

impl Clock {
    pub(super) fn write(&mut self) {
        self.has_written = true;
    }

    /// Looks at the time.
    pub(super) fn observe(
        &mut self,
        now: Instant,
        is_pending: bool,
        config: &StreamConfig,
        random: &mut Random,
    ) {
        if !self.started {
            self.started = true;
            self.moved = now;
            if let Some(age) = config.age {
                let jitter = age.saturating_mul(config.age_jitter_percent.min(100)) / 100;
                self.end_by(now.after(age.saturating_sub(random.below(jitter))));
            }
        }
        if core::mem::take(&mut self.has_written) || is_pending && !self.was_pending {
            self.moved = now;
        }
        self.was_pending = is_pending;
    }

    /// Ends the stream at this point, if it would not end before.
    pub(super) fn end_by(&mut self, end: Instant) {
        self.end = Some(self.end.map_or(end, |earlier| earlier.min(end)));
    }

    /// Counts from here what is sent by itself.
    pub(super) fn restart(&mut self, now: Instant) {
        self.moved = now;
    }

    pub(super) fn deadline(&self, is_finished: bool, config: &StreamConfig) -> Option<(Instant, Due)> {
        let end = self.end.filter(|_| !is_finished).map(|end| (end, Due::End));
        let idle = |limit: Option<Duration>, due| limit.map(|limit| (self.moved.after(limit), due));
        let other = match self.was_pending {
            true => idle(config.stall, Due::Stall),
            false if is_finished => None,
            false => idle(config.keep_alive, Due::KeepAlive),
        };
        match (end, other) {
            (Some(end), Some(other)) if other.0 < end.0 => Some(other),
            (end, other) => end.or(other),
        }
    }
}
