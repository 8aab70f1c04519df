//! Time, as the caller tells it.

use core::time::Duration;

/// A point in time: how long after the caller's epoch it is.
///
/// No machine reads a clock. Any monotonic one will do, with any epoch that stays the same for a machine's life; a test just
/// makes the time up.
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
    /// The point so long after the epoch.
    pub const fn from_epoch(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long after the epoch it is.
    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// How long after `earlier` it is; zero where it is before.
    pub const fn since(self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The point so much later; the last there is where that is beyond it.
    #[must_use]
    pub const fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(delay))
    }
}
