//! Whether a [`Log`] does what a hub relies on: the conformance suite for logs of your own.
//!
//! Describe your store by [`Store`], and run [`check`] in a test of yours, on your runtime:
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use std::time::Duration;
//! use sse_proto::hub::log::{MemoryLog, suite::{self, Store}};
//!
//! struct Memory(MemoryLog);
//! static NEXT: AtomicU64 = AtomicU64::new(8);
//!
//! impl Store for Memory {
//!     type Log = MemoryLog;
//!
//!     async fn open(&self) -> MemoryLog {
//!         self.0.clone()
//!     }
//!
//!     async fn delete(&self) {
//!         // Any number that was never used.
//!         self.0.reset(NEXT.fetch_add(1, Ordering::Relaxed));
//!     }
//!
//!     async fn sleep(&self, duration: Duration) {
//!         // On tokio, for example: tokio::time::sleep(duration).await
//!         std::thread::sleep(duration);
//!     }
//! }
//!
//! # fn block_on<F: Future>(future: F) -> F::Output {
//! #     let mut future = std::pin::pin!(future);
//! #     let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
//! #     loop {
//! #         if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output; }
//! #     }
//! # }
//! # block_on(async {
//! suite::check(&Memory(MemoryLog::new(7, 1000))).await?;
//! # Ok::<(), suite::Failure>(())
//! # }).unwrap();
//! ```

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::error::Error;
use core::fmt::{self, Debug};
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;

use super::{Entry, Log, LogError, LoggedEvent, NewEvent, Position};

/// A store whose [`Log`] is to be [checked](check). The log must keep at least 1000 events, and keys for
/// at least 10 seconds.
pub trait Store {
    /// The log.
    type Log: Log;

    /// Opens the log, with connections of its own. All that are opened are the same log.
    fn open(&self) -> impl Future<Output = Self::Log>;

    /// Deletes the log, or the whole store, as an operator would.
    fn delete(&self) -> impl Future<Output = ()>;

    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;
}

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the log has to do.
    pub rule: &'static str,
    /// What it did.
    pub found: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.found)
    }
}

impl Error for Failure {}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a call runs that is then dropped.
const MOMENT: Duration = Duration::from_millis(5);

/// Checks a log. Deletes it before, after, and several times in between. A sound log on loopback takes
/// less than a second.
///
/// # Errors
/// The first rule that the log breaks.
pub async fn check<S: Store>(store: &S) -> Result<(), Failure> {
    let log = Checked { log: store.open().await, store };
    let other = Checked { log: store.open().await, store };
    an_empty_log(&log).await?;
    entries_are_what_was_appended(&log, &other).await?;
    reads_begin_anywhere(&log).await?;
    a_waiting_read_is_answered(&log, &other).await?;
    a_dropped_call_disturbs_no_other(&log, &other).await?;
    appends_at_the_same_time_form_one_chain(&log, &other).await?;
    a_key_is_appended_once(&log, &other).await?;
    a_deleted_log_begins_an_epoch(&log, &other).await?;
    store.delete().await;
    Ok(())
}

struct Checked<'s, S: Store> {
    log: S::Log,
    store: &'s S,
}

impl<S: Store> Checked<'_, S> {
    /// Runs a call for at most this long.
    async fn within<F: Future>(&self, limit: Duration, call: F) -> Option<F::Output> {
        let (mut call, mut sleep) = (pin!(call), pin!(self.store.sleep(limit)));
        poll_fn(|cx| match call.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
        })
        .await
    }

    /// Takes the answer of a call that must succeed in time.
    async fn answer<T>(&self, call: impl Future<Output = Result<T, LogError>>) -> Result<T, Failure> {
        const RULE: &str = "a call on a sound store succeeds within five seconds";
        match self.within(PATIENCE, call).await {
            Some(Ok(output)) => Ok(output),
            Some(Err(error)) => Err(Failure { rule: RULE, found: error.to_string() }),
            None => Err(Failure { rule: RULE, found: "no answer".into() }),
        }
    }

    async fn append(&self, text: &str) -> Result<Position, Failure> {
        self.append_event(NewEvent { topic: "t", data: text.as_bytes(), key: None }).await
    }

    async fn append_event(&self, event: NewEvent<'_>) -> Result<Position, Failure> {
        self.answer(self.log.append(event)).await
    }

    async fn read(&self, after: Option<Position>, limit: usize) -> Result<Vec<Entry>, Failure> {
        self.answer(self.log.read(after, limit, Duration::ZERO)).await
    }

    async fn tip(&self) -> Result<Option<Position>, Failure> {
        self.answer(self.log.tip()).await
    }
}

