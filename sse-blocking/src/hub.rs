//! One stream of events for many subscribers.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{self, Duration, SystemTime};

use sse_proto::hub::{
    Cursor, Delivery, HubConfig, PublishError, Published, Resume, SharedHub, Stats, SubscriberId,
    Subscription,
};
use sse_proto::{EventRef, Instant};

use crate::Frame;

/// One stream of events for many subscribers: live ones, and those who come back with a last event id. A handle, which can be
/// cloned and used from any thread.
///
/// Each event is encoded once, as a [`Frame`], which all subscribers share. A subscriber that is slow costs the
/// others nothing; what becomes of it is chosen with its [`Subscription`]. The decisions are those of [`sse_proto::Hub`].
///
/// ```
/// use sse_blocking::{Delivery, Hub, HubConfig, Subscription};
///
/// let hub = Hub::new(HubConfig::default());
/// let mut ann = hub.subscribe(&Subscription::to(["broadcast", "to/ann"]));
/// hub.publish("to/ann", "psst")?;
/// let Delivery::Event(frame) = ann.recv() else { panic!("an event") };
/// assert!(frame.bytes().ends_with(b"data: psst\n\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    epoch: time::Instant,
    state: Mutex<SharedHub<Arc<[u8]>, Thread>>,
}

impl Clone for Hub {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl Hub {
    /// An empty hub. A random number tells its ids from those of other hubs: of one before a restart, of a replica.
    pub fn new(config: HubConfig) -> Self {
        // Keys that differ with each call, and in each process; the time besides, where a system has little to draw them from.
        Self::with_generation(RandomState::new().hash_one(SystemTime::now()), config)
    }

    /// An empty hub with ids of this generation: see [`sse_proto::Hub::new`].
    pub fn with_generation(generation: u64, config: HubConfig) -> Self {
        let state = SharedHub::new(generation, config);
        Self { shared: Arc::new(Shared { epoch: time::Instant::now(), state: Mutex::new(state) }) }
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
        woken.into_iter().for_each(|thread| thread.unpark());
        Ok(published)
    }

    /// As [`publish`](Self::publish), but waits for subscribers that [want that](sse_proto::hub::Lag::Wait), no longer than
    /// [`HubConfig::wait`].
    ///
    /// # Errors
    /// If the hub is closed, or the name of the topic is too long.
    pub fn publish_waiting<'e>(
        &self,
        topic: &str,
        event: impl Into<EventRef<'e>>,
    ) -> Result<Published, PublishError> {
        let event = event.into();
        let mut woken = Vec::new();
        let published = loop {
            let mut state = self.shared.state();
            let now = self.shared.now();
            let is_same = |other: &Thread| other.id() == thread::current().id();
            let Err(until) = state.ready(now, event, thread::current, is_same) else {
                break state.publish(now, topic, event, &mut woken)?;
            };
            drop(state);
            thread::park_timeout(until.since(now));
        };
        woken.into_iter().for_each(|thread| thread.unpark());
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
        woken.into_iter().for_each(|thread| thread.unpark());
    }

    fn enter<R>(
        &self,
        subscribe: impl FnOnce(&mut sse_proto::Hub<Frame>, Instant) -> (Cursor, R),
    ) -> (Subscriber, R) {
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
    pub fn recv(&mut self) -> Delivery<Frame> {
        loop {
            if let Some(delivery) = self.take(Some(thread::current())) {
                return delivery;
            }
            // Whoever publishes after the lock was released unparks it, also if it is not parked yet.
            thread::park();
        }
    }

    /// As [`recv`](Self::recv), but waits no longer than this.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Option<Delivery<Frame>> {
        // Without one, if it is beyond what the clock can tell.
        let end = time::Instant::now().checked_add(timeout);
        loop {
            let delivery = self.take(Some(thread::current()));
            let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(time::Instant::now()));
            if delivery.is_some() || left.is_zero() {
                return delivery;
            }
            thread::park_timeout(left);
        }
    }

    /// What comes next, if there is something now.
    pub fn try_recv(&mut self) -> Option<Delivery<Frame>> {
        self.take(None)
    }

    /// What comes next. If there is nothing now, this thread is unparked when there is.
    pub(crate) fn take(&mut self, waker: Option<Thread>) -> Option<Delivery<Frame>> {
        let Some(subscriber) = &mut self.id else { return Some(Delivery::Closed) };
        let mut woken = Vec::new();
        let (delivery, former) =
            self.shared.state().next(self.shared.now(), subscriber, || waker, &mut woken);
        // Only now that the lock is released: the drop of the last one of its task may call anything.
        drop(former);
        woken.into_iter().for_each(|thread| thread.unpark());
        delivery
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let Some(subscriber) = self.id.take() else { return };
        let mut woken = Vec::new();
        let former = self.shared.state().unsubscribe(subscriber, &mut woken);
        drop(former);
        woken.into_iter().for_each(|thread| thread.unpark());
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, SharedHub<Arc<[u8]>, Thread>> {
        // The hub is never left half changed: it does not panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        Instant::from_epoch(self.epoch.elapsed())
    }
}
