//! How much of a peer's input is held in memory.

use core::fmt;

/// How much a [`Decoder`](crate::Decoder) holds of one event. On by default, and generous.
///
/// What goes over a limit is a [`LimitExceeded`], reported once; the rest of that event is skipped, and
/// decoding goes on with the next. Comments nobody asked for and unknown fields are never stored, so they need
/// no limit.
///
/// ```
/// use sse_proto::{Decoder, Limits};
///
/// let mut limits = Limits::default();
/// limits.event_bytes = 64 * 1024;
/// let decoder = Decoder::new().with_limits(limits);
/// # let _ = decoder;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The data of one event in bytes as received, the line breaks between its lines included. Default: 16 MiB.
    ///
    /// Memory: up to twice as much while an event grows, and three times as much again if it is not UTF-8
    /// (a stray byte becomes U+FFFD, three bytes).
    pub event_bytes: usize,
    /// The name of one event (the `event` field) in bytes. Default: 64 KiB.
    pub name_bytes: usize,
    /// One event id in bytes. Default: 64 KiB. An id over the limit is not adopted.
    pub id_bytes: usize,
    /// One comment line in bytes, where comments are asked for. Default: 64 KiB.
    ///
    /// At the limit the rest of the comment is skipped; the event around it is not affected.
    pub comment_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1024;
        Self {
            event_bytes: 16 * KIB * KIB,
            name_bytes: 64 * KIB,
            id_bytes: 64 * KIB,
            comment_bytes: 64 * KIB,
        }
    }
}

impl Limits {
    #[inline]
    pub(crate) fn of(&self, limit: Limit) -> usize {
        match limit {
            Limit::Event => self.event_bytes,
            Limit::Name => self.name_bytes,
            Limit::Id => self.id_bytes,
            Limit::Comment => self.comment_bytes,
        }
    }
}

/// Which of the [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::event_bytes`].
    Event,
    /// [`Limits::name_bytes`].
    Name,
    /// [`Limits::id_bytes`].
    Id,
    /// [`Limits::comment_bytes`].
    Comment,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event => "event data",
            Self::Name => "event name",
            Self::Id => "event id",
            Self::Comment => "comment",
        })
    }
}

/// The peer sent more than a limit allows. Decoding can go on: the event is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitExceeded {
    pub(crate) limit: Limit,
    pub(crate) max: usize,
}

impl LimitExceeded {
    /// Which limit.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// The value of the limit, in bytes.
    pub fn max(&self) -> usize {
        self.max
    }
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} exceeds the limit of {} bytes", self.limit, self.max)
    }
}

impl core::error::Error for LimitExceeded {}
