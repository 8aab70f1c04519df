//! A hub that tasks or threads share.

use alloc::vec::Vec;
use core::mem;

use super::{Cursor, Delivery, Hub, HubConfig, PublishError, Published, WaitList, WaiterId};
use crate::{EventRef, Frame, Instant};

/// A hub of encoded events with its wait lists: the state that subscribers and publishers share
/// under a lock. `W` wakes one task or thread, such as a `Waker`.
///
/// A shared hub wakes nobody itself. Its methods append the wakers of the tasks that can continue;
/// the caller releases the lock and then wakes them. Methods return obsolete wakers, because a
/// waker must not be dropped under a lock: it may be the last reference to its task.
///
/// ```
/// use sse_proto::hub::{HubConfig, Delivery, SharedHub, Subscription};
/// use sse_proto::{EventRef, Instant};
///
/// let now = Instant::default();
/// let mut hub: SharedHub<Vec<u8>, &str> = SharedHub::new(7, HubConfig::default());
/// let (mut subscriber, ()) = hub.subscribe_with(|hub| (hub.subscribe(&Subscription::to(["news"])), ()));
///
/// let mut woken = Vec::new();
/// let (nothing, _) = hub.next(now, &mut subscriber, || Some("a waker"), &mut woken);
/// assert!(nothing.is_none());
///
/// hub.publish(now, "news", EventRef::new("hello"), &mut woken)?;
/// assert_eq!(woken, ["a waker"]);
/// let (delivery, _) = hub.next(now, &mut subscriber, || None, &mut woken);
/// assert!(matches!(delivery, Some(Delivery::Event(frame)) if frame.bytes().ends_with(b"data: hello\n\n")));
/// hub.unsubscribe(subscriber, &mut woken);
/// # Ok::<(), sse_proto::hub::PublishError>(())
/// ```
#[derive(Debug)]
pub struct SharedHub<B, W> {
    hub: Hub<Frame<B>>,
    subscribers: WaitList<W>,
    /// The wakers of publishers that wait for a subscriber to make progress.
    publishers: Vec<W>,
}

/// A subscriber of a [`SharedHub`], until it [unsubscribes](SharedHub::unsubscribe).
#[derive(Debug)]
pub struct SubscriberId {
    cursor: Cursor,
    waiter: WaiterId,
}

impl<B, W> SharedHub<B, W> {
    /// Creates an empty hub; see [`Hub::new`] for `generation`.
    pub fn new(generation: u64, config: HubConfig) -> Self {
        Self { hub: Hub::new(generation, config), subscribers: WaitList::new(), publishers: Vec::new() }
    }

    /// Returns the inner hub.
    pub fn hub(&self) -> &Hub<Frame<B>> {
        &self.hub
    }

    /// Adds the subscriber whose cursor `subscribe` creates, and returns the second result of
    /// `subscribe`.
    pub fn subscribe_with<R>(
        &mut self,
        subscribe: impl FnOnce(&mut Hub<Frame<B>>) -> (Cursor, R),
    ) -> (SubscriberId, R) {
        let (cursor, answer) = subscribe(&mut self.hub);
        let waiter = self.subscribers.insert(&cursor);
        (SubscriberId { cursor, waiter }, answer)
    }

    /// Returns the next delivery of this subscriber, or registers `waker` if there is none yet.
    /// Appends the wakers to wake, and returns the previously registered waker.
    pub fn next(
        &mut self,
        now: Instant,
        subscriber: &mut SubscriberId,
        waker: impl FnOnce() -> Option<W>,
        woken: &mut Vec<W>,
    ) -> (Option<Delivery<Frame<B>>>, Option<W>)
    where
        B: Clone,
    {
        let delivery = self.hub.next(now, &mut subscriber.cursor).to_delivery();
        if delivery.is_some() {
            woken.append(&mut self.publishers);
            return (delivery, None);
        }
        (None, waker().and_then(|waker| self.subscribers.wait(&subscriber.waiter, waker)))
    }

    /// Removes a subscriber. Appends the wakers of publishers that no longer need to wait for it,
    /// and returns its own waker.
    pub fn unsubscribe(&mut self, subscriber: SubscriberId, woken: &mut Vec<W>) -> Option<W> {
        self.hub.unsubscribe(subscriber.cursor);
        woken.append(&mut self.publishers);
        self.subscribers.remove(subscriber.waiter)
    }

    /// Closes the hub: nothing more can be published, and subscribers receive the remaining events
    /// before the end. Returns the wakers to wake.
    pub fn close(&mut self) -> Vec<W> {
        self.hub.close();
        let mut woken = mem::take(&mut self.publishers);
        self.subscribers.drain_all(&mut woken);
        woken
    }
}

impl<B: AsRef<[u8]>, W> SharedHub<B, W> {
    /// Publishes an event like [`Hub::publish_event`], and appends the wakers to wake.
    ///
    /// # Errors
    /// If the hub is closed, or the topic name is too long.
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
        self.subscribers.drain(published.topic, woken);
        Ok(published)
    }

    /// Checks that the event can be published without overtaking a subscriber that publishers
    /// [wait for](super::Lag::Wait). If not, registers `waker` to be woken when a subscriber has
    /// made progress, unless a registered waker satisfies `is_same`.
    ///
    /// # Errors
    /// The instant at which to publish regardless.
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
