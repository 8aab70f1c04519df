//! Limits on the memory that a peer's input occupies.

use core::fmt;

/// The memory that a [`Decoder`](crate::Decoder) spends on one event. Limits are on by default, and
/// generous.
///
/// When an event exceeds a limit, the decoder reports one [`LimitExceeded`], skips the rest of the
/// event, and continues with the next event. Unknown fields are never stored, and comments only on
/// request, so they need no limit.
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
    /// Limits the data of one event, in bytes as received, including the line breaks between its
    /// lines. Default: 16 MiB.
    ///
    /// The buffer may reach twice this size while an event grows. Data that is not UTF-8 may take
    /// three times this size on top, because each invalid byte becomes U+FFFD, which has three
    /// bytes.
    pub event_bytes: usize,
    /// Limits the name of one event (the `event` field), in bytes. Default: 64 KiB.
    pub name_bytes: usize,
    /// Limits one event id, in bytes. Default: 64 KiB. The decoder does not adopt a longer id.
    pub id_bytes: usize,
    /// Limits one comment line, in bytes, if comments are requested. Default: 64 KiB.
    ///
    /// The decoder skips the rest of a longer comment; the event around it is unaffected.
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

/// Names one of the [`Limits`].
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

/// The peer exceeded a limit. The decoder skips the event and can continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitExceeded {
    pub(crate) limit: Limit,
    pub(crate) max: usize,
}

impl LimitExceeded {
    /// Returns which limit was exceeded.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// Returns the value of the limit, in bytes.
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
