//! Who gets what, and what becomes of those who are slow.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Gap, Id};

/// What a subscriber wants to have: of which topics, and what shall happen when it cannot keep up.
///
/// ```
/// use sse_proto::hub::{Lag, Subscription};
///
/// let everything = Subscription::to_all();
/// let mine = Subscription::to(["broadcast", "user/ann"]).with_lag(Lag::Skip);
/// # let _ = (everything, mine);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// `None`: all, also those that do not exist yet.
    pub(super) topics: Option<Vec<Box<str>>>,
    pub(super) lag: Lag,
    pub(super) after_gap: AfterGap,
}

impl Subscription {
    /// To every event, with [`Lag::Disconnect`].
    pub fn to_all() -> Self {
        Self::default()
    }

    /// To the events of these topics, with [`Lag::Disconnect`]. Looking for an event takes time for each of them: a handful is
    /// meant, not thousands.
    pub fn to<'t>(topics: impl IntoIterator<Item = &'t str>) -> Self {
        let mut topics: Vec<Box<str>> = topics.into_iter().map(Box::from).collect();
        topics.sort_unstable();
        topics.dedup();
        Self { topics: Some(topics), ..Self::default() }
    }

    /// Chooses what happens when the subscriber cannot keep up.
    #[must_use]
    pub fn with_lag(self, lag: Lag) -> Self {
        Self { lag, ..self }
    }

    /// Chooses what a client gets that came back and has missed events, once it was told so.
    #[must_use]
    pub fn with_after_gap(self, after_gap: AfterGap) -> Self {
        Self { after_gap, ..self }
    }
}

/// What a client gets that [came back](super::Hub::resume) when events are gone that it has not had, or with an id that is none of
/// the hub's. It is [told](super::Next::Gap) so first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AfterGap {
    /// All that is still there, and then what is published.
    #[default]
    Replay,
    /// What is published from now on: for clients that fetch the state anew when they are told of a gap.
    Live,
    /// Nothing: its stream ends. For clients that connect anew when they have fetched the state.
    End,
}

/// What happens to a subscriber that is so far behind that the hub drops events it has not had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lag {
    /// It is [disconnected](super::Next::Lagged): its client comes back with its last event id, and finds what is still there.
    #[default]
    Disconnect,
    /// It is told of the [gap](super::Next::Gap), once, and goes on with the oldest event there is.
    Skip,
    /// It gets no event but the latest of its topic, also when it is behind by only two; so it is never far behind. A gap is
    /// told only if the latest event of a topic was dropped; see [`HubConfig::latest`](super::HubConfig::latest).
    Latest,
    /// The [publisher waits](super::Hub::ready) for it, no longer than [`HubConfig::wait`](super::HubConfig::wait); then it is
    /// disconnected. Events that reach their [age](super::HubConfig::age) wait for nobody.
    ///
    /// For subscribers that are trusted: one that moves now and then keeps the publisher waiting each time. Those that do not move
    /// at all keep it waiting once, however many they are.
    Wait,
}

/// The place of one subscriber in a [`Hub`](super::Hub): all that one who is caught up costs.
///
/// Give it back with [`Hub::unsubscribe`](super::Hub::unsubscribe), or it counts as a subscriber for ever. In a hub other
/// than its own it is harmless, and means nothing.
#[derive(Debug)]
#[must_use = "a cursor counts as a subscriber until it is given back"]
pub struct Cursor {
    /// The number of the first event it has not had.
    pub(super) next: u64,
    /// `None`: all.
    pub(super) topics: Option<Box<[TopicKey]>>,
    pub(super) lag: Lag,
    /// It lagged, and was told to go.
    pub(super) cut: bool,
    /// What comes before its events, until it has come.
    pub(super) first: Option<Box<First>>,
    /// Nothing follows that.
    pub(super) ends: bool,
    /// Its number among those that publishers wait for: another one each time it moves.
    pub(super) waiter: u64,
}

/// What comes before the events of a subscriber.
#[derive(Debug, Default)]
pub(super) struct First {
    /// It came back too late.
    pub(super) gap: Option<Gap>,
    /// Where it begins.
    pub(super) position: Option<Id>,
}

impl Cursor {
    /// The topics whose events wake the subscriber; `None` for all topics.
    pub fn topics(&self) -> Option<&[TopicKey]> {
        self.topics.as_deref()
    }

    /// What happens when it cannot keep up.
    pub fn lag(&self) -> Lag {
        self.lag
    }
}

/// The key of a topic until the topic is forgotten; no other topic gets the key afterwards. It finds the subscribers to
/// [wake](super::WaitList::drain).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicKey(pub(super) u64);
