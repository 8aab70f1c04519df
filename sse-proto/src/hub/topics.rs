//! What is known of each topic.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::subscription::TopicKey;

/// One topic.
#[derive(Debug, Default)]
pub(super) struct Topic {
    pub(super) name: Box<str>,
    /// The numbers of its events in the ring.
    pub(super) numbers: VecDeque<u64>,
    /// The number of the last event published.
    pub(super) last: u64,
    pub(super) lost: Lost,
    pub(super) subscribers: usize,
    pub(super) waiters: Waiters,
    /// Its last event is held beyond the ring.
    pub(super) is_kept: bool,
}

/// The numbers of the newest events that are gone: whoever has not had them has missed something. 0: none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lost {
    pub(super) any: u64,
    /// That was the latest of its topic when it went.
    pub(super) latest: u64,
}

impl Lost {
    pub(super) fn merge(&mut self, other: Lost) {
        self.any = self.any.max(other.any);
        self.latest = self.latest.max(other.latest);
    }
}

impl Topic {
    fn is_idle(&self) -> bool {
        self.subscribers == 0 && self.numbers.is_empty() && !self.is_kept
    }

    /// The first number from `next` on, and how many there are.
    pub(super) fn from(&self, next: u64) -> Option<(u64, u64)> {
        let before = self.numbers.partition_point(|number| *number < next);
        Some((*self.numbers.get(before)?, (self.numbers.len() - before) as u64))
    }
}

/// The places of subscribers that publishers wait for, each with how many are there.
#[derive(Debug, Default)]
pub(super) struct Waiters(BTreeMap<u64, usize>);

impl Waiters {
    pub(super) fn add(&mut self, place: u64) {
        *self.0.entry(place).or_default() += 1;
    }

    /// Nothing, if the place was passed.
    pub(super) fn remove(&mut self, place: u64) {
        if let Some(count) = self.0.get_mut(&place) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&place);
            }
        }
    }

    /// Whether somebody has not had the event of this number.
    pub(super) fn want(&self, number: u64) -> bool {
        self.0.first_key_value().is_some_and(|(place, _)| *place <= number)
    }

    /// Waits no longer for those who have not had the event of this number.
    pub(super) fn pass(&mut self, number: u64) {
        if self.want(number) {
            self.0 = self.0.split_off(&(number + 1));
        }
    }
}

/// All topics, by name and by key.
#[derive(Debug, Default)]
pub(super) struct Topics {
    keys: BTreeMap<Box<str>, TopicKey>,
    topics: Vec<Topic>,
    free: Vec<TopicKey>,
    /// What the topics that were forgotten have lost.
    forgotten: Lost,
    /// How many there may be before idle ones are looked for again.
    sweep_at: usize,
}

impl Topics {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn find(&self, name: &str) -> Option<&Topic> {
        self.get(*self.keys.get(name)?)
    }

    pub(super) fn get(&self, key: TopicKey) -> Option<&Topic> {
        self.topics.get(key.index())
    }

    pub(super) fn get_mut(&mut self, key: TopicKey) -> Option<&mut Topic> {
        self.topics.get_mut(key.index())
    }

    /// The key of this topic, which is made if there is none; before that, idle ones go if there are more than so many.
    pub(super) fn intern(&mut self, name: &str, idle: usize) -> TopicKey {
        if let Some(key) = self.keys.get(name) {
            return *key;
        }
        self.forget_idle(idle);
        let topic = Topic { name: name.into(), lost: self.forgotten, ..Topic::default() };
        let key = self.free.pop().unwrap_or(TopicKey(u32::try_from(self.topics.len()).unwrap_or(u32::MAX)));
        match self.topics.get_mut(key.index()) {
            Some(free) => *free = topic,
            None => self.topics.push(topic),
        }
        self.keys.insert(name.into(), key);
        key
    }

    /// All at once, and again only when there are twice as many as were left: so it takes next to no time for each.
    fn forget_idle(&mut self, idle: usize) {
        if self.keys.len() <= idle.max(self.sweep_at) {
            return;
        }
        let Self { keys, topics, free, forgotten, .. } = self;
        keys.retain(|_, key| match topics.get_mut(key.index()) {
            Some(topic) if topic.is_idle() => {
                forgotten.merge(topic.lost);
                *topic = Topic::default();
                free.push(*key);
                false
            }
            _ => true,
        });
        self.sweep_at = 2 * keys.len();
    }
}
