//! One stream of events for many: what is published once, every subscriber gets, live or when it comes back.
//!
//! [`Hub`] is the machine; [`HubConfig`] says how much it holds, [`Subscription`] what a subscriber wants. The files: `ring` has
//! the events, `topics` what is known of each topic, `lag` what becomes of those who are behind, `publish` how events come in, `wait_list` whom
//! to wake.

mod config;
mod gap;
mod id;
mod lag;
mod publish;
mod ring;
mod shared;
mod slab;
mod stats;
mod subscription;
mod topics;
mod wait_list;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

pub use self::config::HubConfig;
pub use self::gap::Gap;
pub use self::id::Id;
pub use self::publish::{PublishError, Published};
pub use self::shared::{SharedHub, SubscriberId};
pub use self::stats::{Dropped, Lagged, Replays, Stats};
pub use self::subscription::{AfterGap, Cursor, Lag, Subscription, TopicKey};
pub use self::wait_list::{WaitList, WaiterId};

use self::ring::{Ring, Slot};
use self::subscription::First;
use self::topics::{Lost, Topics, Waiters};
use crate::Instant;

/// Holds the last events of a stream, for live subscribers and for those who come back, in one place.
///
/// `T` is the event as it is sent, shared by all who get it: a [`Frame`](crate::Frame) of bytes that are counted by reference, for
/// instance. It is never cloned here. A subscriber is a [`Cursor`], which knows the number of the next event: publishing does
/// nothing for any of them, and one that is slow costs the others nothing.
///
/// ```text
///   dropped  │◄───────────── held: HubConfig::events, bytes, age ─────────────►│
///   1 ..  40 │ 41 │ 42 │ 43 │ 44 │ 45 │ 46 │ 47 │ 48 │ 49 │ 50 │ 51 │ 52 │ 53 │ ◄── publish
///      ▲             ▲                                                         ▲
///      └ lagged,     └ behind                                                  └ caught up: Next::Pending
///        see Lag
/// ```
///
/// There is no lock and no waking in here. Whoever shares a hub puts a lock around it, and [`WaitList`] beside it, where a
/// subscriber that was told [`Pending`](Next::Pending) is put down under its topics; [`Published::topic`] says whom to wake. Asking
/// and putting down happen under the same lock, so that no event comes between.
///
/// Replaying and following are the same thing, so nothing is missed between them and nothing comes twice: [`resume`](Self::resume)
/// makes a cursor that stands behind the last event a client had, and [`next`](Self::next) moves it up to the newest and beyond.
///
/// ```
/// use sse_proto::hub::{HubConfig, Next, Resume, Subscription};
/// use sse_proto::{Event, Frame, Hub, Instant};
///
/// // What tells this hub's ids from those of others: a random number.
/// let generation = 1_763_700_000;
/// let mut hub: Hub<Frame> = Hub::new(generation, HubConfig::default());
/// let now = Instant::default();
/// let mut publish = |hub: &mut Hub<Frame>, data: &str| -> Result<(), Box<dyn std::error::Error>> {
///     let event = Event::new(data).with_id(hub.next_id().to_string())?;
///     let frame = Frame::event(&event);
///     hub.publish(now, "news", frame.weight(), frame)?;
///     Ok(())
/// };
///
/// let mut live = hub.subscribe(&Subscription::to(["news"]));
/// publish(&mut hub, "one")?;
/// publish(&mut hub, "two")?;
/// let (mut back, answer) = hub.resume(now, &Subscription::to_all(), "t627mo-1");
/// assert_eq!(answer, Resume::Resumed { events: 1 });
///
/// let mut seen = Vec::new();
/// for cursor in [&mut live, &mut back] {
///     loop {
///         match hub.next(now, cursor) {
///             Next::Event(entry) => seen.extend_from_slice(entry.value.bytes()),
///             Next::Gap(gap) => panic!("{gap} events are gone"),
///             // Wait to be woken, at another time.
///             Next::Pending => break,
///             Next::Lagged { .. } | Next::Closed => break,
///             _ => {}
///         }
///     }
/// }
/// assert_eq!(seen, b"id: t627mo-1\ndata: one\n\nid: t627mo-2\ndata: two\n\nid: t627mo-2\ndata: two\n\n");
/// hub.unsubscribe(live);
/// hub.unsubscribe(back);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Hub<T> {
    config: HubConfig,
    generation: u64,
    ring: Ring<T>,
    /// The latest events of topics whose time in the ring is over.
    kept: BTreeMap<u64, Slot<T>>,
    kept_weight: usize,
    topics: Topics,
    /// Of any topic.
    lost: Lost,
    /// Those of all topics.
    waiters: Waiters,
    next_waiter: u64,
    to_all: usize,
    /// Since when a publisher is kept waiting.
    blocked: Option<Instant>,
    closed: bool,
    /// Without what can be said from the rest.
    stats: Stats,
}

