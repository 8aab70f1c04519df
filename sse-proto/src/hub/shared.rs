//! A hub that tasks or threads share.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use super::clients::Clients;
use super::log::{Node, Replay, Step};
use super::{
    Cursor, Delivery, Filter, Hub, HubConfig, Next, PublishError, Published, Resume, SubscribeError,
    Subscription, TopicKey, WaitList, WaiterId,
};
use crate::hook::Shared;
use crate::{EventRef, Frame, Instant};

/// A hub of encoded events with its wait lists: the state that subscribers and publishers share
/// under a lock. `W` wakes one task or thread, such as a `Waker`.
///
/// A shared hub wakes nobody itself. Its methods append the wakers of the tasks that can continue;
/// the caller releases the lock and then wakes them. Methods return obsolete wakers, because a
/// waker must not be dropped under a lock: it may be the last reference to its task.
///
/// ```
/// use sse_proto::hub::{HubConfig, Delivery, SharedHub, Start, Subscription};
/// use sse_proto::{EventRef, Instant};
///
/// let now = Instant::default();
/// let mut hub: SharedHub<Vec<u8>, &str> = SharedHub::new(7, HubConfig::default());
/// let news = Subscription::to(["news"]);
/// let (mut subscriber, _) = hub.subscribe(now, &news, Start::Live);
///
/// let mut woken = Vec::new();
/// let (nothing, _) = hub.next(|| now, &mut subscriber, || Some("a waker"), &mut woken);
/// assert!(nothing.is_none());
///
/// hub.publish(now, "news", EventRef::new("hello"), &mut woken)?;
/// assert_eq!(woken, ["a waker"]);
/// let (delivery, _) = hub.next(|| now, &mut subscriber, || None, &mut woken);
/// assert!(matches!(delivery, Some(Delivery::Event(frame)) if frame.bytes().ends_with(b"data: hello\n\n")));
/// hub.unsubscribe(subscriber, &mut woken);
/// # Ok::<(), sse_proto::hub::PublishError>(())
/// ```
#[derive(Debug)]
pub struct SharedHub<B, W> {
    pub(super) hub: Hub<Frame<B>>,
    pub(super) subscribers: WaitList<W>,
    /// The log, if the hub is over one.
    pub(super) node: Option<Box<Node<B, W>>>,
    /// The wakers of publishers that wait for a subscriber to make progress.
    publishers: Vec<W>,
    clients: Clients,
}

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start<'s> {
    /// With the events published from now on, like [`Hub::subscribe`].
    Live,
    /// With the oldest held event, like [`Hub::replay`]; over a log, with the oldest of the log.
    Oldest,
    /// After the event with this id, like [`Hub::resume`].
    After(&'s str),
}

/// The last event id of a client that may have reconnected.
impl<'s> From<Option<&'s str>> for Start<'s> {
    fn from(last_event_id: Option<&'s str>) -> Self {
        last_event_id.map_or(Self::Live, Self::After)
    }
}

/// A subscriber of a [`SharedHub`], until it [unsubscribes](SharedHub::unsubscribe).
#[derive(Debug)]
pub struct SubscriberId {
    cursor: Cursor,
    waiter: WaiterId,
    filter: Option<Filter>,
    /// The topic of the last delivery, for the filter.
    topic: Option<Shared<str>>,
    /// What it still reads from the log, or has to skip.
    replay: Option<Box<Replay>>,
    /// The client to which the stream is counted.
    client: Option<usize>,
}

impl SubscriberId {
    /// Returns whether the [filter](Subscription::with_filter) of the subscription accepts the
    /// delivery that [`SharedHub::next`] returned last; if not, skip it. Calls user code, so call it
    /// after the lock is released.
    pub fn wants<B: AsRef<[u8]>>(&self, delivery: &Delivery<Frame<B>>) -> bool {
        match (delivery, &self.filter, &self.topic) {
            (Delivery::Event(frame), Some(filter), Some(topic)) => {
                frame.decode(|event| event.is_none_or(|event| filter.wants(topic, event)))
            }
            _ => true,
        }
    }
}

