//! A hub that tasks or threads share.

use alloc::vec::Vec;
use core::mem;

use super::{Config, Cursor, Delivery, Hub, PublishError, Published, Seat, Waiting};
use crate::{EventRef, Frame, Instant};

/// A hub of encoded events, and who waits for it: what subscribers and publishers share, under a lock. `W` is what wakes one of
/// them: a `Waker`, a thread.
///
/// Nothing here wakes anybody: whoever changes something gets those it concerns, releases the lock, and wakes them. What is no longer
/// needed is handed back, as a waker must not be dropped under a lock: it may be the last of its task.
///
/// ```
/// use sse_proto::hub::{Config, Delivery, SharedHub, Subscription};
/// use sse_proto::{EventRef, Instant};
///
/// let now = Instant::default();
/// let mut hub: SharedHub<Vec<u8>, &str> = SharedHub::new(7, Config::default());
/// let (mut place, ()) = hub.enter(|hub| (hub.subscribe(&Subscription::to(["news"])), ()));
///
/// let mut woken = Vec::new();
/// let (nothing, _) = hub.next(now, &mut place, || Some("a waker"), &mut woken);
/// assert!(nothing.is_none());
///
/// hub.publish(now, "news", EventRef::new("hello"), &mut woken)?;
/// assert_eq!(woken, ["a waker"]);
/// let (delivery, _) = hub.next(now, &mut place, || None, &mut woken);
/// assert!(matches!(delivery, Some(Delivery::Event(frame)) if frame.bytes().ends_with(b"data: hello\n\n")));
/// hub.leave(place, &mut woken);
/// # Ok::<(), sse_proto::hub::PublishError>(())
/// ```
#[derive(Debug)]
pub struct SharedHub<B, W> {
    hub: Hub<Frame<B>>,
    subscribers: Waiting<W>,
    /// Those who wait for a subscriber to move.
    publishers: Vec<W>,
}

/// The place of a subscriber in a [`SharedHub`], until it is [given back](SharedHub::leave).
#[derive(Debug)]
pub struct Place {
    cursor: Cursor,
    seat: Seat,
}

impl<B, W> SharedHub<B, W> {
    /// An empty hub with ids of this generation: see [`Hub::new`].
    pub fn new(generation: u64, config: Config) -> Self {
        Self { hub: Hub::new(generation, config), subscribers: Waiting::new(), publishers: Vec::new() }
    }

    /// The hub, to look at.
    pub fn hub(&self) -> &Hub<Frame<B>> {
        &self.hub
    }

    /// A place for the subscriber that this makes, and what it says besides.
    pub fn enter<R>(&mut self, subscribe: impl FnOnce(&mut Hub<Frame<B>>) -> (Cursor, R)) -> (Place, R) {
        let (cursor, answer) = subscribe(&mut self.hub);
        let seat = self.subscribers.enter(&cursor);
        (Place { cursor, seat }, answer)
    }

    /// What comes next for this subscriber; if there is nothing yet, it is woken when there is. Appends those to wake, and
    /// hands back what woke this one before.
    pub fn next(
        &mut self,
        now: Instant,
        place: &mut Place,
        waker: impl FnOnce() -> Option<W>,
        woken: &mut Vec<W>,
    ) -> (Option<Delivery<Frame<B>>>, Option<W>)
    where
        B: Clone,
    {
        let delivery = self.hub.next(now, &mut place.cursor).to_delivery();
        if delivery.is_some() {
            woken.append(&mut self.publishers);
            return (delivery, None);
        }
        (None, waker().and_then(|waker| self.subscribers.wait(&place.seat, waker)))
    }

    /// Ends a subscription. Appends those to wake, who need not wait for it any more, and hands back what woke this one.
    pub fn leave(&mut self, place: Place, woken: &mut Vec<W>) -> Option<W> {
        self.hub.unsubscribe(place.cursor);
        woken.append(&mut self.publishers);
        self.subscribers.leave(place.seat)
    }

    /// Ends the stream: nothing more can be published, and subscribers get what is there, and then the end. Answers whom to wake.
    pub fn close(&mut self) -> Vec<W> {
        self.hub.close();
        let mut woken = mem::take(&mut self.publishers);
        self.subscribers.take_all(&mut woken);
        woken
    }
}

impl<B: AsRef<[u8]>, W> SharedHub<B, W> {
    /// Publishes an event, as [`Hub::publish_event`] does, and appends those to wake.
    ///
    /// # Errors
    /// If the hub is closed, or the name of the topic is too long.
    pub fn publish(
        &mut self,
        now: Instant,
        topic: &str,
        event: EventRef<'_>,
        woken: &mut Vec<W>,
    ) -> Result<Published, PublishError>
    where
        B: From<Vec<u8>>,
    {
        let published = self.hub.publish_event(now, topic, event, B::from)?;
        self.subscribers.take(published.topic, woken);
        Ok(published)
    }

    /// Whether the event can be published without passing over a subscriber that [wants to be waited for](super::Lag::Wait). If not, this
    /// one is woken when one has moved, unless somebody `is_same` waits already.
    ///
    /// # Errors
    /// When to publish all the same.
    pub fn ready(
        &mut self,
        now: Instant,
        event: EventRef<'_>,
        waker: impl FnOnce() -> W,
        is_same: impl Fn(&W) -> bool,
    ) -> Result<(), Instant> {
        let ready = self.hub.ready_for(now, event);
        if ready.is_err() && !self.publishers.iter().any(is_same) {
            self.publishers.push(waker());
        }
        ready
    }
}