/// What comes next for a subscriber.
#[derive(Debug)]
#[non_exhaustive]
pub enum Next<'h, T> {
    /// An event.
    Event(Entry<'h, T>),
    /// Events are gone that the subscriber has not had: before it came back, or while it was too slow, with [`Lag::Skip`] and
    /// [`Lag::Latest`]. Tell the client, before the next event.
    Gap(Gap),
    /// Where the subscriber begins, if [`HubConfig::announce_position`] is set: an id that the client can come back with before it
    /// has had an event.
    Position(Id),
    /// Nothing for now.
    Pending,
    /// As a gap, but with [`Lag::Disconnect`] and [`Lag::Wait`]: nothing more comes. End the stream, and the client comes
    /// back with its last event id.
    Lagged {
        /// How many; exact for a subscriber to all topics.
        missed: u64,
    },
    /// The hub is closed, and the subscriber has had everything.
    Closed,
}

/// What [comes next](Next), as a subscriber's own: frames are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery<T> {
    /// An event.
    Event(T),
    /// Events are gone that the subscriber has not had: tell the client, before the next event.
    Gap(Gap),
    /// Where the subscriber begins: an id that the client can come back with before it has had an event.
    Position(Id),
    /// As a gap, but nothing more comes: end the stream, and the client comes back with its last event id.
    Lagged {
        /// How many; exact for a subscriber to all topics.
        missed: u64,
    },
    /// The hub is closed, and the subscriber has had everything.
    Closed,
}

impl<T: Clone> Next<'_, T> {
    /// The same without the hub; `None` if there is nothing for now.
    pub fn to_delivery(&self) -> Option<Delivery<T>> {
        Some(match self {
            Self::Event(entry) => Delivery::Event(entry.value.clone()),
            Self::Gap(gap) => Delivery::Gap(*gap),
            Self::Position(id) => Delivery::Position(*id),
            Self::Lagged { missed } => Delivery::Lagged { missed: *missed },
            Self::Closed => Delivery::Closed,
            Self::Pending => return None,
        })
    }
}

impl<T> Delivery<T> {
    /// Whether nothing more comes: the stream ends with it.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Lagged { .. } | Self::Closed)
    }
}

/// An event in the hub.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry<'h, T> {
    /// Its id, if the hub made it; otherwise just its number.
    pub id: Id,
    /// Its id, if the publisher gave it one.
    pub given_id: Option<&'h str>,
    /// Its topic.
    pub topic: &'h str,
    /// When it was published.
    pub published: Instant,
    /// What was published.
    pub value: &'h T,
}

/// How a client was answered: the verdict on the last event id that it came with. A client that has lost events is told so
/// by [`Next::Gap`], which comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resume {
    /// It came without an id, and gets what is published from now on.
    Live,
    /// It gets all that it has missed, and then goes on live.
    Resumed {
        /// How many events it has missed, of those it wants.
        events: u64,
    },
    /// Some of what it has missed is gone. It gets what its [`AfterGap`] says.
    Gap {
        /// How many are gone, at most; exact for a subscriber to all topics.
        missed: u64,
        /// The first event that it gets, if there is one.
        oldest: Option<Id>,
    },
    /// No event has this id: it is from before a restart, or long gone if the publisher gives the ids, or made up. It gets what
    /// its [`AfterGap`] says; of what is there it has had nothing from this hub.
    Unknown,
}

impl<T> Hub<T> {
    /// An empty hub. Its ids carry `generation`, which must be another one for each hub, also after a restart and on other
    /// machines: a random number. Two hubs of one generation take each other's ids for their own, and lose events silently.
    pub fn new(generation: u64, config: HubConfig) -> Self {
        Self {
            config,
            generation,
            ring: Ring::new(),
            kept: BTreeMap::new(),
            kept_weight: 0,
            topics: Topics::default(),
            lost: Lost::default(),
            waiters: Waiters::default(),
            next_waiter: 0,
            to_all: 0,
            blocked: None,
            closed: false,
            stats: Stats::default(),
        }
    }

