//! Who gets what, and what becomes of those who are slow.

use alloc::boxed::Box;
use alloc::vec::Vec;

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
        Self { topics: Some(topics), lag: Lag::default() }
    }

    /// Chooses what happens when the subscriber cannot keep up.
    #[must_use]
    pub fn with_lag(self, lag: Lag) -> Self {
        Self { lag, ..self }
    }
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
    /// told only if the latest event of a topic was dropped; see [`Config::latest`](super::Config::latest).
    Latest,
    /// The [publisher waits](super::Hub::ready) for it, no longer than [`Config::wait`](super::Config::wait); then it is
    /// disconnected. Events that reach their [age](super::Config::age) wait for nobody.
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

/// Stands for a topic that has subscribers or events: small numbers, given anew when a topic is forgotten. Whoever wakes
/// subscribers keeps them by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicKey(pub(super) u32);

impl TopicKey {
    /// The number, to index a table with.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
