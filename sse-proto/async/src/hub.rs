//! Fan-out of one event stream to many subscribers.

use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::SystemTime;

use bytes::Bytes;
use futures_core::Stream;
use sse_proto::hub::log::LogConfig;
use sse_proto::hub::{
    Delivery, HubConfig, Id, PublishError, Published, Resume, SharedHub, Start, Stats, SubscribeError,
    SubscriberId, Subscription,
};
use sse_proto::{AsEvent, EventRef, Instant};

use crate::net::{Alarm, Clock};
use crate::{Frame, Runtime};

/// Fans out events to many subscribers, live and by replay to clients that reconnect with a last
/// event id. The handle can be cloned and used from any task or thread.
///
/// Each event is encoded once, as a [`Frame`] that all subscribers share. A slow subscriber costs the
/// others nothing; its [`Subscription`] sets the lag policy. This is an async front for
/// [`sse_proto::Hub`], which describes the details.
#[derive(Debug)]
pub struct Hub<R> {
    shared: Arc<Shared>,
    runtime: PhantomData<fn() -> R>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    clock: Clock,
    state: Mutex<SharedHub<Bytes, Waker>>,
}

impl<R> Clone for Hub<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), runtime: PhantomData }
    }
}

impl<R: Runtime> Hub<R> {
    /// Creates an empty hub. A random generation distinguishes its ids from those of other hubs,
    /// such as its predecessor before a restart, or a replica.
    pub fn new(config: HubConfig) -> Self {
        // The hash keys differ per call and per process. The time is added for systems with little
        // entropy.
        Self::with_generation(RandomState::new().hash_one(SystemTime::now()), config)
    }

    /// Creates an empty hub with this generation; see [`sse_proto::Hub::new`].
    pub fn with_generation(generation: u64, config: HubConfig) -> Self {
        let (clock, state) = (Clock::start::<R>(), Mutex::new(SharedHub::new(generation, config)));
        Self { shared: Arc::new(Shared { clock, state }), runtime: PhantomData }
    }

    /// Creates the hub of a [`LogHub`](crate::LogHub).
    pub(crate) fn over(seed: u64, config: HubConfig, log: LogConfig) -> Self {
        let (clock, state) = (Clock::start::<R>(), Mutex::new(SharedHub::over(seed, config, log)));
        Self { shared: Arc::new(Shared { clock, state }), runtime: PhantomData }
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Publishes an event on a topic, with the event's own id or else a generated one.
    ///
    /// # Errors
    /// If the hub is closed, or the topic name is too long.
    pub fn publish(&self, topic: &str, event: impl AsEvent) -> Result<Published, PublishError> {
        // User code, so not called under the lock.
        let (event, mut woken) = (event.as_event(), Vec::new());
        let published = self.shared.state().publish(self.shared.now(), topic, event, &mut woken)?;
        wake(woken);
        Ok(published)
    }

    /// Like [`publish`](Self::publish), but waits for subscribers with
    /// [`Lag::Wait`](sse_proto::hub::Lag::Wait), for at most [`HubConfig::wait`].
    ///
    /// # Errors
    /// If the hub is closed, or the topic name is too long.
    pub async fn publish_waiting(&self, topic: &str, event: impl AsEvent) -> Result<Published, PublishError> {
        let (event, mut alarm) = (event.as_event(), Alarm::<R>::default());
        let (published, woken) = poll_fn(|cx| self.poll_publish(cx, &mut alarm, topic, event)).await?;
        wake(woken);
        Ok(published)
    }

    /// Subscribes to the events published from now on.
    pub fn subscribe(&self, subscription: &Subscription) -> Subscriber {
        self.enter(subscription, Start::Live).0
    }

    /// Subscribes to all held events, from the oldest on, and then to the events published from now
    /// on.
    pub fn replay(&self, subscription: &Subscription) -> Subscriber {
        self.enter(subscription, Start::Oldest).0
    }

    /// Subscribes to all events after the one with this id, which may be any text that a client
    /// sends. After a loss, a [`Gap`](Delivery::Gap) precedes all other deliveries.
    pub fn resume(&self, subscription: &Subscription, last_event_id: &str) -> (Subscriber, Resume) {
        self.enter(subscription, Start::After(last_event_id))
    }

    /// Subscribes a client that may have reconnected, given its last event id: [resumes](Self::resume)
    /// if there is an id, otherwise [subscribes](Self::subscribe) to the events published from now on.
    /// Or takes a [`Start`].
    pub fn subscribe_from<'s>(
        &self,
        subscription: &Subscription,
        start: impl Into<Start<'s>>,
    ) -> (Subscriber, Resume) {
        self.enter(subscription, start.into())
    }

