//! One stream of events for many: what is published once, every subscriber gets, live or when it comes back.
//!
//! [`Hub`] is the machine; [`Config`] says how much it holds, [`Subscription`] what a subscriber wants. The files: `ring` has
//! the events, `topics` what is known of each topic, `lag` what becomes of those who are behind, `publish` how events come in, `waiting` whom
//! to wake.

mod config;
mod id;
mod lag;
mod publish;
mod ring;
mod shared;
mod stats;
mod subscription;
mod topics;
mod waiting;

use alloc::collections::BTreeMap;

pub use self::config::Config;
pub use self::id::Id;
pub use self::publish::{Closed, Published};
pub use self::shared::{Place, SharedHub};
pub use self::stats::{Dropped, Lagged, Replays, Stats};
pub use self::subscription::{Cursor, Lag, Subscription, TopicKey};
pub use self::waiting::{Seat, Waiting};

use self::ring::{Ring, Slot};
use self::topics::{Lost, Topics, Waiters};
use crate::Instant;

/// Holds the last events of a stream, for live subscribers and for those who come back, in one place.
///
/// `T` is the event as it is sent, shared by all who get it: a [`Frame`](crate::Frame) of bytes that are counted by reference, for
/// instance. It is never cloned here. A subscriber is a [`Cursor`], which knows the number of the next event: publishing does
/// nothing for any of them, and one that is slow costs the others nothing.
///
/// ```text
///   dropped  │◄───────────── held: Config::events, bytes, age ─────────────►│
///   1 ..  40 │ 41 │ 42 │ 43 │ 44 │ 45 │ 46 │ 47 │ 48 │ 49 │ 50 │ 51 │ 52 │ 53 │ ◄── publish
///      ▲             ▲                                                         ▲
///      └ lagged,     └ behind                                                  └ caught up: Next::Pending
///        see Lag
/// ```
///
/// There is no lock and no waking in here. Whoever shares a hub puts a lock around it, and [`Waiting`] beside it, where a
/// subscriber that was told [`Pending`](Next::Pending) is put down under its topics; [`Published::topic`] says whom to wake. Asking
/// and putting down happen under the same lock, so that no event comes between.
///
/// Replaying and following are the same thing, so nothing is missed between them and nothing comes twice: [`resume`](Self::resume)
/// makes a cursor that stands behind the last event a client had, and [`next`](Self::next) moves it up to the newest and beyond.
///
/// ```
/// use sse_proto::hub::{Config, Next, Resume, Subscription};
/// use sse_proto::{Event, Frame, Hub, Instant};
///
/// // What tells this hub's ids from those of the one before a restart: the time of its start will do.
/// let generation = 1_763_700_000;
/// let mut hub: Hub<Frame> = Hub::new(generation, Config::default());
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
///             Next::Gap { missed } => panic!("{missed} events are gone"),
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
    config: Config,
    generation: u64,
    ring: Ring<T>,
    /// The latest events of topics whose time in the ring is over.
    kept: BTreeMap<u64, Slot<T>>,
    topics: Topics,
    /// Of any topic.
    lost: Lost,
    /// Those of all topics.
    waiters: Waiters,
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
    /// Events are gone that the subscriber has not had, at most so many: with [`Lag::Skip`] and [`Lag::Latest`]. The next one
    /// is the oldest there is. Tell the client, if it should know.
    Gap {
        /// How many; exact for a subscriber to all topics.
        missed: u64,
    },
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
    /// Events are gone that the subscriber has not had, at most so many. The next one is the oldest there is.
    Gap {
        /// How many; exact for a subscriber to all topics.
        missed: u64,
    },
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
            Self::Gap { missed } => Delivery::Gap { missed: *missed },
            Self::Lagged { missed } => Delivery::Lagged { missed: *missed },
            Self::Closed => Delivery::Closed,
            Self::Pending => return None,
        })
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

/// How a client that came back was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resume {
    /// It gets all that it has missed, and then goes on live.
    Resumed {
        /// How many events it has missed, of those it wants.
        events: u64,
    },
    /// Some of what it has missed is gone. It gets what is still there, and then goes on live.
    Gap {
        /// How many are gone, at most; exact for a subscriber to all topics.
        missed: u64,
        /// The first event that it gets, if there is one.
        oldest: Option<Id>,
    },
    /// No event has this id: it is from before a restart, or long gone if the publisher gives the ids, or made up. The client
    /// gets all that is there, none of which it has had from this hub, and then goes on live.
    Unknown,
}

impl<T> Hub<T> {
    /// An empty hub. Its ids carry `generation`, which must be another one each time the program starts: the time of the
    /// start, or a random number.
    pub fn new(generation: u64, config: Config) -> Self {
        Self {
            config,
            generation,
            ring: Ring::new(),
            kept: BTreeMap::new(),
            topics: Topics::default(),
            lost: Lost::default(),
            waiters: Waiters::default(),
            to_all: 0,
            blocked: None,
            closed: false,
            stats: Stats::default(),
        }
    }

    /// A subscriber to what is published from now on.
    pub fn subscribe(&mut self, subscription: &Subscription) -> Cursor {
        let topics =
            subscription.topics.as_ref().map(|names| names.iter().map(|name| self.join(name)).collect());
        if topics.is_none() {
            self.to_all += 1;
        }
        let cursor = Cursor { next: self.ring.end(), topics, lag: subscription.lag, cut: false };
        self.stats.subscribers += 1;
        self.start_waiting(&cursor);
        cursor
    }

    /// A subscriber to what is held, from the oldest event on, and to what is published from now on. With [`Lag::Latest`] it
    /// begins with the latest event of each topic.
    pub fn replay(&mut self, now: Instant, subscription: &Subscription) -> Cursor {
        self.handle_deadline(now);
        let mut cursor = self.subscribe(subscription);
        let first = self.lost_to(&cursor) + 1;
        self.advance(&mut cursor, first);
        cursor
    }

    /// A subscriber that has had everything up to the event with this id, as [`Id`] is written or as the publisher gave it.
    ///
    /// Takes whatever a client may send.
    pub fn resume(
        &mut self,
        now: Instant,
        subscription: &Subscription,
        last_event_id: &str,
    ) -> (Cursor, Resume) {
        self.handle_deadline(now);
        let Some(number) = self.find(last_event_id) else {
            self.stats.replays.unknown += 1;
            return (self.replay(now, subscription), Resume::Unknown);
        };
        let mut cursor = self.subscribe(subscription);
        self.advance(&mut cursor, number + 1);
        let lost = self.lost_to(&cursor);
        if lost < cursor.next {
            self.stats.replays.resumed += 1;
            let events = self.lag(&cursor);
            return (cursor, Resume::Resumed { events });
        }
        self.stats.replays.gap += 1;
        let missed = lost - number;
        self.advance(&mut cursor, lost + 1);
        let oldest = self.first(&cursor).map(|number| self.id(number));
        (cursor, Resume::Gap { missed, oldest })
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
        if let Some(missed) = self.check_lag(cursor) {
            return if cursor.cut { Next::Lagged { missed } } else { Next::Gap { missed } };
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

    /// The topic with one subscriber more: at once, or it might be forgotten when the next one is made.
    fn join(&mut self, name: &str) -> TopicKey {
        let key = self.topics.intern(name, self.config.topics);
        if let Some(topic) = self.topics.get_mut(key) {
            topic.subscribers += 1;
        }
        key
    }

    fn find(&self, id: &str) -> Option<u64> {
        let made = |id: Id| id.generation() == self.generation && (1..self.ring.end()).contains(&id.number());
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
