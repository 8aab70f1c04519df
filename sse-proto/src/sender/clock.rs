//! Deadline bookkeeping of a sender.

use core::time::Duration;

use super::config::StreamConfig;
use crate::Instant;
use crate::random::Random;

/// The times that deadlines are computed from. They are the times of `want` calls, which follow
/// every report.
#[derive(Debug, Default)]
pub(super) struct Clock {
    started: bool,
    /// The deadline of the stream itself.
    end: Option<Instant>,
    /// When bytes were last written, or became pending.
    moved: Instant,
    was_pending: bool,
    /// Whether bytes were written since the last call of `observe`.
    has_written: bool,
}

/// The action due at a deadline.
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

    /// Updates the times.
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

    /// Ends the stream at `end`, unless it ends earlier.
    pub(super) fn end_by(&mut self, end: Instant) {
        self.end = Some(self.end.map_or(end, |earlier| earlier.min(end)));
    }

    /// Restarts the keep-alive and stall timeouts.
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
