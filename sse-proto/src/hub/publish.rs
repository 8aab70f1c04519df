//! Publishing events, and dropping them at the limits.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use super::ring::Slot;
use super::subscription::TopicKey;
use super::{Hub, Id};
use crate::{AsEvent, EventRef, Frame, Instant};

/// The result of publishing an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// The id of the event. If the publisher gave the event an id, only its number counts.
    pub id: Id,
    /// The topic. Wake its subscribers, and the subscribers to all topics.
    pub topic: TopicKey,
    /// The number of subscribers that receive the event if they keep up.
    pub subscribers: usize,
}

/// Why an event was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError {
    /// The hub is closed.
    Closed,
    /// The hub is [over a log](super::log): publish through the log.
    OverLog,
    /// The topic name is longer than
    /// [`HubConfig::topic_name_bytes`](super::HubConfig::topic_name_bytes).
    TopicTooLong {
        /// The length of the name, in bytes.
        length: usize,
        /// The limit, in bytes.
        limit: usize,
    },
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the hub is closed"),
            Self::OverLog => f.write_str("the hub is over a log, and events are published through the log"),
            Self::TopicTooLong { length, limit } => {
                write!(f, "topic name of {length} bytes exceeds the limit of {limit} bytes")
            }
        }
    }
}

impl core::error::Error for PublishError {}

impl<T> Hub<T> {
    /// Returns the id of the next published event, to encode with the event.
    pub fn next_id(&self) -> Id {
        self.id(self.ring.end())
    }

    /// Checks that an event of this weight can be published without dropping an event that a
    /// [waiting](super::Lag::Wait) subscriber has not received. Publishing does not check this; a
    /// publisher may ignore such subscribers.
    ///
    /// # Errors
    /// The instant at which to publish regardless. Call again then, or when a subscriber has made
    /// progress; [`is_blocked`](Self::is_blocked) tells subscribers to wake the publisher.
    pub fn ready(&mut self, now: Instant, weight: usize) -> Result<(), Instant> {
        self.handle_deadline(now);
        // Publishing to a closed hub fails immediately.
        if self.closed || !self.drives_out_awaited(weight) {
            self.blocked = None;
            return Ok(());
        }
        let until = self.blocked.get_or_insert(now).after(self.config.wait);
        if until > now {
            return Err(until);
        }
        // Subscribers that made no progress are not waited for again until they do.
        self.waiters.pass(self.ring.end() - 1);
        self.topics.pass_all();
        Ok(())
    }

    /// Returns whether a publisher is waiting. A subscriber that has received an event then wakes
    /// the publisher.
    pub fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// Publishes an event, and creates the topic if necessary. The event carries the id
    /// [`next_id`](Self::next_id), or none.
    ///
    /// Takes constant time plus a lookup of the topic, independent of the number of subscribers.
    ///
    /// # Errors
    /// If the hub is closed, or the topic name is too long.
    pub fn publish(
        &mut self,
        now: Instant,
        topic: &str,
        weight: usize,
        value: T,
    ) -> Result<Published, PublishError> {
        self.insert(now, topic, None, weight, value)
    }

    /// Publishes an event with the publisher's own id, for example one received from another
    /// stream. A client resumes after the newest event with this id.
    ///
    /// # Errors
    /// If the hub is closed, or the topic name is too long.
    pub fn publish_as(
        &mut self,
        now: Instant,
        topic: &str,
        id: &str,
        weight: usize,
        value: T,
    ) -> Result<Published, PublishError> {
        self.insert(now, topic, Some(id.into()), weight, value)
    }

    /// Closes the hub: nothing more can be published. Subscribers receive the remaining events and
    /// then [`Next::Closed`](super::Next::Closed). Wake all of them.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Closes a topic, and returns its key. Subscribers whose topics are all closed receive the
    /// remaining events and then [`Next::Closed`](super::Next::Closed); wake those of this topic.
    /// Returns `None` if there is no such topic.
    ///
    /// The name is then free: publishing or subscribing to it creates a new topic. A client that
    /// resumes on that with an id from before is told of a gap.
    pub fn close_topic(&mut self, topic: &str) -> Option<TopicKey> {
        self.topics.close(topic)
    }

    /// Returns whether the hub is closed.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns when the oldest event reaches [`HubConfig::age`](super::HubConfig::age). No
    /// subscriber receives the event after that, but its memory is freed only by the next call that
    /// takes the time.
    pub fn deadline(&self) -> Option<Instant> {
        Some(self.ring.get(self.ring.front())?.published.after(self.config.age?))
    }

