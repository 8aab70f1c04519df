//! Subscriptions, lag policies, gaps and cursors.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::Id;
use crate::EventRef;
use crate::hook::{Hook, Shared};

/// The topics and events that a subscriber receives, and the policies for lag and gaps.
///
/// ```
/// use sse_proto::hub::{Lag, Subscription};
///
/// let everything = Subscription::to_all();
/// let mine = Subscription::to(["broadcast", "user/ann"]).with_lag(Lag::Skip);
/// # let _ = (everything, mine);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Subscription {
    /// `None` means all topics, including those created later.
    pub(super) topics: Option<Vec<Box<str>>>,
    pub(super) lag: Lag,
    pub(super) after_gap: AfterGap,
    pub(super) filter: Option<Filter>,
}

/// Selects the events that a subscriber receives; see [`Subscription::with_filter`].
#[derive(Clone, Debug)]
pub struct Filter(Hook<Shared<IsWanted>>);

type IsWanted = dyn Fn(&str, EventRef<'_>) -> bool + Send + Sync;

impl Filter {
    /// Returns whether the subscriber receives this event of this topic.
    pub fn wants(&self, topic: &str, event: EventRef<'_>) -> bool {
        let Self(Hook(is_wanted)) = self;
        is_wanted(topic, event)
    }
}

impl Subscription {
    /// Subscribes to all events, with [`Lag::Disconnect`].
    pub fn to_all() -> Self {
        Self::default()
    }

    /// Subscribes to the events of these topics, with [`Lag::Disconnect`]. Each delivery takes time
    /// for each topic, so use a handful of topics, not thousands.
    pub fn to(topics: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let mut topics: Vec<Box<str>> = topics.into_iter().map(|topic| topic.as_ref().into()).collect();
        topics.sort_unstable();
        topics.dedup();
        Self { topics: Some(topics), ..Self::default() }
    }

    /// Sets the policy for a subscriber that cannot keep up.
    #[must_use]
    pub fn with_lag(self, lag: Lag) -> Self {
        Self { lag, ..self }
    }

    /// Sets which of the events the subscriber receives, by topic and content: those that it is
    /// authorized for, those of its tenant, those of all topics with a prefix.
    ///
    /// [`SharedHub`](super::SharedHub) and the hubs of the adapters apply the filter to each event of
    /// the subscription, without a lock. A client with a filter resumes like others. Events that it
    /// does not receive count in its gaps and lags.
    ///
    /// ```
    /// use sse_proto::hub::Subscription;
    ///
    /// let rooms = Subscription::to_all().with_filter(|topic, _| topic.starts_with("room/"));
    /// let public = Subscription::to(["news"]).with_filter(|_, event| event.name() != "draft");
    /// # let _ = (rooms, public);
    /// ```
    #[must_use]
    pub fn with_filter(self, is_wanted: impl Fn(&str, EventRef<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self { filter: Some(Filter(Hook(Shared::new(is_wanted)))), ..self }
    }

    /// Sets what a reconnecting client receives after a gap.
    #[must_use]
    pub fn with_after_gap(self, after_gap: AfterGap) -> Self {
        Self { after_gap, ..self }
    }
}

/// What a client receives if it [resumes](super::Hub::resume) after the hub has dropped events that
/// it missed, or with an id that the hub does not know. The client is told of the
/// [gap](super::Next::Gap) first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AfterGap {
    /// All events still held, then new ones.
    #[default]
    Replay,
    /// Only new events, for clients that fetch the current state when they are told of a gap.
    Live,
    /// Nothing: the stream ends, for clients that reconnect after they have fetched the current
    /// state.
    End,
}

/// A gap: events that a subscriber has not received and that the hub no longer holds.
///
/// `Display` prints the data of the default [gap event](crate::sender::StreamConfig::set_gap): the
/// number of events, or `unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gap {
    /// At most this many events; exactly this many for a subscription to all topics.
    Missed(u64),
    /// An unknown number of events, because the hub does not know the client's [last event
    /// id](super::Resume::Unknown).
    Unknown,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missed(events) => events.fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// The policy for a subscriber that lags so far behind that the hub drops events before it receives
/// them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lag {
    /// The subscriber is [disconnected](super::Next::Lagged). Its client reconnects with its last
    /// event id and receives the events still held.
    #[default]
    Disconnect,
    /// The subscriber is told of the [gap](super::Next::Gap) once, and continues with the oldest
    /// held event.
    Skip,
    /// The subscriber receives only the latest event of each topic, even if it lags by only two
    /// events, so it never lags far behind. It is told of a gap only if the latest event of a topic
    /// was dropped; see [`HubConfig::latest`](super::HubConfig::latest).
    Latest,
    /// The [publisher waits](super::Hub::ready) for the subscriber, for at most
    /// [`HubConfig::wait`](super::HubConfig::wait). After that, the subscriber is disconnected.
    /// Events that reach their [maximum age](super::HubConfig::age) are dropped without waiting.
    ///
    /// Only for trusted subscribers: one that makes slow progress delays the publisher every time.
    /// Subscribers that make no progress delay it once, however many they are.
    Wait,
}

/// The position of one subscriber in a [`Hub`](super::Hub), and all the memory of a subscriber that
/// is caught up.
///
/// Pass the cursor to [`Hub::unsubscribe`](super::Hub::unsubscribe); otherwise it counts as a
/// subscriber forever. In a hub other than its own, a cursor is harmless but meaningless.
#[derive(Debug)]
#[must_use = "a cursor counts as a subscriber until it is given back"]
pub struct Cursor {
    /// The number of the first event that the subscriber has not received.
    pub(super) next: u64,
    /// The last break that it was told of, or that lies before its start.
    pub(super) told: u32,
    /// `None` means all topics.
    pub(super) topics: Option<Box<[TopicKey]>>,
    pub(super) lag: Lag,
    /// Whether the subscriber lagged and was disconnected.
    pub(super) cut: bool,
    /// The deliveries that precede the events, until they are taken.
    pub(super) first: Option<Box<First>>,
    /// Whether the stream ends after `first`.
    pub(super) ends: bool,
    /// The subscriber's number among the waiters of publishers. Changes whenever the subscriber
    /// makes progress.
    pub(super) waiter: u64,
}

/// The deliveries that precede the events of a subscriber.
#[derive(Debug, Default)]
pub(super) struct First {
    /// The gap, if the client reconnected too late.
    pub(super) gap: Option<Gap>,
    /// The initial position.
    pub(super) position: Option<Id>,
    /// Whether the subscriber starts with the oldest event held when it receives its first delivery.
    pub(super) oldest: bool,
}

impl Cursor {
    /// Returns the topics whose events wake the subscriber, or `None` for all topics.
    pub fn topics(&self) -> Option<&[TopicKey]> {
        self.topics.as_deref()
    }

    /// Returns whether the subscriber can receive events. Without topics, it only waits for the hub
    /// to close, and does not count as a subscriber.
    pub(super) fn has_topics(&self) -> bool {
        self.topics.as_ref().is_none_or(|topics| !topics.is_empty())
    }

    /// Returns the lag policy.
    pub fn lag(&self) -> Lag {
        self.lag
    }
}

/// The key of a topic until the topic is forgotten. Keys are never reused. A key selects the
/// subscribers to [wake](super::WaitList::drain).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicKey(pub(super) u64);
