// What the hubs of all adapters must do. Included by a test of each, which brings `Hub` and `Subscriber`, `recv!` and
// `publish_waiting!` that wait for what these do, and `elsewhere`, which runs something in another thread.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use sse_proto::hub::{HubConfig, Delivery, Lag, PublishError, Resume, Subscription};

/// The number in an event's data.
fn number(delivery: &Delivery<Frame>) -> u64 {
    let Delivery::Event(frame) = delivery else { panic!("{delivery:?}") };
    let text = std::str::from_utf8(frame.bytes()).unwrap();
    text.split("data: ").nth(1).unwrap().trim().parse().unwrap()
}

#[test]
fn everybody_gets_everything_in_the_same_order() {
    const PUBLISHERS: u64 = 4;
    const EVENTS: u64 = 2000;
    const SUBSCRIBERS: usize = 20;
    let mut config = HubConfig::default();
    config.events = (PUBLISHERS * EVENTS) as usize;
    let hub: Hub = Hub::new(config);
    let (tell, told) = mpsc::channel();
    let subscribers: Vec<Subscriber> = (0..SUBSCRIBERS)
        .map(|at| match at % 2 {
            0 => hub.subscribe(&Subscription::to_all()),
            _ => hub.subscribe(&Subscription::to(["a", "b"])),
        })
        .collect();
    for mut subscriber in subscribers {
        let tell = tell.clone();
        elsewhere(move || {
            let mut seen = Vec::new();
            loop {
                match recv!(subscriber) {
                    Delivery::Closed => break,
                    event => seen.push(number(&event)),
                }
            }
            tell.send(seen).unwrap();
        });
    }
    let (done, all_done) = mpsc::channel();
    for publisher in 0..PUBLISHERS {
        let (hub, done) = (hub.clone(), done.clone());
        elsewhere(move || {
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
        std::thread::yield_now();
    }
    assert_eq!(hub.publish("a", "late"), Err(PublishError::Closed));
}

#[test]
fn one_that_comes_back_goes_on_where_it_was() {
    let hub: Hub = Hub::with_generation(35, HubConfig::default());
    let mut first = hub.subscribe(&Subscription::to_all());
    for event in 1..=5 {
        hub.publish("", &*event.to_string()).unwrap();
    }
    assert_eq!((number(&recv!(first)), number(&recv!(first))), (1, 2));
    drop(first);
    let (mut back, answer) = hub.resume(&Subscription::to_all(), "z-2");
    assert_eq!(answer, Resume::Resumed { events: 3 });
    hub.publish("", "6").unwrap();
    let seen: Vec<u64> = (0..4).map(|_| number(&recv!(back))).collect();
    assert_eq!((seen, back.try_recv()), (vec![3, 4, 5, 6], None));
    assert_eq!(number(&recv!(hub.replay(&Subscription::to_all()))), 1);
    assert_eq!(hub.resume(&Subscription::to_all(), "y-2").1, Resume::Unknown);
}

#[test]
fn one_that_never_receives_delays_nobody() {
    let mut config = HubConfig::default();
    config.events = 10;
    let hub: Hub = Hub::new(config);
    let mut stalled = hub.subscribe(&Subscription::to_all());
    let mut live = hub.subscribe(&Subscription::to_all());
    for event in 0..100_000 {
        hub.publish("", &*event.to_string()).unwrap();
        assert_eq!(number(&recv!(live)), event);
    }
    assert_eq!(recv!(stalled), Delivery::Lagged { missed: 99_990 });
    let stats = hub.stats();
    assert_eq!((stats.events, stats.lagged.disconnected, stats.delivered), (10, 1, 100_000));
}

#[test]
fn a_publisher_waits_for_those_who_want_it() {
    let mut config = HubConfig::default();
    (config.events, config.wait) = (4, Duration::from_secs(60));
    let hub: Hub = Hub::new(config);
    let mut slow = hub.subscribe(&Subscription::to_all().with_lag(Lag::Wait));
    let publisher = hub.clone();
    let (tell, told) = mpsc::channel();
    elsewhere(move || {
        for event in 0..500_u64 {
            publish_waiting!(publisher, "", &*event.to_string()).unwrap();
        }
        tell.send(()).unwrap();
    });
    let seen: Vec<u64> = (0..500).map(|_| number(&recv!(slow))).collect();
    assert_eq!(seen, (0..500).collect::<Vec<_>>());
    told.recv().unwrap();
}

#[test]
fn a_publisher_does_not_wait_for_ever_nor_for_one_that_is_gone() {
    let mut config = HubConfig::default();
    (config.events, config.wait) = (1, Duration::from_millis(50));
    let hub: Hub = Hub::new(config);
    let mut stalled = hub.subscribe(&Subscription::to_all().with_lag(Lag::Wait));
    let start = Instant::now();
    for _ in 0..3 {
        publish_waiting!(hub, "", "x").unwrap();
    }
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert_eq!(recv!(stalled), Delivery::Lagged { missed: 2 });

    config.wait = Duration::MAX;
    let hub: Hub = Hub::new(config);
    let gone = hub.subscribe(&Subscription::to_all().with_lag(Lag::Wait));
    publish_waiting!(hub, "", "x").unwrap();
    elsewhere(move || {
        std::thread::sleep(Duration::from_millis(50));
        drop(gone);
    });
    publish_waiting!(hub, "", "y").unwrap();
}

#[test]
fn closing_wakes_everybody() {
    let hub: Hub = Hub::new(HubConfig::default());
    let mut subscriber = hub.subscribe(&Subscription::to(["never"]));
    let closer = hub.clone();
    elsewhere(move || {
        std::thread::sleep(Duration::from_millis(50));
        closer.close();
    });
    assert_eq!(recv!(subscriber), Delivery::Closed);
    assert_eq!(recv!(subscriber), Delivery::Closed);
}

/// An event that looks at its hub when it is converted: the lock must not be held then.
struct Curious<'h>(&'h Hub);

impl<'e> From<Curious<'_>> for sse_proto::EventRef<'e> {
    fn from(curious: Curious<'_>) -> Self {
        assert_eq!(curious.0.stats().published, curious.0.stats().delivered);
        Self::new("seen")
    }
}

