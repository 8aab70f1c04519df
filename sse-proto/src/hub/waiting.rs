//! Whom to wake when there is something to have.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;

use super::slab::Slab;
use super::subscription::{Cursor, TopicKey};

/// The subscribers that wait for an event, each with what wakes it: a `Waker`, a thread.
///
/// Kept beside a [`Hub`](super::Hub), under the same lock: one that was told [`Pending`](super::Next::Pending) is put here before the lock
/// is released, and whoever publishes takes those that the event concerns, and wakes them afterwards. Nothing here wakes anybody.
///
/// Waiting and being taken cost a constant time for each topic of the subscription; a subscriber that does not wait costs
/// nothing. What is no longer needed is handed back, as a waker must not be dropped under a lock: it may be the last of its
/// task.
///
/// ```
/// use sse_proto::hub::{Config, Next, Subscription, Waiting};
/// use sse_proto::{Hub, Instant};
///
/// let now = Instant::default();
/// let mut hub: Hub<&str> = Hub::new(7, Config::default());
/// let mut waiting = Waiting::new();
///
/// let mut cursor = hub.subscribe(&Subscription::to(["news"]));
/// let seat = waiting.enter(&cursor);
/// if let Next::Pending = hub.next(now, &mut cursor) {
///     assert_eq!(waiting.wait(&seat, "a waker"), None);
/// }
///
/// let published = hub.publish(now, "news", 5, "hello")?;
/// let mut woken = Vec::new();
/// waiting.take(published.topic, &mut woken);
/// assert_eq!(woken, ["a waker"]);
/// assert!(matches!(hub.next(now, &mut cursor), Next::Event(_)));
///
/// assert_eq!(waiting.leave(seat), None);
/// hub.unsubscribe(cursor);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Waiting<W> {
    /// By the numbers of the seats.
    wakers: Slab<Option<W>>,
    any: Line,
    topics: BTreeMap<TopicKey, Line>,
}

/// The place of one subscriber among those that [may wait](Waiting).
#[derive(Debug)]
#[must_use = "a seat is taken until it is given back"]
pub struct Seat {
    number: usize,
    /// Its places in the lines of its topics, or in that for any topic.
    places: Places,
}

#[derive(Debug)]
enum Places {
    Any(usize),
    Topics(Box<[(TopicKey, usize)]>),
}

/// Those who may wait for the same.
#[derive(Debug, Default)]
struct Line {
    places: Slab<Place>,
    /// The places of those who wait, each once.
    listed: Vec<usize>,
}

#[derive(Debug)]
struct Place {
    seat: usize,
    /// Where in the list it is, if it is.
    listed: Option<usize>,
}

impl<W> Default for Waiting<W> {
    fn default() -> Self {
        Self { wakers: Slab::default(), any: Line::default(), topics: BTreeMap::new() }
    }
}

impl<W> Waiting<W> {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// A seat for the subscriber with this cursor.
    pub fn enter(&mut self, cursor: &Cursor) -> Seat {
        let number = self.wakers.insert(None);
        let places = match cursor.topics() {
            None => Places::Any(self.any.enter(number)),
            Some(keys) => {
                let place = |key: &TopicKey| (*key, self.topics.entry(*key).or_default().enter(number));
                Places::Topics(keys.iter().map(place).collect())
            }
        };
        Seat { number, places }
    }

    /// Puts down that this one waits. Hands back what was put down for it before and not taken.
    pub fn wait(&mut self, seat: &Seat, waker: W) -> Option<W> {
        match &seat.places {
            Places::Any(place) => self.any.list(*place),
            Places::Topics(places) => places.iter().for_each(|(key, place)| {
                if let Some(line) = self.topics.get_mut(key) {
                    line.list(*place);
                }
            }),
        }
        self.wakers.get_mut(seat.number)?.replace(waker)
    }

    /// Takes the seat back, and hands back what was put down for it and not taken.
    pub fn leave(&mut self, seat: Seat) -> Option<W> {
        match seat.places {
            Places::Any(place) => self.any.leave(place),
            Places::Topics(places) => places.iter().for_each(|(key, place)| {
                if let Entry::Occupied(mut line) = self.topics.entry(*key) {
                    line.get_mut().leave(*place);
                    if line.get().places.is_empty() {
                        line.remove();
                    }
                }
            }),
        }
        self.wakers.remove(seat.number)?
    }

    /// Takes those that an event of this topic concerns, and appends what wakes them to `woken`.
    pub fn take(&mut self, topic: TopicKey, woken: &mut Vec<W>) {
        self.any.take(&mut self.wakers, woken);
        if let Some(line) = self.topics.get_mut(&topic) {
            line.take(&mut self.wakers, woken);
        }
    }

    /// Takes everybody: when the hub is closed.
    pub fn take_all(&mut self, woken: &mut Vec<W>) {
        woken.extend(self.wakers.iter_mut().filter_map(Option::take));
    }
}

impl Line {
    fn enter(&mut self, seat: usize) -> usize {
        self.places.insert(Place { seat, listed: None })
    }

    fn list(&mut self, place: usize) {
        let Some(found) = self.places.get_mut(place) else { return };
        if found.listed.is_none() {
            found.listed = Some(self.listed.len());
            self.listed.push(place);
        }
    }

    fn leave(&mut self, place: usize) {
        let listed = self.places.remove(place).and_then(|place| place.listed);
        if let Some(at) = listed.filter(|at| *at < self.listed.len()) {
            // Cannot panic: it is below the length.
            self.listed.swap_remove(at);
            // The last one stands there now, if it was not the last one itself.
            if let Some(moved) = self.listed.get(at).and_then(|moved| self.places.get_mut(*moved)) {
                moved.listed = Some(at);
            }
        }
        if self.places.is_empty() {
            *self = Self::default();
        }
    }

    fn take<W>(&mut self, wakers: &mut Slab<Option<W>>, woken: &mut Vec<W>) {
        let Self { places, listed } = self;
        for place in listed.drain(..) {
            if let Some(found) = places.get_mut(place) {
                found.listed = None;
                woken.extend(wakers.get_mut(found.seat).and_then(Option::take));
            }
        }
    }
}