    /// Subscribes like [`subscribe_from`](Self::subscribe_from), and counts the stream to the client
    /// of this name: a user, a session, an address.
    ///
    /// # Errors
    /// If the client has [too many](HubConfig::streams_per_client) streams, or the name is too long.
    /// [`SubscribeError::status`] is the status to answer with.
    pub fn subscribe_as<'s>(
        &self,
        client: &str,
        subscription: &Subscription,
        start: impl Into<Start<'s>>,
    ) -> Result<(Subscriber, Resume), SubscribeError> {
        // User code, so not called under the lock.
        let (now, start) = (self.shared.now(), start.into());
        let (id, resume) = self.shared.state().subscribe_as(now, client, subscription, start)?;
        Ok((Subscriber::new(&self.shared, id), resume))
    }

    /// Closes all streams of a client that [subscribed by name](Self::subscribe_as), for example
    /// because its token was revoked, and returns their number. The client will reconnect; refuse it
    /// from then on.
    pub fn close_client(&self, client: &str) -> usize {
        let mut woken = Vec::new();
        let streams = self.shared.state().close_client(client, &mut woken);
        wake(woken);
        streams
    }

    /// Returns the number of open streams of a client that [subscribed by name](Self::subscribe_as).
    pub fn streams_of(&self, client: &str) -> usize {
        self.shared.state().streams_of(client)
    }

    /// Returns who is here: the clients that [subscribed by name](Self::subscribe_as), in the order of
    /// their names, with the number of streams of each.
    pub fn clients(&self) -> Vec<(String, usize)> {
        self.shared.state().clients().map(|(name, streams)| (name.to_owned(), streams)).collect()
    }

    /// Closes a topic: subscribers whose topics are all closed receive the remaining events before the
    /// end. Returns whether there was such a topic. Its name is then free for a new topic.
    pub fn close_topic(&self, topic: &str) -> bool {
        let mut woken = Vec::new();
        let was_open = self.shared.state().close_topic(topic, &mut woken);
        wake(woken);
        was_open
    }

    /// Returns the id of the last published event, or the position before the first one.
    ///
    /// To combine a snapshot with a stream, take the position before the snapshot, and let the client
    /// [resume](Self::resume) from it: it receives every event that the snapshot may lack.
    pub fn position(&self) -> Id {
        self.shared.state().hub().position()
    }

    /// Returns the topic of the event with this id, if the event is held.
    pub fn topic_of(&self, id: &str) -> Option<String> {
        self.shared.state().hub().topic_of(id).map(str::to_owned)
    }

    /// Returns the number of subscribers that receive the events of this topic.
    pub fn subscribers(&self, topic: &str) -> usize {
        self.shared.state().hub().subscribers(topic)
    }

    /// Returns the current statistics.
    pub fn stats(&self) -> Stats {
        self.shared.state().hub().stats()
    }

    /// Closes the hub: nothing more can be published, and subscribers receive the remaining events
    /// before the end. Clients reconnect, unless the server then answers with status 204 (HTML,
    /// "The EventSource interface").
    pub fn close(&self) {
        let woken = self.shared.state().close();
        wake(woken);
    }

    /// Waits until the hub is closed: the stop signal for streams that send something else.
    pub async fn closed(&self) {
        let nothing: [&str; 0] = [];
        let mut subscriber = self.subscribe(&Subscription::to(nothing));
        while !subscriber.recv().await.is_last() {}
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

    fn enter(&self, subscription: &Subscription, start: Start<'_>) -> (Subscriber, Resume) {
        let (id, resume) = self.shared.state().subscribe(self.shared.now(), subscription, start);
        (Subscriber::new(&self.shared, id), resume)
    }
}

/// Receives the events of a [`Hub`]. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscriber {
    shared: Arc<Shared>,
    /// `None` only during the drop.
    id: Option<SubscriberId>,
    /// Whether the [`Stream`] has yielded its last delivery.
    has_ended: bool,
}

impl Subscriber {
    fn new(shared: &Arc<Shared>, id: SubscriberId) -> Self {
        Self { shared: Arc::clone(shared), id: Some(id), has_ended: false }
    }

    /// Waits for the next delivery. The last delivery is returned again by every further call.
    ///
    /// Cancel-safe: dropping the future loses no delivery.
    pub async fn recv(&mut self) -> Delivery<Frame> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Polls for the next delivery. If there is none yet, registers the waker of the task.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Delivery<Frame>> {
        self.take(Some(cx.waker())).map_or(Poll::Pending, Poll::Ready)
    }

    /// Returns the next delivery, if there is one now.
    pub fn try_recv(&mut self) -> Option<Delivery<Frame>> {
        self.take(None)
    }

    fn take(&mut self, waker: Option<&Waker>) -> Option<Delivery<Frame>> {
        let Some(subscriber) = &mut self.id else { return Some(Delivery::Closed) };
        loop {
            let mut woken = Vec::new();
            let (delivery, former) =
                self.shared.state().next(|| self.shared.now(), subscriber, || waker.cloned(), &mut woken);
            // Dropped only after the lock is released: the last waker of a task may run any code on
            // drop.
            drop(former);
            wake(woken);
            // The filter is user code, so not called under the lock.
            if delivery.as_ref().is_none_or(|delivery| subscriber.wants(delivery)) {
                return delivery;
            }
        }
    }
}

/// Yields each delivery once, and ends after the [last](Delivery::is_last) one.
impl Stream for Subscriber {
    type Item = Delivery<Frame>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Delivery<Frame>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let delivery = ready!(self.poll_recv(cx));
        self.has_ended = delivery.is_last();
        Poll::Ready(Some(delivery))
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let Some(subscriber) = self.id.take() else { return };
        let mut woken = Vec::new();
        let removed = self.shared.state().unsubscribe(subscriber, &mut woken);
        drop(removed);
        wake(woken);
    }
}

pub(crate) fn wake(woken: Vec<Waker>) {
    woken.into_iter().for_each(Waker::wake);
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, SharedHub<Bytes, Waker>> {
        // The hub is always consistent: it does not panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }
}
