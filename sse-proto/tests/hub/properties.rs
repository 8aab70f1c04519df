//! Whatever is done to a hub, it answers as the model does.

use std::time::Duration;

use proptest::prelude::*;
use sse_proto::hub::{Cursor, Gap, HubConfig, Id, Lag, Next, Resume, Subscription, WaitList, WaiterId};
use sse_proto::{Hub, Instant};

use super::model::{self, Model};

const TOPICS: [&str; 4] = ["", "a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    Publish {
        topic: usize,
        weight: usize,
        given: Option<u8>,
    },
    /// Asks first whether there is room, and waits as long as it has to.
    PublishReady {
        topic: usize,
        weight: usize,
    },
    Ready {
        weight: usize,
    },
    Subscribe {
        topics: Option<Vec<usize>>,
        lag: Lag,
    },
    Replay {
        topics: Option<Vec<usize>>,
        lag: Lag,
    },
    Resume {
        topics: Option<Vec<usize>>,
        lag: Lag,
        back: u64,
    },
    ResumeGiven {
        topics: Option<Vec<usize>>,
        lag: Lag,
        given: u8,
    },
    ResumeUnknown {
        topics: Option<Vec<usize>>,
        lag: Lag,
        id: &'static str,
    },
    Next {
        subscriber: usize,
        count: usize,
    },
    Unsubscribe {
        subscriber: usize,
    },
    Later {
        millis: u64,
    },
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let topics = || prop::option::of(prop::collection::vec(0..TOPICS.len(), 0..3));
    let lag = || prop::sample::select(vec![Lag::Disconnect, Lag::Skip, Lag::Latest, Lag::Wait]);
    let weight = || 0..30usize;
    let unknown =
        prop::sample::select(vec!["", "0", "7-999", "8-1", "7-01", "7-1 ", "x", "7-18446744073709551615"]);
    prop_oneof![
        12 => (0..TOPICS.len(), weight(), prop::option::weighted(0.2, 0..4u8)).prop_map(|(topic, weight, given)| Step::Publish { topic, weight, given }),
        3 => (0..TOPICS.len(), weight()).prop_map(|(topic, weight)| Step::PublishReady { topic, weight }),
        2 => weight().prop_map(|weight| Step::Ready { weight }),
        3 => (topics(), lag()).prop_map(|(topics, lag)| Step::Subscribe { topics, lag }),
        1 => (topics(), lag()).prop_map(|(topics, lag)| Step::Replay { topics, lag }),
        3 => (topics(), lag(), 0..20u64).prop_map(|(topics, lag, back)| Step::Resume { topics, lag, back }),
        1 => (topics(), lag(), 0..4u8).prop_map(|(topics, lag, given)| Step::ResumeGiven { topics, lag, given }),
        1 => (topics(), lag(), unknown).prop_map(|(topics, lag, id)| Step::ResumeUnknown { topics, lag, id }),
        12 => (0..8usize, 1..6usize).prop_map(|(subscriber, count)| Step::Next { subscriber, count }),
        1 => (0..8usize).prop_map(|subscriber| Step::Unsubscribe { subscriber }),
        3 => (0..40u64).prop_map(|millis| Step::Later { millis }),
        1 => prop::bool::weighted(0.1).prop_map(|close| if close { Step::Close } else { Step::Later { millis: 0 } }),
    ]
}

fn config() -> impl Strategy<Value = HubConfig> {
    (1..8usize, 1..100usize, prop::option::of(1..100u64), 0..3usize, 1..50u64).prop_map(
        |(events, bytes, age, latest, wait)| {
            let mut config = HubConfig::default();
            config.events = events;
            config.bytes = bytes;
            config.age = age.map(Duration::from_millis);
            config.latest = latest;
            config.wait = Duration::from_millis(wait);
            config
        },
    )
}

fn names(topics: &Option<Vec<usize>>) -> Option<Vec<&'static str>> {
    topics.as_ref().map(|topics| topics.iter().map(|topic| TOPICS[*topic]).collect())
}

