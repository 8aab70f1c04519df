//! A table with reusable indices.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Values by small index. `insert` uses the lowest free index, and trailing free slots release
/// their memory, so that a table that was large once does not stay large.
#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Option<T>>,
    free: BTreeSet<usize>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: BTreeSet::new() }
    }
}

impl<T> Slab<T> {
    /// The capacity that is kept, so that a small table does not reallocate repeatedly.
    const RETAINED: usize = 8;

    pub(super) fn insert(&mut self, value: T) -> usize {
        match self.free.pop_first() {
            Some(index) => {
                if let Some(slot) = self.slots.get_mut(index) {
                    *slot = Some(value);
                }
                index
            }
            None => {
                self.slots.push(Some(value));
                self.slots.len() - 1
            }
        }
    }

    pub(super) fn remove(&mut self, index: usize) -> Option<T> {
        let value = self.slots.get_mut(index)?.take()?;
        self.free.insert(index);
        while self.slots.last().is_some_and(Option::is_none) {
            self.slots.pop();
            self.free.remove(&self.slots.len());
        }
        if self.slots.capacity() > Self::RETAINED && self.slots.len() < self.slots.capacity() / 4 {
            self.slots.shrink_to(Self::RETAINED.max(2 * self.slots.len()));
        }
        Some(value)
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        self.slots.get(index)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.slots.get_mut(index)?.as_mut()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().flatten()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_numbers_are_given_first_and_memory_is_given_back() {
        let mut slab = Slab::default();
        for number in 0..1000 {
            assert_eq!(slab.insert(number), number);
        }
        for number in (0..1000).filter(|number| *number != 500) {
            assert_eq!(slab.remove(number), Some(number));
            assert_eq!(slab.remove(number), None);
        }
        assert_eq!(slab.slots.len(), 501);
        assert_eq!(slab.get_mut(500), Some(&mut 500));
        assert_eq!(slab.get_mut(0), None);
        assert_eq!(slab.insert(7), 0);
        assert_eq!((slab.remove(500), slab.slots.len(), slab.free.len()), (Some(500), 1, 0));
        assert!(slab.slots.capacity() <= 8);
        assert_eq!(slab.remove(0), Some(7));
        assert!(slab.is_empty() && slab.free.is_empty());
    }
}
