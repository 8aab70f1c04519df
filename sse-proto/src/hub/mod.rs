//! Fan-out of one event stream to many subscribers, live and by replay.
//!
//! [`Hub`] is the machine, [`HubConfig`] limits what it holds, and [`Subscription`] selects what a
//! subscriber receives. The modules: `ring` holds the events, `topics` the state of each topic,
//! `lag` implements the lag policies, `publish` adds and drops events, `wait_list` lists the
//! subscribers to wake.

mod breaks;
mod clients;
mod config;
mod id;
mod lag;
pub mod log;
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

pub use self::clients::SubscribeError;
pub use self::config::HubConfig;
pub use self::id::Id;
pub use self::publish::{PublishError, Published};
pub use self::shared::{Removed, SharedHub, Start, SubscriberId};
pub use self::stats::{Dropped, Lagged, Replays, Stats};
pub use self::subscription::{AfterGap, Cursor, Filter, Gap, Lag, Subscription, TopicKey};
pub use self::wait_list::{WaitList, WaiterId};

use self::breaks::Breaks;
use self::ring::{Ring, Slot};
use self::subscription::First;
use self::topics::{Lost, Topics, Waiters};
use crate::Instant;
use crate::hook::Shared;

/// Holds the recent events of a stream, for live subscribers and for replay.
///
/// `T` is an encoded event that all its subscribers share, for example a [`Frame`](crate::Frame) of
/// reference-counted bytes. The hub never clones it. A subscriber is a [`Cursor`] that stores the
/// number of its next event. Publishing therefore takes no work per subscriber, and a slow
/// subscriber costs the others nothing.
///
/// ```text
///   dropped  │◄───────────── held: HubConfig::events, bytes, age ─────────────►│
///   1 ..  40 │ 41 │ 42 │ 43 │ 44 │ 45 │ 46 │ 47 │ 48 │ 49 │ 50 │ 51 │ 52 │ 53 │ ◄── publish
///      ▲             ▲                                                         ▲
///      └ lagged,     └ behind                                                  └ caught up: Next::Pending
///        see Lag
/// ```
///
/// The hub has no lock and wakes nobody. To share a hub, put it under a lock together with a
/// [`WaitList`]. A subscriber that gets [`Pending`](Next::Pending) registers a waker under its
/// topics, and [`Published::topic`] selects the wakers to wake. Call [`next`](Self::next) and
/// register the waker under the same lock, so that no event is published in between.
///
/// Replay and live delivery are the same operation, so no event is lost or repeated between them:
/// [`resume`](Self::resume) creates a cursor behind the client's last event, and
/// [`next`](Self::next) advances the cursor to the newest event and beyond.
///
/// ```
/// use sse_proto::hub::{HubConfig, Next, Resume, Subscription};
/// use sse_proto::{Event, Frame, Hub, Instant};
///
/// // A random number that distinguishes this hub's ids from those of other hubs.
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
///             // Wait for a wake-up, then continue.
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
    /// The latest events of topics that have left the ring.
    kept: BTreeMap<u64, Slot<T>>,
    kept_weight: usize,
    topics: Topics,
    /// Losses in any topic.
    lost: Lost,
    /// Losses before an event reached the hub.
    breaks: Breaks,
    /// The waiters that are subscribed to all topics.
    waiters: Waiters,
    next_waiter: u64,
    to_all: usize,
    /// When the waiting of a publisher began.
    blocked: Option<Instant>,
    closed: bool,
    /// Without the numbers that can be derived from the other fields.
    stats: Stats,
}