/// What is left of a subscriber that was [removed](SharedHub::unsubscribe). It may own user code, so
/// drop it after the lock is released.
#[derive(Debug)]
#[must_use = "drop it after the lock is released"]
pub struct Removed<W> {
    _wakers: [Option<W>; 2],
    _filter: Option<Filter>,
}

impl<B, W> SharedHub<B, W> {
    /// Creates an empty hub; see [`Hub::new`] for `generation`.
    pub fn new(generation: u64, config: HubConfig) -> Self {
        Self {
            hub: Hub::new(generation, config),
            subscribers: WaitList::new(),
            node: None,
            publishers: Vec::new(),
            clients: Clients::default(),
        }
    }

    /// Returns the inner hub.
    pub fn hub(&self) -> &Hub<Frame<B>> {
        &self.hub
    }

    /// Adds a subscriber. Over a log, the answer may be [`Resume::Reading`].
    pub fn subscribe(
        &mut self,
        now: Instant,
        subscription: &Subscription,
        start: Start<'_>,
    ) -> (SubscriberId, Resume) {
        let (cursor, resume, replay) = match (&mut self.node, start) {
            (Some(node), start) => node.subscribe(now, &mut self.hub, subscription, start),
            (None, Start::Live) => (self.hub.subscribe(subscription), Resume::Live, None),
            (None, Start::Oldest) => (self.hub.replay(now, subscription), Resume::Live, None),
            (None, Start::After(id)) => {
                let (cursor, resume) = self.hub.resume(now, subscription, id);
                (cursor, resume, None)
            }
        };
        let waiter = self.subscribers.insert(&cursor);
        let filter = subscription.filter.clone();
        let subscriber = SubscriberId { cursor, waiter, filter, topic: None, replay, client: None };
        (subscriber, resume)
    }

    /// Adds a subscriber, and counts its stream to the client of this name: a user, a session, an
    /// address.
    ///
    /// # Errors
    /// If the client has [too many](HubConfig::streams_per_client) streams, or the name is too long.
    pub fn subscribe_as(
        &mut self,
        now: Instant,
        client: &str,
        subscription: &Subscription,
        start: Start<'_>,
    ) -> Result<(SubscriberId, Resume), SubscribeError> {
        let config = self.hub.config();
        let (length, limit) = (client.len(), config.topic_name_bytes);
        if length > limit {
            return Err(SubscribeError::NameTooLong { length, limit });
        }
        let key = self.clients.enter(client, config.streams_per_client)?;
        let (mut subscriber, resume) = self.subscribe(now, subscription, start);
        subscriber.client = Some(key);
        Ok((subscriber, resume))
    }

    /// Closes all streams of a client, for example because its token was revoked: its subscribers
    /// receive [`Delivery::Revoked`] next. Returns their number, and appends the wakers to wake. The
    /// client may subscribe again; refuse it before that.
    pub fn close_client(&mut self, client: &str, woken: &mut Vec<W>) -> usize {
        let streams = self.clients.close(client);
        if streams > 0 {
            // Rare, so that a list by client would cost more.
            self.subscribers.drain_all(woken);
            if let Some(node) = &mut self.node {
                node.drain(woken);
            }
        }
        streams
    }

    /// Returns the number of open streams of a client.
    pub fn streams_of(&self, client: &str) -> usize {
        self.clients.streams(client)
    }

    /// Iterates over the clients with open streams, in the order of their names, with the number of
    /// streams of each.
    pub fn clients(&self) -> impl Iterator<Item = (&str, usize)> {
        self.clients.iter()
    }