fn subscription(topics: &Option<Vec<usize>>, lag: Lag) -> Subscription {
    let subscription = match names(topics) {
        None => Subscription::to_all(),
        Some(names) => Subscription::to(names),
    };
    subscription.with_lag(lag)
}

/// The number is all that is published.
struct Pair {
    hub: Hub<u64>,
    model: Model,
    now: Duration,
    subscribers: Vec<(Cursor, model::Subscriber)>,
    delivered: u64,
}

impl Pair {
    fn now(&self) -> Instant {
        Instant::from_epoch(self.now)
    }

    fn publish(&mut self, topic: usize, weight: usize, given: Option<u8>) {
        let (now, topic) = (self.now(), TOPICS[topic]);
        let id = self.hub.next_id();
        let given = given.map(|given| format!("given{given}"));
        let published = match &given {
            None => self.hub.publish(now, topic, weight, id.number()),
            Some(given) => self.hub.publish_as(now, topic, given, weight, id.number()),
        };
        assert_eq!(published.is_err(), self.model.closed);
        let Ok(published) = published else { return };
        assert_eq!(published.id, id);
        let mut subscribers: Vec<_> = self.subscribers.iter_mut().map(|(_, model)| model).collect();
        let count = self.model.publish(self.now, topic, weight, given, &mut subscribers);
        assert_eq!((published.subscribers, self.hub.subscribers(topic)), (count, count));
        for (cursor, subscriber) in &self.subscribers {
            // The others would not be woken.
            let is_listed = cursor.topics().is_none_or(|keys| keys.contains(&published.topic));
            assert_eq!(is_listed, subscriber.wants(topic));
        }
    }

    fn ready(&mut self, weight: usize) -> Result<(), Duration> {
        let mut subscribers: Vec<_> = self.subscribers.iter_mut().map(|(_, model)| model).collect();
        let expected = self.model.ready(self.now, weight, &mut subscribers);
        let ready = self.hub.ready(self.now(), weight);
        assert_eq!(ready, expected.map_err(Instant::from_epoch));
        expected
    }

    fn resume(&mut self, topics: &Option<Vec<usize>>, lag: Lag, id: &str, number: Option<u64>) {
        let (cursor, answer) = self.hub.resume(self.now(), &subscription(topics, lag), id);
        let (subscriber, expected) = self.model.resume(self.now, names(topics), lag, number);
        match (answer, expected) {
            (Resume::Resumed { events }, model::Resume::Resumed(expected)) => assert_eq!(events, expected),
            (Resume::Gap { missed, oldest }, model::Resume::Gap(expected, first)) => {
                assert_eq!((missed, oldest.map(Id::number)), (expected, first));
            }
            (Resume::Unknown, model::Resume::Unknown) => {}
            other => panic!("{other:?}"),
        }
        self.subscribers.push((cursor, subscriber));
    }

    fn next(&mut self, subscriber: usize) {
        let now = self.now();
        let Some((cursor, subscriber)) = self.subscribers.get_mut(subscriber) else { return };
        let expected = self.model.next(self.now, subscriber);
        // Otherwise some of the numbers missed are of topics that it does not want.
        let exact = cursor.topics().is_none();
        match (self.hub.next(now, cursor), expected) {
            (Next::Event(entry), model::Next::Event(number)) => {
                assert_eq!((*entry.value, entry.id.number()), (number, number));
                let event = &self.model.history[number as usize - 1];
                assert_eq!((entry.topic, entry.given_id), (event.topic, event.given_id.as_deref()));
                self.delivered += 1;
            }
            (Next::Gap(Gap::Unknown), model::Next::Unknown) => {}
            (Next::Gap(Gap::Missed(missed)), model::Next::Gap(expected))
            | (Next::Lagged { missed }, model::Next::Lagged(expected)) => {
                assert!(if exact { missed == expected } else { missed >= expected }, "{missed} {expected}");
            }
            (Next::Pending, model::Next::Pending) | (Next::Closed, model::Next::Closed) => {}
            other => panic!("{other:?}"),
        }
    }

