//! A hub over a log: one node of many.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::time::Duration;

use super::follower::{Follower, Link};
use super::pages::{Pages, frame};
use super::replay::Replay;
use super::{Append, AppendError, Entry, Follow, LogConfig, LogStats, Position, RangeRequest, RangeWant};
use crate::hook::Shared;
use crate::hub::shared::SharedHub;
use crate::hub::{AfterGap, Cursor, Delivery, Gap, Hub, HubConfig, Resume, Start, Subscription};
use crate::{EventRef, Frame, Instant};

/// What a [`SharedHub`] over a log has beside the events and subscribers of any hub.
#[derive(Debug)]
pub(in crate::hub) struct Node<B, W> {
    config: LogConfig,
    follower: Follower,
    pages: Pages<B, W>,
    /// The positions of the events in the hub.
    chain: VecDeque<Place>,
    /// The number of the first event of this epoch.
    epoch_start: u64,
    /// The wakers of replays that have read all of the log, and wait for the tail to reach them.
    parked: BTreeMap<u64, W>,
    replays: u64,
    appending_events: usize,
    appending_bytes: usize,
    appended: u64,
    append_failures: u64,
    /// The size of the largest event so far.
    largest: usize,
    /// [`HubConfig::announce_position`].
    announces: bool,
    lag: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// The number of the event in the hub.
    number: u64,
    position: Position,
    previous: Option<Position>,
}

/// The next step of a replay.
#[derive(Debug)]
pub(in crate::hub) enum Step<B, W> {
    /// A delivery, with its topic.
    Deliver(Delivery<Frame<B>>, Option<Shared<str>>),
    /// Nothing yet. Holds a former waker.
    Wait(Option<W>),
    /// The cursor continues in the hub.
    Join,
}

impl<B, W> Node<B, W> {
    fn new(seed: u64, config: LogConfig, announces: bool) -> Self {
        Self {
            config,
            follower: Follower::new(seed),
            pages: Pages::new(seed.rotate_left(32)),
            chain: VecDeque::new(),
            epoch_start: 0,
            parked: BTreeMap::new(),
            replays: 0,
            appending_events: 0,
            appending_bytes: 0,
            appended: 0,
            append_failures: 0,
            largest: 0,
            announces,
            lag: Duration::ZERO,
        }
    }

    /// Adds a subscriber that starts there.
    pub(in crate::hub) fn subscribe(
        &mut self,
        now: Instant,
        hub: &mut Hub<Frame<B>>,
        subscription: &Subscription,
        start: Start<'_>,
    ) -> (Cursor, Resume, Option<Box<Replay>>) {
        hub.handle_deadline(now);
        self.forget(hub);
        self.replays += 1;
        let replay = |after| Replay::new(self.replays, subscription, after);
        match start {
            Start::Live => {
                let position = self.follower.at().flatten().filter(|_| self.announces);
                let announced = position.map(|position| Box::new(replay(Some(position)).announced()));
                (hub.subscribe(subscription), Resume::Live, announced)
            }
            Start::Oldest => (hub.subscribe(subscription), Resume::Reading, Some(Box::new(replay(None)))),
            Start::After(id) => match Position::parse(id) {
                None => {
                    let (cursor, resume) = hub.resume_at(subscription, None);
                    (cursor, resume, None)
                }
                Some(position) => match self.held_after(hub, position) {
                    Some(next) => {
                        let (mut cursor, resume) = hub.resume_at(subscription, Some(next - 1));
                        self.pass(hub, &mut cursor, position);
                        (cursor, resume, None)
                    }
                    None => {
                        let replay = replay(Some(position));
                        (hub.subscribe(subscription), Resume::Reading, Some(Box::new(replay)))
                    }
                },
            },
        }
    }

    /// Returns the number of the event after this position, if the hub holds all events from there on.
    fn held_after(&self, hub: &Hub<Frame<B>>, position: Position) -> Option<u64> {
        if self.follower.at() == Some(Some(position)) {
            return Some(hub.ring.end());
        }
        if let Some(first) = self.chain.front().filter(|first| first.previous == Some(position)) {
            return Some(first.number);
        }
        // Positions of different epochs have no order.
        let found = self.chain.binary_search_by(|place| match place.number < self.epoch_start {
            true => Ordering::Less,
            false => place.position.cmp(&position),
        });
        let found = found.ok()?;
        Some(self.chain.get(found)?.number + 1)
    }

    /// A client that has what the tail has read last is past all breaks.
    fn pass(&self, hub: &Hub<Frame<B>>, cursor: &mut Cursor, position: Position) {
        if self.follower.at() == Some(Some(position)) {
            cursor.told = hub.breaks.told_at(hub.ring.end());
        }
    }

