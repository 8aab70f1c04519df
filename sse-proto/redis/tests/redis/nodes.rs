//! Several hubs over a real Redis.

use std::time::Duration;

use sse_redis::RedisLog;
use sse_tokio::proto::hub::log::{AppendError, Log, LogConfig, LogError, NewEvent};
use sse_tokio::{Delivery, HubConfig, LogHub, Subscriber, Subscription};
use tokio::time::{sleep, timeout};

use super::server::Redis;

pub(super) fn node(log: RedisLog) -> LogHub<RedisLog> {
    let mut config = LogConfig::default();
    (config.block, config.timeout) = (Duration::from_millis(300), Duration::from_secs(1));
    (config.publish_timeout, config.backoff.cap) = (Duration::from_secs(3), Duration::from_millis(200));
    let (hub, task) = LogHub::new(log, HubConfig::default(), config);
    tokio::spawn(task);
    hub
}

/// Waits until the nodes follow the log.
pub(super) async fn connected(nodes: &[&LogHub<RedisLog>]) {
    for node in nodes {
        while !node.log_stats().follow.is_connected {
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The next delivery, `-` for a gap, and the id of an event.
pub(super) async fn next(subscriber: &mut Subscriber) -> (String, String) {
    match timeout(Duration::from_secs(10), subscriber.recv()).await.expect("a delivery") {
        Delivery::Event(frame) => {
            let event = frame.to_event().unwrap();
            (event.data().to_owned(), event.id().unwrap_or_default().to_owned())
        }
        Delivery::Gap(_) => ("-".to_owned(), String::new()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn three_nodes_deliver_the_same_and_a_client_resumes_on_any() {
    let redis = Redis::start(&[]);
    let nodes = [node(redis.log()), node(redis.log()), node(redis.log())];
    connected(&[&nodes[0], &nodes[1], &nodes[2]]).await;
    let all = Subscription::to_all();
    let mut subscribers = nodes.each_ref().map(|node| node.subscribe(&all));
    let mut ids = Vec::new();
    for number in 0..100 {
        let position = nodes[number % 3].publish("news", format!("event {number}")).await.unwrap();
        ids.push(position.to_string());
    }
    for subscriber in &mut subscribers {
        for (number, id) in ids.iter().enumerate() {
            assert_eq!(next(subscriber).await, (format!("event {number}"), id.clone()));
        }
    }
    // On another node, from memory; and on a new one, from the log.
    let (mut back, _) = nodes[2].resume(&all, &ids[97]);
    assert_eq!(next(&mut back).await.0, "event 98");
    let new = node(redis.log());
    let (mut back, _) = new.resume(&all, &ids[10]);
    for number in 11..100 {
        assert_eq!(next(&mut back).await.0, format!("event {number}"));
    }
    nodes[0].publish("news", "live").await.unwrap();
    assert_eq!(next(&mut back).await.0, "live");
}

#[tokio::test]
async fn a_restart_with_a_file_loses_nothing_and_without_one_is_told() {
    for (file, expected) in [("yes", ["one", "two"]), ("no", ["one", "-"])] {
        let mut redis = Redis::start(&["--appendonly", file, "--appendfsync", "always"]);
        let hub = node(redis.log());
        connected(&[&hub]).await;
        let mut subscriber = hub.subscribe(&Subscription::to_all());
        hub.publish("news", "one").await.unwrap();
        assert_eq!(next(&mut subscriber).await.0, expected[0]);
        redis.kill();
        let error = hub.publish("news", "lost").await.unwrap_err();
        assert!(matches!(error, AppendError::Failed { .. }), "{error}");
        redis.restart();
        hub.publish("news", "two").await.unwrap();
        assert_eq!(next(&mut subscriber).await.0, expected[1], "{file}");
        if file == "no" {
            assert_eq!(next(&mut subscriber).await.0, "two");
        }
    }
}

#[tokio::test]
async fn what_is_deleted_trimmed_or_foreign_is_a_gap() {
    let redis = Redis::start(&[]);
    let hub = node(redis.log());
    connected(&[&hub]).await;
    let mut subscriber = hub.subscribe(&Subscription::to_all());
    let first = hub.publish("news", "one").await.unwrap().to_string();
    assert_eq!(next(&mut subscriber).await.0, "one");
    redis.cli(&["xadd", "news", "*", "some", "thing"]);
    assert_eq!(next(&mut subscriber).await.0, "-");
    hub.publish("news", "two").await.unwrap();
    assert_eq!(next(&mut subscriber).await.0, "two");
    redis.cli(&["flushall"]);
    assert_eq!(next(&mut subscriber).await.0, "-", "although nothing follows");
    hub.publish("news", "three").await.unwrap();
    assert_eq!(next(&mut subscriber).await.0, "three");
    let (mut back, _) = node(redis.log()).resume(&Subscription::to_all(), &first);
    assert_eq!(next(&mut back).await.0, "-");
    assert_eq!(next(&mut back).await.0, "three");
}

#[tokio::test]
async fn an_event_with_a_key_is_published_once() {
    let redis = Redis::start(&[]);
    let hub = node(redis.log());
    connected(&[&hub]).await;
    let mut subscriber = hub.subscribe(&Subscription::to_all());
    let first = hub.publish_once("order 7", "news", "one").await.unwrap();
    assert_eq!(hub.publish_once("order 7", "news", "one").await.unwrap(), first);
    assert!(hub.publish_once("order 8", "news", "two").await.unwrap().is_after(&first));
    assert_eq!(next(&mut subscriber).await.0, "one");
    assert_eq!(next(&mut subscriber).await.0, "two");
}

#[tokio::test]
async fn a_refusal_is_told_at_once_and_streams_stay_open() {
    let redis = Redis::start(&["--maxmemory", "2mb", "--maxmemory-policy", "noeviction"]);
    let hub = node(redis.log());
    connected(&[&hub]).await;
    let mut subscriber = hub.subscribe(&Subscription::to_all());
    let large = "x".repeat(100_000);
    let error = loop {
        match hub.publish("news", &*large).await {
            Ok(_) => drop(next(&mut subscriber).await),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(&error, AppendError::Failed { is_uncertain: false, cause: Some(LogError::Refused(_)) }),
        "{error}"
    );
    redis.cli(&["config", "set", "maxmemory", "100mb"]);
    hub.publish("news", "after").await.unwrap();
    assert_eq!(next(&mut subscriber).await.0, "after");
}

#[tokio::test]
async fn a_read_that_is_dropped_leaves_nothing_to_the_next_one() {
    let redis = Redis::start(&[]);
    let log = redis.log();
    let append = |text: &'static [u8]| log.append(NewEvent { topic: "t", data: text, key: None });
    let first = append(b"data: one\n\n").await.unwrap();
    for _ in 0..20 {
        let read = log.read(Some(first), 10, Duration::from_secs(5));
        assert!(timeout(Duration::from_millis(5), read).await.is_err());
    }
    let second = append(b"data: two\n\n").await.unwrap();
    let entries = log.read(Some(first), 10, Duration::from_secs(5)).await.unwrap();
    assert_eq!((entries.len(), entries[0].position, entries[0].previous), (1, second, Some(first)));
    assert_eq!(log.tip().await.unwrap(), Some(second));
}