    /// Drops the events that have reached their maximum age. Has no effect before the deadline.
    pub fn handle_deadline(&mut self, now: Instant) {
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            self.stats.dropped.by_age += 1;
            self.drop_oldest();
        }
    }

    fn insert(
        &mut self,
        now: Instant,
        topic: &str,
        given_id: Option<Box<str>>,
        weight: usize,
        value: T,
    ) -> Result<Published, PublishError> {
        if self.closed {
            return Err(PublishError::Closed);
        }
        let (length, limit) = (topic.len(), self.config.topic_name_bytes);
        if length > limit {
            return Err(PublishError::TopicTooLong { length, limit });
        }
        self.handle_deadline(now);
        let key = self.topics.intern(topic);
        let number = self.ring.end();
        let mut subscribers = self.to_all;
        // Must precede `make_room`, which would otherwise drop the latest event of this topic.
        if let Some(topic) = self.topics.get_mut(key) {
            if core::mem::take(&mut topic.is_kept) {
                let kept = self.kept.remove(&topic.last);
                self.kept_weight = self.kept_weight.saturating_sub(kept.map_or(0, |slot| slot.weight));
            }
            topic.last = number;
            topic.numbers.push_back(number);
            subscribers += topic.subscribers;
        }
        self.settle(key);
        self.make_room(weight);
        self.blocked = None;
        self.ring.push(Slot { published: now, weight, topic: key, given_id, value });
        self.stats.published += 1;
        self.stats.published_bytes = self.stats.published_bytes.saturating_add(weight as u64);
        Ok(Published { id: self.id(number), topic: key, subscribers })
    }

    fn make_room(&mut self, weight: usize) {
        while self.is_full(self.ring.len(), self.ring.weight(), weight) {
            if self.ring.len() >= self.config.events {
                self.stats.dropped.by_count += 1;
            } else {
                self.stats.dropped.by_bytes += 1;
            }
            self.drop_oldest();
        }
    }

    /// Returns whether `events` events of the total weight `held` leave no room for one of this
    /// weight.
    fn is_full(&self, events: usize, held: usize, weight: usize) -> bool {
        events > 0 && (events >= self.config.events || held.saturating_add(weight) > self.config.bytes)
    }

    fn drives_out_awaited(&self, weight: usize) -> bool {
        let (mut events, mut held) = (self.ring.len(), self.ring.weight());
        for (number, slot) in self.ring.from(0) {
            if !self.is_full(events, held, weight) {
                break;
            }
            let of_topic = self.topics.get(slot.topic).map(|topic| &topic.waiters);
            if self.waiters.want(number) || of_topic.is_some_and(|waiters| waiters.want(number)) {
                return true;
            }
            events -= 1;
            held = held.saturating_sub(slot.weight);
        }
        false
    }

    fn drop_oldest(&mut self) {
        let Some((number, slot)) = self.ring.pop() else { return };
        self.lost.any = number;
        self.waiters.pass(number);
        self.breaks.forget(self.ring.front());
        let Some(topic) = self.topics.get_mut(slot.topic) else { return };
        topic.drop_oldest();
        topic.lost.any = number;
        topic.waiters.pass(number);
        let key = slot.topic;
        if topic.last == number {
            topic.is_kept = true;
            self.kept_weight = self.kept_weight.saturating_add(slot.weight);
            self.kept.insert(number, slot);
            self.drop_kept();
        }
        self.settle(key);
    }

    fn drop_kept(&mut self) {
        while self.kept.len() > self.config.latest || self.kept_weight > self.config.bytes {
            let Some((number, slot)) = self.kept.pop_first() else { return };
            self.kept_weight = self.kept_weight.saturating_sub(slot.weight);
            self.lost.latest = self.lost.latest.max(number);
            if let Some(topic) = self.topics.get_mut(slot.topic) {
                topic.is_kept = false;
                topic.lost.latest = number;
            }
            self.settle(slot.topic);
        }
    }
}

impl<B: AsRef<[u8]>> Hub<Frame<B>> {
    /// Like [`ready`](Self::ready), for an event that is not encoded yet; its weight is estimated.
    ///
    /// # Errors
    /// Like `ready`.
    pub fn ready_for(&mut self, now: Instant, event: impl AsEvent) -> Result<(), Instant> {
        /// The id and the chunk framing.
        const BESIDE: usize = 64;
        self.ready(now, event.as_event().len_hint() + BESIDE)
    }

    /// Encodes and publishes an event, with its own id if it has one, otherwise with a generated
    /// id. `hold` converts the bytes into the storage that connections share: `Arc::from`,
    /// `Bytes::from`. The weight of the event is the length of its frame.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sse_proto::{Frame, Hub, Instant};
    ///
    /// let mut hub: Hub<Frame<Arc<[u8]>>> = Hub::new(35, Default::default());
    /// let published = hub.publish_event(Instant::default(), "news", "hello", Arc::from)?;
    /// assert_eq!(published.id.to_string(), "z-1");
    /// # Ok::<(), sse_proto::hub::PublishError>(())
    /// ```
    ///
    /// # Errors
    /// If the hub is closed, or the topic name is too long.
    pub fn publish_event(
        &mut self,
        now: Instant,
        topic: &str,
        event: impl AsEvent,
        hold: impl FnOnce(Vec<u8>) -> B,
    ) -> Result<Published, PublishError> {
        let event = event.as_event();
        let encode = |event: EventRef<'_>| {
            let frame = Frame::event(event).map(hold);
            (frame.weight(), frame)
        };
        if let Some(id) = event.id() {
            let (weight, frame) = encode(event);
            return self.publish_as(now, topic, id, weight, frame);
        }
        let id = self.next_id().to_string();
        // Cannot fail: the id consists of letters, digits and a hyphen.
        let (weight, frame) = encode(event.with_id(&id).unwrap_or(event));
        self.publish(now, topic, weight, frame)
    }
}
