//! Hubs on threads, over a real Redis.

use std::time::Duration;

use sse_blocking::proto::hub::log::LogConfig;
use sse_blocking::{Delivery, HubConfig, LogHub, Start, Subscriber, Subscription};

use super::server::{Redis, wait_until};

fn next(subscriber: &mut Subscriber) -> String {
    match subscriber.recv_timeout(Duration::from_secs(10)) {
        Some(Delivery::Event(frame)) => frame.to_event().unwrap().data().to_owned(),
        Some(Delivery::Gap(_)) => "-".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_nodes_deliver_the_same_and_survive_a_restart_of_redis() {
    let mut redis = Redis::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut config = LogConfig::default();
    (config.block, config.backoff.cap) = (Duration::from_millis(300), Duration::from_millis(200));
    let node = || LogHub::new(redis.log(), HubConfig::default(), config).unwrap();
    let (one, two) = (node(), node());
    wait_until("the node follows", || two.log_stats().follow.is_connected);
    let mut subscriber = two.subscribe(&Subscription::to(["news"]));
    let first = one.publish("news", "one").unwrap();
    assert_eq!(next(&mut subscriber), "one");
    redis.kill();
    redis.restart();
    one.publish_once("2", "news", "two").unwrap();
    assert_eq!(next(&mut subscriber), "two");
    let (mut back, _) = one.resume(&Subscription::to_all(), &first.to_string());
    assert_eq!(next(&mut back), "two");
    let (mut all, _) = two.subscribe_from(&Subscription::to_all(), Start::Oldest);
    assert_eq!((next(&mut all), next(&mut all)), ("one".to_owned(), "two".to_owned()));
}

#[test]
fn many_threads_publish_at_once() {
    let redis = Redis::start(&[]);
    let hub = LogHub::new(redis.log(), HubConfig::default(), LogConfig::default()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let hub = &hub;
            scope.spawn(move || {
                for number in 0..100 {
                    hub.publish("news", format!("{thread} {number}")).unwrap();
                }
            });
        }
    });
    let mut all = hub.replay(&Subscription::to_all());
    let mut next_of = [0; 8];
    for _ in 0..800 {
        let text = next(&mut all);
        let (thread, number) = text.split_once(' ').unwrap();
        let expected = &mut next_of[thread.parse::<usize>().unwrap()];
        assert_eq!(number, expected.to_string(), "in the order of its thread");
        *expected += 1;
    }
    assert_eq!(hub.log_stats().appended, 800);
}