    /// A subscriber to what is published from now on.
    pub fn subscribe(&mut self, subscription: &Subscription) -> Cursor {
        let topics = subscription
            .topics
            .as_ref()
            .map(|names| names.iter().filter_map(|name| self.join(name)).collect());
        if topics.is_none() {
            self.to_all += 1;
        }
        let next = self.ring.end();
        let position = self.config.announce_position.then(|| self.id(next - 1));
        let first = position.map(|_| Box::new(First { gap: None, position }));
        let lag = subscription.lag;
        let mut cursor = Cursor { next, topics, lag, cut: false, first, ends: false, waiter: 0 };
        self.stats.subscribers += 1;
        self.start_waiting(&mut cursor);
        cursor
    }

    /// A subscriber to what is held, from the oldest event on, and to what is published from now on. With [`Lag::Latest`] it
    /// begins with the latest event of each topic.
    pub fn replay(&mut self, now: Instant, subscription: &Subscription) -> Cursor {
        self.handle_deadline(now);
        let mut cursor = self.subscribe(subscription);
        self.rewind(&mut cursor);
        cursor
    }

    /// A subscriber for a client that may come back: one that [resumes](Self::resume), if there is an id, else one to
    /// [what is published from now on](Self::subscribe).
    pub fn subscribe_from(
        &mut self,
        now: Instant,
        subscription: &Subscription,
        last_event_id: Option<&str>,
    ) -> (Cursor, Resume) {
        match last_event_id {
            Some(id) => self.resume(now, subscription, id),
            None => (self.subscribe(subscription), Resume::Live),
        }
    }

    /// A subscriber that has had everything up to the event with this id, as [`Id`] is written or as the publisher gave it.
    /// If events are gone, the first thing that comes is [`Next::Gap`], and the [subscription](AfterGap) decides what follows.
    ///
    /// Takes whatever a client may send.
    pub fn resume(
        &mut self,
        now: Instant,
        subscription: &Subscription,
        last_event_id: &str,
    ) -> (Cursor, Resume) {
        self.handle_deadline(now);
        let mut cursor = self.subscribe(subscription);
        let Some(number) = self.find(last_event_id) else {
            self.stats.replays.unknown += 1;
            self.tell(&mut cursor, Gap::Unknown, subscription.after_gap);
            return (cursor, Resume::Unknown);
        };
        self.advance(&mut cursor, number + 1);
        let lost = self.lost_to(&cursor);
        if lost < cursor.next {
            self.stats.replays.resumed += 1;
            // The client has an id already.
            cursor.first = None;
            let events = self.lag(&cursor);
            return (cursor, Resume::Resumed { events });
        }
        self.stats.replays.gap += 1;
        let missed = lost - number;
        self.tell(&mut cursor, Gap::Missed(missed), subscription.after_gap);
        let oldest = self.first(&cursor).map(|number| self.id(number));
        (cursor, Resume::Gap { missed, oldest })
    }

    /// Has the subscriber told of a gap before anything else.
    fn tell(&mut self, cursor: &mut Cursor, gap: Gap, after: AfterGap) {
        cursor.first.get_or_insert_default().gap = Some(gap);
        match after {
            AfterGap::Replay => self.rewind(cursor),
            AfterGap::Live => self.advance(cursor, self.ring.end()),
            AfterGap::End => {
                // Nobody waits for it any more.
                self.stop_waiting(cursor);
                (cursor.ends, cursor.cut) = (true, true);
            }
        }
    }

    /// Places the subscriber before the oldest event that is there for it. The id of that event will be its position.
    fn rewind(&mut self, cursor: &mut Cursor) {
        let first = self.lost_to(cursor) + 1;
        self.advance(cursor, first);
        if self.first(cursor).is_some() {
            cursor.first.iter_mut().for_each(|first| first.position = None);
        }
    }

