//! Random numbers for jitter, from the caller's seed.

use core::time::Duration;

/// SplitMix64, which is random enough for jitter.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a duration below `most`, uniformly distributed.
    pub(crate) fn below(&mut self, most: Duration) -> Duration {
        // A fraction of 2^32 keeps the product within `u128`: no duration exceeds 2^95 nanoseconds.
        let nanos = (most.as_nanos() * u128::from(self.draw() >> 32)) >> 32;
        let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
        // The cast is exact: the remainder is below a billion.
        Duration::new(seconds, (nanos % 1_000_000_000) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn durations_are_below_the_most_and_spread() {
        let mut random = Random::new(1);
        for most in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(60), Duration::MAX] {
            let drawn: Vec<_> = (0..100).map(|_| random.below(most)).collect();
            assert!(drawn.iter().all(|drawn| *drawn < most || most.is_zero()), "{most:?}");
            let high = drawn.iter().filter(|drawn| **drawn >= most / 2).count();
            assert!(most < Duration::from_secs(1) || (30..70).contains(&high), "{most:?}: {high}");
        }
    }
}
