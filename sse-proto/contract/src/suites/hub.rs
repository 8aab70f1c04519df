//! What the hub of every adapter must do.

use std::fmt;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sse_proto::hub::{Delivery, HubConfig, Lag, PublishError, Resume, SubscribeError, Subscription};
use sse_proto::{AsEvent, EventRef, Frame};

use crate::adapter::{Adapter, Hub, Subscriber};

/// Makes test functions of the suite.
#[macro_export]
macro_rules! hub_suite {
    ($adapter:ty) => {
        $crate::async_tests! {
            hub, $adapter as $crate::adapter::Adapter;
            everybody_gets_everything_in_the_same_order
            one_that_comes_back_goes_on_where_it_was
            one_that_never_receives_delays_nobody
            a_publisher_waits_for_those_who_want_it
            a_publisher_does_not_wait_for_ever_nor_for_one_that_is_gone
            closing_wakes_everybody
            events_are_converted_without_a_lock
            hubs_of_the_same_moment_do_not_know_the_ids_of_each_other
            closing_ends_the_waiting_of_publishers
            a_topic_with_a_name_that_is_too_long_is_refused
            a_filter_is_asked_without_a_lock
            closing_a_client_wakes_its_streams_alone
            closing_a_topic_wakes_its_subscribers
        }
    };
}

/// The number in an event's data.
pub fn number<B: AsRef<[u8]> + fmt::Debug>(delivery: &Delivery<Frame<B>>) -> u64 {
    let Delivery::Event(frame) = delivery else { panic!("{delivery:?}") };
    let text = std::str::from_utf8(frame.bytes()).unwrap();
    text.split("data: ").nth(1).unwrap().trim().parse().unwrap()
}

/// The numbers in so many deliveries.
async fn numbers(subscriber: &mut impl Subscriber, count: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    for _ in 0..count {
        seen.push(number(&subscriber.recv().await));
    }
    seen
}

pub async fn everybody_gets_everything_in_the_same_order<A: Adapter>() {
    const PUBLISHERS: u64 = 4;
    const EVENTS: u64 = 2000;
    const SUBSCRIBERS: usize = 20;
    let mut config = HubConfig::default();
    config.events = (PUBLISHERS * EVENTS) as usize;
    let hub = A::Hub::new(config);
    let (tell, told) = mpsc::channel();
    let subscribers: Vec<_> = (0..SUBSCRIBERS)
        .map(|at| match at % 2 {
            0 => hub.subscribe(&Subscription::to_all()),
            _ => hub.subscribe(&Subscription::to(["a", "b"])),
        })
        .collect();
    for mut subscriber in subscribers {
        let tell = tell.clone();
        thread::spawn(move || {
            A::block_on(async {
                let mut seen = Vec::new();
                loop {
                    match subscriber.recv().await {
                        Delivery::Closed => break,
                        event => seen.push(number(&event)),
                    }
                }
                tell.send(seen).unwrap();
            });
        });
    }
    let (done, all_done) = mpsc::channel();
    for publisher in 0..PUBLISHERS {
        let (hub, done) = (hub.clone(), done.clone());
        thread::spawn(move || {
            for event in 0..EVENTS {
                let topic = if event % 2 == 0 { "a" } else { "b" };
                hub.publish(topic, &*(publisher * EVENTS + event).to_string()).unwrap();
            }
            done.send(()).unwrap();
        });
    }
    (0..PUBLISHERS).for_each(|_| all_done.recv().unwrap());
    hub.close();
    let first = told.recv().unwrap();
    for _ in 1..SUBSCRIBERS {
        assert!(told.recv().unwrap() == first, "the same events in the same order");
    }
    for publisher in 0..PUBLISHERS {
        let own: Vec<u64> = first.iter().copied().filter(|number| number / EVENTS == publisher).collect();
        assert_eq!(own, (publisher * EVENTS..(publisher + 1) * EVENTS).collect::<Vec<_>>());
    }
    // Each is gone once its last reference is; the threads may still be about to drop theirs.
    let start = Instant::now();
    while hub.stats().subscribers > 0 {
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", hub.stats());
        thread::yield_now();
    }
    assert_eq!(hub.publish("a", "late"), Err(PublishError::Closed));
}

