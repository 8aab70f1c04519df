//! The delay before the next attempt.

use core::time::Duration;

/// The delay before a [`Session`](crate::source::Session) reconnects.
///
/// The delay starts at `base`, is multiplied by `factor` for every further consecutive failure, is
/// limited by `cap`, and is increased by jitter:
///
/// ```text
/// failures in a row      1        2        3        4        5        6      with the defaults
/// wait in seconds     3..4.5   6..9    12..18   24..36   48..72   60..90     and so on
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The delay after the first failure. A `retry` field of the server replaces it permanently
    /// (HTML, "The EventSource interface": the reconnection time). Default: 3 s. The minimum is
    /// [`FLOOR`](Self::FLOOR).
    pub base: Duration,
    /// The factor for each further failure. Default: 2. A factor of 1 keeps the delay constant,
    /// which suits servers that end each response after a few events (long polling).
    pub factor: u32,
    /// The limit of the growth. A longer `base` or `retry` still applies. Default: 60 s.
    pub cap: Duration,
    /// The maximum jitter, in percent of the delay, so that the clients of a restarted server do
    /// not reconnect all at once. Jitter only ever lengthens the delay. Default: 50. 0 disables it.
    pub jitter_percent: u32,
    /// The maximum `retry` and `Retry-After` that a server can set; longer ones are shortened to
    /// it. Default: 1 h.
    pub retry_max: Duration,
}

impl Backoff {
    /// The minimum delay, from which a `base` or `retry` of 0 grows: 10 ms.
    pub const FLOOR: Duration = Duration::from_millis(10);

    /// Returns the delay after this many consecutive failures, given the server's `retry`, if it
    /// has sent one, and a random number.
    ///
    /// ```
    /// use core::time::Duration;
    /// use sse_proto::source::Backoff;
    ///
    /// let mut backoff = Backoff::default();
    /// backoff.jitter_percent = 0;
    /// assert_eq!(backoff.delay(None, 1, 0), Duration::from_secs(3));
    /// assert_eq!(backoff.delay(Some(Duration::from_millis(500)), 3, 0), Duration::from_secs(2));
    /// assert_eq!(backoff.delay(None, 1000, 0), backoff.cap);
    /// ```
    pub fn delay(&self, retry: Option<Duration>, failures: u32, random: u64) -> Duration {
        self.delay_at_least(Duration::ZERO, retry, failures, random)
    }

    /// [`delay`](Self::delay) with the server's `Retry-After`. Jitter is added to that, too,
    /// because the server tells all clients the same.
    pub(super) fn delay_at_least(
        &self,
        retry_after: Duration,
        retry: Option<Duration>,
        failures: u32,
        random: u64,
    ) -> Duration {
        let base = retry.map_or(self.base, |retry| retry.min(self.retry_max)).max(Self::FLOOR);
        let growth = self.factor.max(1).saturating_pow(failures.saturating_sub(1));
        let grown = base.saturating_mul(growth).min(self.cap.max(base));
        let delay = grown.max(retry_after.min(self.retry_max));
        delay.saturating_add(self.jitter(delay, random))
    }

    fn jitter(&self, delay: Duration, random: u64) -> Duration {
        let most = delay.as_nanos() * u128::from(self.jitter_percent) / 100;
        // A fraction of 2^32 keeps the product within `u128`: no delay exceeds 2^95 nanoseconds.
        let part = (most.min(u128::from(u64::MAX)) * u128::from(random >> 32)) >> 32;
        Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(3),
            factor: 2,
            cap: Duration::from_secs(60),
            jitter_percent: 50,
            retry_max: Duration::from_secs(60 * 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const NO_JITTER: Backoff = Backoff {
        base: Duration::from_secs(3),
        factor: 2,
        cap: Duration::from_secs(60),
        jitter_percent: 0,
        retry_max: Duration::from_secs(3600),
    };

    #[test]
    fn grows_to_the_cap() {
        let seconds: [u64; 6] = core::array::from_fn(|at| NO_JITTER.delay(None, at as u32 + 1, 7).as_secs());
        assert_eq!(seconds, [3, 6, 12, 24, 48, 60]);
        assert_eq!(NO_JITTER.delay(None, u32::MAX, 7).as_secs(), 60);
    }

    #[test]
    fn the_servers_time_replaces_the_base_and_is_clamped() {
        let delay = |millis, failures| NO_JITTER.delay(Some(Duration::from_millis(millis)), failures, 0);
        assert_eq!(delay(700, 1), Duration::from_millis(700));
        assert_eq!(delay(0, 1), Backoff::FLOOR);
        assert_eq!(delay(0, 3), Backoff::FLOOR * 4);
        assert_eq!(delay(120_000, 1).as_secs(), 120, "longer than the cap, but asked for");
        assert_eq!(delay(120_000, 9).as_secs(), 120);
        assert_eq!(delay(u64::MAX, 9), NO_JITTER.retry_max);
    }

    #[test]
    fn jitter_only_adds_and_stays_in_its_bounds() {
        let backoff = Backoff { jitter_percent: 50, ..NO_JITTER };
        assert_eq!(backoff.delay(None, 1, 0), Duration::from_secs(3));
        let most = backoff.delay(None, 1, u64::MAX);
        assert!(most > Duration::from_millis(4499) && most <= Duration::from_millis(4500), "{most:?}");
        let mut random = Random::new(1);
        for _ in 0..1000 {
            let delay = backoff.delay(None, 2, random.draw());
            assert!((6.0..=9.0).contains(&delay.as_secs_f64()), "{delay:?}");
        }
    }

    #[test]
    fn retry_after_is_the_shortest_wait_and_gets_jitter() {
        let delay = |retry_after, random| {
            Backoff { jitter_percent: 50, ..NO_JITTER }.delay_at_least(retry_after, None, 1, random)
        };
        assert_eq!(delay(Duration::from_secs(1), 0).as_secs(), 3);
        assert_eq!(delay(Duration::from_secs(10), 0).as_secs(), 10);
        assert_eq!(delay(Duration::from_secs(10), 1 << 63).as_millis(), 12_500);
        assert_eq!(delay(Duration::MAX, 0).as_secs(), 3600);
    }

    #[test]
    fn nothing_overflows() {
        let huge = Backoff {
            base: Duration::MAX,
            factor: u32::MAX,
            cap: Duration::MAX,
            jitter_percent: u32::MAX,
            retry_max: Duration::MAX,
        };
        assert_eq!(huge.delay(None, u32::MAX, u64::MAX), Duration::MAX);
        assert_eq!(Backoff { factor: 0, ..NO_JITTER }.delay(None, 5, 0).as_secs(), 3);
    }
}
