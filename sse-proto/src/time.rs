//! Time as the caller reports it.

use core::time::Duration;

/// A point in time, as the duration since the caller's epoch.
///
/// The machines read no clock. Any monotonic clock will do, and any epoch that stays fixed for a
/// machine's lifetime; a test makes its times up.
///
/// ```
/// use sse_proto::Instant;
///
/// let epoch = std::time::Instant::now();
/// let now = Instant::from_epoch(epoch.elapsed());
/// # let _ = now;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// Creates the instant `elapsed` after the epoch.
    pub const fn from_epoch(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// Returns the duration since the epoch.
    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// Returns the duration since `earlier`, or zero if `earlier` is later.
    pub const fn since(self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the instant `delay` later, saturating at the maximum.
    #[must_use]
    pub const fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(delay))
    }
}
