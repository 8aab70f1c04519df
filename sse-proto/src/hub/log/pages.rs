//! Reading old events for clients that come back: shared pages, with bounds.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use super::{Entry, LogConfig, Position};
use crate::hook::Shared;
use crate::random::Random;
use crate::{Frame, Instant};

/// A read of old events: [`Log::page`](super::Log::page) with these arguments. Report its result
/// with [`SharedHub::handle_range`](crate::hub::SharedHub::handle_range).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a request that is not reported blocks others"]
#[non_exhaustive]
pub struct RangeRequest {
    /// The position after which to read, or `None` from the oldest on.
    pub after: Option<Position>,
    /// The maximum number of entries.
    pub limit: usize,
    /// When to give up. Report an error then.
    pub deadline: Instant,
}

/// The next step of a task that reads old events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeWant {
    /// Read a page.
    Read(RangeRequest),
    /// Wait until woken, or until this instant.
    Wait(Option<Instant>),
    /// The hub is closed.
    Closed,
}

/// The entries after a position, as frames.
#[derive(Debug)]
pub(super) struct Page<B> {
    pub(super) entries: Vec<PageEntry<B>>,
    /// The newest position of the log, if the page has no entries.
    pub(super) tip: Option<Position>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct PageEntry<B> {
    pub(super) position: Position,
    /// Whether something is missing before the entry.
    pub(super) is_broken: bool,
    pub(super) topic: Shared<str>,
    /// `None` if the entry is unreadable.
    pub(super) frame: Option<Frame<B>>,
}

/// The pages that subscribers read or wait for, by the position after which they begin.
#[derive(Debug)]
pub(super) struct Pages<B, W> {
    slots: BTreeMap<Option<Position>, Slot<B, W>>,
    queue: VecDeque<Option<Position>>,
    running: usize,
    /// The pages that have been read, the oldest first.
    read: VecDeque<Held>,
    bytes: usize,
    serial: u64,
    /// After a failure: when to read again.
    retry_at: Option<Instant>,
    failures: u32,
    random: Random,
    /// The tasks that wait for a request.
    workers: Vec<W>,
    /// Pages read, and failed reads, ever.
    pub(super) counts: (u64, u64),
}

/// The place of a page. A page that was dropped at the limit has its place no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    after: Option<Position>,
    serial: u64,
}

#[derive(Debug)]
struct Slot<B, W> {
    serial: u64,
    holders: usize,
    page: Option<Page<B>>,
    /// The wakers of the holders, by the numbers of their replays.
    waiting: BTreeMap<u64, W>,
}