    /// Returns where a replay that has reached this position continues in the hub: the number of the
    /// next event, and the position up to which events are to be skipped.
    fn join(&self, hub: &Hub<Frame<B>>, after: Option<Position>) -> Option<(u64, Option<Position>)> {
        let at = self.follower.at()?;
        let Some(after) = after else { return at.is_none().then(|| (hub.ring.end(), None)) };
        if let Some(next) = self.held_after(hub, after) {
            return Some((next, None));
        }
        // The tail of this node is behind what the client has.
        at.is_some_and(|at| after.is_after(&at)).then(|| (hub.ring.end(), Some(after)))
    }

    /// Takes the next step of a replay.
    pub(in crate::hub) fn next(
        &mut self,
        hub: &mut Hub<Frame<B>>,
        cursor: &mut Cursor,
        replay: &mut Replay,
        mut waker: impl FnMut() -> Option<W>,
        woken: &mut Vec<W>,
    ) -> Step<B, W>
    where
        B: From<Vec<u8>> + AsRef<[u8]> + Clone,
    {
        self.forget(hub);
        loop {
            if hub.closed {
                return Step::Deliver(Delivery::Closed, None);
            }
            if let Some(position) = replay.announce.take() {
                let frame = Frame::with_id(position, b"\n").map(B::from);
                return Step::Deliver(Delivery::Event(frame), None);
            }
            if replay.is_live {
                return Step::Join;
            }
            let Some((held, index)) = replay.page else {
                if let Some((next, skip)) = self.join(hub, replay.after) {
                    self.count(hub, replay, false);
                    hub.place(cursor, next);
                    replay.after.iter().for_each(|after| self.pass(hub, cursor, *after));
                    (replay.is_live, replay.skip) = (true, skip);
                    return Step::Join;
                }
                if let Some(parked) = self.parked.get_mut(&replay.number) {
                    return Step::Wait(waker().map(|waker| core::mem::replace(parked, waker)));
                }
                replay.page = Some((self.pages.enter(replay.after, woken), 0));
                continue;
            };
            let Some(page) = self.pages.get(held) else {
                match self.pages.wait(held, replay.number, &mut waker) {
                    Ok(former) => return Step::Wait(former),
                    Err(_) => replay.page = None,
                }
                continue;
            };
            if let Some(entry) = page.entries.get(index) {
                if entry.is_broken && !replay.is_told {
                    replay.is_told = true;
                    return self.tell(hub, cursor, replay);
                }
                let delivery = entry.frame.clone().filter(|_| replay.wants(&entry.topic));
                let topic = Shared::clone(&entry.topic);
                (replay.after, replay.is_told) = (Some(entry.position), false);
                replay.page = Some((held, index + 1));
                if let Some(frame) = delivery {
                    self.count(hub, replay, false);
                    return Step::Deliver(Delivery::Event(frame), Some(topic));
                }
                continue;
            }
            let (is_empty, tip) = (page.entries.is_empty(), page.tip);
            self.leave(replay);
            if !is_empty {
                continue;
            }
            if tip != replay.after {
                // Of another epoch, the client has received nothing.
                let is_same = |tip: &Position| replay.after.is_some_and(|after| after.epoch == tip.epoch);
                replay.after = tip.filter(is_same);
                return self.tell(hub, cursor, replay);
            }
            if self.join(hub, replay.after).is_none() {
                let former = waker().and_then(|waker| self.parked.insert(replay.number, waker));
                return Step::Wait(former);
            }
        }
    }

    /// Reports a gap in a replay.
    fn tell(&mut self, hub: &mut Hub<Frame<B>>, cursor: &mut Cursor, replay: &mut Replay) -> Step<B, W> {
        self.count(hub, replay, true);
        if replay.after_gap == AfterGap::Replay {
            return Step::Deliver(Delivery::Gap(Gap::Unknown), None);
        }
        self.leave(replay);
        hub.place(cursor, hub.ring.end());
        hub.tell(cursor, Gap::Unknown, replay.after_gap);
        Step::Join
    }

    /// Counts the answer to the client, once.
    fn count(&mut self, hub: &mut Hub<Frame<B>>, replay: &mut Replay, is_gap: bool) {
        if !core::mem::replace(&mut replay.is_counted, true) {
            let replays = &mut hub.stats.replays;
            *(if is_gap { &mut replays.gap } else { &mut replays.resumed }) += 1;
        }
    }

    /// Gives back what a replay holds. Returns its waker.
    pub(in crate::hub) fn leave(&mut self, replay: &mut Replay) -> Option<W> {
        let parked = self.parked.remove(&replay.number);
        let waiting = replay.page.take().and_then(|(held, _)| self.pages.leave(held, replay.number));
        parked.or(waiting)
    }

