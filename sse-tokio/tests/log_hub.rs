//! Hubs over a log, on tokio's paused clock.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sse_tokio::proto::hub::log::{
    AppendError, Entry, Log, LogConfig, LogError, MemoryLog, NewEvent, Position,
};
use sse_tokio::{Delivery, Event, HubConfig, LogHub, Resume, Subscriber, Subscription};
use tokio::time::{Instant, sleep};

fn node<L: Log>(log: L) -> LogHub<L> {
    let (hub, task) = LogHub::new(log, HubConfig::default(), LogConfig::default());
    tokio::spawn(task);
    hub
}

async fn next(subscriber: &mut Subscriber) -> String {
    match subscriber.recv().await {
        Delivery::Event(frame) => frame.to_event().unwrap().data().to_owned(),
        Delivery::Gap(_) => "-".to_owned(),
        _ => ".".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_reaches_the_subscribers_of_all_nodes() {
    let log = MemoryLog::new(7, 100);
    let (one, two) = (node(log.clone()), node(log.clone()));
    sleep(Duration::from_millis(1)).await;
    let mut subscribers = [&one, &two].map(|hub| hub.subscribe(&Subscription::to(["news"])));
    let first = one.publish("news", "hello").await.unwrap();
    two.publish("else", "hidden").await.unwrap();
    two.publish("news", Event::new("again")).await.unwrap();
    for subscriber in &mut subscribers {
        assert_eq!(next(subscriber).await, "hello");
        assert_eq!(next(subscriber).await, "again");
    }
    // A node that was not there, and reads the log.
    let three = node(log);
    let (mut back, resume) = three.resume(&Subscription::to(["news"]), &first.to_string());
    assert_eq!(resume, Resume::Reading);
    assert_eq!(next(&mut back).await, "again");
    one.publish("news", "live").await.unwrap();
    assert_eq!(next(&mut back).await, "live");

    three.close();
    assert_eq!(next(&mut back).await, ".");
    assert!(matches!(three.publish("news", "late").await, Err(AppendError::Closed)));
    let own_id = Event::new("x").with_id("1").unwrap();
    assert!(matches!(one.publish("news", &own_id).await, Err(AppendError::HasId)));
}

#[tokio::test(start_paused = true)]
async fn who_subscribes_before_the_log_is_followed_misses_nothing_of_this_node() {
    let log = MemoryLog::new(7, 100);
    let (hub, task) = LogHub::new(log.clone(), HubConfig::default(), LogConfig::default());
    log.append(NewEvent { topic: "news", data: b"data: before\n\n", key: None }).await.unwrap();
    let mut subscriber = hub.subscribe(&Subscription::to_all());
    // The task is slow to start.
    hub.publish("news", "one").await.unwrap();
    hub.publish("news", "two").await.unwrap();
    tokio::spawn(task);
    assert_eq!(next(&mut subscriber).await, "one");
    assert_eq!(next(&mut subscriber).await, "two");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_log_is_told_while_nothing_is_published() {
    let log = MemoryLog::new(7, 100);
    let hub = node(log.clone());
    sleep(Duration::from_millis(1)).await;
    let mut subscriber = hub.subscribe(&Subscription::to_all());
    hub.publish("news", "one").await.unwrap();
    assert_eq!(next(&mut subscriber).await, "one");
    log.reset(8);
    let start = Instant::now();
    assert_eq!(next(&mut subscriber).await, "-");
    assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
}

#[tokio::test]
async fn the_end_of_the_task_closes_the_hub_and_the_end_of_the_hub_the_task() {
    let (hub, task) = LogHub::<_>::new(MemoryLog::new(7, 9), HubConfig::default(), LogConfig::default());
    let mut subscriber = hub.subscribe(&Subscription::to_all());
    drop(task);
    assert_eq!(next(&mut subscriber).await, ".");
    let (hub, task) = LogHub::<_>::new(MemoryLog::new(7, 9), HubConfig::default(), LogConfig::default());
    let task = tokio::spawn(task);
    hub.close();
    task.await.unwrap();
}

/// What a log does that is not there.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Silent,
    Unreachable,
    Interrupted,
    Refused,
}

struct Broken {
    fault: Fault,
    appends: AtomicU32,
    /// How often it tells where it ends, before that fails as well.
    tips: AtomicU32,
}

impl Broken {
    async fn fail<T>(&self) -> Result<T, LogError> {
        match self.fault {
            Fault::Silent => pending().await,
            Fault::Unreachable => Err(LogError::Unreachable("refused".into())),
            Fault::Interrupted => Err(LogError::Interrupted("reset".into())),
            Fault::Refused => Err(LogError::Refused("out of memory".into())),
        }
    }
}

impl Log for &'static Broken {
    async fn append(&self, _: NewEvent<'_>) -> Result<Position, LogError> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        self.fail().await
    }

    async fn read(&self, _: Option<Position>, _: usize, _: Duration) -> Result<Vec<Entry>, LogError> {
        self.fail().await
    }

    async fn tip(&self) -> Result<Option<Position>, LogError> {
        let has_tip =
            self.tips.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tips| tips.checked_sub(1));
        if has_tip.is_ok() { Ok(None) } else { self.fail().await }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_not_appended_before_the_log_tells_where_it_ends() {
    let (appends, tips) = (AtomicU32::new(0), AtomicU32::new(0));
    let log: &'static Broken = Box::leak(Box::new(Broken { fault: Fault::Interrupted, appends, tips }));
    let start = Instant::now();
    let error = node(log).publish("news", "a").await.unwrap_err();
    assert!(matches!(error, AppendError::Failed { is_uncertain: false, .. }), "{error}");
    assert!(start.elapsed() > Duration::from_secs(2), "asked again");
    assert_eq!(log.appends.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn an_append_is_repeated_where_that_is_safe_and_ends_in_time() {
    // The fault, whether the event has a key, the seconds that it takes, whether it is repeated, whether the log may have it.
    for (fault, key, seconds, is_repeated, is_uncertain) in [
        (Fault::Silent, false, 5, false, true),
        (Fault::Unreachable, false, 5, true, false),
        (Fault::Interrupted, false, 0, false, true),
        (Fault::Interrupted, true, 5, true, true),
        (Fault::Refused, true, 0, false, false),
    ] {
        let (appends, tips) = (AtomicU32::new(0), AtomicU32::new(1));
        let log: &'static Broken = Box::leak(Box::new(Broken { fault, appends, tips }));
        let hub = node(log);
        let start = Instant::now();
        let error = match key {
            true => hub.publish_once("key", "news", "a").await,
            false => hub.publish("news", "a").await,
        }
        .unwrap_err();
        let AppendError::Failed { is_uncertain: uncertain, .. } = &error else { panic!("{error}") };
        assert_eq!(*uncertain, is_uncertain, "{fault:?}: {error}");
        let took = start.elapsed();
        // The last repetition that would be too late is not waited for.
        assert!(
            took <= Duration::from_secs(seconds) && took >= Duration::from_secs(seconds / 2),
            "{fault:?}: {took:?}"
        );
        assert_eq!(log.appends.load(Ordering::Relaxed) > 1, is_repeated, "{fault:?}");
        assert_eq!(hub.log_stats().appending_events, 0);
        sleep(Duration::from_secs(20)).await;
        assert!(!hub.log_stats().follow.is_connected);
    }
}
