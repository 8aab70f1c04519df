//! The held events, in order.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};

use super::subscription::TopicKey;
use crate::Instant;

/// A held event.
#[derive(Debug)]
pub(super) struct Slot<T> {
    pub(super) published: Instant,
    pub(super) weight: usize,
    pub(super) topic: TopicKey,
    /// The id from the publisher, if there is one.
    pub(super) given_id: Option<Box<str>>,
    pub(super) value: T,
}

/// Events by number. The numbers are consecutive.
#[derive(Debug)]
pub(super) struct Ring<T> {
    slots: VecDeque<Slot<T>>,
    /// The number of the oldest event, or of the next one if the ring is empty.
    front: u64,
    weight: usize,
    /// The number of the newest event with a publisher's id, by the hash of the id. The slot stores
    /// the id itself.
    given_ids: BTreeMap<u64, u64>,
    longest_given_id: usize,
}

impl<T> Ring<T> {
    pub(super) fn new() -> Self {
        Self { slots: VecDeque::new(), front: 1, weight: 0, given_ids: BTreeMap::new(), longest_given_id: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn front(&self) -> u64 {
        self.front
    }

    /// Returns the number of the next event.
    pub(super) fn end(&self) -> u64 {
        self.front + self.slots.len() as u64
    }

    pub(super) fn get(&self, number: u64) -> Option<&Slot<T>> {
        self.slots.get(usize::try_from(number.checked_sub(self.front)?).ok()?)
    }

    /// Iterates from this number on, or from the oldest event if that is later.
    pub(super) fn from(&self, number: u64) -> impl Iterator<Item = (u64, &Slot<T>)> {
        let start = number.clamp(self.front, self.end());
        // Cannot panic: `start` lies between the two ends, and the difference fits because the
        // length does.
        (start..).zip(self.slots.range((start - self.front) as usize..))
    }

    pub(super) fn push(&mut self, slot: Slot<T>) {
        if let Some(id) = &slot.given_id {
            self.given_ids.insert(hash(id), self.end());
            self.longest_given_id = self.longest_given_id.max(id.len());
        }
        self.weight = self.weight.saturating_add(slot.weight);
        self.slots.push_back(slot);
    }

    pub(super) fn pop(&mut self) -> Option<(u64, Slot<T>)> {
        let slot = self.slots.pop_front()?;
        let number = self.front;
        self.front += 1;
        self.weight = if self.slots.is_empty() { 0 } else { self.weight - slot.weight.min(self.weight) };
        if let Some(hash) = slot.given_id.as_deref().map(hash) {
            if self.given_ids.get(&hash) == Some(&number) {
                self.given_ids.remove(&hash);
            }
        }
        Some((number, slot))
    }

    /// Returns the length in bytes of the longest publisher's id so far.
    pub(super) fn longest_given_id(&self) -> usize {
        self.longest_given_id
    }

    /// Returns the number of the newest event with this publisher's id.
    pub(super) fn find(&self, given_id: &str) -> Option<u64> {
        let number = *self.given_ids.get(&hash(given_id))?;
        (self.get(number)?.given_id.as_deref() == Some(given_id)).then_some(number)
    }
}

/// FNV-1a. A weak hash suffices, because the ids are the publisher's own; a collision costs one of
/// the two ids its replay.
fn hash(id: &str) -> u64 {
    id.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
