//! How far subscribers lag, and the lag policies.

use super::Hub;
use super::ring::Slot;
use super::subscription::{Cursor, Lag};
use super::topics::{Lost, Topic, Waiters};

impl<T> Hub<T> {
    /// Returns the number of held events that the subscriber wants and has not received.
    pub fn lag(&self, cursor: &Cursor) -> u64 {
        let latest = cursor.lag == Lag::Latest;
        match &cursor.topics {
            None if latest => self.latest_from(cursor.next).count() as u64,
            None => self.ring.end() - cursor.next.clamp(self.ring.front(), self.ring.end()),
            Some(_) if latest => {
                self.topics(cursor).filter(|topic| latest_of(topic, cursor.next).is_some()).count() as u64
            }
            Some(_) => self.topics(cursor).filter_map(|topic| Some(topic.from(cursor.next)?.1)).sum(),
        }
    }

    /// Returns the number of the first held event that the subscriber has not received.
    pub(super) fn first(&self, cursor: &Cursor) -> Option<u64> {
        let latest = cursor.lag == Lag::Latest;
        match &cursor.topics {
            None if latest => self.latest_from(cursor.next).next(),
            None => Some(cursor.next.max(self.ring.front())).filter(|number| *number < self.ring.end()),
            Some(_) if latest => self.topics(cursor).filter_map(|topic| latest_of(topic, cursor.next)).min(),
            Some(_) => self.topics(cursor).filter_map(|topic| Some(topic.from(cursor.next)?.0)).min(),
        }
    }

    /// Returns the number of the newest dropped event that the subscriber would have received.
    pub(super) fn lost_to(&self, cursor: &Cursor) -> u64 {
        let lost = match &cursor.topics {
            None => self.lost,
            Some(_) => self.topics(cursor).fold(Lost::default(), |mut all, topic| {
                all.merge(topic.lost);
                all
            }),
        };
        if cursor.lag == Lag::Latest { lost.latest } else { lost.any }
    }

    /// Returns how many events were dropped before the subscriber received them, if any. Moves the
    /// subscriber past the gap or cuts it, depending on its lag policy.
    pub(super) fn check_lag(&mut self, cursor: &mut Cursor) -> Option<u64> {
        let lost = self.lost_to(cursor);
        if lost < cursor.next {
            return None;
        }
        let missed = lost - cursor.next + 1;
        let lagged = &mut self.stats.lagged;
        match cursor.lag {
            Lag::Skip | Lag::Latest => {
                lagged.gaps += 1;
                self.advance(cursor, lost + 1);
                return Some(missed);
            }
            Lag::Disconnect | Lag::Wait if cursor.cut => {}
            Lag::Disconnect => lagged.disconnected += 1,
            Lag::Wait => lagged.waited_for += 1,
        }
        self.stop_waiting(cursor);
        cursor.cut = true;
        Some(missed)
    }

    pub(super) fn advance(&mut self, cursor: &mut Cursor, next: u64) {
        if cursor.next != next {
            self.stop_waiting(cursor);
            cursor.next = next;
            self.start_waiting(cursor);
        }
    }

    pub(super) fn start_waiting(&mut self, cursor: &mut Cursor) {
        if cursor.lag == Lag::Wait {
            self.next_waiter += 1;
            cursor.waiter = self.next_waiter;
            self.for_waiters(cursor, |waiters| waiters.add(cursor.next, cursor.waiter));
        }
    }

    pub(super) fn stop_waiting(&mut self, cursor: &Cursor) {
        self.for_waiters(cursor, |waiters| waiters.remove(cursor.next, cursor.waiter));
    }

    /// Applies a change to all wait sets that hold this subscriber, if publishers wait for it.
    fn for_waiters(&mut self, cursor: &Cursor, change: impl Fn(&mut Waiters)) {
        if cursor.lag != Lag::Wait || cursor.cut {
            return;
        }
        match &cursor.topics {
            None => change(&mut self.waiters),
            Some(keys) => keys.iter().for_each(|key| {
                if let Some(topic) = self.topics.get_mut(*key) {
                    change(&mut topic.waiters);
                }
            }),
        }
    }

    /// Returns whether the subscription has topics, and all of them are closed.
    pub(super) fn has_only_closed_topics(&self, cursor: &Cursor) -> bool {
        cursor.topics.as_ref().is_some_and(|keys| !keys.is_empty())
            && self.topics(cursor).all(|topic| topic.is_closed)
    }

    fn topics(&self, cursor: &Cursor) -> impl Iterator<Item = &Topic> {
        cursor.topics.iter().flatten().filter_map(|key| self.topics.get(*key))
    }

    /// Returns the numbers of the events from `next` on that are the latest of their topics.
    fn latest_from(&self, next: u64) -> impl Iterator<Item = u64> {
        let is_latest =
            |number, slot: &Slot<T>| self.topics.get(slot.topic).is_some_and(|topic| topic.last == number);
        let held = self.ring.from(next).filter(move |(number, slot)| is_latest(*number, slot));
        self.kept.range(next..).map(|(number, _)| *number).chain(held.map(|(number, _)| number))
    }
}

/// Returns the number of the topic's latest event, if it is held and not before `next`.
fn latest_of(topic: &Topic, next: u64) -> Option<u64> {
    let is_held = topic.is_kept || !topic.numbers.is_empty();
    (is_held && topic.last >= next).then_some(topic.last)
}
