//! The conformance suite finds every fault, and none in a sound log.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sse_proto::hub::log::suite::{self, Failure, Store};
use sse_proto::hub::log::{Entry, Log, LogError, MemoryLog, NewEvent, Position};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Fails,
    NeverAnswers,
    TipOfAnEmptyLog,
    StaleTip,
    OtherData,
    NoTopic,
    NoPrevious,
    PreviousOfOthersUnknown,
    IgnoresLimit,
    NewestFirst,
    InclusiveStart,
    RefusesForeignEpochs,
    DoesNotWait,
    WaitsInVain,
    ForgetsKeys,
    OneKeyForAll,
    KeepsItsEpoch,
    SurvivesItsDeletion,
    PageWithoutTip,
    AnswerOfADroppedRead,
}

struct Faulty {
    fault: Fault,
    log: MemoryLog,
    /// The result of a dropped read, for the fault of that name.
    left: Mutex<Option<Vec<Entry>>>,
}

/// Stores what a dropped read would have left on its connection.
struct Reading<'f>(&'f Faulty, bool);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if !self.1 {
            *self.0.left.lock().unwrap() = Some(Vec::new());
        }
    }
}

impl Log for Faulty {
    async fn append(&self, event: NewEvent<'_>) -> Result<Position, LogError> {
        let event = match self.fault {
            Fault::Fails => return Err(LogError::Refused("no".into())),
            Fault::NeverAnswers => std::future::pending().await,
            Fault::OtherData => NewEvent { data: b"data: other\n\n", ..event },
            Fault::NoTopic => NewEvent { topic: "", ..event },
            Fault::ForgetsKeys => NewEvent { key: None, ..event },
            Fault::OneKeyForAll => NewEvent { key: event.key.map(|_| "one"), ..event },
            _ => event,
        };
        self.log.append(event).await
    }

    async fn read(
        &self,
        after: Option<Position>,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Entry>, LogError> {
        let all = async |after| self.log.read(after, 1000, Duration::ZERO).await;
        if self.fault == Fault::RefusesForeignEpochs {
            let tip = self.log.tip().await?;
            if after.zip(tip).is_some_and(|(after, tip)| after.epoch != tip.epoch) {
                return Ok(Vec::new());
            }
        }
        let mut entries = match self.fault {
            Fault::IgnoresLimit => all(after).await?,
            Fault::InclusiveStart => {
                let mut entries = all(None).await?;
                entries.retain(|entry| after.is_none_or(|after| entry.position >= after));
                entries.truncate(limit);
                entries
            }
            Fault::DoesNotWait => self.log.read(after, limit, Duration::ZERO).await?,
            Fault::WaitsInVain if !wait.is_zero() => std::future::pending().await,
            Fault::AnswerOfADroppedRead => {
                let left = self.left.lock().unwrap().take();
                if let Some(left) = left {
                    return Ok(left);
                }
                let mut reading = Reading(self, wait.is_zero());
                let entries = self.log.read(after, limit, wait).await?;
                reading.1 = true;
                entries
            }
            _ => self.log.read(after, limit, wait).await?,
        };
        match self.fault {
            Fault::NewestFirst => entries.reverse(),
            Fault::NoPrevious => entries.iter_mut().for_each(|entry| entry.previous = None),
            Fault::PreviousOfOthersUnknown => {
                for (number, entry) in entries.iter_mut().enumerate() {
                    entry.previous = entry.previous.filter(|_| number % 2 == 0 || number < 10);
                }
            }
            _ => {}
        }
        Ok(entries)
    }

    async fn tip(&self) -> Result<Option<Position>, LogError> {
        let tip = self.log.tip().await?;
        let other = Position { epoch: 7, millis: 1, sequence: 0 };
        Ok(match self.fault {
            Fault::TipOfAnEmptyLog => tip.or(Some(other)),
            Fault::StaleTip => {
                self.log.read(None, 1, Duration::ZERO).await?.first().map(|entry| entry.position)
            }
            _ => tip,
        })
    }

    async fn page(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Option<Position>), LogError> {
        let entries = self.read(after, limit, Duration::ZERO).await?;
        let tip = if entries.is_empty() { self.tip().await? } else { None };
        Ok((entries, tip.filter(|_| self.fault != Fault::PageWithoutTip)))
    }
}

/// Its time passes with each poll.
struct Memory(Fault, MemoryLog, AtomicU64);

impl Store for Memory {
    type Log = Faulty;

    async fn open(&self) -> Faulty {
        Faulty { fault: self.0, log: self.1.clone(), left: Mutex::new(None) }
    }

    async fn delete(&self) {
        match self.0 {
            Fault::KeepsItsEpoch => self.1.reset(7),
            Fault::SurvivesItsDeletion if self.2.load(Relaxed) > 12 => {}
            _ => self.1.reset(self.2.fetch_add(1, Relaxed)),
        }
    }

    async fn sleep(&self, duration: Duration) {
        let left = Cell::new(duration.as_millis() + 1);
        std::future::poll_fn(|_| {
            left.set(left.get() - 1);
            if left.get() == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

fn check(fault: Fault) -> Result<(), Failure> {
    let store = Memory(fault, MemoryLog::new(7, 2000), AtomicU64::new(8));
    let mut check = pin!(suite::check(&store));
    for _ in 0..100_000 {
        if let Poll::Ready(result) = check.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
    panic!("the suite hangs");
}

#[test]
fn the_memory_log_passes() {
    assert_eq!(check(Fault::None), Ok(()));
}

#[test]
fn every_fault_is_found_and_named() {
    use Fault::*;
    let faults = [
        (Fails, "succeeds"),
        (NeverAnswers, "succeeds"),
        (TipOfAnEmptyLog, "no tip"),
        (StaleTip, "tip is the last"),
        (OtherData, "what was appended"),
        (NoTopic, "what was appended"),
        (NoPrevious, "position before"),
        (PreviousOfOthersUnknown, "names the one before"),
        (IgnoresLimit, "oldest entries first"),
        (NewestFirst, "what was appended"),
        (InclusiveStart, "page without entries"),
        (RefusesForeignEpochs, "whatever the epoch"),
        (DoesNotWait, "waits"),
        (WaitsInVain, "succeeds"),
        (ForgetsKeys, "a key is appended once"),
        (OneKeyForAll, "other keys"),
        (KeepsItsEpoch, "new epoch"),
        (SurvivesItsDeletion, ""),
        (PageWithoutTip, "has the tip"),
        (AnswerOfADroppedRead, "dropped call"),
    ];
    for (fault, rule) in faults {
        let failure = check(fault).expect_err(&format!("{fault:?} is not found"));
        assert!(failure.rule.contains(rule), "{fault:?}: {failure}");
    }
}
