//! One test for each thing a hub promises.

use std::time::Duration;

use sse_proto::hub::{AfterGap, Cursor, Gap, HubConfig, Lag, Next, PublishError, Resume, Subscription};
use sse_proto::{Event, Frame, Hub, Instant};

fn at(millis: u64) -> Instant {
    Instant::from_epoch(Duration::from_millis(millis))
}

fn hub(events: usize) -> Hub<String> {
    let mut config = HubConfig::default();
    config.events = events;
    Hub::new(7, config)
}

fn publish(hub: &mut Hub<String>, topic: &str, value: &str) {
    hub.publish(at(0), topic, value.len(), value.into()).unwrap();
}

/// All that comes now, in one line.
fn drain(hub: &mut Hub<String>, cursor: &mut Cursor, now: Instant) -> String {
    let mut seen = Vec::new();
    loop {
        match hub.next(now, cursor) {
            Next::Event(entry) => seen.push(entry.value.clone()),
            Next::Gap(gap) => seen.push(format!("gap({gap})")),
            Next::Position(id) => seen.push(format!("at({id})")),
            Next::Pending => return seen.join(" "),
            Next::Lagged { missed } => return seen.join(" ") + &format!("lagged({missed})"),
            Next::Closed => return seen.join(" ") + "closed",
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn one_who_is_caught_up_costs_a_few_words() {
    // On 64 bits: the number, two words for the topics it may have chosen, what it is to be told first, who waits
    // for it, the policy.
    assert!(size_of::<Cursor>() <= 48, "{}", size_of::<Cursor>());
}

#[test]
fn broadcast_and_direct() {
    let mut hub = hub(10);
    let mut ann = hub.subscribe(&Subscription::to(["all", "to/ann"]));
    let mut tab = hub.subscribe(&Subscription::to(["to/ann", "all", "all"]));
    let mut bob = hub.subscribe(&Subscription::to(["all", "to/bob"]));
    assert_eq!((hub.subscribers("to/ann"), hub.subscribers("to/nobody")), (2, 0));
    let published = hub.publish(at(0), "to/ann", 0, "psst".into()).unwrap();
    assert_eq!(published.subscribers, 2);
    assert!(ann.topics().unwrap().contains(&published.topic));
    assert!(!bob.topics().unwrap().contains(&published.topic));
    publish(&mut hub, "all", "hello");
    assert_eq!(drain(&mut hub, &mut ann, at(0)), "psst hello");
    assert_eq!(drain(&mut hub, &mut tab, at(0)), "psst hello");
    assert_eq!(drain(&mut hub, &mut bob, at(0)), "hello");
    for cursor in [ann, tab, bob] {
        hub.unsubscribe(cursor);
    }
    assert_eq!((hub.subscribers("to/ann"), hub.stats().subscribers), (0, 0));
}

#[test]
fn ids_are_not_mistaken_after_a_restart() {
    let mut before: Hub<String> = Hub::new(7, HubConfig::default());
    (0..3).for_each(|_| publish(&mut before, "", "x"));
    let mut after: Hub<String> = Hub::new(8, HubConfig::default());
    publish(&mut after, "", "new");
    let (mut cursor, answer) = after.resume(at(0), &Subscription::to_all(), "7-1");
    assert_eq!(answer, Resume::Unknown);
    assert_eq!(drain(&mut after, &mut cursor, at(0)), "gap(unknown) new", "nothing is lost that is there");
    let (mut cursor, answer) = before.resume(at(0), &Subscription::to_all(), "7-1");
    assert_eq!(answer, Resume::Resumed { events: 2 });
    assert_eq!(drain(&mut before, &mut cursor, at(0)), "x x");
}

#[test]
fn whatever_a_client_sends_as_an_id_is_answered() {
    let mut hub = hub(2);
    (0..5).for_each(|at| publish(&mut hub, "", &at.to_string()));
    let huge = "7-".repeat(40_000);
    for id in ["", "-", "6-0", "7-6", "7-99999999999999999999", "7", "\0", "é", "7-1\r\n", &huge] {
        let (cursor, answer) = hub.resume(at(0), &Subscription::to_all(), id);
        assert_eq!(answer, Resume::Unknown, "{id:.20}");
        hub.unsubscribe(cursor);
    }
    assert_eq!(hub.stats().replays.unknown, 10);
}

/// An id is refused by its length before it is looked at: under the hub's lock it must not cost what its length is.
#[test]
fn an_id_of_any_length_is_answered_at_once() {
    let mut hub = hub(2);
    hub.publish_as(at(0), "", "given", 1, "x".into()).unwrap();
    let huge = "x".repeat(65_000);
    let start = std::time::Instant::now();
    for _ in 0..10_000 {
        let (cursor, answer) = hub.resume(at(0), &Subscription::to_all(), &huge);
        assert_eq!(answer, Resume::Unknown);
        hub.unsubscribe(cursor);
    }
    // It took 105 µs each, so more than a second.
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
}

#[test]
fn a_gap_is_told_with_the_oldest_event_there_is() {
    let mut hub = hub(3);
    (1..=9).for_each(|at| publish(&mut hub, "", &at.to_string()));
    let (mut cursor, answer) = hub.resume(at(0), &Subscription::to_all(), "7-4");
    let Resume::Gap { missed: 2, oldest: Some(oldest) } = answer else { panic!("{answer:?}") };
    assert_eq!(oldest.to_string(), "7-7");
    assert_eq!(drain(&mut hub, &mut cursor, at(0)), "gap(2) 7 8 9");
    assert_eq!(hub.resume(at(0), &Subscription::to_all(), "7-6").1, Resume::Resumed { events: 3 });
    assert_eq!(hub.resume(at(0), &Subscription::to_all(), "7-9").1, Resume::Resumed { events: 0 });
    let replays = hub.stats().replays;
    assert_eq!((replays.resumed, replays.gap, replays.unknown), (2, 1, 0));
}

#[test]
fn what_others_are_sent_is_no_gap() {
    let mut hub = hub(3);
    publish(&mut hub, "to/ann", "1");
    let mut live = hub.subscribe(&Subscription::to(["to/ann"]));
    (0..100).for_each(|_| publish(&mut hub, "all", "x"));
    assert_eq!(drain(&mut hub, &mut live, at(0)), "");
    let (mut back, answer) = hub.resume(at(0), &Subscription::to(["to/ann"]), "7-1");
    assert_eq!(answer, Resume::Resumed { events: 0 });
    publish(&mut hub, "to/ann", "2");
    assert_eq!(drain(&mut hub, &mut live, at(0)), "2");
    assert_eq!(drain(&mut hub, &mut back, at(0)), "2");
}

#[test]
fn each_lags_in_its_own_way() {
    for (lag, expected) in [
        (Lag::Disconnect, "lagged(4)"),
        (Lag::Skip, "gap(4) a5 b6"),
        (Lag::Latest, "a5 b6"),
        (Lag::Wait, "lagged(4)"),
    ] {
        let mut hub = hub(2);
        let mut cursor = hub.subscribe(&Subscription::to_all().with_lag(lag));
        for value in ["a1", "b2", "a3", "b4", "a5", "b6"] {
            publish(&mut hub, &value[..1], value);
        }
        assert_eq!(drain(&mut hub, &mut cursor, at(0)), expected, "{lag:?}");
        let lagged = hub.stats().lagged;
        let counts = (lagged.disconnected, lagged.gaps, lagged.waited_for);
        let expected = match lag {
            Lag::Disconnect => (1, 0, 0),
            Lag::Skip => (0, 1, 0),
            Lag::Wait => (0, 0, 1),
            _ => (0, 0, 0),
        };
        assert_eq!(counts, expected, "{lag:?}");
    }
}

#[test]
fn one_that_lagged_stays_so() {
    let mut hub = hub(1);
    let mut cursor = hub.subscribe(&Subscription::to_all());
    (0..3).for_each(|_| publish(&mut hub, "", "x"));
    assert_eq!(drain(&mut hub, &mut cursor, at(0)), "lagged(2)");
    assert_eq!(drain(&mut hub, &mut cursor, at(0)), "lagged(2)");
    assert_eq!(hub.stats().lagged.disconnected, 1, "counted once");
}

#[test]
fn the_latest_of_each_topic_outlives_the_ring() {
    let mut config = HubConfig::default();
    (config.events, config.latest) = (2, 2);
    let mut hub: Hub<String> = Hub::new(7, config);
    let latest = |topics: &[&str]| Subscription::to(topics.iter().copied()).with_lag(Lag::Latest);
    let mut slow = hub.subscribe(&Subscription::to_all().with_lag(Lag::Latest));
    for value in ["a1", "b2", "a3", "c4", "d5", "d6"] {
        publish(&mut hub, &value[..1], value);
    }
    let mut new = hub.replay(at(0), &Subscription::to_all().with_lag(Lag::Latest));
    assert_eq!(drain(&mut hub, &mut new, at(0)), "a3 c4 d6", "b2 went when c4 was kept");
    assert_eq!(drain(&mut hub, &mut slow, at(0)), "gap(2) a3 c4 d6");
    let mut some = hub.replay(at(0), &latest(&["a", "d"]));
    assert_eq!(drain(&mut hub, &mut some, at(0)), "a3 d6");
    publish(&mut hub, "a", "a7");
    assert_eq!(drain(&mut hub, &mut some, at(0)), "a7");
}

#[test]
fn a_publisher_waits_until_its_deadline_and_no_longer() {
    let mut config = HubConfig::default();
    (config.events, config.wait) = (2, Duration::from_millis(100));
    let mut hub: Hub<String> = Hub::new(7, config);
    let mut slow = hub.subscribe(&Subscription::to(["a"]).with_lag(Lag::Wait));
    // It does not want these, and is not waited for.
    for _ in 0..5 {
        assert_eq!(hub.ready(at(0), 1), Ok(()));
        publish(&mut hub, "b", "b");
    }
    publish(&mut hub, "a", "1");
    publish(&mut hub, "a", "2");
    assert_eq!(hub.ready(at(10), 1), Err(at(110)));
    assert_eq!(hub.ready(at(60), 1), Err(at(110)), "asking again does not start over");
    assert!(hub.is_blocked());
    assert!(matches!(hub.next(at(70), &mut slow), Next::Event(entry) if entry.value == "1"));
    assert_eq!(hub.ready(at(80), 1), Ok(()));
    assert!(!hub.is_blocked());
    publish(&mut hub, "a", "3");
    assert_eq!(hub.ready(at(90), 1), Err(at(190)));
    assert_eq!(hub.ready(at(190), 1), Ok(()), "it has had its time");
    publish(&mut hub, "a", "4");
    assert_eq!(hub.ready(at(190), 1), Ok(()), "and is not waited for again");
    assert_eq!(drain(&mut hub, &mut slow, at(190)), "lagged(1)");
}

#[test]
fn age_drops_what_nobody_asks_for() {
    let mut config = HubConfig::default();
    config.age = Some(Duration::from_millis(50));
    let mut hub: Hub<String> = Hub::new(7, config);
    assert_eq!(hub.deadline(), None);
    let mut cursor = hub.subscribe(&Subscription::to_all().with_lag(Lag::Skip));
    for millis in [0, 20, 40] {
        hub.publish(at(millis), "", 1, millis.to_string()).unwrap();
    }
    assert_eq!(hub.deadline(), Some(at(50)));
    hub.handle_deadline(at(49));
    assert_eq!(hub.stats().events, 3);
    hub.handle_deadline(at(70));
    assert_eq!((hub.stats().events, hub.stats().dropped.by_age, hub.deadline()), (1, 2, Some(at(90))));
    assert_eq!(drain(&mut hub, &mut cursor, at(70)), "gap(2) 40");
}

#[test]
fn bytes_are_bounded_but_the_newest_event_is_there() {
    let mut config = HubConfig::default();
    config.bytes = 10;
    let mut hub: Hub<String> = Hub::new(7, config);
    let mut cursor = hub.subscribe(&Subscription::to_all().with_lag(Lag::Skip));
    for value in ["12345", "12345", "1", "123456789012345678901234567890"] {
        publish(&mut hub, "", value);
        assert!(hub.stats().events == 1 || hub.stats().bytes <= 10);
    }
    assert_eq!(drain(&mut hub, &mut cursor, at(0)), "gap(3) 123456789012345678901234567890");
    assert_eq!((hub.stats().dropped.by_bytes, hub.stats().published_bytes), (3, 41));
}

#[test]
fn a_closed_hub_gives_what_it_has() {
    let mut hub = hub(10);
    let mut cursor = hub.subscribe(&Subscription::to_all());
    publish(&mut hub, "", "farewell");
    hub.close();
    assert_eq!(hub.publish(at(0), "", 0, String::new()), Err(PublishError::Closed));
    assert_eq!(drain(&mut hub, &mut cursor, at(0)), "farewellclosed");
    assert_eq!(drain(&mut hub, &mut cursor, at(0)), "closed");
}

#[test]
fn ids_of_the_publishers_are_found() {
    let mut hub = hub(3);
    for id in ["x", "y", "x", "z"] {
        hub.publish_as(at(0), "", id, 1, id.into()).unwrap();
    }
    for (id, expected) in [
        ("x", Resume::Resumed { events: 1 }),
        ("y", Resume::Resumed { events: 2 }),
        ("z", Resume::Resumed { events: 0 }),
        ("w", Resume::Unknown),
    ] {
        let (cursor, answer) = hub.resume(at(0), &Subscription::to_all(), id);
        assert_eq!(answer, expected, "{id}");
        hub.unsubscribe(cursor);
    }
    (0..3).for_each(|_| publish(&mut hub, "", "later"));
    assert_eq!(hub.resume(at(0), &Subscription::to_all(), "z").1, Resume::Unknown, "long gone");
}

#[test]
fn subscribers_come_and_go_without_leaving_anything() {
    let mut config = HubConfig::default();
    (config.events, config.topics) = (16, 64);
    let mut hub: Hub<String> = Hub::new(7, config);
    for user in 0..10_000 {
        let topic = format!("to/{user}");
        let cursor = hub.subscribe(&Subscription::to(["all", &topic]).with_lag(Lag::Wait));
        publish(&mut hub, &topic, "hello");
        hub.unsubscribe(cursor);
    }
    let stats = hub.stats();
    assert_eq!((stats.subscribers, stats.events), (0, 16));
    assert_eq!(stats.topics, 16 + 64, "of the events, and the idle ones");
    assert_eq!(hub.ready(at(0), 1), Ok(()));
}

#[test]
fn what_a_subscriber_does_not_want_is_passed_over() {
    let mut hub = hub(10);
    let mut cursor = hub.subscribe(&Subscription::to_all());
    for value in ["a1", "b2", "a3", "b4"] {
        publish(&mut hub, &value[..1], value);
    }
    let mut seen = Vec::new();
    while let Next::Event(entry) = hub.next_if(at(0), &mut cursor, |entry| entry.value.starts_with('b')) {
        seen.push(entry.value.clone());
    }
    assert_eq!(seen, ["b2", "b4"]);
    assert_eq!((hub.lag(&cursor), hub.stats().delivered, hub.stats().max_lag), (0, 2, 4));
}

#[test]
fn topics_of_one_subscription_are_not_forgotten_for_one_another() {
    let mut config = HubConfig::default();
    config.topics = 0;
    let mut hub: Hub<String> = Hub::new(7, config);
    let mut cursor = hub.subscribe(&Subscription::to(["a", "b", "c"]));
    ["a", "b", "c"].into_iter().for_each(|topic| publish(&mut hub, topic, topic));
    assert_eq!(drain(&mut hub, &mut cursor, at(0)), "a b c");
}

#[test]
fn an_event_gets_an_id_if_it_has_none() {
    let mut hub: Hub<Frame> = Hub::new(7, HubConfig::default());
    let mut cursor = hub.subscribe(&Subscription::to_all());
    let (none, own) = (Event::new("none"), Event::new("own").with_id("x").unwrap());
    for event in [&none, &own, &none] {
        hub.publish_event(at(0), "", event, |bytes| bytes).unwrap();
    }
    let mut seen = Vec::new();
    while let Next::Event(entry) = hub.next(at(0), &mut cursor) {
        seen.extend_from_slice(entry.value.bytes());
    }
    let seen = String::from_utf8(seen).unwrap();
    assert_eq!(seen, "id: 7-1\ndata: none\n\nid: x\ndata: own\n\nid: 7-3\ndata: none\n\n");
    for (id, events) in [("7-1", 2), ("x", 1), ("7-3", 0)] {
        let (cursor, answer) = hub.resume(at(0), &Subscription::to_all(), id);
        assert_eq!(answer, Resume::Resumed { events }, "{id}");
        hub.unsubscribe(cursor);
    }
}

#[test]
fn one_that_comes_back_too_late_is_told_before_anything_else() {
    for (after, expected) in [
        // The oldest one was dropped in the meantime.
        (AfterGap::Replay, "gap(15) 17 18 19 20 live"),
        (AfterGap::Live, "gap(14) live"),
        (AfterGap::End, "gap(14)closed"),
    ] {
        let mut hub = hub(5);
        (1..=20).for_each(|at| publish(&mut hub, "", &at.to_string()));
        let subscription = Subscription::to_all().with_after_gap(after);
        let (mut cursor, answer) = hub.resume(at(0), &subscription, "7-1");
        assert!(matches!(answer, Resume::Gap { missed: 14, .. }), "{answer:?}");
        publish(&mut hub, "", "live");
        assert_eq!(drain(&mut hub, &mut cursor, at(0)), expected, "{after:?}");

        let (mut cursor, answer) = hub.subscribe_from(at(0), &subscription, Some("6-1"));
        assert_eq!(answer, Resume::Unknown);
        let expected = match after {
            AfterGap::Replay => "gap(unknown) 17 18 19 20 live",
            AfterGap::End => "gap(unknown)closed",
            _ => "gap(unknown)",
        };
        assert_eq!(drain(&mut hub, &mut cursor, at(0)), expected, "{after:?}");
        assert_eq!(drain(&mut hub, &mut cursor, at(0)), if after == AfterGap::End { "closed" } else { "" });
    }
    let mut hub = hub(5);
    let (mut cursor, answer) = hub.subscribe_from(at(0), &Subscription::to_all(), None);
    publish(&mut hub, "", "live");
    assert_eq!((answer, drain(&mut hub, &mut cursor, at(0))), (Resume::Live, "live".to_owned()));
    assert_eq!(Gap::Unknown.to_string(), "unknown");
}

#[test]
fn one_that_starts_at_the_oldest_event_does_not_lag_before_its_first_delivery() {
    let mut hub = hub(3);
    (1..=5).for_each(|at| publish(&mut hub, "", &at.to_string()));
    let mut back = hub.resume(at(0), &Subscription::to_all(), "7-1").0;
    let mut unknown = hub.resume(at(0), &Subscription::to_all(), "?").0;
    let mut replayed = hub.replay(at(0), &Subscription::to_all());
    (6..=7).for_each(|at| publish(&mut hub, "", &at.to_string()));
    assert_eq!(drain(&mut hub, &mut back, at(0)), "gap(3) 5 6 7");
    assert_eq!(drain(&mut hub, &mut unknown, at(0)), "gap(unknown) 5 6 7");
    assert_eq!(drain(&mut hub, &mut replayed, at(0)), "5 6 7");
    (8..=11).for_each(|at| publish(&mut hub, "", &at.to_string()));
    assert_eq!(drain(&mut hub, &mut back, at(0)), "lagged(1)");
}

#[test]
fn a_closed_topic_ends_its_subscribers_and_frees_its_name() {
    let mut hub = hub(10);
    let mut job = hub.subscribe(&Subscription::to(["job"]));
    publish(&mut hub, "job", "1");
    assert!(hub.close_topic("nowhere").is_none() && hub.close_topic("job").is_some());
    publish(&mut hub, "job", "2");
    assert_eq!(drain(&mut hub, &mut job, at(0)), "1closed");
    assert_eq!(hub.subscribers("job"), 0);
    // One who had nothing of the former topic missed something of it.
    let (mut back, answer) = hub.resume(at(0), &Subscription::to(["job"]), "7-0");
    assert!(matches!(answer, Resume::Gap { missed: 1, .. }), "{answer:?}");
    assert_eq!(drain(&mut hub, &mut back, at(0)), "gap(1) 2");
    assert_eq!(hub.resume(at(0), &Subscription::to(["job"]), "7-1").1, Resume::Resumed { events: 1 });
    assert_eq!((hub.topic_of("7-2"), hub.topic_of("7-3")), (Some("job"), None));
    hub.unsubscribe(job);
    hub.unsubscribe(back);
    assert_eq!(hub.stats().topics, 1);
}

#[test]
fn a_snapshot_and_what_follows_are_everything() {
    let mut hub = hub(10);
    assert_eq!(hub.position().to_string(), "7-0");
    (1..=3).for_each(|at| publish(&mut hub, "", &at.to_string()));
    let position = hub.position().to_string();
    (4..=5).for_each(|at| publish(&mut hub, "", &at.to_string()));
    let (mut cursor, answer) = hub.resume(at(0), &Subscription::to_all(), &position);
    assert_eq!(answer, Resume::Resumed { events: 2 });
    assert_eq!(drain(&mut hub, &mut cursor, at(0)), "4 5");
}

#[test]
fn one_that_was_cut_before_its_first_event_can_come_back() {
    let mut config = HubConfig::default();
    (config.events, config.announce_position) = (5, true);
    let mut hub: Hub<String> = Hub::new(7, config);
    let mut first = hub.subscribe(&Subscription::to_all());
    assert_eq!(drain(&mut hub, &mut first, at(0)), "at(7-0)");
    (1..=3).for_each(|at| publish(&mut hub, "", &at.to_string()));
    let mut second = hub.subscribe(&Subscription::to(["else"]));
    assert_eq!(drain(&mut hub, &mut second, at(0)), "at(7-3)");
    let (mut back, answer) = hub.resume(at(0), &Subscription::to_all(), "7-0");
    assert_eq!(answer, Resume::Resumed { events: 3 });
    assert_eq!(drain(&mut hub, &mut back, at(0)), "1 2 3", "it has an id");
    // There is nothing to replay, and the id that it has would be a gap for ever.
    let (mut lost, _) = hub.resume(at(0), &Subscription::to(["else"]), "6-9");
    assert_eq!(drain(&mut hub, &mut lost, at(0)), "gap(unknown) at(7-3)");
    let mut all = hub.replay(at(0), &Subscription::to_all());
    assert_eq!(drain(&mut hub, &mut all, at(0)), "1 2 3");
}

#[test]
fn a_name_that_is_too_long_takes_no_place() {
    let mut hub = hub(5);
    let (long, limit) = ("x".repeat(1025), 1024);
    let mut cursor = hub.subscribe(&Subscription::to([&*long, &long[1..]]));
    assert_eq!(hub.stats().topics, 1);
    let refused = hub.publish(at(0), &long, 1, "x".into());
    assert_eq!(refused, Err(PublishError::TopicTooLong { length: 1025, limit }));
    assert_eq!(refused.unwrap_err().to_string(), "topic name of 1025 bytes exceeds the limit of 1024 bytes");
    publish(&mut hub, &long[1..], "as long as may be");
    assert_eq!(drain(&mut hub, &mut cursor, at(0)), "as long as may be");
    assert_eq!((hub.subscribers(&long), hub.subscribers(&long[1..])), (0, 1));
}

#[test]
fn idle_topics_are_bounded_in_number_and_bytes_at_once() {
    let mut config = HubConfig::default();
    (config.topics, config.topic_bytes) = (10, 5 * (256 + 1000));
    let mut hub: Hub<String> = Hub::new(7, config);
    let cursors: Vec<_> = (0..100)
        .map(|user| {
            hub.subscribe(&Subscription::to([&*format!("{user:0>width$}", width = user % 2 * 999 + 1)]))
        })
        .collect();
    assert_eq!(hub.stats().topics, 100);
    for cursor in cursors {
        hub.unsubscribe(cursor);
    }
    let left = hub.stats().topics;
    assert!((5..=10).contains(&left), "{left}");
}

#[test]
fn a_closed_hub_waits_for_nobody() {
    let mut config = HubConfig::default();
    (config.events, config.wait) = (1, Duration::MAX);
    let mut hub: Hub<String> = Hub::new(7, config);
    let _stuck = hub.subscribe(&Subscription::to_all().with_lag(Lag::Wait));
    publish(&mut hub, "", "1");
    assert!(hub.ready(at(0), 1).is_err());
    hub.close();
    assert_eq!(hub.ready(at(0), 1), Ok(()));
    assert_eq!(hub.publish(at(0), "", 1, String::new()), Err(PublishError::Closed));
}

#[test]
fn subscribers_that_are_stuck_are_waited_for_once_all_together() {
    let mut config = HubConfig::default();
    (config.events, config.wait) = (3, Duration::from_millis(100));
    let mut hub: Hub<String> = Hub::new(7, config);
    let subscription = Subscription::to_all().with_lag(Lag::Wait);
    let mut stuck = Vec::new();
    // Each at another place.
    for event in 0..3 {
        stuck.push(hub.subscribe(&subscription));
        publish(&mut hub, "", &event.to_string());
    }
    let mut live = hub.subscribe(&subscription);
    assert_eq!(hub.ready(at(0), 1), Err(at(100)));
    assert_eq!(hub.ready(at(100), 1), Ok(()));
    for event in 3..6 {
        assert_eq!(hub.ready(at(100), 1), Ok(()), "no more for the other two");
        publish(&mut hub, "", &event.to_string());
    }
    assert!(hub.ready(at(100), 1).is_err(), "the one that is caught up is waited for still");
    assert_eq!(drain(&mut hub, &mut live, at(100)), "3 4 5");
    assert_eq!(hub.ready(at(100), 1), Ok(()));
}

#[test]
fn what_outlives_the_ring_is_bounded_in_bytes() {
    let mut config = HubConfig::default();
    (config.events, config.latest, config.bytes) = (1, 100, 10);
    let mut hub: Hub<String> = Hub::new(7, config);
    for topic in ["a", "b", "c", "d"] {
        publish(&mut hub, topic, "1234");
    }
    let mut cursor = hub.replay(at(0), &Subscription::to_all().with_lag(Lag::Latest));
    assert_eq!(drain(&mut hub, &mut cursor, at(0)), "1234 1234 1234", "two beside the newest");
}

#[test]
fn one_whose_stream_has_ended_is_waited_for_by_nobody() {
    let mut hub = hub(1);
    let subscription = Subscription::to_all().with_lag(Lag::Wait).with_after_gap(AfterGap::End);
    let (mut cursor, _) = hub.resume(at(0), &subscription, "unknown");
    assert_eq!(drain(&mut hub, &mut cursor, at(0)), "gap(unknown)closed");
    publish(&mut hub, "", "1");
    assert_eq!(hub.ready(at(0), 1), Ok(()));
    hub.unsubscribe(cursor);
}

#[test]
fn one_that_was_passed_takes_nothing_from_one_at_its_place() {
    let mut config = HubConfig::default();
    (config.events, config.wait) = (2, Duration::from_secs(5));
    let mut hub: Hub<String> = Hub::new(7, config);
    let subscription = Subscription::to_all().with_lag(Lag::Wait);
    publish(&mut hub, "", "1");
    let _stuck = hub.subscribe(&subscription);
    publish(&mut hub, "", "2");
    let passed = hub.subscribe(&subscription);
    publish(&mut hub, "", "3");
    assert!(hub.ready(at(0), 1).is_err());
    assert_eq!(hub.ready(at(5_000), 1), Ok(()), "both have had their time");
    publish(&mut hub, "", "4");
    let (_fresh, answer) = hub.resume(at(5_000), &subscription, "7-2");
    assert_eq!(answer, Resume::Resumed { events: 2 });
    assert!(hub.ready(at(5_000), 1).is_err());
    hub.unsubscribe(passed);
    assert!(hub.ready(at(5_000), 1).is_err(), "it is waited for still");
}
