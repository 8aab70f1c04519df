//! A hub on many nodes: events go through a log that all nodes share.
//!
//! ```text
//!   node 1                                          node 2
//!   publish ──► append ──►  ┌───┬───┬───┬───┐
//!                           │ 7 │ 8 │ 9 │10 │  log
//!   subscribers ◄── hub ◄── └───┴───┴───┴───┘ ──► hub ──► subscribers
//!                    follow, replay           follow, replay
//! ```
//!
//! [`Log`] is what a store has to do: Redis Streams (the crate `sse-redis`), memory
//! ([`MemoryLog`], for tests), or a store of yours: the feature `log-suite` has a suite that tells whether
//! it does what a hub relies on. A [`SharedHub`](super::SharedHub::over) over the
//! log is the machine of one node: it follows the log, serves live subscribers and most replays from
//! memory, and reads older events from the log.
//!
//! Nobody is told a lie: an entry names the entry before it, so that every loss shows, whatever its
//! cause: trimming, eviction, a failover, a deleted log. Subscribers receive a
//! [`Gap`](super::Delivery::Gap) in that place.
//!
//! What a log promises is its durability, in words: an event that was published has been
//! acknowledged by the log. If the log loses it later, before a node has read it, subscribers see an
//! unbroken chain without it; only the publisher can know. Nothing is delivered twice, unless a
//! publisher repeats an append without a [key](NewEvent::key).

mod append;
mod config;
mod follower;
#[cfg(feature = "std")]
mod memory;
mod node;
mod pages;
mod position;
mod replay;
mod stats;
#[cfg(feature = "log-suite")]
pub mod suite;
#[cfg(feature = "std")]
mod task;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::future::Future;
use core::time::Duration;

pub use self::append::{Append, AppendError, Appending};
pub use self::config::LogConfig;
pub use self::follower::{Follow, FollowStats};
#[cfg(feature = "std")]
pub use self::memory::MemoryLog;
pub(super) use self::node::{Node, Step};
pub use self::pages::{RangeRequest, RangeWant};
pub use self::position::Position;
pub(super) use self::replay::Replay;
pub use self::stats::LogStats;
#[cfg(feature = "std")]
pub use self::task::{NodeHub, NodeTask, append};

/// An ordered store of events that several nodes share.
///
/// The methods may be called at the same time, and their futures may be dropped at any point: a
/// connection must not give the answer of a dropped call to the next one. Set no long timeouts in an
/// implementation; the caller has its own.
pub trait Log: Send + Sync + 'static {
    /// Appends an event, and returns its position once the log has it. The position is greater than
    /// all others of its epoch. An epoch begins when the log does not exist.
    ///
    /// # Errors
    /// [`LogError`]. The kind decides whether the caller may repeat the append.
    fn append(&self, event: NewEvent<'_>) -> impl Future<Output = Result<Position, LogError>> + Send;

    /// Returns up to `limit` entries after a position, in order, or from the oldest on. Waits up to
    /// `wait` for the first one, and returns an empty list if none arrives. A log without a clock may
    /// wait longer, until the caller drops the future.
    ///
    /// The position may be one that the log no longer has or never had: the entries are those that
    /// are greater by `millis` and `sequence`, whatever the epoch. The caller checks the chain.
    ///
    /// # Errors
    /// [`LogError`].
    fn read(
        &self,
        after: Option<Position>,
        limit: usize,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<Entry>, LogError>> + Send;

    /// Returns the position of the newest entry, or `None` if there is none.
    ///
    /// # Errors
    /// [`LogError`].
    fn tip(&self) -> impl Future<Output = Result<Option<Position>, LogError>> + Send;

    /// Returns entries like [`read`](Self::read) without waiting, and the tip if there are none.
    ///
    /// # Errors
    /// [`LogError`].
    fn page(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> impl Future<Output = Result<(Vec<Entry>, Option<Position>), LogError>> + Send {
        async move {
            let entries = self.read(after, limit, Duration::ZERO).await?;
            let tip = if entries.is_empty() { self.tip().await? } else { None };
            Ok((entries, tip))
        }
    }
}

/// An event to be appended to a log.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'e> {
    /// The topic.
    pub topic: &'e str,
    /// The encoded event without its id, which the log determines.
    pub data: &'e [u8],
    /// Identifies the event, so that appending it again has no effect and returns the same position,
    /// for as long as the log remembers the key.
    pub key: Option<&'e str>,
}

/// An event in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The position.
    pub position: Position,
    /// The position of the entry before, even if the log no longer has that entry. `None` for the
    /// first one of an epoch.
    pub previous: Option<Position>,
    /// The event, or `None` if the entry cannot be read: something else has written to the log.
    pub event: Option<LoggedEvent>,
}

/// The event of an [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// The topic.
    pub topic: String,
    /// The encoded event, as in [`NewEvent::data`].
    pub data: Vec<u8>,
}

/// Why a log has not answered.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogError {
    /// The log cannot be reached. An append has not happened.
    Unreachable(Cause),
    /// The answer is missing. An append may have happened.
    Interrupted(Cause),
    /// The log has refused: no memory, no permission, an old version. An append has not happened,
    /// and repeating it at once would not help.
    Refused(Cause),
}

/// An error of the library that speaks to the log.
pub type Cause = Box<dyn Error + Send + Sync>;

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(cause) => write!(f, "the log cannot be reached: {cause}"),
            Self::Interrupted(cause) => write!(f, "the answer of the log is missing: {cause}"),
            Self::Refused(cause) => write!(f, "the log refused: {cause}"),
        }
    }
}

impl Error for LogError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let (Self::Unreachable(cause) | Self::Interrupted(cause) | Self::Refused(cause)) = self;
        cause.source()
    }
}