    /// Returns whether a subscriber that was ahead of the tail has received this event already.
    pub(in crate::hub) fn is_old(&self, number: u64, skip: Position) -> bool {
        let first = self.chain.front().map_or(0, |first| first.number);
        let place = number.checked_sub(first).and_then(|index| self.chain.get(usize::try_from(index).ok()?));
        place.is_some_and(|place| place.position.epoch == skip.epoch && place.position <= skip)
    }

    /// Appends the wakers of all replays and tasks.
    pub(in crate::hub) fn drain(&mut self, woken: &mut Vec<W>) {
        self.pages.drain(woken);
        woken.extend(core::mem::take(&mut self.parked).into_values());
    }

    pub(in crate::hub) fn close(&mut self, woken: &mut Vec<W>) {
        self.follower.close();
        self.drain(woken);
    }

    /// Forgets the positions of events that the hub has dropped.
    fn forget(&mut self, hub: &Hub<Frame<B>>) {
        while self.chain.front().is_some_and(|place| place.number < hub.ring.front()) {
            self.chain.pop_front();
        }
    }

    /// Returns how many entries a read asks for.
    fn limit(&self) -> usize {
        const MOST: usize = 1024;
        (self.config.page_bytes / self.largest.max(self.config.page_bytes / MOST).max(1)).clamp(1, MOST)
    }
}

/// A hub over a [`Log`](super::Log): what the tasks of its driver do.
///
/// One task follows the log: it does what [`follow`](Self::follow) says. Up to
/// [`LogConfig::ranges`] tasks read old events for clients that come back:
/// [`want_range`](Self::want_range). Each publisher [begins](Self::begin_append) and
/// [ends](Self::end_append) an append, and first reports the tip if the node [needs](Self::needs_tip)
/// it. Subscribers are those of any hub.
impl<B, W> SharedHub<B, W> {
    /// Creates a hub over a log. `seed` makes the jitter differ from that of other nodes.
    pub fn over(seed: u64, config: HubConfig, log: LogConfig) -> Self {
        // Numbers of this hub are not ids.
        let local = HubConfig { announce_position: false, ..config };
        let mut hub = Self::new(seed, local);
        hub.node = Some(Box::new(Node::new(seed, log, config.announce_position)));
        hub
    }

    /// Returns the next step of the task that follows the log, and the deadline for it.
    pub fn follow(&mut self, now: Instant) -> (Follow, Option<Instant>) {
        let Some(node) = &mut self.node else { return (Follow::Closed, None) };
        let limit = node.limit();
        node.follower.want(now, &node.config, limit)
    }

    /// Returns whether the node has not learned yet where its log ends.
    pub fn needs_tip(&self) -> bool {
        self.node.as_ref().is_some_and(|node| node.follower.at().is_none())
    }

    /// Reports the tip of the log, and appends the wakers to wake.
    pub fn handle_tip(&mut self, tip: Option<Position>, woken: &mut Vec<W>) {
        let Some(node) = &mut self.node else { return };
        if node.follower.handle_tip(tip) == Link::Broken {
            self.hub.breaks.push(self.hub.ring.end());
            self.subscribers.drain_all(woken);
        }
        woken.extend(core::mem::take(&mut node.parked).into_values());
    }

    /// Reports the entries of a read of the tail, and appends the wakers to wake. `wall_clock` is the
    /// duration since 1970, for [`LogStats::lag`].
    pub fn handle_entries(
        &mut self,
        now: Instant,
        wall_clock: Duration,
        entries: Vec<Entry>,
        woken: &mut Vec<W>,
    ) where
        B: From<Vec<u8>> + AsRef<[u8]>,
    {
        let Some(node) = &mut self.node else { return };
        let (count, mut fresh) = (entries.len(), 0);
        for entry in entries {
            let link = node.follower.link(&entry);
            if link == Link::Old {
                continue;
            }
            fresh += 1;
            node.lag = wall_clock.saturating_sub(Duration::from_millis(entry.position.millis));
            if node.chain.back().is_some_and(|last| last.position.epoch != entry.position.epoch) {
                node.epoch_start = self.hub.ring.end();
            }
            let Entry { position, previous, event } = entry;
            let published = event.and_then(|event| {
                let frame = frame(position, &event.data)?.map(B::from);
                let weight = frame.weight();
                node.largest = node.largest.max(weight);
                if link == Link::Broken {
                    self.hub.breaks.push(self.hub.ring.end());
                }
                self.hub.publish(now, &event.topic, weight, frame).ok()
            });
            let Some(published) = published else {
                node.follower.stats.unreadable += 1;
                self.hub.breaks.push(self.hub.ring.end());
                self.subscribers.drain_all(woken);
                continue;
            };
            node.chain.push_back(Place { number: published.id.number(), position, previous });
            if link == Link::Broken {
                self.subscribers.drain_all(woken);
            } else {
                self.subscribers.drain(published.topic, woken);
            }
        }
        node.follower.handle_read(now, &node.config, count, fresh);
        node.forget(&self.hub);
        woken.extend(core::mem::take(&mut node.parked).into_values());
    }