    /// What comes next for this subscriber. Each thing comes once, but for the last ones: [`Lagged`](Next::Lagged) and
    /// [`Closed`](Next::Closed) stand.
    ///
    /// Takes a constant time for a subscriber to all topics, and a search in each topic for one to some. For one to all topics
    /// that keeps the latest, what it skips is looked at.
    pub fn next(&mut self, now: Instant, cursor: &mut Cursor) -> Next<'_, T> {
        self.next_if(now, cursor, |_| true)
    }

    /// As [`next`](Self::next), but passes over events that the subscriber does not want to have, whatever their topic. They count
    /// as others do where events are gone.
    pub fn next_if(
        &mut self,
        now: Instant,
        cursor: &mut Cursor,
        mut is_wanted: impl FnMut(&Entry<'_, T>) -> bool,
    ) -> Next<'_, T> {
        self.handle_deadline(now);
        if let Some(gap) = cursor.first.as_mut().and_then(|first| first.gap.take()) {
            return Next::Gap(gap);
        }
        if cursor.ends {
            return Next::Closed;
        }
        if let Some(position) = cursor.first.take().and_then(|first| first.position) {
            return Next::Position(position);
        }
        if let Some(missed) = self.check_lag(cursor) {
            return if cursor.cut { Next::Lagged { missed } } else { Next::Gap(Gap::Missed(missed)) };
        }
        while let Some(number) = self.first(cursor) {
            if cursor.lag != Lag::Latest {
                self.stats.max_lag = self.stats.max_lag.max(self.lag(cursor));
            }
            self.advance(cursor, number + 1);
            if self.entry(number).is_some_and(|entry| is_wanted(&entry)) {
                self.stats.delivered += 1;
                // There is one: it was wanted.
                return self.entry(number).map_or(Next::Pending, Next::Event);
            }
        }
        self.advance(cursor, self.ring.end());
        if self.closed { Next::Closed } else { Next::Pending }
    }

    /// Takes back the cursor of a subscriber that has left.
    pub fn unsubscribe(&mut self, cursor: Cursor) {
        self.stop_waiting(&cursor);
        self.stats.subscribers = self.stats.subscribers.saturating_sub(1);
        match &cursor.topics {
            None => self.to_all = self.to_all.saturating_sub(1),
            Some(keys) => keys.iter().for_each(|key| {
                if let Some(topic) = self.topics.get_mut(*key) {
                    topic.subscribers = topic.subscribers.saturating_sub(1);
                }
                self.settle(*key);
            }),
        }
    }

    /// How many subscribers get the events of this topic.
    pub fn subscribers(&self, topic: &str) -> usize {
        self.to_all + self.topics.find(topic).map_or(0, |topic| topic.subscribers)
    }

    /// The numbers now.
    pub fn stats(&self) -> Stats {
        Stats { topics: self.topics.len(), events: self.ring.len(), bytes: self.ring.weight(), ..self.stats }
    }

    /// The topic with one subscriber more. `None` if its name is too long for anything to be published to it.
    fn join(&mut self, name: &str) -> Option<TopicKey> {
        if name.len() > self.config.topic_name_bytes {
            return None;
        }
        let key = self.topics.intern(name);
        if let Some(topic) = self.topics.get_mut(key) {
            topic.subscribers += 1;
        }
        self.settle(key);
        Some(key)
    }

    /// After each change of a topic: it may have become idle.
    fn settle(&mut self, key: TopicKey) {
        self.topics.settle(key, self.config.topics, self.config.topic_bytes);
    }

    /// The number of the event with this id; 0 for the [position](HubConfig::announce_position) before the first.
    fn find(&self, id: &str) -> Option<u64> {
        // However long it is, looking for it takes no time.
        if id.len() > Id::LONGEST.max(self.ring.longest_given_id()) {
            return None;
        }
        let made = |id: Id| id.generation() == self.generation && id.number() < self.ring.end();
        self.ring.find(id).or_else(|| Id::parse(id).filter(|id| made(*id)).map(Id::number))
    }

    fn id(&self, number: u64) -> Id {
        Id::new(self.generation, number)
    }

    fn entry(&self, number: u64) -> Option<Entry<'_, T>> {
        let slot = self.ring.get(number).or_else(|| self.kept.get(&number))?;
        Some(Entry {
            id: self.id(number),
            given_id: slot.given_id.as_deref(),
            topic: self.topics.get(slot.topic).map(|topic| &*topic.name).unwrap_or_default(),
            published: slot.published,
            value: &slot.value,
        })
    }
}
