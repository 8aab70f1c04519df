//! What a hub should do, as slowly and plainly as can be: every subscriber has a list of its own.

use std::time::Duration;

use sse_proto::hub::{HubConfig, Lag};

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) number: u64,
    pub(crate) topic: &'static str,
    weight: usize,
    published: Duration,
    pub(crate) given_id: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Subscriber {
    topics: Option<Vec<&'static str>>,
    lag: Lag,
    /// All it was to get and has not.
    queue: Vec<Event>,
    /// It was told that it has lagged.
    cut: bool,
    /// It came back and has to be told of a gap first; `None` if nobody knows how large.
    gap: Option<Option<u64>>,
    /// It starts with the oldest event, has received nothing yet, and had lost everything up to this.
    oldest: Option<u64>,
    /// The topics in which publishers have waited for it in vain; it has not moved since.
    passed: Vec<&'static str>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    Event(u64),
    Gap(u64),
    /// Of a size that nobody knows.
    Unknown,
    Lagged(u64),
    Pending,
    Closed,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Resume {
    Resumed(u64),
    Gap(u64, Option<u64>),
    Unknown,
}

#[derive(Debug)]
pub(crate) struct Model {
    config: HubConfig,
    /// Everything there ever was.
    pub(crate) history: Vec<Event>,
    held: Vec<Event>,
    kept: Vec<Event>,
    /// Those that were the latest of their topics when they went.
    lost_latest: Vec<u64>,
    blocked: Option<Duration>,
    pub(crate) closed: bool,
}

impl Subscriber {
    pub(crate) fn wants(&self, topic: &str) -> bool {
        self.topics.as_ref().is_none_or(|topics| topics.contains(&topic))
    }

    fn gap(mut self, gap: Option<u64>) -> Self {
        self.gap = Some(gap);
        self
    }

    fn forget(&mut self, up_to: u64) {
        self.queue.retain(|event| event.number > up_to);
    }
}

impl Model {
    pub(crate) fn new(config: HubConfig) -> Self {
        Self {
            config,
            history: Vec::new(),
            held: Vec::new(),
            kept: Vec::new(),
            lost_latest: Vec::new(),
            blocked: None,
            closed: false,
        }
    }

    pub(crate) fn subscribe(&self, topics: Option<Vec<&'static str>>, lag: Lag) -> Subscriber {
        Subscriber { topics, lag, queue: Vec::new(), cut: false, gap: None, oldest: None, passed: Vec::new() }
    }

    pub(crate) fn replay(
        &mut self,
        now: Duration,
        topics: Option<Vec<&'static str>>,
        lag: Lag,
    ) -> Subscriber {
        self.expire(now);
        let mut subscriber = self.subscribe(topics, lag);
        subscriber.queue =
            self.history.iter().filter(|event| subscriber.wants(event.topic)).cloned().collect();
        let lost = self.lost(&subscriber).last().copied().unwrap_or(0);
        subscriber.forget(lost);
        subscriber.oldest = Some(lost);
        subscriber
    }

    pub(crate) fn resume(
        &mut self,
        now: Duration,
        topics: Option<Vec<&'static str>>,
        lag: Lag,
        id: Option<u64>,
    ) -> (Subscriber, Resume) {
        self.expire(now);
        let Some(id) = id else { return (self.replay(now, topics, lag).gap(None), Resume::Unknown) };
        let mut subscriber = self.subscribe(topics, lag);
        subscriber.queue =
            self.history.iter().filter(|event| subscriber.wants(event.topic)).cloned().collect();
        subscriber.forget(id);
        match self.lost(&subscriber).last().copied() {
            None => {
                let events = self.lag(&subscriber);
                (subscriber, Resume::Resumed(events))
            }
            Some(lost) => {
                subscriber.forget(lost);
                subscriber.oldest = Some(lost);
                let oldest = self.deliverable(&subscriber).first().copied();
                (subscriber.gap(Some(lost - id)), Resume::Gap(lost - id, oldest))
            }
        }
    }

    /// The newest event held with this id of the publisher's.
    pub(crate) fn find(&mut self, now: Duration, id: &str) -> Option<u64> {
        self.expire(now);
        self.held.iter().rev().find(|event| event.given_id.as_deref() == Some(id)).map(|event| event.number)
    }

    pub(crate) fn next(&mut self, now: Duration, subscriber: &mut Subscriber) -> Next {
        self.expire(now);
        if let Some(before) = subscriber.oldest.take() {
            let lost = self.lost(subscriber).last().copied().unwrap_or(before);
            if lost > before {
                subscriber.forget(lost);
                subscriber.passed.clear();
            }
            subscriber.gap.iter_mut().flatten().for_each(|missed| *missed += lost - before);
        }
        match subscriber.gap.take() {
            Some(Some(missed)) => return Next::Gap(missed),
            Some(None) => return Next::Unknown,
            None => {}
        }
        let lost = self.lost(subscriber);
        if let Some(last) = lost.last().copied() {
            // Of all topics it is what it missed. Of some, the numbers it might have missed.
            let first = match subscriber.topics {
                None => subscriber.queue[0].number,
                Some(_) => lost[0],
            };
            let missed = last - first + 1;
            return match subscriber.lag {
                Lag::Skip | Lag::Latest => {
                    subscriber.forget(last);
                    Next::Gap(missed)
                }
                _ => {
                    subscriber.cut = true;
                    Next::Lagged(missed)
                }
            };
        }
        match self.deliverable(subscriber).first().copied() {
            Some(number) => {
                subscriber.forget(number);
                subscriber.passed.clear();
                Next::Event(number)
            }
            None => {
                subscriber.queue.clear();
                if self.closed { Next::Closed } else { Next::Pending }
            }
        }
    }

    pub(crate) fn lag(&self, subscriber: &Subscriber) -> u64 {
        self.deliverable(subscriber).len() as u64
    }

    pub(crate) fn ready(
        &mut self,
        now: Duration,
        weight: usize,
        subscribers: &mut [&mut Subscriber],
    ) -> Result<(), Duration> {
        self.expire(now);
        let mut rest = self.held.clone();
        let mut awaited = false;
        while self.is_full(&rest, weight) {
            let doomed = rest.remove(0);
            awaited |= subscribers.iter().any(|subscriber| self.is_awaited(subscriber, &doomed));
        }
        if !awaited || self.closed {
            self.blocked = None;
            return Ok(());
        }
        let until = *self.blocked.get_or_insert(now) + self.config.wait;
        if until > now {
            return Err(until);
        }
        for subscriber in subscribers {
            subscriber.passed = subscriber.queue.iter().map(|event| event.topic).collect();
        }
        Ok(())
    }

    pub(crate) fn publish(
        &mut self,
        now: Duration,
        topic: &'static str,
        weight: usize,
        given_id: Option<String>,
        subscribers: &mut [&mut Subscriber],
    ) -> usize {
        self.expire(now);
        let number = self.history.len() as u64 + 1;
        let event = Event { number, topic, weight, published: now, given_id };
        self.kept.retain(|kept| kept.topic != topic);
        self.history.push(event.clone());
        while self.is_full(&self.held, weight) {
            self.drop_oldest();
        }
        self.blocked = None;
        self.held.push(event.clone());
        let mut count = 0;
        for subscriber in subscribers.iter_mut().filter(|subscriber| subscriber.wants(event.topic)) {
            subscriber.queue.push(event.clone());
            count += 1;
        }
        count
    }

    pub(crate) fn held(&self) -> (usize, usize) {
        (self.held.len(), self.held.iter().map(|event| event.weight).sum())
    }

    fn expire(&mut self, now: Duration) {
        while let (Some(age), Some(oldest)) = (self.config.age, self.held.first()) {
            if oldest.published + age > now {
                return;
            }
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let event = self.held.remove(0);
        if self.is_latest(&event) {
            self.kept.push(event);
        }
        let weight = |kept: &[Event]| kept.iter().map(|event| event.weight).sum::<usize>();
        while self.kept.len() > self.config.latest || weight(&self.kept) > self.config.bytes {
            self.lost_latest.push(self.kept.remove(0).number);
        }
    }

    fn is_full(&self, held: &[Event], weight: usize) -> bool {
        let together: usize = held.iter().map(|event| event.weight).sum();
        !held.is_empty() && (held.len() >= self.config.events || together + weight > self.config.bytes)
    }

    fn is_held(&self, event: &Event) -> bool {
        self.held.iter().any(|held| held.number == event.number)
    }

    fn is_latest(&self, event: &Event) -> bool {
        self.history.iter().rev().find(|other| other.topic == event.topic).unwrap().number == event.number
    }

    /// What of its list is gone.
    fn lost(&self, subscriber: &Subscriber) -> Vec<u64> {
        let is_lost = |event: &&Event| match subscriber.lag {
            Lag::Latest => self.lost_latest.contains(&event.number),
            _ => !self.is_held(event),
        };
        subscriber.queue.iter().filter(is_lost).map(|event| event.number).collect()
    }

    fn deliverable(&self, subscriber: &Subscriber) -> Vec<u64> {
        let is_there = |event: &&Event| match subscriber.lag {
            Lag::Latest => {
                let kept = self.kept.iter().any(|kept| kept.number == event.number);
                self.is_latest(event) && (kept || self.is_held(event))
            }
            _ => self.is_held(event),
        };
        subscriber.queue.iter().filter(is_there).map(|event| event.number).collect()
    }

    /// Nobody waits once more for a subscriber that has lost an event of the topic.
    fn is_awaited(&self, subscriber: &Subscriber, event: &Event) -> bool {
        let has_it_to_come = subscriber.queue.iter().any(|queued| queued.number == event.number);
        let has_lost = subscriber.queue.iter().any(|queued| {
            !self.is_held(queued) && (subscriber.topics.is_none() || queued.topic == event.topic)
        });
        let passed = match subscriber.topics {
            None => !subscriber.passed.is_empty(),
            Some(_) => subscriber.passed.contains(&event.topic),
        };
        subscriber.lag == Lag::Wait && !subscriber.cut && !passed && has_it_to_come && !has_lost
    }
}
