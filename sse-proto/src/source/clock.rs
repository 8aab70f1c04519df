//! Deadline bookkeeping of a session.

use core::time::Duration;

use super::config::{SourceConfig, Timeouts};
use super::reason::Timeout;
use super::state::State;
use crate::Instant;

/// The times that deadlines and healthy periods are computed from.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// When the first want was requested.
    started: Option<Instant>,
    /// When the wait for the connection, the response, or the body of a refused response began.
    waiting: Instant,
    connected: bool,
    opened: Instant,
    /// Whether a read is wanted and no bytes have arrived since. Only then can an open stream time
    /// out: the time that the caller spends on an event does not count against the peer.
    reading: bool,
    /// When the current wait of an open stream for a byte began. `eventless` is the same for an
    /// event.
    silent: Option<Instant>,
    eventless: Option<Instant>,
    /// When the first of the consecutive failures occurred.
    failing: Option<Instant>,
    /// The wall clock time, and when it was reported.
    wall: Option<(Instant, Duration)>,
}

/// The action due at a deadline.
#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    /// Close the source.
    Total,
    /// Fail the attempt.
    Timeout(Timeout),
    /// Stop reading the body of a refused response.
    Refusal,
    /// Start the next attempt.
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

    pub(super) fn is_reading(&self) -> bool {
        self.reading
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

    /// Returns how long attempts will have been failing at `then`. The first consecutive failure
    /// counts from `now`.
    pub(super) fn failing(&mut self, now: Instant, then: Instant) -> Duration {
        then.since(*self.failing.get_or_insert(now))
    }

    pub(super) fn set_wall(&mut self, now: Instant, since_unix_epoch: Duration) {
        self.wall = Some((now, since_unix_epoch));
    }

    /// Returns the wall clock time, as the duration since 1970, or `None` if it was never reported.
    pub(super) fn wall(&self, now: Instant) -> Option<Duration> {
        self.wall.map(|(at, since_unix_epoch)| since_unix_epoch.saturating_add(now.since(at)))
    }

    /// Returns the next deadline in this state, with its action.
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

    /// Returns the deadline of [`Timeouts::total`].
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
