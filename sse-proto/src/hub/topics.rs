//! The state of each topic.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};

use super::subscription::TopicKey;
use crate::hook::Shared;

/// A topic.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: Shared<str>,
    /// The numbers of the topic's events in the ring.
    pub(super) numbers: VecDeque<u64>,
    /// The number of the last event published.
    pub(super) last: u64,
    pub(super) lost: Lost,
    pub(super) subscribers: usize,
    pub(super) waiters: Waiters,
    /// Whether the last event is held outside of the ring.
    pub(super) is_kept: bool,
    /// Whether nothing more is published on it. Its name may belong to a newer topic.
    pub(super) is_closed: bool,
    /// The topic's key in the list of idle topics, while the topic is idle.
    idle: Option<u64>,
}

/// The numbers of the newest dropped events. A subscriber that has not received them has missed
/// something. 0 means none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lost {
    pub(super) any: u64,
    /// The newest dropped event that was the latest of its topic.
    pub(super) latest: u64,
}

impl Lost {
    pub(super) fn merge(&mut self, other: Lost) {
        self.any = self.any.max(other.any);
        self.latest = self.latest.max(other.latest);
    }
}

impl Topic {
    /// The memory of a topic besides its name, in bytes: its entries in the tables.
    const BESIDE_NAME: usize = 256;

    fn new(name: Shared<str>, lost: Lost) -> Self {
        Self {
            name,
            numbers: VecDeque::new(),
            last: 0,
            lost,
            subscribers: 0,
            waiters: Waiters::default(),
            is_kept: false,
            is_closed: false,
            idle: None,
        }
    }

    fn is_idle(&self) -> bool {
        self.subscribers == 0 && self.numbers.is_empty() && !self.is_kept
    }

    fn bytes(&self) -> usize {
        self.name.len().saturating_add(Self::BESIDE_NAME)
    }

    /// Returns the first number from `next` on, and how many follow from there.
    pub(super) fn from(&self, next: u64) -> Option<(u64, u64)> {
        let before = self.numbers.partition_point(|number| *number < next);
        Some((*self.numbers.get(before)?, (self.numbers.len() - before) as u64))
    }

    /// Removes the number of the oldest event, and shrinks the queue once three quarters of it are
    /// unused.
    pub(super) fn drop_oldest(&mut self) {
        const RETAINED: usize = 8;
        self.numbers.pop_front();
        if self.numbers.capacity() > RETAINED && self.numbers.len() < self.numbers.capacity() / 4 {
            self.numbers.shrink_to(RETAINED.max(2 * self.numbers.len()));
        }
    }
}

/// The subscribers that publishers wait for, by position. A unique number distinguishes subscribers
/// at the same position.
#[derive(Debug, Default)]
pub(super) struct Waiters(BTreeSet<(u64, u64)>);

impl Waiters {
    pub(super) fn add(&mut self, place: u64, number: u64) {
        self.0.insert((place, number));
    }

    /// Has no effect if the subscriber was passed.
    pub(super) fn remove(&mut self, place: u64, number: u64) {
        self.0.remove(&(place, number));
    }

    /// Returns whether any subscriber has not received this event.
    pub(super) fn want(&self, event: u64) -> bool {
        self.0.first().is_some_and(|(place, _)| *place <= event)
    }

    /// Removes the subscribers that have not received this event. Publishers do not wait for them
    /// until they make progress.
    pub(super) fn pass(&mut self, event: u64) {
        if self.want(event) {
            self.0 = self.0.split_off(&(event + 1, 0));
        }
    }
}

/// All topics, by name and by key.
#[derive(Debug, Default)]
pub(super) struct Topics {
    keys: BTreeMap<Shared<str>, TopicKey>,
    topics: BTreeMap<TopicKey, Topic>,
    next_key: u64,
    /// The topics without subscribers and events, longest idle first.
    idle: BTreeMap<u64, TopicKey>,
    idle_bytes: usize,
    next_idle: u64,
    /// The losses of forgotten topics.
    forgotten: Lost,
}

impl Topics {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn find(&self, name: &str) -> Option<&Topic> {
        self.get(*self.keys.get(name)?)
    }

    pub(super) fn get(&self, key: TopicKey) -> Option<&Topic> {
        self.topics.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: TopicKey) -> Option<&mut Topic> {
        self.topics.get_mut(&key)
    }

    /// [Passes](Waiters::pass) the subscribers that have not received the last event of their
    /// topic.
    pub(super) fn pass_all(&mut self) {
        self.topics.values_mut().for_each(|topic| topic.waiters.pass(topic.last));
    }

    /// Returns the key of this topic, and creates the topic if necessary. Call
    /// [`settle`](Self::settle) after each change of a topic.
    pub(super) fn intern(&mut self, name: &str) -> TopicKey {
        if let Some(key) = self.keys.get(name) {
            return *key;
        }
        let name = Shared::<str>::from(name);
        let key = TopicKey(self.next_key);
        self.next_key += 1;
        self.topics.insert(key, Topic::new(Shared::clone(&name), self.forgotten));
        self.keys.insert(name, key);
        key
    }

    /// Closes the topic with this name, and returns its key. The name is free for a new topic.
    pub(super) fn close(&mut self, name: &str) -> Option<TopicKey> {
        let key = self.keys.remove(name)?;
        let topic = self.topics.get_mut(&key)?;
        topic.is_closed = true;
        // A client that resumes on the new topic is told that it has missed events of this one.
        self.forgotten.merge(Lost { any: topic.last, latest: topic.last });
        Some(key)
    }

    /// Updates the idle list after a change of this topic. Then forgets the topics that have been
    /// idle longest, until at most `most` topics of `most_bytes` bytes are left.
    pub(super) fn settle(&mut self, key: TopicKey, most: usize, most_bytes: usize) {
        let Some(topic) = self.topics.get_mut(&key) else { return };
        match (topic.idle, topic.is_idle()) {
            (None, true) => {
                topic.idle = Some(self.next_idle);
                topic.numbers = VecDeque::new();
                self.idle_bytes = self.idle_bytes.saturating_add(topic.bytes());
                self.idle.insert(self.next_idle, key);
                self.next_idle += 1;
            }
            (Some(place), false) => {
                topic.idle = None;
                self.idle_bytes = self.idle_bytes.saturating_sub(topic.bytes());
                self.idle.remove(&place);
            }
            _ => {}
        }
        while self.idle.len() > most || self.idle_bytes > most_bytes {
            let Some((_, key)) = self.idle.pop_first() else { return };
            if let Some(topic) = self.topics.remove(&key) {
                self.idle_bytes = self.idle_bytes.saturating_sub(topic.bytes());
                self.forgotten.merge(topic.lost);
                if !topic.is_closed {
                    self.keys.remove(&*topic.name);
                }
            }
        }
    }
}