fn expect<T: PartialEq + Debug>(rule: &'static str, found: T, expected: T) -> Result<(), Failure> {
    match found == expected {
        true => Ok(()),
        false => Err(Failure { rule, found: format!("{found:?} instead of {expected:?}") }),
    }
}

fn texts(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(text).collect()
}

fn text(entry: &Entry) -> &str {
    entry.event.as_ref().and_then(|event| core::str::from_utf8(&event.data).ok()).unwrap_or("?")
}

async fn an_empty_log<S: Store>(log: &Checked<'_, S>) -> Result<(), Failure> {
    log.store.delete().await;
    expect("an empty log has no tip", log.tip().await?, None)?;
    expect("an empty log has no entries", log.read(None, 10).await?, Vec::new())?;
    let page = log.answer(log.log.page(None, 10)).await?;
    expect("a page of an empty log has neither entries nor a tip", page, (Vec::new(), None))
}

async fn entries_are_what_was_appended<S: Store>(
    log: &Checked<'_, S>,
    other: &Checked<'_, S>,
) -> Result<(), Failure> {
    log.store.delete().await;
    let large = format!("data: {}\n\n", "x".repeat(100_000));
    let events = [
        ("t", "data: hello\n\n"),
        ("", "event: e\ndata: a\ndata: b\n\n"),
        ("to/\u{e9} {x}: \"'*?\\\n", "data: \u{1f600}\0\u{1}\n\n"),
        ("t", &*large),
    ];
    let mut expected: Vec<Entry> = Vec::new();
    for (topic, data) in events {
        let position = log.append_event(NewEvent { topic, data: data.as_bytes(), key: None }).await?;
        let previous = expected.last().map(|last| last.position);
        let is_next = previous.is_none_or(|previous| position.is_after(&previous));
        expect("a position is greater than those before", is_next, true)?;
        expect("the tip is the last position", other.tip().await?, Some(position))?;
        let event = LoggedEvent { topic: topic.into(), data: data.as_bytes().to_vec() };
        expected.push(Entry { position, previous, event: Some(event) });
    }
    for reader in [log, other] {
        let rule = "entries are what was appended, in order, each with the position before";
        expect(rule, reader.read(None, 10).await?, expected.clone())?;
    }
    let last = expected.last().map(|last| last.position);
    let page = log.answer(log.log.page(last, 10)).await?;
    expect("a page without entries has the tip", page, (Vec::new(), last))
}

async fn reads_begin_anywhere<S: Store>(log: &Checked<'_, S>) -> Result<(), Failure> {
    log.store.delete().await;
    let append = async |text| log.append(text).await;
    let positions =
        [append("a").await?, append("b").await?, append("c").await?, append("d").await?, append("e").await?];
    let read = async |after, limit| log.read(after, limit).await;
    expect("a read returns the oldest entries first", texts(&read(None, 2).await?), ["a", "b"].to_vec())?;
    let rule = "a read returns what follows";
    let [_, b, before, next, last] = positions;
    expect(rule, texts(&read(Some(b), 2).await?), ["c", "d"].to_vec())?;
    expect("nothing follows the tip", texts(&read(Some(last), 9).await?), Vec::new())?;
    let between = Position { sequence: before.sequence.wrapping_add(1), ..before };
    if between < next {
        let rule = "a read may begin at a position that never was";
        expect(rule, texts(&read(Some(between), 9).await?), ["d", "e"].to_vec())?;
    }
    let foreign = Position { epoch: !before.epoch, ..before };
    let rule = "a read compares milliseconds and sequence, whatever the epoch";
    expect(rule, texts(&read(Some(foreign), 9).await?), ["d", "e"].to_vec())
}

async fn a_waiting_read_is_answered<S: Store>(
    log: &Checked<'_, S>,
    other: &Checked<'_, S>,
) -> Result<(), Failure> {
    const RULE: &str = "a read that waits is answered once an event is there";
    log.store.delete().await;
    let mut last = None;
    // In an empty log, too.
    for text in ["a", "b"] {
        let mut read = pin!(log.log.read(last, 10, Duration::from_secs(60)));
        if let Some(early) = log.within(MOMENT, read.as_mut()).await {
            return Err(Failure { rule: "a read waits for an event", found: format!("{early:?}") });
        }
        let position = other.append(text).await?;
        expect(RULE, texts(&log.answer(read).await?), [text].to_vec())?;
        last = Some(position);
    }
    let read = log.log.read(last, 10, Duration::from_millis(50));
    // A log without a clock may wait longer.
    if let Some(result) = log.within(Duration::from_millis(500), read).await {
        let entries = log.answer(async { result }).await?;
        expect("a read that has waited in vain returns nothing", texts(&entries), Vec::new())?;
    }
    Ok(())
}