/// The next delivery of a subscriber, borrowed from the hub.
#[derive(Debug)]
#[non_exhaustive]
pub enum Next<'h, T> {
    /// An event.
    Event(Entry<'h, T>),
    /// The subscriber missed events: before it resumed, or because it was too slow, with
    /// [`Lag::Skip`] or [`Lag::Latest`]. Report the gap to the client before the next event.
    Gap(Gap),
    /// The initial position of the subscriber, if [`HubConfig::announce_position`] is set. A client
    /// can resume from this id before it has received an event.
    Position(Id),
    /// There is no event now.
    Pending,
    /// The subscriber missed events, with [`Lag::Disconnect`] or [`Lag::Wait`]. Nothing more
    /// follows: end the stream, and the client reconnects with its last event id.
    Lagged {
        /// The number of missed events; exact for a subscription to all topics.
        missed: u64,
    },
    /// The hub is closed, or all topics of the subscription are. The subscriber has received all
    /// events.
    Closed,
}

/// The next delivery of a subscriber, owned. Like [`Next`], but independent of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery<T> {
    /// An event.
    Event(T),
    /// The subscriber missed events. Report the gap to the client before the next event.
    Gap(Gap),
    /// The initial position of the subscriber. A client can resume from this id before it has
    /// received an event.
    Position(Id),
    /// The subscriber missed events, and nothing more follows: end the stream, and the client
    /// reconnects with its last event id.
    Lagged {
        /// The number of missed events; exact for a subscription to all topics.
        missed: u64,
    },
    /// The hub is closed, or all topics of the subscription are. The subscriber has received all
    /// events.
    Closed,
    /// The program [closed the streams](SharedHub::close_client) of this client. The subscriber
    /// receives none of the remaining events.
    Revoked,
}

impl<T: Clone> Next<'_, T> {
    /// Converts into an owned delivery. Returns `None` for [`Pending`](Self::Pending).
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
    /// Returns whether the delivery is the last one of its stream.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Lagged { .. } | Self::Closed | Self::Revoked)
    }
}

/// An event in the hub.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry<'h, T> {
    /// The id that the hub generated. If the publisher gave the event an id, only its number
    /// counts.
    pub id: Id,
    /// The id from the publisher, if there is one.
    pub given_id: Option<&'h str>,
    /// The topic of the event.
    pub topic: &'h str,
    /// When the event was published.
    pub published: Instant,
    /// The published value.
    pub value: &'h T,
    shared_topic: Option<&'h Shared<str>>,
}

/// The hub's answer to a client's last event id. A client that has missed events receives a
/// [`Next::Gap`] first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resume {
    /// The client sent no id, and receives the events published from now on.
    Live,
    /// The client receives all events that it has missed, then continues live.
    Resumed {
        /// The number of missed events that match the subscription.
        events: u64,
    },
    /// The hub no longer holds some of the missed events. [`AfterGap`] determines what the client
    /// receives.
    Gap {
        /// The maximum number of lost events; exact for a subscription to all topics.
        missed: u64,
        /// The first event that the client receives, if there is one.
        oldest: Option<Id>,
    },
    /// The hub is [over a log](log), and reads there what the client has missed. A gap shows when it
    /// is read, and is delivered like others.
    Reading,
    /// The hub knows no event with this id: the id is from before a restart, invented, or long
    /// dropped if publishers give the ids. [`AfterGap`] determines what the client receives. The
    /// hub assumes that the client has received none of its events.
    Unknown,
}

impl<T> Hub<T> {
    /// Creates an empty hub.
    ///
    /// `generation` is part of every id and must be unique among all hubs, including those before a
    /// restart and on other machines: use a random number. Two hubs of the same generation would
    /// accept each other's ids, and clients would silently lose events.
    pub fn new(generation: u64, config: HubConfig) -> Self {
        Self {
            config,
            generation,
            ring: Ring::new(),
            kept: BTreeMap::new(),
            kept_weight: 0,
            topics: Topics::default(),
            lost: Lost::default(),
            breaks: Breaks::default(),
            waiters: Waiters::default(),
            next_waiter: 0,
            to_all: 0,
            blocked: None,
            closed: false,
            stats: Stats::default(),
        }
    }

    /// Returns the configuration.
    pub fn config(&self) -> &HubConfig {
        &self.config
    }

