//! Hubs over a log, on threads.
#![allow(missing_docs)]

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sse_blocking::proto::hub::log::{
    AppendError, Entry, Log, LogConfig, LogError, MemoryLog, NewEvent, Position,
};
use sse_blocking::{Delivery, HubConfig, LogHub, Resume, Subscriber, Subscription};

fn node<L: Log>(log: L) -> LogHub<L> {
    let mut config = LogConfig::default();
    (config.block, config.timeout) = (Duration::from_millis(100), Duration::from_millis(100));
    (config.publish_timeout, config.backoff.base) = (Duration::from_millis(300), Duration::from_millis(10));
    let hub = LogHub::new(log, HubConfig::default(), config).unwrap();
    while !hub.log_stats().follow.is_connected {
        thread::sleep(Duration::from_millis(1));
    }
    hub
}

fn next(subscriber: &mut Subscriber) -> String {
    match subscriber.recv_timeout(Duration::from_secs(10)).expect("a delivery") {
        Delivery::Event(frame) => frame.to_event().unwrap().data().to_owned(),
        Delivery::Gap(_) => "-".to_owned(),
        _ => ".".to_owned(),
    }
}

#[test]
fn an_event_reaches_the_subscribers_of_all_nodes() {
    let log = MemoryLog::new(7, 100);
    let (one, two) = (node(log.clone()), node(log.clone()));
    let mut subscribers = [&one, &two].map(|hub| hub.subscribe(&Subscription::to(["news"])));
    let first = one.publish("news", "hello").unwrap();
    two.publish("else", "hidden").unwrap();
    two.publish("news", "again").unwrap();
    for subscriber in &mut subscribers {
        assert_eq!(next(subscriber), "hello");
        assert_eq!(next(subscriber), "again");
    }
    // A node that was not there, and reads the log.
    let three = node(log);
    let (mut back, resume) = three.resume(&Subscription::to(["news"]), &first.to_string());
    assert_eq!(resume, Resume::Reading);
    assert_eq!(next(&mut back), "again");
    one.publish("news", "live").unwrap();
    assert_eq!(next(&mut back), "live");

    three.close();
    assert_eq!(next(&mut back), ".");
    assert!(matches!(three.publish("news", "late"), Err(AppendError::Closed)));
}

#[test]
fn a_deleted_log_is_told_while_nothing_is_published() {
    let log = MemoryLog::new(7, 100);
    let hub = node(log.clone());
    let mut subscriber = hub.subscribe(&Subscription::to_all());
    hub.publish("news", "one").unwrap();
    assert_eq!(next(&mut subscriber), "one");
    log.reset(8);
    assert_eq!(next(&mut subscriber), "-");
}

#[test]
fn the_thread_ends_with_its_last_hub() {
    let log = MemoryLog::new(7, 100);
    let count = std::sync::Arc::new(());
    let hub = node(Counted(log, count.clone()));
    let subscriber = hub.subscribe(&Subscription::to_all());
    drop((hub, subscriber));
    let start = Instant::now();
    while std::sync::Arc::strong_count(&count) > 1 {
        assert!(start.elapsed() < Duration::from_secs(10), "the thread goes on");
        thread::sleep(Duration::from_millis(5));
    }
}

struct Counted(MemoryLog, #[allow(dead_code)] std::sync::Arc<()>);

impl Log for Counted {
    async fn append(&self, event: NewEvent<'_>) -> Result<Position, LogError> {
        self.0.append(event).await
    }
    async fn read(
        &self,
        after: Option<Position>,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Entry>, LogError> {
        self.0.read(after, limit, wait).await
    }
    async fn tip(&self) -> Result<Option<Position>, LogError> {
        self.0.tip().await
    }
}

/// Answers only from the third append on, and drops the answer of the second.
struct Slow(MemoryLog, AtomicU32);

impl Log for Slow {
    async fn append(&self, event: NewEvent<'_>) -> Result<Position, LogError> {
        match self.1.fetch_add(1, Ordering::Relaxed) {
            0 => pending().await,
            1 => {
                self.0.append(event).await?;
                Err(LogError::Interrupted("cut".into()))
            }
            _ => self.0.append(event).await,
        }
    }
    async fn read(
        &self,
        after: Option<Position>,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Entry>, LogError> {
        self.0.read(after, limit, wait).await
    }
    async fn tip(&self) -> Result<Option<Position>, LogError> {
        self.0.tip().await
    }
}

#[test]
fn a_publisher_waits_no_longer_than_it_is_told_and_repeats_only_what_has_a_key() {
    let hub = node(Slow(MemoryLog::new(7, 100), AtomicU32::new(0)));
    let start = Instant::now();
    let error = hub.publish("news", "a").unwrap_err();
    assert!(matches!(error, AppendError::Failed { is_uncertain: true, cause: None }), "{error}");
    assert!((300..2000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    // The answer is missing, and the append is repeated.
    let mut subscriber = hub.subscribe(&Subscription::to_all());
    hub.publish_once("b", "news", "b").unwrap();
    hub.publish("news", "c").unwrap();
    assert_eq!((next(&mut subscriber), next(&mut subscriber)), ("b".to_owned(), "c".to_owned()));
    let stats = hub.log_stats();
    assert_eq!((stats.appended, stats.append_failures, stats.appending_events), (2, 1, 0));
}