impl<B, W> Pages<B, W> {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            slots: BTreeMap::new(),
            queue: VecDeque::new(),
            running: 0,
            read: VecDeque::new(),
            bytes: 0,
            serial: 0,
            retry_at: None,
            failures: 0,
            random: Random::new(seed),
            workers: Vec::new(),
            counts: (0, 0),
        }
    }

    /// Returns the bytes of all pages.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a holder of the page after this position, and appends the wakers of tasks that can read
    /// it.
    pub(super) fn enter(&mut self, after: Option<Position>, woken: &mut Vec<W>) -> Held {
        let slot = self.slots.entry(after).or_insert_with(|| {
            self.serial += 1;
            self.queue.push_back(after);
            woken.append(&mut self.workers);
            Slot { serial: self.serial, holders: 0, page: None, waiting: BTreeMap::new() }
        });
        slot.holders += 1;
        Held { after, serial: slot.serial }
    }

    /// Removes a holder, and returns its waker.
    pub(super) fn leave(&mut self, held: Held, replay: u64) -> Option<W> {
        let slot = self.slot(held)?;
        let waker = slot.waiting.remove(&replay);
        slot.holders -= 1;
        if slot.holders == 0 {
            self.remove(held);
        }
        waker
    }

    /// Returns the page, or `None` if it is not yet read, or no longer held.
    pub(super) fn get(&self, held: Held) -> Option<&Page<B>> {
        self.slots.get(&held.after).filter(|slot| slot.serial == held.serial)?.page.as_ref()
    }

    /// Registers a holder that waits for the page, and returns its former waker.
    ///
    /// # Errors
    /// If the page was dropped at the limit: [enter](Self::enter) again.
    pub(super) fn wait(
        &mut self,
        held: Held,
        replay: u64,
        waker: impl FnOnce() -> Option<W>,
    ) -> Result<Option<W>, Dropped> {
        let slot = self.slot(held).ok_or(Dropped)?;
        Ok(waker().and_then(|waker| slot.waiting.insert(replay, waker)))
    }

    fn slot(&mut self, held: Held) -> Option<&mut Slot<B, W>> {
        self.slots.get_mut(&held.after).filter(|slot| slot.serial == held.serial)
    }

    fn remove(&mut self, held: Held) {
        if self.slot(held).is_none() {
            return;
        }
        let page = self.slots.remove(&held.after).and_then(|slot| slot.page);
        self.bytes = self.bytes.saturating_sub(page.map_or(0, |page| page.bytes));
        self.read.retain(|read| *read != held);
    }

    /// Appends the wakers of all holders and tasks.
    pub(super) fn drain(&mut self, woken: &mut Vec<W>) {
        woken.append(&mut self.workers);
        for slot in self.slots.values_mut() {
            woken.extend(core::mem::take(&mut slot.waiting).into_values());
        }
    }

    /// Returns the next page to read. Without one, registers the waker of the task.
    pub(super) fn want(
        &mut self,
        now: Instant,
        config: &LogConfig,
        limit: usize,
        waker: impl FnOnce() -> W,
        is_same: impl Fn(&W) -> bool,
    ) -> RangeWant {
        let retry_at = self.retry_at.filter(|at| *at > now);
        while retry_at.is_none() && self.running < config.ranges.max(1) {
            let Some(after) = self.queue.pop_front() else { break };
            if self.slots.get(&after).is_some_and(|slot| slot.page.is_none()) {
                self.running += 1;
                let deadline = now.after(config.timeout);
                return RangeWant::Read(RangeRequest { after, limit, deadline });
            }
        }
        if !self.workers.iter().any(is_same) {
            self.workers.push(waker());
        }
        RangeWant::Wait(retry_at)
    }

    /// Reports the result of a request, and appends the wakers of those who wait for it.
    pub(super) fn handle_range(
        &mut self,
        now: Instant,
        config: &LogConfig,
        after: Option<Position>,
        answer: Option<(Vec<Entry>, Option<Position>)>,
        woken: &mut Vec<W>,
    ) where
        B: From<Vec<u8>> + AsRef<[u8]>,
    {
        self.running = self.running.saturating_sub(1);
        woken.append(&mut self.workers);
        let page = answer.and_then(|(entries, tip)| Page::new(after, entries, tip));
        *(if page.is_some() { &mut self.counts.0 } else { &mut self.counts.1 }) += 1;
        match (page, self.slots.get_mut(&after)) {
            (Some(page), slot) => {
                (self.retry_at, self.failures) = (None, 0);
                let Some(slot) = slot.filter(|slot| slot.page.is_none()) else { return };
                self.bytes += page.bytes;
                slot.page = Some(page);
                woken.extend(core::mem::take(&mut slot.waiting).into_values());
                self.read.push_back(Held { after, serial: slot.serial });
                // Whoever still needs a dropped page reads it again, from where it is then. A page that
                // has arrived just now is used, however large.
                while self.bytes > config.replay_bytes && self.read.len() > 1 {
                    self.read.pop_front().into_iter().for_each(|oldest| self.remove(oldest));
                }
            }
            (None, slot) => {
                self.failures = self.failures.saturating_add(1);
                let delay = config.backoff.delay(None, self.failures, self.random.draw());
                self.retry_at = Some(now.after(delay));
                if slot.is_some() {
                    self.queue.push_front(after);
                }
            }
        }
    }
}

impl<B: From<Vec<u8>> + AsRef<[u8]>> Page<B> {
    /// Returns `None` if the answer leads nowhere, so that its readers would come back to it for ever: it
    /// has only entries that they have, or none although the log has more.
    fn new(after: Option<Position>, mut entries: Vec<Entry>, tip: Option<Position>) -> Option<Self> {
        let is_empty = entries.is_empty();
        let mut last = after.map(|after| (after.millis, after.sequence));
        entries.retain(|Entry { position, .. }| {
            let place = Some((position.millis, position.sequence));
            let is_next = place > last;
            last = last.max(place);
            is_next
        });
        let has_more = tip.is_some_and(|tip| after.is_none_or(|after| tip.is_after(&after)));
        if entries.is_empty() && (!is_empty || has_more) {
            return None;
        }
        let mut before = after;
        let mut bytes = 0;
        // Whoever reads from the oldest on misses nothing.
        let mut is_first = after.is_none();
        let entries = entries.into_iter().map(|entry| {
            let is_new = before.is_none_or(|before| before.epoch != entry.position.epoch);
            let is_whole = entry.previous == before && !(is_new && before.is_some());
            let is_broken = !is_whole && !is_first;
            (before, is_first) = (Some(entry.position), false);
            let (topic, frame) = match entry.event {
                Some(event) => (event.topic, frame(entry.position, &event.data)),
                None => (String::new(), None),
            };
            bytes += frame.as_ref().map_or(0, Frame::weight) + topic.len() + ENTRY;
            let is_broken = is_broken || frame.is_none();
            PageEntry {
                position: entry.position,
                is_broken,
                topic: topic.into(),
                frame: frame.map(|frame| frame.map(B::from)),
            }
        });
        Some(Self { entries: entries.collect(), tip, bytes })
    }
}

/// The page is no longer held.
#[derive(Debug)]
pub(super) struct Dropped;

/// What an entry takes beside its frame, in bytes.
const ENTRY: usize = 128;

/// Completes a logged event by its id. Returns `None` if it is not one event.
pub(super) fn frame(position: Position, data: &[u8]) -> Option<Frame> {
    let end = memchr::memmem::find(data, b"\n\n")?;
    (end + 2 == data.len() && !data.starts_with(b"\n")).then(|| Frame::with_id(position, data))
}
