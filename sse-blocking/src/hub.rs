//! One stream of events for many subscribers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{self, Duration, SystemTime};

use sse_proto::hub::{
    Closed, Config, Cursor, Delivery, Published, Resume, Seat, Stats, Subscription, Waiting,
};
use sse_proto::{EventRef, Frame, Instant};

/// One stream of events for many subscribers: live ones, and those who come back with a last event id. A handle, which can be
/// cloned and used from any thread.
///
/// Each event is encoded once, and `B` shares its bytes: `Arc<[u8]>`, or `bytes::Bytes`. A subscriber that is slow costs the
/// others nothing; what becomes of it is chosen with its [`Subscription`]. The decisions are those of [`sse_proto::Hub`].
///
/// ```
/// use sse_blocking::Hub;
/// use sse_blocking::proto::hub::{Config, Delivery, Subscription};
///
/// let hub: Hub = Hub::new(Config::default());
/// let mut ann = hub.subscribe(&Subscription::to(["broadcast", "to/ann"]));
/// hub.publish("to/ann", "psst")?;
/// let Delivery::Event(frame) = ann.recv() else { panic!("an event") };
/// assert!(frame.bytes().ends_with(b"data: psst\n\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Hub<B = Arc<[u8]>> {
    shared: Arc<Shared<B>>,
}

#[derive(Debug)]
struct Shared<B> {
    epoch: time::Instant,
    state: Mutex<State<B>>,
}

#[derive(Debug)]
struct State<B> {
    hub: sse_proto::Hub<Frame<B>>,
    subscribers: Waiting<Thread>,
    /// Those who wait for a subscriber to move.
    publishers: Vec<Thread>,
}

impl<B> Clone for Hub<B> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<B: AsRef<[u8]> + Clone + From<Vec<u8>>> Hub<B> {
    /// An empty hub. Its ids are told from those of one before a restart by the time.
    pub fn new(config: Config) -> Self {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // Wraps in half a billion years.
        Self::with_generation(since_epoch.as_millis() as u64, config)
    }

    /// An empty hub with ids of this generation: see [`sse_proto::Hub::new`].
    pub fn with_generation(generation: u64, config: Config) -> Self {
        let state = State {
            hub: sse_proto::Hub::new(generation, config),
            subscribers: Waiting::new(),
            publishers: Vec::new(),
        };
        Self { shared: Arc::new(Shared { epoch: time::Instant::now(), state: Mutex::new(state) }) }
    }

    /// Publishes an event of a topic: with its own id if it has one, else with one of the hub's.
    ///
    /// # Errors
    /// If the hub is closed.
    pub fn publish<'e>(&self, topic: &str, event: impl Into<EventRef<'e>>) -> Result<Published, Closed> {
        let (published, woken) = self.shared.state().publish(self.shared.now(), topic, event.into())?;
        woken.into_iter().for_each(|thread| thread.unpark());
        Ok(published)
    }

    /// As [`publish`](Self::publish), but waits for subscribers that [want that](sse_proto::hub::Lag::Wait), no longer than
    /// [`Config::wait`].
    ///
    /// # Errors
    /// If the hub is closed.
    pub fn publish_waiting<'e>(
        &self,
        topic: &str,
        event: impl Into<EventRef<'e>>,
    ) -> Result<Published, Closed> {
        let event = event.into();
        let (published, woken) = loop {
            let mut state = self.shared.state();
            let now = self.shared.now();
            let Err(until) = state.hub.ready_for(now, event) else {
                break state.publish(now, topic, event)?;
            };
            state.publishers.push(thread::current());
            drop(state);
            thread::park_timeout(until.since(now));
        };
        woken.into_iter().for_each(|thread| thread.unpark());
        Ok(published)
    }

    /// A subscriber to what is published from now on.
    pub fn subscribe(&self, subscription: &Subscription) -> Subscriber<B> {
        self.enter(|hub, _| (hub.subscribe(subscription), ())).0
    }

    /// A subscriber to what is held, from the oldest event on, and to what is published from now on.
    pub fn replay(&self, subscription: &Subscription) -> Subscriber<B> {
        self.enter(|hub, now| (hub.replay(now, subscription), ())).0
    }

    /// A subscriber that has had everything up to the event with this id. Takes whatever a client may send.
    pub fn resume(&self, subscription: &Subscription, last_event_id: &str) -> (Subscriber<B>, Resume) {
        self.enter(|hub, now| hub.resume(now, subscription, last_event_id))
    }

    /// How many subscribers get the events of this topic.
    pub fn subscribers(&self, topic: &str) -> usize {
        self.shared.state().hub.subscribers(topic)
    }

    /// The numbers now.
    pub fn stats(&self) -> Stats {
        self.shared.state().hub.stats()
    }

    /// Ends the stream: nothing more can be published, and subscribers get what is there, and then the end.
    pub fn close(&self) {
        let mut woken = Vec::new();
        let mut state = self.shared.state();
        state.hub.close();
        state.subscribers.take_all(&mut woken);
        woken.append(&mut state.publishers);
        drop(state);
        woken.into_iter().for_each(|thread| thread.unpark());
    }

    fn enter<R>(
        &self,
        subscribe: impl FnOnce(&mut sse_proto::Hub<Frame<B>>, Instant) -> (Cursor, R),
    ) -> (Subscriber<B>, R) {
        let mut state = self.shared.state();
        let (cursor, answer) = subscribe(&mut state.hub, self.shared.now());
        let seat = state.subscribers.enter(&cursor);
        (Subscriber { shared: Arc::clone(&self.shared), place: Some((cursor, seat)) }, answer)
    }
}