    fn check(&mut self) {
        let stats = self.hub.stats();
        let (events, bytes) = self.model.held();
        assert_eq!((stats.events, stats.bytes), (events, bytes));
        assert_eq!(stats.published as usize, self.model.history.len());
        let dropped = stats.dropped.by_count + stats.dropped.by_bytes + stats.dropped.by_age;
        assert_eq!(stats.published, dropped + events as u64);
        // Whoever has no topic subscribes to nothing.
        let has_topics = |cursor: &Cursor| cursor.topics().is_none_or(|topics| !topics.is_empty());
        let subscribers = self.subscribers.iter().filter(|(cursor, _)| has_topics(cursor)).count();
        assert_eq!((stats.subscribers, stats.delivered), (subscribers, self.delivered));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_hub_does_what_the_model_does(config in config(), steps in prop::collection::vec(step(), 0..120)) {
        let mut pair = Pair {
            hub: Hub::new(7, config),
            model: Model::new(config),
            now: Duration::ZERO,
            subscribers: Vec::new(),
            delivered: 0,
        };
        for step in steps {
            match step {
                Step::Publish { topic, weight, given } => pair.publish(topic, weight, given),
                Step::PublishReady { topic, weight } => {
                    if let Err(until) = pair.ready(weight) {
                        pair.now = until;
                        assert_eq!(pair.ready(weight), Ok(()), "nobody waits longer");
                    }
                    pair.publish(topic, weight, None);
                }
                Step::Ready { weight } => drop(pair.ready(weight)),
                Step::Subscribe { topics, lag } => {
                    let cursor = pair.hub.subscribe(&subscription(&topics, lag));
                    let subscriber = pair.model.subscribe(names(&topics), lag);
                    pair.subscribers.push((cursor, subscriber));
                }
                Step::Replay { topics, lag } => {
                    let cursor = pair.hub.replay(pair.now(), &subscription(&topics, lag));
                    let subscriber = pair.model.replay(pair.now, names(&topics), lag);
                    pair.subscribers.push((cursor, subscriber));
                }
                Step::Resume { topics, lag, back } => {
                    let published = pair.model.history.len() as u64;
                    let number = published.saturating_sub(back);
                    pair.resume(&topics, lag, &format!("7-{number}"), Some(number));
                }
                Step::ResumeGiven { topics, lag, given } => {
                    let id = format!("given{given}");
                    let number = pair.model.find(pair.now, &id);
                    pair.resume(&topics, lag, &id, number);
                }
                Step::ResumeUnknown { topics, lag, id } => pair.resume(&topics, lag, id, None),
                Step::Next { subscriber, count } => (0..count).for_each(|_| pair.next(subscriber)),
                Step::Unsubscribe { subscriber } => {
                    if subscriber < pair.subscribers.len() {
                        let (cursor, _) = pair.subscribers.remove(subscriber);
                        pair.hub.unsubscribe(cursor);
                    }
                }
                Step::Later { millis } => pair.now += Duration::from_millis(millis),
                Step::Close => {
                    pair.hub.close();
                    pair.model.closed = true;
                }
            }
            pair.check();
        }
    }

    /// Where topics are forgotten, a client may be told of a gap that is none, but never that there is none.
    #[test]
    fn a_forgotten_topic_never_hides_a_gap(
        topics in 0..4usize,
        published in prop::collection::vec(0..12u8, 1..80),
        wanted in 0..12u8,
        after in 1..80u64,
    ) {
        let now = Instant::default();
        let mut config = HubConfig::default();
        config.events = 4;
        config.topics = topics;
        let mut hub = Hub::new(7, config);
        for topic in &published {
            let number = hub.next_id().number();
            hub.publish(now, &topic.to_string(), 1, number).unwrap();
        }
        prop_assert!(hub.stats().topics <= 12.min(4 + topics), "{}", hub.stats().topics);
        let after = after.min(published.len() as u64);
        let numbers = (1..).zip(&published).filter(|(number, topic)| **topic == wanted && *number > after);
        let missed: Vec<u64> = numbers.map(|(number, _)| number).collect();
        let held: Vec<u64> = missed.iter().copied().filter(|number| number + 4 > published.len() as u64).collect();
        let (mut cursor, answer) = hub.resume(now, &Subscription::to([wanted.to_string().as_str()]), &format!("7-{after}"));
        match answer {
            Resume::Resumed { events } => {
                prop_assert_eq!(events as usize, missed.len());
                prop_assert_eq!(&held, &missed);
            }
            Resume::Gap { missed: at_most, .. } => {
                prop_assert!(at_most >= (missed.len() - held.len()) as u64);
            }
            other => prop_assert!(false, "{:?}", other),
        }
        let mut seen = Vec::new();
        loop {
            match hub.next(now, &mut cursor) {
                Next::Event(entry) => seen.push(*entry.value),
                Next::Gap(_) => prop_assert!(seen.is_empty(), "told first"),
                _ => break,
            }
        }
        prop_assert_eq!(seen, held);
    }
}

/// A subscriber that waits whenever there is nothing for it, as adapters do it.
struct Sleeper {
    number: usize,
    cursor: Cursor,
    waiter: WaiterId,
    seen: Vec<u64>,
    expected: Vec<u64>,
    topics: Option<Vec<&'static str>>,
}

impl Sleeper {
    fn work(&mut self, hub: &mut Hub<u64>, wait_list: &mut WaitList<usize>) {
        while let Next::Event(entry) = hub.next(Instant::default(), &mut self.cursor) {
            self.seen.push(*entry.value);
        }
        wait_list.wait(&self.waiter, self.number);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Only those that are taken look again, some of them late and some for no reason: still everybody gets everything.
    #[test]
    fn whoever_waits_is_woken(steps in prop::collection::vec((0..10u8, 0..4usize, prop::option::of(prop::collection::vec(0..4usize, 0..3))), 0..200)) {
        let mut config = HubConfig::default();
        config.topics = 1;
        let mut hub: Hub<u64> = Hub::new(7, config);
        let mut wait_list = WaitList::new();
        let mut sleepers: Vec<Sleeper> = Vec::new();
        let mut woken = Vec::new();
        for (number, (step, topic, topics)) in steps.into_iter().enumerate() {
            match step {
                0..2 => {
                    let cursor = hub.subscribe(&subscription(&topics, Lag::Skip));
                    let (waiter, topics) = (wait_list.insert(&cursor), names(&topics));
                    let mut sleeper = Sleeper { number, cursor, waiter, seen: Vec::new(), expected: Vec::new(), topics };
                    sleeper.work(&mut hub, &mut wait_list);
                    sleepers.push(sleeper);
                }
                2 if !sleepers.is_empty() => {
                    let gone = sleepers.swap_remove(topic % sleepers.len());
                    hub.unsubscribe(gone.cursor);
                    wait_list.remove(gone.waiter);
                    woken.retain(|number| *number != gone.number);
                }
                3 if !sleepers.is_empty() => {
                    let busy = topic % sleepers.len();
                    sleepers[busy].work(&mut hub, &mut wait_list);
                }
                4..8 => {
                    let id = hub.next_id().number();
                    let published = hub.publish(Instant::default(), TOPICS[topic], 1, id).unwrap();
                    wait_list.drain(published.topic, &mut woken);
                    for sleeper in &mut sleepers {
                        if sleeper.topics.as_ref().is_none_or(|topics| topics.contains(&TOPICS[topic])) {
                            sleeper.expected.push(id);
                        }
                    }
                }
                _ => {
                    for number in woken.drain(..) {
                        let sleeper = sleepers.iter_mut().find(|sleeper| sleeper.number == number);
                        sleeper.expect("nobody is woken who has left").work(&mut hub, &mut wait_list);
                    }
                }
            }
        }
        for number in woken {
            let sleeper = sleepers.iter_mut().find(|sleeper| sleeper.number == number).expect("is there");
            sleeper.work(&mut hub, &mut wait_list);
        }
        for sleeper in &sleepers {
            prop_assert_eq!(&sleeper.seen, &sleeper.expected);
        }
        let mut everybody = Vec::new();
        wait_list.drain_all(&mut everybody);
        everybody.sort_unstable();
        everybody.dedup();
        prop_assert_eq!(everybody.len(), sleepers.len());
    }
}
