//! One stream of events for many subscribers.

use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use bytes::Bytes;
use sse_proto::hub::{
    Cursor, Delivery, HubConfig, PublishError, Published, Resume, SharedHub, Stats, SubscriberId,
    Subscription,
};
use sse_proto::{EventRef, Instant};

use crate::net::{Alarm, Clock};
use crate::{Frame, Runtime};

/// One stream of events for many subscribers: live ones, and those who come back with a last event id. A handle, which can be
/// cloned and used from any task and thread.
///
/// Each event is encoded once, as a [`Frame`], which all subscribers share. A subscriber that is slow costs the
/// others nothing; what becomes of it is chosen with its [`Subscription`]. The decisions are those of [`sse_proto::Hub`].
#[derive(Debug)]
pub struct Hub<R> {
    shared: Arc<Shared>,
    runtime: PhantomData<fn() -> R>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    state: Mutex<SharedHub<Bytes, Waker>>,
}

impl<R> Clone for Hub<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), runtime: PhantomData }
    }
}

impl<R: Runtime> Hub<R> {
    /// An empty hub. A random number tells its ids from those of other hubs: of one before a restart, of a replica.
    pub fn new(config: HubConfig) -> Self {
        // Keys that differ with each call, and in each process; the time besides, where a system has little to draw them from.
        Self::with_generation(RandomState::new().hash_one(SystemTime::now()), config)
    }

    /// An empty hub with ids of this generation: see [`sse_proto::Hub::new`].
    pub fn with_generation(generation: u64, config: HubConfig) -> Self {
        let (clock, state) = (Clock::start::<R>(), Mutex::new(SharedHub::new(generation, config)));
        Self { shared: Arc::new(Shared { clock, state }), runtime: PhantomData }
    }

    /// Publishes an event of a topic: with its own id if it has one, else with one of the hub's.
    ///
    /// # Errors
    /// If the hub is closed, or the name of the topic is too long.
    pub fn publish<'e>(
        &self,
        topic: &str,
        event: impl Into<EventRef<'e>>,
    ) -> Result<Published, PublishError> {
        // Code of the user's: not while the lock is held.
        let (event, mut woken) = (event.into(), Vec::new());
        let published = self.shared.state().publish(self.shared.now(), topic, event, &mut woken)?;
        woken.into_iter().for_each(Waker::wake);
        Ok(published)
    }

    /// As [`publish`](Self::publish), but waits for subscribers that [want that](sse_proto::hub::Lag::Wait), no longer than
    /// [`HubConfig::wait`].
    ///
    /// # Errors
    /// If the hub is closed, or the name of the topic is too long.
    pub async fn publish_waiting<'e>(
        &self,
        topic: &str,
        event: impl Into<EventRef<'e>>,
    ) -> Result<Published, PublishError> {
        let (event, mut alarm) = (event.into(), Alarm::<R>::default());
        let (published, woken) = poll_fn(|cx| self.poll_publish(cx, &mut alarm, topic, event)).await?;
        woken.into_iter().for_each(Waker::wake);
        Ok(published)
    }

    /// A subscriber to what is published from now on.
    pub fn subscribe(&self, subscription: &Subscription) -> Subscriber {
        self.enter(|hub, _| (hub.subscribe(subscription), ())).0
    }

    /// A subscriber to what is held, from the oldest event on, and to what is published from now on.
    pub fn replay(&self, subscription: &Subscription) -> Subscriber {
        self.enter(|hub, now| (hub.replay(now, subscription), ())).0
    }

    /// A subscriber that has had everything up to the event with this id. Takes whatever a client may send. If events are gone,
    /// a [`Gap`](Delivery::Gap) comes before any other.
    pub fn resume(&self, subscription: &Subscription, last_event_id: &str) -> (Subscriber, Resume) {
        self.enter(|hub, now| hub.resume(now, subscription, last_event_id))
    }

    /// A subscriber for a client that may come back: one that [resumes](Self::resume), if there is an id, else one to
    /// [what is published from now on](Self::subscribe).
    pub fn subscribe_from(
        &self,
        subscription: &Subscription,
        last_event_id: Option<&str>,
    ) -> (Subscriber, Resume) {
        self.enter(|hub, now| hub.subscribe_from(now, subscription, last_event_id))
    }

    /// How many subscribers get the events of this topic.
    pub fn subscribers(&self, topic: &str) -> usize {
        self.shared.state().hub().subscribers(topic)
    }

    /// The numbers now.
    pub fn stats(&self) -> Stats {
        self.shared.state().hub().stats()
    }

    /// Ends the stream: nothing more can be published, and subscribers get what is there, and then the end. Clients connect again,
    /// unless they are then answered with status 204 (HTML, "The EventSource interface").
    pub fn close(&self) {
        let woken = self.shared.state().close();
        woken.into_iter().for_each(Waker::wake);
    }

    fn poll_publish(
        &self,
        cx: &mut Context<'_>,
        alarm: &mut Alarm<R>,
        topic: &str,
        event: EventRef<'_>,
    ) -> Poll<Result<(Published, Vec<Waker>), PublishError>> {
        loop {
            let mut state = self.shared.state();
            let now = self.shared.now();
            let is_same = |waker: &Waker| waker.will_wake(cx.waker());
            let Err(until) = state.ready(now, event, || cx.waker().clone(), is_same) else {
                let mut woken = Vec::new();
                return Poll::Ready(
                    state.publish(now, topic, event, &mut woken).map(|published| (published, woken)),
                );
            };
            drop(state);
            if alarm.poll(cx, self.shared.clock, Some(until)).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn enter<A>(
        &self,
        subscribe: impl FnOnce(&mut sse_proto::Hub<Frame>, Instant) -> (Cursor, A),
    ) -> (Subscriber, A) {
        let now = self.shared.now();
        let (subscriber, answer) = self.shared.state().subscribe_with(|hub| subscribe(hub, now));
        (Subscriber { shared: Arc::clone(&self.shared), id: Some(subscriber) }, answer)
    }
}

/// Gets the events of a [`Hub`]. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscriber {
    shared: Arc<Shared>,
    /// `None` only while it is dropped.
    id: Option<SubscriberId>,
}

impl Subscriber {
    /// What comes next; waits until there is something. The last delivery comes again and again.
    ///
    /// Can be dropped while it waits, without losing anything.
    pub async fn recv(&mut self) -> Delivery<Frame> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// What comes next. If there is nothing for now, the task is woken when there is.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Delivery<Frame>> {
        self.take(Some(cx.waker())).map_or(Poll::Pending, Poll::Ready)
    }

    /// What comes next, if there is something now.
    pub fn try_recv(&mut self) -> Option<Delivery<Frame>> {
        self.take(None)
    }

    fn take(&mut self, waker: Option<&Waker>) -> Option<Delivery<Frame>> {
        let Some(subscriber) = &mut self.id else { return Some(Delivery::Closed) };
        let mut woken = Vec::new();
        let (delivery, former) =
            self.shared.state().next(self.shared.now(), subscriber, || waker.cloned(), &mut woken);
        // Only now that the lock is released: the drop of the last one of its task may call anything.
        drop(former);
        woken.into_iter().for_each(Waker::wake);
        delivery
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let Some(subscriber) = self.id.take() else { return };
        let mut woken = Vec::new();
        let former = self.shared.state().unsubscribe(subscriber, &mut woken);
        drop(former);
        woken.into_iter().for_each(Waker::wake);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, SharedHub<Bytes, Waker>> {
        // The hub is never left half changed: it does not panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }
}
