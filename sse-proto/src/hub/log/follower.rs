//! Following a log: the tail, and the check of its chain.

use core::time::Duration;

use super::{Entry, LogConfig, Position};
use crate::Instant;
use crate::random::Random;

/// The next step of the task that follows the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Follow {
    /// Ask for the [tip](super::Log::tip).
    Tip,
    /// [Read](super::Log::read) the next entries.
    Read {
        /// The position after which to read, or `None` from the oldest on.
        after: Option<Position>,
        /// The maximum number of entries.
        limit: usize,
        /// How long the log may wait for the first one.
        wait: Duration,
    },
    /// Wait for the deadline.
    Wait,
    /// The hub is closed.
    Closed,
}

/// The state of the tail, and its counters since it was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FollowStats {
    /// Whether the last answer of the log was good.
    pub is_connected: bool,
    /// Entries read from the tail.
    pub entries: u64,
    /// Breaks of the chain, which were reported to all subscribers.
    pub breaks: u64,
    /// Of these: the log was deleted or replaced.
    pub new_epochs: u64,
    /// Entries that could not be read, each of which is a break, too.
    pub unreadable: u64,
    /// Failed reads.
    pub failures: u64,
}

/// What an entry, or the tip, means for those who have received everything before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// It follows.
    Whole,
    /// Something is missing before it.
    Broken,
    /// It is an old one.
    Old,
}

#[derive(Debug)]
pub(super) struct Follower {
    state: State,
    /// The position up to which everything was received. `Some(None)` is an empty log.
    at: Option<Option<Position>>,
    /// When the next answer is due.
    deadline: Option<Instant>,
    failures: u32,
    random: Random,
    pub(super) stats: FollowStats,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The tip is needed: at the start, after a read without entries, after a failure.
    Tip,
    Read,
    Waiting,
    Closed,
}

impl Follower {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: State::Tip,
            at: None,
            deadline: None,
            failures: 0,
            random: Random::new(seed),
            stats: FollowStats::default(),
        }
    }

    /// Returns the position up to which everything was received, once that is known.
    pub(super) fn at(&self) -> Option<Option<Position>> {
        self.at
    }

    /// Returns the next step, and the deadline for it. Also starts the deadline.
    pub(super) fn want(
        &mut self,
        now: Instant,
        config: &LogConfig,
        limit: usize,
    ) -> (Follow, Option<Instant>) {
        let want = match (self.state, self.at) {
            (State::Closed, _) => return (Follow::Closed, None),
            (State::Waiting, _) => Follow::Wait,
            (State::Read, Some(after)) => Follow::Read { after, limit, wait: config.block },
            (State::Tip, _) | (State::Read, None) => Follow::Tip,
        };
        let patience = match want {
            Follow::Read { wait, .. } => config.timeout.saturating_add(wait),
            _ => config.timeout,
        };
        (want, Some(*self.deadline.get_or_insert(now.after(patience))))
    }

    /// Reports the tip. Returns what it means if no entries came before it.
    pub(super) fn handle_tip(&mut self, tip: Option<Position>) -> Link {
        // A publisher also asks for the first one, even while the tail waits after a failure.
        let is_first = self.at.is_none() && self.state == State::Waiting;
        if self.state != State::Tip && !is_first {
            return Link::Whole;
        }
        self.succeed();
        let Some(at) = self.at else {
            self.at = Some(tip);
            return Link::Whole;
        };
        // An entry has arrived in between, and the next read returns it.
        let follows = match (tip, at) {
            (Some(tip), Some(at)) => tip == at || tip.is_after(&at),
            (Some(_), None) => true,
            (None, at) => at.is_none(),
        };
        if follows {
            return Link::Whole;
        }
        // A new log is read from its start.
        let is_same = |tip: &Position| at.is_some_and(|at| at.epoch == tip.epoch);
        self.at = Some(tip.filter(is_same));
        self.broken(at, tip);
        Link::Broken
    }

    /// Reports the end of a read of this many entries, of which `fresh` were not [old](Link::Old).
    pub(super) fn handle_read(&mut self, now: Instant, config: &LogConfig, count: usize, fresh: usize) {
        if self.state != State::Read {
            return;
        }
        if fresh == 0 && count > 0 {
            // The log repeats itself: asked at once, it would do so again.
            return self.handle_error(now, config);
        }
        self.succeed();
        if count == 0 {
            // Whether nothing is missing is shown by the tip alone.
            self.state = State::Tip;
        }
    }

    /// Takes the next entry of a read.
    pub(super) fn link(&mut self, entry: &Entry) -> Link {
        let at = self.at.flatten();
        if self.state != State::Read
            || at.is_some_and(|at| at.epoch == entry.position.epoch && entry.position <= at)
        {
            return Link::Old;
        }
        self.stats.entries += 1;
        self.at = Some(Some(entry.position));
        if entry.previous == at && at.is_none_or(|at| at.epoch == entry.position.epoch) {
            return Link::Whole;
        }
        self.broken(at, Some(entry.position));
        Link::Broken
    }

    /// Reports that the read or the question has failed.
    pub(super) fn handle_error(&mut self, now: Instant, config: &LogConfig) {
        if !matches!(self.state, State::Tip | State::Read) {
            return;
        }
        self.stats.failures += 1;
        #[cfg(feature = "tracing")]
        if self.stats.is_connected || self.failures == 0 {
            tracing::warn!(target: "sse", "the log does not answer");
        }
        self.stats.is_connected = false;
        self.failures = self.failures.saturating_add(1);
        let delay = config.backoff.delay(None, self.failures, self.random.draw());
        (self.state, self.deadline) = (State::Waiting, Some(now.after(delay)));
    }

    /// Reports that the deadline may have passed. Returns whether a pending read was given up.
    pub(super) fn handle_deadline(&mut self, now: Instant, config: &LogConfig) -> bool {
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return false;
        }
        if self.state == State::Waiting {
            // The tip shows at once whether the log still has what was read.
            (self.state, self.deadline) = (State::Tip, None);
            return false;
        }
        self.handle_error(now, config);
        true
    }

    pub(super) fn close(&mut self) {
        self.state = State::Closed;
    }

    fn succeed(&mut self) {
        #[cfg(feature = "tracing")]
        if !self.stats.is_connected {
            tracing::info!(target: "sse", "following the log");
        }
        (self.state, self.deadline, self.failures) = (State::Read, None, 0);
        self.stats.is_connected = true;
    }

    fn broken(&mut self, at: Option<Position>, now: Option<Position>) {
        self.stats.breaks += 1;
        let is_new = at.is_some_and(|at| now.is_none_or(|now| now.epoch != at.epoch));
        self.stats.new_epochs += u64::from(is_new);
        #[cfg(feature = "tracing")]
        tracing::warn!(target: "sse", received = ?at, found = ?now, is_new, "events are missing in the log");
    }
}