    /// Reports that a read of the tail, or the question for the tip, has failed.
    pub fn handle_follow_error(&mut self, now: Instant) {
        if let Some(node) = &mut self.node {
            node.follower.handle_error(now, &node.config);
        }
    }

    /// Reports that the deadline of the following task may have passed. A pending read then counts as
    /// failed: drop it.
    pub fn handle_follow_deadline(&mut self, now: Instant) {
        if let Some(node) = &mut self.node {
            node.follower.handle_deadline(now, &node.config);
        }
    }

    /// Returns the next step of a task that reads old events. If it is to wait, registers its waker,
    /// unless a registered one satisfies `is_same`.
    pub fn want_range(
        &mut self,
        now: Instant,
        waker: impl FnOnce() -> W,
        is_same: impl Fn(&W) -> bool,
    ) -> RangeWant {
        match &mut self.node {
            Some(node) if !self.hub.closed => {
                let limit = node.limit();
                node.pages.want(now, &node.config, limit, waker, is_same)
            }
            _ => RangeWant::Closed,
        }
    }

    /// Reports the answer to a request: the entries, and without any the tip; `None` if the read has
    /// failed. Appends the wakers to wake.
    pub fn handle_range(
        &mut self,
        now: Instant,
        request: RangeRequest,
        mut answer: Option<(Vec<Entry>, Option<Position>)>,
        woken: &mut Vec<W>,
    ) where
        B: From<Vec<u8>> + AsRef<[u8]>,
    {
        let Some(node) = &mut self.node else { return };
        // What cannot be published here cannot be replayed, either.
        let limit = self.hub.config.topic_name_bytes;
        for entry in answer.iter_mut().flat_map(|(entries, _)| entries) {
            entry.event.take_if(|event| event.topic.len() > limit);
        }
        let largest = answer.iter().flat_map(|(entries, _)| entries).filter_map(|entry| entry.event.as_ref());
        node.largest = largest.map(|event| event.data.len()).fold(node.largest, usize::max);
        node.pages.handle_range(now, &node.config, request.after, answer, woken);
    }

    /// Begins to append an event. `seed` makes the jitter of repeated appends differ from that of other
    /// publishers. An event with a [key](super::NewEvent::key) is appended again even if it may have been
    /// appended.
    ///
    /// # Errors
    /// If the hub is closed, the topic name is too long, the event has an id, or too many events are on
    /// their way.
    pub fn begin_append(
        &mut self,
        now: Instant,
        topic: &str,
        event: EventRef<'_>,
        has_key: bool,
        seed: u64,
    ) -> Result<Append, AppendError> {
        let Some(node) = &mut self.node else { return Err(AppendError::Closed) };
        let (length, limit) = (topic.len(), self.hub.config.topic_name_bytes);
        if self.hub.closed {
            return Err(AppendError::Closed);
        }
        if length > limit {
            return Err(AppendError::TopicTooLong { length, limit });
        }
        if event.id().is_some() {
            return Err(AppendError::HasId);
        }
        let frame = Frame::event(event);
        let (events, held, config) = (node.appending_events, node.appending_bytes, &node.config);
        let bytes = held.saturating_add(frame.bytes().len());
        if events > 0 && (events >= config.append_events || bytes > config.append_bytes) {
            return Err(AppendError::Busy { events, bytes: held });
        }
        (node.appending_events, node.appending_bytes) = (events + 1, bytes);
        Ok(Append::new(now, &node.config, frame, has_key, seed))
    }

    /// Ends an append of this many [bytes](Append::bytes), whatever came of it.
    pub fn end_append(&mut self, bytes: usize, is_published: bool) {
        if let Some(node) = &mut self.node {
            node.appending_events = node.appending_events.saturating_sub(1);
            node.appending_bytes = node.appending_bytes.saturating_sub(bytes);
            *(if is_published { &mut node.appended } else { &mut node.append_failures }) += 1;
        }
    }

    /// Returns the state of the node, or `None` if the hub has no log.
    pub fn log_stats(&self) -> Option<LogStats> {
        let node = self.node.as_ref()?;
        Some(LogStats {
            follow: node.follower.stats,
            position: node.follower.at().flatten(),
            lag: node.lag,
            appending_events: node.appending_events,
            appending_bytes: node.appending_bytes,
            appended: node.appended,
            append_failures: node.append_failures,
            pages: node.pages.counts.0,
            page_failures: node.pages.counts.1,
            replay_bytes: node.pages.bytes(),
        })
    }
}
