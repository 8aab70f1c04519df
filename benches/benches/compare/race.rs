//! Runs contenders in turn, many times, so that a disturbance of the machine affects all of them.

use std::time::{Duration, Instant};

/// One of several implementations of the same work.
pub(crate) struct Contender<I: ?Sized> {
    pub(crate) name: &'static str,
    /// Does the work once, and returns its duration without the preparations.
    pub(crate) run: fn(&I) -> Duration,
}

/// The extent of a measurement.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    rounds: usize,
    /// The minimum time that a contender runs per round.
    slot: Duration,
}

impl Effort {
    pub(crate) const FULL: Self = Self { rounds: 15, slot: Duration::from_millis(3) };
    /// A single run per contender, to test that everything works.
    pub(crate) const TEST: Self = Self { rounds: 1, slot: Duration::ZERO };
}

/// The time of each contender for one run of the work, per round, in nanoseconds.
pub(crate) struct Times {
    rounds: Vec<Vec<f64>>,
}

/// Runs the contenders.
pub(crate) fn race<I: ?Sized>(contenders: &[Contender<I>], input: &I, effort: Effort) -> Times {
    let rounds = (0..effort.rounds)
        .map(|_| contenders.iter().map(|contender| slot(contender, input, effort.slot)).collect())
        .collect();
    Times { rounds }
}

fn slot<I: ?Sized>(contender: &Contender<I>, input: &I, at_least: Duration) -> f64 {
    let begin = Instant::now();
    let (mut runs, mut spent) = (0_u32, Duration::ZERO);
    while runs == 0 || begin.elapsed() < at_least {
        spent += (contender.run)(input);
        runs += 1;
    }
    spent.as_secs_f64() * 1e9 / f64::from(runs)
}

impl Times {
    /// Returns the median time over the rounds.
    pub(crate) fn median(&self, contender: usize) -> f64 {
        median(self.rounds.iter().map(|round| round[contender]))
    }

    /// Returns the time of `other` as a multiple of the contender's time: the median of the ratios
    /// per round, because rounds are short and a longer disturbance hits both.
    pub(crate) fn ratio(&self, contender: usize, other: usize) -> f64 {
        median(self.rounds.iter().map(|round| round[other] / round[contender]))
    }

    /// Returns the spread of that ratio: half the distance between its quartiles.
    pub(crate) fn spread(&self, contender: usize, other: usize) -> f64 {
        let mut ratios = Vec::from_iter(self.rounds.iter().map(|round| round[other] / round[contender]));
        ratios.sort_by(f64::total_cmp);
        let last = ratios.len() - 1;
        (ratios[last - last / 4] - ratios[last / 4]) / 2.0
    }

    /// Returns the fastest of these contenders.
    pub(crate) fn fastest(&self, among: impl Iterator<Item = usize>) -> Option<usize> {
        among.min_by(|a, b| self.median(*a).total_cmp(&self.median(*b)))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values = Vec::from_iter(values);
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Times a closure once.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let begin = Instant::now();
    std::hint::black_box(work());
    begin.elapsed()
}
