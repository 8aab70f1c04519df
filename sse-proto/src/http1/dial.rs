//! Choosing among the addresses of a host.

use core::time::Duration;

use crate::Instant;

/// Tries the addresses of a host in order, with staggered starts, so that an unresponsive address
/// delays the others only briefly (RFC 8305 section 5, "Happy Eyeballs"). The first connection
/// wins; drop the others.
///
/// ```text
///            ┌──── handle_failed, deadline ────┐
///            ▼                                 │
///  new ──► Start ── of the last one too ──► Wait ── all have failed ──► Failed
/// ```
///
/// ```
/// use sse_proto::Instant;
/// use sse_proto::http1::dial::{HappyEyeballs, Want};
///
/// let mut race = HappyEyeballs::new(3);
/// let now = Instant::default();
/// assert_eq!(race.want(now), (Want::Start(0), None));
/// let (Want::Wait, Some(deadline)) = race.want(now) else { panic!("the first may yet answer") };
/// assert_eq!(race.want(deadline), (Want::Start(1), None));
/// race.handle_failed();
/// assert!(matches!(race.want(deadline), (Want::Wait, Some(_))));
/// race.handle_failed();
/// assert_eq!(race.want(deadline), (Want::Start(2), None), "at once: none is being tried");
/// assert_eq!(race.want(deadline), (Want::Wait, None));
/// race.handle_failed();
/// assert_eq!(race.want(deadline), (Want::Failed, None));
/// ```
#[derive(Clone, Debug)]
pub struct HappyEyeballs {
    addresses: usize,
    started: usize,
    failed: usize,
    /// When the next address is tried, regardless of the others.
    next: Instant,
}

/// The next step of a [`HappyEyeballs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Want {
    /// Start connecting to the address with this index, beside the attempts in progress. Returned
    /// once per address.
    Start(usize),
    /// Wait for a connection, for a failure, or for the deadline; then ask again.
    Wait,
    /// All addresses have failed.
    Failed,
}

impl HappyEyeballs {
    /// How long an address is tried before the next one starts: 250 ms, as RFC 8305 section 8
    /// recommends.
    pub const HEAD_START: Duration = Duration::from_millis(250);

    /// Creates a race of this many addresses. A race without addresses has failed.
    pub fn new(addresses: usize) -> Self {
        Self { addresses, started: 0, failed: 0, next: Instant::default() }
    }

    /// Returns the next step, and the deadline for it.
    pub fn want(&mut self, now: Instant) -> (Want, Option<Instant>) {
        if self.failed >= self.addresses {
            return (Want::Failed, None);
        }
        if self.started >= self.addresses {
            return (Want::Wait, None);
        }
        if self.failed < self.started && now < self.next {
            return (Want::Wait, Some(self.next));
        }
        self.next = now.after(Self::HEAD_START);
        self.started += 1;
        (Want::Start(self.started - 1), None)
    }

    /// Reports that one attempt has failed. Has no effect if no attempt is in progress.
    pub fn handle_failed(&mut self) {
        self.failed = self.started.min(self.failed + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_turn_and_no_more() {
        let mut race = HappyEyeballs::new(3);
        for (millis, expected) in [
            (1000, Want::Start(0)),
            (1249, Want::Wait),
            (1250, Want::Start(1)),
            (9000, Want::Start(2)),
            (9000, Want::Wait),
        ] {
            assert_eq!(race.want(Instant::from_epoch(Duration::from_millis(millis))).0, expected, "{millis}");
        }
        for _ in 0..3 {
            race.handle_failed();
        }
        assert_eq!(race.want(Instant::default()), (Want::Failed, None));
    }

    #[test]
    fn reports_that_do_not_fit_change_nothing() {
        assert_eq!(HappyEyeballs::new(0).want(Instant::default()), (Want::Failed, None));
        let mut race = HappyEyeballs::new(1);
        race.handle_failed();
        assert_eq!(race.want(Instant::default()), (Want::Start(0), None));
        race.handle_failed();
        race.handle_failed();
        assert_eq!(race.want(Instant::default()), (Want::Failed, None));
    }
}