    /// Adds a subscriber to the events published from now on.
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
        let first = position.map(|_| Box::new(First { position, ..First::default() }));
        let lag = subscription.lag;
        let told = self.breaks.told_at(next);
        let mut cursor = Cursor { next, told, topics, lag, cut: false, first, ends: false, waiter: 0 };
        self.stats.subscribers += usize::from(cursor.has_topics());
        self.start_waiting(&mut cursor);
        cursor
    }

    /// Adds a subscriber to all held events, from the oldest on, and then to the events published
    /// from now on. With [`Lag::Latest`], it starts with the latest event of each topic. Which event
    /// is the oldest is determined by the first delivery, so the subscriber does not lag before that.
    pub fn replay(&mut self, now: Instant, subscription: &Subscription) -> Cursor {
        self.handle_deadline(now);
        let mut cursor = self.subscribe(subscription);
        self.rewind(&mut cursor);
        cursor
    }

    /// Adds a subscriber for a client that may have reconnected: [resumes](Self::resume) if there
    /// is an id, otherwise [subscribes](Self::subscribe) to the events published from now on.
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

    /// Adds a subscriber that has received everything up to the event with this id, which the hub
    /// generated ([`Id`]) or the publisher gave. After a loss, the first delivery is [`Next::Gap`],
    /// and the subscription's [`AfterGap`] determines what follows. With [`AfterGap::Replay`], the gap
    /// includes the events that are dropped until its delivery.
    ///
    /// `last_event_id` may be any text that a client sends.
    pub fn resume(
        &mut self,
        now: Instant,
        subscription: &Subscription,
        last_event_id: &str,
    ) -> (Cursor, Resume) {
        // First, because an event that is too old is not found any more.
        self.handle_deadline(now);
        let found = self.find(last_event_id);
        self.resume_at(subscription, found)
    }

    /// Adds a subscriber that has received everything up to this event, or an unknown one.
    fn resume_at(&mut self, subscription: &Subscription, found: Option<u64>) -> (Cursor, Resume) {
        let mut cursor = self.subscribe(subscription);
        let Some(number) = found else {
            self.stats.replays.unknown += 1;
            self.tell(&mut cursor, Gap::Unknown, subscription.after_gap);
            return (cursor, Resume::Unknown);
        };
        self.place(&mut cursor, number + 1);
        let lost = self.lost_to(&cursor);
        if lost < cursor.next {
            self.stats.replays.resumed += 1;
            // The client already has an id.
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

    /// Reports a gap to the subscriber before anything else.
    fn tell(&mut self, cursor: &mut Cursor, gap: Gap, after: AfterGap) {
        cursor.first.get_or_insert_default().gap = Some(gap);
        match after {
            AfterGap::Replay => self.rewind(cursor),
            AfterGap::Live => self.advance(cursor, self.ring.end()),
            AfterGap::End => {
                // Publishers no longer wait for it.
                self.stop_waiting(cursor);
                (cursor.ends, cursor.cut) = (true, true);
            }
        }
    }

    /// Moves a subscriber that has received nothing yet before the event of this number. Breaks before
    /// that event are still to be told.
    fn place(&mut self, cursor: &mut Cursor, next: u64) {
        self.advance(cursor, next);
        cursor.told = self.breaks.told_at(next - 1);
    }

    /// Moves the subscriber before the oldest event that is held for it. The id of that event then
    /// serves as its position.
    fn rewind(&mut self, cursor: &mut Cursor) {
        let first = self.lost_to(cursor) + 1;
        self.advance(cursor, first);
        cursor.told = self.breaks.told_at(first);
        let has_events = self.first(cursor).is_some();
        let start = cursor.first.get_or_insert_default();
        start.oldest = true;
        if has_events {
            start.position = None;
        }
    }

    /// Determines the oldest event again for the first delivery. A subscriber that has received
    /// nothing does not lag, however fast events are dropped; its gap grows.
    fn start(&mut self, cursor: &mut Cursor) {
        if !cursor.first.as_ref().is_some_and(|first| first.oldest) {
            return;
        }
        let before = cursor.next;
        self.rewind(cursor);
        if let Some(first) = &mut cursor.first {
            first.oldest = false;
            if let Some(Gap::Missed(missed)) = &mut first.gap {
                *missed += cursor.next - before;
            }
        }
    }

    /// Returns the next delivery of this subscriber. Each delivery is returned once, except for the
    /// last ones: [`Lagged`](Next::Lagged) and [`Closed`](Next::Closed) are returned again.
    ///
    /// Takes constant time for a subscription to all topics, and a binary search per topic for
    /// other subscriptions. A subscription to all topics with [`Lag::Latest`] scans the events that
    /// it skips.
    pub fn next(&mut self, now: Instant, cursor: &mut Cursor) -> Next<'_, T> {
        self.next_if(now, cursor, |_| true)
    }

    /// Like [`next`](Self::next), but skips the events for which `is_wanted` returns `false`.
    /// Skipped events count in gaps and lags like others.
    pub fn next_if(
        &mut self,
        now: Instant,
        cursor: &mut Cursor,
        mut is_wanted: impl FnMut(&Entry<'_, T>) -> bool,
    ) -> Next<'_, T> {
        self.handle_deadline(now);
        self.start(cursor);
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
        loop {
            let found = self.first(cursor);
            if self.breaks.pass(&mut cursor.told, found.unwrap_or(self.ring.end())) {
                self.stats.lagged.gaps += 1;
                return Next::Gap(Gap::Unknown);
            }
            let Some(number) = found else { break };
            if cursor.lag != Lag::Latest {
                self.stats.max_lag = self.stats.max_lag.max(self.lag(cursor));
            }
            self.advance(cursor, number + 1);
            if self.entry(number).is_some_and(|entry| is_wanted(&entry)) {
                self.stats.delivered += 1;
                // Always `Some`: the entry was there before `is_wanted`.
                return self.entry(number).map_or(Next::Pending, Next::Event);
            }
        }
        self.advance(cursor, self.ring.end());
        if self.closed || self.has_only_closed_topics(cursor) { Next::Closed } else { Next::Pending }
    }

    /// Removes a subscriber.
    pub fn unsubscribe(&mut self, cursor: Cursor) {
        self.stop_waiting(&cursor);
        self.stats.subscribers = self.stats.subscribers.saturating_sub(usize::from(cursor.has_topics()));
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

    /// Returns the number of subscribers that receive the events of this topic.
    pub fn subscribers(&self, topic: &str) -> usize {
        self.to_all + self.topics.find(topic).map_or(0, |topic| topic.subscribers)
    }

    /// Returns the id of the last published event, or the position before the first one.
    ///
    /// To combine a snapshot with a stream, take the position before the snapshot, and let the client
    /// [resume](Self::resume) from it: it receives every event that the snapshot may lack.
    pub fn position(&self) -> Id {
        self.id(self.ring.end() - 1)
    }

    /// Returns the topic of the event with this id, if the event is held.
    pub fn topic_of(&self, id: &str) -> Option<&str> {
        Some(self.entry(self.find(id)?)?.topic)
    }

    /// Returns the current statistics.
    pub fn stats(&self) -> Stats {
        Stats { topics: self.topics.len(), events: self.ring.len(), bytes: self.ring.weight(), ..self.stats }
    }

    /// Adds a subscriber to the topic. Returns `None` if the name is too long for anything to be
    /// published to it.
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

    /// Updates the idle list. Call it after each change of a topic.
    fn settle(&mut self, key: TopicKey) {
        self.topics.settle(key, self.config.topics, self.config.topic_bytes);
    }

    /// Returns the number of the event with this id, or 0 for the
    /// [position](HubConfig::announce_position) before the first event.
    fn find(&self, id: &str) -> Option<u64> {
        // Bounds the time of the search, however long the id is.
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
        let topic = self.topics.get(slot.topic).map(|topic| &topic.name);
        Some(Entry {
            id: self.id(number),
            given_id: slot.given_id.as_deref(),
            topic: topic.map(|topic| &**topic).unwrap_or_default(),
            published: slot.published,
            value: &slot.value,
            shared_topic: topic,
        })
    }
}