/// Gets the events of a [`Hub`]. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscriber<B = Arc<[u8]>> {
    shared: Arc<Shared<B>>,
    /// `None` only while it is dropped.
    place: Option<(Cursor, Seat)>,
}

impl<B: AsRef<[u8]> + Clone> Subscriber<B> {
    /// What comes next; waits until there is something. The last delivery comes again and again.
    pub fn recv(&mut self) -> Delivery<Frame<B>> {
        loop {
            if let Some(delivery) = self.take(Some(thread::current())) {
                return delivery;
            }
            // Whoever publishes after the lock was released unparks it, also if it is not parked yet.
            thread::park();
        }
    }

    /// As [`recv`](Self::recv), but waits no longer than this.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Option<Delivery<Frame<B>>> {
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
    pub fn try_recv(&mut self) -> Option<Delivery<Frame<B>>> {
        self.take(None)
    }

    /// What comes next. If there is nothing now, this thread is unparked when there is.
    pub(crate) fn take(&mut self, waker: Option<Thread>) -> Option<Delivery<Frame<B>>> {
        let Some((cursor, seat)) = &mut self.place else { return Some(Delivery::Closed) };
        let mut state = self.shared.state();
        let delivery = state.hub.next(self.shared.now(), cursor).to_delivery();
        let mut publishers = Vec::new();
        match (&delivery, waker) {
            (Some(_), _) => publishers = std::mem::take(&mut state.publishers),
            (None, Some(waker)) => drop(state.subscribers.wait(seat, waker)),
            (None, None) => {}
        }
        drop(state);
        publishers.into_iter().for_each(|thread| thread.unpark());
        delivery
    }
}

impl<B> Drop for Subscriber<B> {
    fn drop(&mut self) {
        let Some((cursor, seat)) = self.place.take() else { return };
        let mut state = self.shared.state();
        state.hub.unsubscribe(cursor);
        state.subscribers.leave(seat);
        // They need not wait for this one.
        let publishers = std::mem::take(&mut state.publishers);
        drop(state);
        publishers.into_iter().for_each(|thread| thread.unpark());
    }
}

impl<B> Shared<B> {
    fn state(&self) -> MutexGuard<'_, State<B>> {
        // The hub is never left half changed: it does not panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        Instant::from_epoch(self.epoch.elapsed())
    }
}

impl<B: AsRef<[u8]> + From<Vec<u8>>> State<B> {
    /// Publishes, and says whom to wake once the lock is released.
    fn publish(
        &mut self,
        now: Instant,
        topic: &str,
        event: EventRef<'_>,
    ) -> Result<(Published, Vec<Thread>), Closed> {
        let published = self.hub.publish_event(now, topic, event, B::from)?;
        let mut woken = Vec::new();
        self.subscribers.take(published.topic, &mut woken);
        Ok((published, woken))
    }
}