async fn a_dropped_call_disturbs_no_other<S: Store>(
    log: &Checked<'_, S>,
    other: &Checked<'_, S>,
) -> Result<(), Failure> {
    const RULE: &str = "the answer of a dropped call goes to no other";
    log.store.delete().await;
    let mut last = Some(log.append("start").await?);
    for round in 0..10 {
        let waiting = log.log.read(last, 10, Duration::from_secs(60));
        if let Some(Ok(entries)) = log.within(MOMENT, waiting).await {
            // An append that was dropped may arrive late.
            expect(RULE, entries.is_empty(), false)?;
        }
        let data = format!("dropped {round}");
        let mut appending = pin!(log.log.append(NewEvent { topic: "t", data: data.as_bytes(), key: None }));
        // It may have happened or not.
        poll_fn(|cx| {
            let _ = appending.as_mut().poll(cx);
            Poll::Ready(())
        })
        .await;
        last = other.tip().await?;
    }
    for round in 0..10 {
        let kept = format!("kept {round}");
        let position = log.append(&kept).await?;
        let entries = other.read(last, 1000).await?;
        let found = entries.iter().find(|entry| entry.position == position);
        expect(RULE, found.map(text), Some(&*kept))?;
        let mine = log.answer(log.log.read(last, 1000, Duration::from_secs(60))).await?;
        expect(RULE, mine.iter().any(|entry| entry.position == position), true)?;
        last = Some(position);
    }
    Ok(())
}

async fn appends_at_the_same_time_form_one_chain<S: Store>(
    log: &Checked<'_, S>,
    other: &Checked<'_, S>,
) -> Result<(), Failure> {
    log.store.delete().await;
    let data: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let appends = data.iter().enumerate().map(|(number, data)| {
        let log = if number % 2 == 0 { log } else { other };
        log.append(data)
    });
    let by_number = all(appends).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut positions = by_number.clone();
    positions.sort_unstable();
    let entries = log.read(None, 1000).await?;
    let found = entries.iter().map(|entry| entry.position).collect();
    expect("every append has a position of its own, in the order of entries", found, positions)?;
    let mut previous = None;
    for entry in &entries {
        expect("an entry names the one before, also of others", entry.previous, previous)?;
        previous = Some(entry.position);
        let own = by_number.iter().zip(&data).find(|(position, _)| **position == entry.position);
        expect(
            "an append returns the position of its event",
            Some(text(entry)),
            own.map(|(_, data)| &**data),
        )?;
    }
    Ok(())
}

async fn a_key_is_appended_once<S: Store>(
    log: &Checked<'_, S>,
    other: &Checked<'_, S>,
) -> Result<(), Failure> {
    const RULE: &str = "an event with a key is appended once, and answered with the same position";
    log.store.delete().await;
    let event = |key| NewEvent { topic: "t", data: b"x", key: Some(key) };
    let first = log.append_event(event("k")).await?;
    let next = log.append("y").await?;
    for again in [log, other] {
        expect(RULE, again.append_event(event("k")).await?, first)?;
    }
    expect("other keys are other events", log.append_event(event("k 2")).await?.is_after(&next), true)?;
    let same = all((0..20).map(|number| {
        let log = if number % 2 == 0 { log } else { other };
        log.append_event(event("same"))
    }));
    let same = same.await.into_iter().collect::<Result<Vec<_>, _>>()?;
    expect(RULE, same.iter().all(|position| same.first() == Some(position)), true)?;
    expect(RULE, texts(&log.read(None, 100).await?), ["x", "y", "x", "x"].to_vec())
}

async fn a_deleted_log_begins_an_epoch<S: Store>(
    log: &Checked<'_, S>,
    other: &Checked<'_, S>,
) -> Result<(), Failure> {
    log.store.delete().await;
    let old = log.append("old").await?;
    log.store.delete().await;
    expect("a deleted log has no tip", other.tip().await?, None)?;
    let new = other.append("new").await?;
    expect("a deleted log begins a new epoch", new.epoch != old.epoch, true)?;
    let entries = log.read(None, 10).await?;
    expect("a deleted log is empty", texts(&entries), ["new"].to_vec())?;
    expect(
        "the first entry of an epoch has none before",
        entries.first().map(|entry| entry.previous),
        Some(None),
    )
}

/// Waits for all, at the same time.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (future, output) in running.iter_mut().zip(&mut outputs) {
            if output.is_some() {
                continue;
            }
            if let Poll::Ready(ready) = future.as_mut().poll(cx) {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}
