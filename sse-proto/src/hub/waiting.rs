//! Whom to wake when there is something to have.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::subscription::{Cursor, TopicKey};

/// The subscribers that wait for an event, each with what wakes it: a `Waker`, a thread.
///
/// Kept beside a [`Hub`](super::Hub), under the same lock: one that was told [`Pending`](super::Next::Pending) is put here before the lock
/// is released, and whoever publishes takes those that the event concerns, and wakes them afterwards. Nothing here wakes anybody.
///
/// Waiting and being taken cost a constant time for each topic of the subscription; a subscriber that does not wait costs
/// nothing. One that waits for several topics may be taken once more for another of them, with nothing to have.
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
///     waiting.wait(&seat, "a waker");
/// }
///
/// let published = hub.publish(now, "news", 5, "hello")?;
/// let mut woken = Vec::new();
/// waiting.take(published.topic, &mut woken);
/// assert_eq!(woken, ["a waker"]);
/// assert!(matches!(hub.next(now, &mut cursor), Next::Event(_)));
///
/// waiting.leave(seat);
/// hub.unsubscribe(cursor);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Waiting<W> {
    /// Those for any topic.
    any: Line<W>,
    /// By key.
    topics: Vec<Line<W>>,
}

/// The place of one subscriber among those that [may wait](Waiting).
#[derive(Debug)]
#[must_use = "a seat is taken until it is given back"]
pub struct Seat(Seats);

#[derive(Debug)]
enum Seats {
    Any(usize),
    Topics(Box<[(TopicKey, usize)]>),
}

/// Those who may wait for the same.
#[derive(Debug)]
struct Line<W> {
    places: Vec<Place<W>>,
    free: Vec<usize>,
    /// The places of those who wait. Each is listed once, so that the list is never longer than the places.
    listed: Vec<usize>,
}

#[derive(Debug)]
struct Place<W> {
    waker: Option<W>,
    is_listed: bool,
}

impl<W> Default for Waiting<W> {
    fn default() -> Self {
        Self { any: Line::new(), topics: Vec::new() }
    }
}

impl<W: Clone> Waiting<W> {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// A seat for the subscriber with this cursor.
    pub fn enter(&mut self, cursor: &Cursor) -> Seat {
        let Some(keys) = cursor.topics() else { return Seat(Seats::Any(self.any.enter())) };
        let seat = |key: &TopicKey| {
            while self.topics.len() <= key.index() {
                self.topics.push(Line::new());
            }
            // There is one now.
            let line = self.topics.get_mut(key.index());
            (*key, line.map_or(usize::MAX, Line::enter))
        };
        Seat(Seats::Topics(keys.iter().map(seat).collect()))
    }

    /// Puts down that this one waits, in place of what was put down for it before.
    pub fn wait(&mut self, seat: &Seat, waker: W) {
        match &seat.0 {
            Seats::Any(place) => self.any.wait(*place, waker),
            Seats::Topics(seats) => {
                for (key, place) in seats {
                    if let Some(line) = self.topics.get_mut(key.index()) {
                        line.wait(*place, waker.clone());
                    }
                }
            }
        }
    }

    /// Takes the seat back. What was put down for it is dropped.
    pub fn leave(&mut self, seat: Seat) {
        match seat.0 {
            Seats::Any(place) => self.any.leave(place),
            Seats::Topics(seats) => {
                for (key, place) in seats {
                    if let Some(line) = self.topics.get_mut(key.index()) {
                        line.leave(place);
                    }
                }
            }
        }
    }

    /// Takes those that an event of this topic concerns, and appends what wakes them to `woken`.
    pub fn take(&mut self, topic: TopicKey, woken: &mut Vec<W>) {
        self.any.take(woken);
        if let Some(line) = self.topics.get_mut(topic.index()) {
            line.take(woken);
        }
    }

    /// Takes everybody: when the hub is closed.
    pub fn take_all(&mut self, woken: &mut Vec<W>) {
        self.any.take(woken);
        self.topics.iter_mut().for_each(|line| line.take(woken));
    }
}

impl<W> Line<W> {
    fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new(), listed: Vec::new() }
    }

    fn enter(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { waker: None, is_listed: false });
            self.places.len() - 1
        })
    }

    fn wait(&mut self, place: usize, waker: W) {
        let Some(found) = self.places.get_mut(place) else { return };
        found.waker = Some(waker);
        if !core::mem::replace(&mut found.is_listed, true) {
            self.listed.push(place);
        }
    }

    fn leave(&mut self, place: usize) {
        if let Some(found) = self.places.get_mut(place) {
            found.waker = None;
            self.free.push(place);
        }
        if self.free.len() == self.places.len() {
            *self = Self::new();
        }
    }

    fn take(&mut self, woken: &mut Vec<W>) {
        let Self { places, listed, .. } = self;
        for place in listed.drain(..) {
            if let Some(found) = places.get_mut(place) {
                found.is_listed = false;
                woken.extend(found.waker.take());
            }
        }
    }
}