#[test]
fn events_are_converted_without_a_lock() {
    let hub: Hub = Hub::new(HubConfig::default());
    let (tell, told) = mpsc::channel();
    elsewhere(move || {
        hub.publish("", Curious(&hub)).unwrap();
        tell.send(()).unwrap();
    });
    told.recv_timeout(Duration::from_secs(10)).expect("nobody waits for itself");
}

#[test]
fn hubs_of_the_same_moment_do_not_know_the_ids_of_each_other() {
    let hubs: Vec<Hub> = (0..100).map(|_| Hub::new(HubConfig::default())).collect();
    let ids: Vec<_> = hubs.iter().map(|hub| hub.publish("", "x").unwrap().id).collect();
    for (hub, id) in hubs.iter().zip(ids.iter().skip(1)) {
        assert_eq!(hub.resume(&Subscription::to_all(), &id.to_string()).1, Resume::Unknown, "{id}");
    }
    assert!(ids[0].to_string().len() <= 34);
}

#[test]
fn closing_ends_the_waiting_of_publishers() {
    let mut config = HubConfig::default();
    (config.events, config.wait) = (1, Duration::MAX);
    let hub: Hub = Hub::new(config);
    let _stuck = hub.subscribe(&Subscription::to_all().with_lag(Lag::Wait));
    hub.publish("", "1").unwrap();
    let (closer, (tell, told)) = (hub.clone(), mpsc::channel());
    elsewhere(move || tell.send(publish_waiting!(hub, "", "2")).unwrap());
    assert!(told.recv_timeout(Duration::from_millis(50)).is_err(), "it waits");
    closer.close();
    assert_eq!(told.recv_timeout(Duration::from_secs(10)).unwrap(), Err(PublishError::Closed));
}

#[test]
fn a_topic_with_a_name_that_is_too_long_is_refused() {
    let hub: Hub = Hub::new(HubConfig::default());
    let name = "x".repeat(65_536);
    let _subscriber = hub.subscribe(&Subscription::to([&*name]));
    assert_eq!((hub.subscribers(&name), hub.stats().topics), (0, 0));
    let refused = PublishError::TopicTooLong { length: 65_536, limit: 1024 };
    assert_eq!(hub.publish(&name, "x"), Err(refused));
    assert_eq!(publish_waiting!(hub, &name, "x"), Err(refused));
}