pub async fn one_that_comes_back_goes_on_where_it_was<A: Adapter>() {
    let hub = A::Hub::with_generation(35, HubConfig::default());
    let mut first = hub.subscribe(&Subscription::to_all());
    for event in 1..=5 {
        hub.publish("", event.to_string()).unwrap();
    }
    assert_eq!((number(&first.recv().await), number(&first.recv().await)), (1, 2));
    drop(first);
    let (mut back, answer) = hub.resume(&Subscription::to_all(), "z-2");
    assert_eq!(answer, Resume::Resumed { events: 3 });
    hub.publish("", "6").unwrap();
    let seen = numbers(&mut back, 4).await;
    assert_eq!((seen, back.try_recv()), (vec![3, 4, 5, 6], None));
    assert_eq!(number(&hub.replay(&Subscription::to_all()).recv().await), 1);
    assert_eq!(hub.resume(&Subscription::to_all(), "y-2").1, Resume::Unknown);
}

pub async fn one_that_never_receives_delays_nobody<A: Adapter>() {
    let mut config = HubConfig::default();
    config.events = 10;
    let hub = A::Hub::new(config);
    let mut stalled = hub.subscribe(&Subscription::to_all());
    let mut live = hub.subscribe(&Subscription::to_all());
    for event in 0..100_000 {
        hub.publish("", event.to_string()).unwrap();
        assert_eq!(number(&live.recv().await), event);
    }
    assert_eq!(stalled.recv().await, Delivery::Lagged { missed: 99_990 });
    let stats = hub.stats();
    assert_eq!((stats.events, stats.lagged.disconnected, stats.delivered), (10, 1, 100_000));
}

pub async fn a_publisher_waits_for_those_who_want_it<A: Adapter>() {
    let mut config = HubConfig::default();
    (config.events, config.wait) = (4, Duration::from_secs(60));
    let hub = A::Hub::new(config);
    let mut slow = hub.subscribe(&Subscription::to_all().with_lag(Lag::Wait));
    let publisher = hub.clone();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        A::block_on(async {
            for event in 0..500_u64 {
                publisher.publish_waiting("", event.to_string()).await.unwrap();
            }
        });
        tell.send(()).unwrap();
    });
    let seen = numbers(&mut slow, 500).await;
    assert_eq!(seen, (0..500).collect::<Vec<_>>());
    told.recv().unwrap();
}

pub async fn a_publisher_does_not_wait_for_ever_nor_for_one_that_is_gone<A: Adapter>() {
    let mut config = HubConfig::default();
    (config.events, config.wait) = (1, Duration::from_millis(50));
    let hub = A::Hub::new(config);
    let mut stalled = hub.subscribe(&Subscription::to_all().with_lag(Lag::Wait));
    let start = Instant::now();
    for _ in 0..3 {
        hub.publish_waiting("", "x").await.unwrap();
    }
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert_eq!(stalled.recv().await, Delivery::Lagged { missed: 2 });

    config.wait = Duration::MAX;
    let hub = A::Hub::new(config);
    let gone = hub.subscribe(&Subscription::to_all().with_lag(Lag::Wait));
    hub.publish_waiting("", "x").await.unwrap();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        drop(gone);
    });
    hub.publish_waiting("", "y").await.unwrap();
}

pub async fn closing_wakes_everybody<A: Adapter>() {
    let hub = A::Hub::new(HubConfig::default());
    let mut subscriber = hub.subscribe(&Subscription::to(["never"]));
    let closer = hub.clone();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        closer.close();
    });
    assert_eq!(subscriber.recv().await, Delivery::Closed);
    assert_eq!(subscriber.recv().await, Delivery::Closed);
}

/// An event that looks at its hub when it is converted: the lock must not be held then.
struct Curious<'h, H>(&'h H);

impl<H: Hub> AsEvent for Curious<'_, H> {
    fn as_event(&self) -> EventRef<'_> {
        assert_eq!(self.0.stats().published, self.0.stats().delivered);
        EventRef::new("seen")
    }
}

pub async fn events_are_converted_without_a_lock<A: Adapter>() {
    let hub = A::Hub::new(HubConfig::default());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        hub.publish("", Curious(&hub)).unwrap();
        tell.send(()).unwrap();
    });
    told.recv_timeout(Duration::from_secs(10)).expect("nobody waits for itself");
}

pub async fn hubs_of_the_same_moment_do_not_know_the_ids_of_each_other<A: Adapter>() {
    let hubs: Vec<_> = (0..100).map(|_| A::Hub::new(HubConfig::default())).collect();
    let ids: Vec<_> = hubs.iter().map(|hub| hub.publish("", "x").unwrap().id).collect();
    for (hub, id) in hubs.iter().zip(ids.iter().skip(1)) {
        assert_eq!(hub.resume(&Subscription::to_all(), &id.to_string()).1, Resume::Unknown, "{id}");
    }
    assert!(ids[0].to_string().len() <= 34);
}

