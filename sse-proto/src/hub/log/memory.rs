//! A log in memory.

extern crate std;

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Entry, Log, LogError, LoggedEvent, NewEvent, Position};

/// A log in the memory of one process, for tests and for several hubs in one process. Clones share
/// the log.
///
/// It remembers the [key](NewEvent::key) of an event for as long as the event. It has no clock: [`read`](Log::read) waits until an event is appended, however long, so the caller
/// has to give up; `millis` counts the events.
///
/// ```
/// use sse_proto::hub::log::{Log, MemoryLog, NewEvent};
/// # fn block_on<F: Future>(future: F) -> F::Output {
/// #     let mut future = std::pin::pin!(future);
/// #     match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
/// #         std::task::Poll::Ready(output) => output,
/// #         std::task::Poll::Pending => panic!("it waits"),
/// #     }
/// # }
/// # block_on(async {
/// let log = MemoryLog::new(7, 1000);
/// let event = NewEvent { topic: "news", data: b"data: hello\n\n", key: None };
/// let position = log.append(event).await?;
/// let (entries, _) = log.page(None, 10).await?;
/// assert_eq!(entries[0].position, position);
/// # Ok::<(), sse_proto::hub::log::LogError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct MemoryLog {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    epoch: u64,
    capacity: usize,
    last: Option<Position>,
    /// With their keys, which are remembered as long.
    entries: VecDeque<(Entry, Option<String>)>,
    /// The number of events ever, in place of a clock.
    clock: u64,
    keys: BTreeMap<String, Position>,
    readers: Vec<Waker>,
}

impl State {
    fn forget(&mut self, dropped: Option<(Entry, Option<String>)>) {
        if let Some((_, Some(key))) = dropped {
            self.keys.remove(&key);
        }
    }
}

impl MemoryLog {
    /// Creates an empty log that keeps the last `capacity` events. `epoch` must be random.
    pub fn new(epoch: u64, capacity: usize) -> Self {
        let state = State {
            epoch,
            capacity: capacity.max(1),
            last: None,
            entries: VecDeque::new(),
            clock: 0,
            keys: BTreeMap::new(),
            readers: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Deletes the log. The next event begins this epoch, with a clock that starts again.
    pub fn reset(&self, epoch: u64) {
        let mut state = self.state();
        (state.epoch, state.last, state.clock) = (epoch, None, 0);
        state.entries.clear();
        state.keys.clear();
    }

    /// Drops all but the last `count` events.
    pub fn trim(&self, count: usize) {
        let mut state = self.state();
        while state.entries.len() > count {
            let dropped = state.entries.pop_front();
            state.forget(dropped);
        }
    }

    /// Forgets the last `count` events as if they had never been appended, as a failover to a replica
    /// does that lags.
    pub fn lose(&self, count: usize) {
        let mut state = self.state();
        for _ in 0..count {
            let lost = state.entries.pop_back();
            state.forget(lost);
        }
        state.last = state.entries.back().map(|(entry, _)| entry.position);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the entries after a position, and registers the waker if there are none.
    fn after(&self, after: Option<Position>, limit: usize, waker: Option<&Waker>) -> Vec<Entry> {
        let place = |position: &Position| (position.millis, position.sequence);
        let mut state = self.state();
        let start = after.map_or(0, |after| {
            state.entries.partition_point(|(entry, _)| place(&entry.position) <= place(&after))
        });
        let entries: Vec<Entry> =
            state.entries.iter().skip(start).take(limit).map(|(entry, _)| entry.clone()).collect();
        if let (true, Some(waker)) = (entries.is_empty(), waker) {
            if !state.readers.iter().any(|reader| reader.will_wake(waker)) {
                state.readers.push(waker.clone());
            }
        }
        entries
    }
}

impl Log for MemoryLog {
    async fn append(&self, event: NewEvent<'_>) -> Result<Position, LogError> {
        let mut state = self.state();
        if let Some(position) = event.key.and_then(|key| state.keys.get(key)) {
            return Ok(*position);
        }
        let previous = state.last;
        state.clock += 1;
        let position = Position { epoch: state.epoch, millis: state.clock, sequence: 0 };
        let logged = LoggedEvent { topic: event.topic.to_owned(), data: event.data.to_vec() };
        let key = event.key.map(str::to_owned);
        state.keys.extend(key.clone().map(|key| (key, position)));
        state.entries.push_back((Entry { position, previous, event: Some(logged) }, key));
        state.last = Some(position);
        if state.entries.len() > state.capacity {
            let dropped = state.entries.pop_front();
            state.forget(dropped);
        }
        let readers = core::mem::take(&mut state.readers);
        drop(state);
        readers.into_iter().for_each(Waker::wake);
        Ok(position)
    }

    async fn read(
        &self,
        after: Option<Position>,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Entry>, LogError> {
        if wait.is_zero() {
            return Ok(self.after(after, limit, None));
        }
        let found = poll_fn(|cx| match self.after(after, limit, Some(cx.waker())) {
            entries if entries.is_empty() => Poll::Pending,
            entries => Poll::Ready(entries),
        });
        Ok(found.await)
    }

    async fn tip(&self) -> Result<Option<Position>, LogError> {
        Ok(self.state().entries.back().map(|(entry, _)| entry.position))
    }
}
