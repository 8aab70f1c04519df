//! The subscribers to wake when an event is published.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;

use super::slab::Slab;
use super::subscription::{Cursor, TopicKey};

/// The subscribers that wait for an event. Each has a waker `W`, which wakes a task or a thread.
///
/// A wait list belongs to a [`Hub`](super::Hub), under the same lock. A subscriber that gets
/// [`Pending`](super::Next::Pending) registers its waker before it releases the lock. A publisher
/// drains the wakers of its topic, releases the lock, and wakes them; the list itself wakes nobody.
///
/// Waiting and draining take constant time per topic of a subscription. A subscriber that does not
/// wait costs nothing. Methods return obsolete wakers, because a waker must not be dropped under a
/// lock: it may be the last reference to its task.
///
/// ```
/// use sse_proto::hub::{HubConfig, Next, Subscription, WaitList};
/// use sse_proto::{Hub, Instant};
///
/// let now = Instant::default();
/// let mut hub: Hub<&str> = Hub::new(7, HubConfig::default());
/// let mut wait_list = WaitList::new();
///
/// let mut cursor = hub.subscribe(&Subscription::to(["news"]));
/// let waiter = wait_list.insert(&cursor);
/// if let Next::Pending = hub.next(now, &mut cursor) {
///     assert_eq!(wait_list.wait(&waiter, "a waker"), None);
/// }
///
/// let published = hub.publish(now, "news", 5, "hello")?;
/// let mut woken = Vec::new();
/// wait_list.drain(published.topic, &mut woken);
/// assert_eq!(woken, ["a waker"]);
/// assert!(matches!(hub.next(now, &mut cursor), Next::Event(_)));
///
/// assert_eq!(wait_list.remove(waiter), None);
/// hub.unsubscribe(cursor);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WaitList<W> {
    /// The registered wakers, by waiter number.
    wakers: Slab<Option<W>>,
    any: Line,
    topics: BTreeMap<TopicKey, Line>,
}

/// A subscriber in a [`WaitList`].
#[derive(Debug)]
#[must_use = "a waiter takes memory until it is removed"]
pub struct WaiterId {
    number: usize,
    /// The subscriber's places in the lines of its topics, or in the line for all topics.
    places: Places,
}

#[derive(Debug)]
enum Places {
    Any(usize),
    Topics(Box<[(TopicKey, usize)]>),
}

/// The subscribers to the same topic.
#[derive(Debug, Default)]
struct Line {
    places: Slab<Place>,
    /// The places of the waiting subscribers, each once.
    listed: Vec<usize>,
}

#[derive(Debug)]
struct Place {
    waiter: usize,
    /// The index in `listed`, while the subscriber waits.
    listed: Option<usize>,
}

impl<W> Default for WaitList<W> {
    fn default() -> Self {
        Self { wakers: Slab::default(), any: Line::default(), topics: BTreeMap::new() }
    }
}

impl<W> WaitList<W> {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the subscriber with this cursor. It does not wait yet.
    pub fn insert(&mut self, cursor: &Cursor) -> WaiterId {
        let number = self.wakers.insert(None);
        let places = match cursor.topics() {
            None => Places::Any(self.any.insert(number)),
            Some(keys) => {
                let place = |key: &TopicKey| (*key, self.topics.entry(*key).or_default().insert(number));
                Places::Topics(keys.iter().map(place).collect())
            }
        };
        WaiterId { number, places }
    }

    /// Registers the waker of a subscriber, and returns its previous waker if that was not drained.
    pub fn wait(&mut self, waiter: &WaiterId, waker: W) -> Option<W> {
        match &waiter.places {
            Places::Any(place) => self.any.list(*place),
            Places::Topics(places) => places.iter().for_each(|(key, place)| {
                if let Some(line) = self.topics.get_mut(key) {
                    line.list(*place);
                }
            }),
        }
        self.wakers.get_mut(waiter.number)?.replace(waker)
    }

    /// Removes a subscriber, and returns its waker if that was not drained.
    pub fn remove(&mut self, waiter: WaiterId) -> Option<W> {
        match waiter.places {
            Places::Any(place) => self.any.remove(place),
            Places::Topics(places) => places.iter().for_each(|(key, place)| {
                if let Entry::Occupied(mut line) = self.topics.entry(*key) {
                    line.get_mut().remove(*place);
                    if line.get().places.is_empty() {
                        line.remove();
                    }
                }
            }),
        }
        self.wakers.remove(waiter.number)?
    }

    /// Appends the wakers of the subscribers to this topic, and to all topics, to `woken`.
    pub fn drain(&mut self, topic: TopicKey, woken: &mut Vec<W>) {
        self.any.drain(&mut self.wakers, woken);
        if let Some(line) = self.topics.get_mut(&topic) {
            line.drain(&mut self.wakers, woken);
        }
    }

    /// Appends all wakers to `woken`, for a hub that is closed.
    pub fn drain_all(&mut self, woken: &mut Vec<W>) {
        woken.extend(self.wakers.iter_mut().filter_map(Option::take));
    }
}

impl Line {
    fn insert(&mut self, waiter: usize) -> usize {
        self.places.insert(Place { waiter, listed: None })
    }

    fn list(&mut self, place: usize) {
        let Some(found) = self.places.get_mut(place) else { return };
        if found.listed.is_none() {
            found.listed = Some(self.listed.len());
            self.listed.push(place);
        }
    }

    fn remove(&mut self, place: usize) {
        let listed = self.places.remove(place).and_then(|place| place.listed);
        if let Some(at) = listed.filter(|at| *at < self.listed.len()) {
            // Cannot panic: `at` is below the length.
            self.listed.swap_remove(at);
            // The last entry has moved to `at`, unless it was removed itself.
            if let Some(moved) = self.listed.get(at).and_then(|moved| self.places.get_mut(*moved)) {
                moved.listed = Some(at);
            }
        }
        if self.places.is_empty() {
            *self = Self::default();
        }
    }

    fn drain<W>(&mut self, wakers: &mut Slab<Option<W>>, woken: &mut Vec<W>) {
        let Self { places, listed } = self;
        for place in listed.drain(..) {
            if let Some(found) = places.get_mut(place) {
                found.listed = None;
                woken.extend(wakers.get_mut(found.waiter).and_then(Option::take));
            }
        }
    }
}
