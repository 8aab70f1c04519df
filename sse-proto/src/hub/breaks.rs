//! Places between events where events were lost before they reached the hub.

use alloc::collections::VecDeque;

/// The breaks among the held events.
#[derive(Debug, Default)]
pub(super) struct Breaks {
    /// The number of the event before which the break lies, and the serial number of the break.
    places: VecDeque<(u64, u32)>,
    /// The serial number of the last break.
    last: u32,
}

impl Breaks {
    /// Adds a break before the event with this number, which is the next one.
    pub(super) fn push(&mut self, number: u64) {
        self.last = self.last.saturating_add(1);
        match self.places.back_mut() {
            // Whoever has been told of the first one must be told again.
            Some((place, serial)) if *place == number => *serial = self.last,
            _ => self.places.push_back((number, self.last)),
        }
    }

    /// Returns the last break that a subscriber has passed if the event of this number is behind it.
    pub(super) fn told_at(&self, number: u64) -> u32 {
        let count = self.places.partition_point(|(place, _)| *place <= number);
        match (self.places.get(count.wrapping_sub(1)), self.places.front()) {
            (Some((_, serial)), _) => *serial,
            (None, Some((_, serial))) => serial - 1,
            (None, None) => self.last,
        }
    }

    /// Returns whether there is a break that a subscriber has to be told of before the event of this
    /// number, and notes that it was told.
    pub(super) fn pass(&self, told: &mut u32, number: u64) -> bool {
        if *told >= self.last {
            return false;
        }
        let next = self.places.iter().find(|(_, serial)| serial > told);
        match next {
            Some((place, serial)) if *place <= number => {
                *told = *serial;
                true
            }
            _ => false,
        }
    }

    /// Forgets the breaks that no subscriber can reach, given the number of the oldest held event.
    pub(super) fn forget(&mut self, front: u64) {
        while self.places.front().is_some_and(|(place, _)| *place < front) {
            self.places.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_break_is_told_once_where_it_lies() {
        let mut breaks = Breaks::default();
        let mut early = breaks.told_at(1);
        assert!(!breaks.pass(&mut early, 9));
        breaks.push(4);
        breaks.push(4);
        breaks.push(7);
        let mut between = breaks.told_at(5);
        let mut late = breaks.told_at(7);
        assert!(!breaks.pass(&mut early, 3));
        assert!(breaks.pass(&mut early, 5) && !breaks.pass(&mut early, 6) && breaks.pass(&mut early, 7));
        assert!(
            !breaks.pass(&mut between, 6) && breaks.pass(&mut between, 7) && !breaks.pass(&mut between, 9)
        );
        assert!(!breaks.pass(&mut late, 9));
        breaks.push(7);
        assert!(breaks.pass(&mut late, 7) && !breaks.pass(&mut late, 9), "told again");

        breaks.forget(7);
        assert!(breaks.pass(&mut breaks.told_at(6), 7), "the subscriber is before it");
        breaks.forget(8);
        assert!(!breaks.pass(&mut breaks.told_at(8), 9));
    }
}
