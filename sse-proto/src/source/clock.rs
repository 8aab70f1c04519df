//! Deadline bookkeeping of an event source.

use core::time::Duration;

use super::config::{SourceConfig, Timeouts};
use super::reason::Timeout;
use super::state::State;
use crate::Instant;

/// The points in time that deadlines and healthy periods are counted from.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// The first want.
    started: Option<Instant>,
    /// Since when the connection, the response, or the body of a refused response is waited for.
    waiting: Instant,
    connected: bool,
    opened: Instant,
    /// A read is wanted, and nothing has come since. Only then can an open stream be too late: the time that the caller takes
    /// over an event is not the peer's.
    reading: bool,
    /// Since when an open stream is read without a byte, and without an event.
    silent: Option<Instant>,
    eventless: Option<Instant>,
    /// The first failure in a row.
    failing: Option<Instant>,
    /// What the wall clock said, and when.
    wall: Option<(Instant, Duration)>,
}

/// What is due at a deadline.
#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    /// The end of everything.
    Total,
    /// The failure of the attempt.
    Timeout(Timeout),
    /// The rest of a refused response's body no longer matters.
    Refusal,
    /// The next attempt.
    Attempt,
}

impl Clock {
    pub(super) fn start(&mut self, now: Instant) {
        self.started.get_or_insert(now);
    }

    pub(super) fn start_connecting(&mut self, now: Instant) {
        self.waiting = now;
        self.connected = false;
    }

    pub(super) fn set_connected(&mut self, now: Instant) {
        if !self.connected {
            self.waiting = now;
            self.connected = true;
        }
    }

    pub(super) fn start_refusal(&mut self, now: Instant) {
        self.waiting = now;
    }

    pub(super) fn open(&mut self, now: Instant) {
        self.opened = now;
        self.note_event();
    }

    pub(super) fn read(&mut self, now: Instant) {
        self.reading = true;
        self.silent.get_or_insert(now);
        self.eventless.get_or_insert(now);
    }

    pub(super) fn note_bytes(&mut self) {
        self.reading = false;
        self.silent = None;
    }

    pub(super) fn note_event(&mut self) {
        self.note_bytes();
        self.eventless = None;
    }

    pub(super) fn was_healthy(&self, now: Instant, period: Duration) -> bool {
        now.since(self.opened) >= period
    }

    pub(super) fn recover(&mut self) {
        self.failing = None;
    }

    /// How long attempts have been failing at `then`, if the first in a row fails now.
    pub(super) fn failing(&mut self, now: Instant, then: Instant) -> Duration {
        then.since(*self.failing.get_or_insert(now))
    }

    pub(super) fn set_wall(&mut self, now: Instant, since_unix_epoch: Duration) {
        self.wall = Some((now, since_unix_epoch));
    }

    /// What the wall clock says now: the time since 1970. `None` if nobody ever said.
    pub(super) fn wall(&self, now: Instant) -> Option<Duration> {
        self.wall.map(|(at, since_unix_epoch)| since_unix_epoch.saturating_add(now.since(at)))
    }

    /// The next deadline in this state, and what it is for.
    pub(super) fn deadline(&self, state: &State, config: &SourceConfig) -> Option<(Instant, Due)> {
        let timeouts = &config.timeouts;
        let total = self.total(timeouts).map(|at| (at, Due::Total));
        let other = match state {
            State::Connecting if self.connected => {
                timeout(Some(self.waiting), timeouts.response, Timeout::Response)
            }
            State::Connecting => timeout(Some(self.waiting), timeouts.connect, Timeout::Connect),
            State::Open if !self.reading => None,
            State::Open => earlier(
                timeout(self.silent, timeouts.silence, Timeout::Silence),
                timeout(self.eventless, timeouts.events, Timeout::Events),
            ),
            State::Refused { .. } => Some((self.waiting.after(timeouts.refusal), Due::Refusal)),
            State::Waiting(until) => Some((*until, Due::Attempt)),
            State::Idle | State::Preparing => None,
            State::Closed => return None,
        };
        earlier(total, other)
    }

    /// When everything ends.
    pub(super) fn total(&self, timeouts: &Timeouts) -> Option<Instant> {
        Some(self.started?.after(timeouts.total?))
    }
}

type Deadline = Option<(Instant, Due)>;

fn timeout(since: Option<Instant>, limit: Option<Duration>, timeout: Timeout) -> Deadline {
    Some((since?.after(limit?), Due::Timeout(timeout)))
}

fn earlier(one: Deadline, other: Deadline) -> Deadline {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.0 < one.0 { other } else { one }),
        (one, other) => one.or(other),
    }
}