pub async fn closing_ends_the_waiting_of_publishers<A: Adapter>() {
    let mut config = HubConfig::default();
    (config.events, config.wait) = (1, Duration::MAX);
    let hub = A::Hub::new(config);
    let _stuck = hub.subscribe(&Subscription::to_all().with_lag(Lag::Wait));
    hub.publish("", "1").unwrap();
    let (closer, (tell, told)) = (hub.clone(), mpsc::channel());
    thread::spawn(move || tell.send(A::block_on(hub.publish_waiting("", "2"))).unwrap());
    assert!(told.recv_timeout(Duration::from_millis(50)).is_err(), "it waits");
    closer.close();
    assert_eq!(told.recv_timeout(Duration::from_secs(10)).unwrap(), Err(PublishError::Closed));
}

pub async fn a_topic_with_a_name_that_is_too_long_is_refused<A: Adapter>() {
    let hub = A::Hub::new(HubConfig::default());
    let name = "x".repeat(65_536);
    let _subscriber = hub.subscribe(&Subscription::to([&*name]));
    assert_eq!((hub.subscribers(&name), hub.stats().topics), (0, 0));
    let refused = PublishError::TopicTooLong { length: 65_536, limit: 1024 };
    assert_eq!(hub.publish(&name, "x"), Err(refused));
    assert_eq!(hub.publish_waiting(&name, "x").await, Err(refused));
}

pub async fn a_filter_is_asked_without_a_lock<A: Adapter>() {
    let hub = A::Hub::new(HubConfig::default());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        A::block_on(async {
            let asked = hub.clone();
            let even = Subscription::to_all().with_filter(move |topic, event| {
                asked.stats().subscribers == 1
                    && topic == "n"
                    && event.data().ends_with(['0', '2', '4', '6', '8'])
            });
            let mut subscriber = hub.subscribe(&even);
            for number in 0..10 {
                hub.publish("n", number.to_string()).unwrap();
            }
            hub.publish("other", "0").unwrap();
            let seen = numbers(&mut subscriber, 5).await;
            tell.send((seen, subscriber.try_recv().is_none())).unwrap();
        });
    });
    let (seen, is_all) = told.recv_timeout(Duration::from_secs(10)).expect("nobody waits for itself");
    assert_eq!((seen, is_all), (vec![0, 2, 4, 6, 8], true));
}

pub async fn closing_a_client_wakes_its_streams_alone<A: Adapter>() {
    let mut config = HubConfig::default();
    config.streams_per_client = 2;
    let hub = A::Hub::new(config);
    let all = Subscription::to_all();
    let mut ann = hub.subscribe_as("ann", &all, None).unwrap().0;
    let ann_again = hub.subscribe_as("ann", &all, None).unwrap().0;
    let mut bob = hub.subscribe_as("bob", &all, None).unwrap().0;
    let refused = hub.subscribe_as("ann", &all, None).map(|_| ());
    assert_eq!(refused, Err(SubscribeError::TooManyStreams { limit: 2 }));
    assert_eq!(hub.clients(), [("ann".to_owned(), 2), ("bob".to_owned(), 1)]);

    let closer = hub.clone();
    let closing = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        closer.close_client("ann")
    });
    assert_eq!(ann.recv().await, Delivery::Revoked);
    assert_eq!((closing.join().unwrap(), hub.close_client("ann")), (2, 0));
    hub.publish("", "1").unwrap();
    assert_eq!(ann.recv().await, Delivery::Revoked, "nothing that comes later");
    assert_eq!(number(&bob.recv().await), 1);

    // The old streams are still there, and count no more.
    let back = hub.subscribe_as("ann", &all, None).unwrap().0;
    drop((ann, ann_again));
    assert_eq!(hub.clients(), [("ann".to_owned(), 1), ("bob".to_owned(), 1)]);
    drop((back, bob));
    assert_eq!(hub.clients(), []);
}

pub async fn closing_a_topic_wakes_its_subscribers<A: Adapter>() {
    let hub = A::Hub::new(HubConfig::default());
    let mut job = hub.subscribe(&Subscription::to(["job/1"]));
    let mut both = hub.subscribe(&Subscription::to(["job/1", "job/2"]));
    let closer = hub.clone();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        closer.publish("job/1", "1").unwrap();
        assert!(closer.close_topic("job/1"));
        assert!(!closer.close_topic("job/1"));
        closer.publish("job/1", "2").unwrap();
        closer.publish("job/2", "3").unwrap();
    });
    assert_eq!(number(&job.recv().await), 1);
    assert_eq!(job.recv().await, Delivery::Closed);
    assert_eq!(numbers(&mut both, 2).await, [1, 3]);
}