    /// Closes a topic like [`Hub::close_topic`], and appends the wakers to wake. Returns whether
    /// there was such a topic.
    pub fn close_topic(&mut self, topic: &str, woken: &mut Vec<W>) -> bool {
        let key: Option<TopicKey> = self.hub.close_topic(topic);
        key.iter().for_each(|key| self.subscribers.drain(*key, woken));
        key.is_some()
    }

    /// Returns the next delivery of this subscriber, or registers `waker` if there is none yet.
    /// Appends the wakers to wake, and returns the previously registered waker.
    ///
    /// Only a hub with [`HubConfig::age`] asks for the time.
    pub fn next(
        &mut self,
        now: impl FnOnce() -> Instant,
        subscriber: &mut SubscriberId,
        waker: impl FnOnce() -> Option<W>,
        woken: &mut Vec<W>,
    ) -> (Option<Delivery<Frame<B>>>, Option<W>)
    where
        B: AsRef<[u8]> + Clone + From<Vec<u8>>,
    {
        if subscriber.client.is_some_and(|key| self.clients.is_closed(key)) {
            return (Some(Delivery::Revoked), None);
        }
        let mut waker = Some(waker);
        let mut take_waker = || waker.take().and_then(|waker| waker());
        if let (Some(node), Some(replay)) = (&mut self.node, &mut subscriber.replay) {
            match node.next(&mut self.hub, &mut subscriber.cursor, replay, &mut take_waker, woken) {
                Step::Deliver(delivery, topic) => {
                    subscriber.topic = topic;
                    return (Some(delivery), None);
                }
                Step::Wait(former) => return (None, former),
                Step::Join if replay.skip.is_some() => {}
                Step::Join => subscriber.replay = None,
            }
        }
        let now = if self.hub.deadline().is_some() { now() } else { Instant::default() };
        let delivery = loop {
            let next = self.hub.next(now, &mut subscriber.cursor);
            if let (Next::Event(entry), Some(node), Some(replay)) = (&next, &self.node, &subscriber.replay) {
                if replay.skip.is_some_and(|skip| node.is_old(entry.id.number(), skip)) {
                    continue;
                }
                subscriber.replay = None;
            }
            if let (Some(_), Next::Event(entry)) = (&subscriber.filter, &next) {
                subscriber.topic = entry.shared_topic.cloned();
            }
            break next.to_delivery();
        };
        if delivery.is_some() {
            woken.append(&mut self.publishers);
            return (delivery, None);
        }
        (None, take_waker().and_then(|waker| self.subscribers.wait(&subscriber.waiter, waker)))
    }

    /// Removes a subscriber. Appends the wakers of publishers that no longer need to wait for it.
    pub fn unsubscribe(&mut self, subscriber: SubscriberId, woken: &mut Vec<W>) -> Removed<W> {
        let SubscriberId { cursor, waiter, filter, topic: _, mut replay, client } = subscriber;
        self.hub.unsubscribe(cursor);
        let left = match (&mut self.node, &mut replay) {
            (Some(node), Some(replay)) => node.leave(replay),
            _ => None,
        };
        woken.append(&mut self.publishers);
        client.into_iter().for_each(|key| self.clients.leave(key));
        Removed { _wakers: [self.subscribers.remove(waiter), left], _filter: filter }
    }

    /// Closes the hub: nothing more can be published, and subscribers receive the remaining events
    /// before the end. Returns the wakers to wake.
    pub fn close(&mut self) -> Vec<W> {
        self.hub.close();
        let mut woken = mem::take(&mut self.publishers);
        self.subscribers.drain_all(&mut woken);
        if let Some(node) = &mut self.node {
            node.close(&mut woken);
        }
        woken
    }
}

impl<B: AsRef<[u8]>, W> SharedHub<B, W> {
    /// Publishes an event like [`Hub::publish_event`], and appends the wakers to wake.
    ///
    /// # Errors
    /// If the hub is closed or over a log, or the topic name is too long.
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
        if self.node.is_some() {
            return Err(PublishError::OverLog);
        }
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
