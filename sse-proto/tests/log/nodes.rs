//! Each transition, by name.

use std::time::Duration;

use sse_proto::hub::log::{Append, AppendError, Follow, Log, LogConfig, MemoryLog, NewEvent, RangeWant};
use sse_proto::hub::{AfterGap, HubConfig, PublishError, Resume, Start, Subscription};
use sse_proto::{AsEvent, EventRef, Instant};

use super::cluster::*;

fn small(events: usize) -> HubConfig {
    let mut config = HubConfig::default();
    config.events = events;
    config
}

fn node(log: &MemoryLog, events: usize) -> Node {
    let mut node = Node::new(log, small(events), LogConfig::default());
    node.follow();
    node
}

fn log_of(texts: &str) -> MemoryLog {
    let log = MemoryLog::new(7, 1000);
    texts.split_whitespace().for_each(|text| {
        append(&log, "t", text);
    });
    log
}

#[test]
fn all_nodes_deliver_the_same_with_the_same_ids() {
    let log = log_of("old");
    let mut nodes = [node(&log, 10), node(&log, 10)];
    let mut subscribers: Vec<_> = nodes.iter_mut().map(|node| node.subscribe(Start::Live).0).collect();
    let positions = ["a", "b"].map(|text| append(&log, "t", text));
    for (node, subscriber) in nodes.iter_mut().zip(&mut subscribers) {
        node.follow();
        let expected = [Told::Event(positions[0], "a".into()), Told::Event(positions[1], "b".into())];
        assert_eq!(node.drain(subscriber), expected);
    }
    assert_eq!(positions[1].to_string(), "7.3-0");
}

#[test]
fn a_client_resumes_on_another_node_from_memory() {
    let log = log_of("");
    let (mut one, mut two) = (node(&log, 10), node(&log, 10));
    append(&log, "t", "a");
    let b = append(&log, "t", "b");
    append(&log, "t", "c");
    one.follow();
    two.follow();
    let (mut subscriber, resume) = two.subscribe(Start::After(&b.to_string()));
    assert_eq!(resume, Resume::Resumed { events: 1 });
    assert_eq!(two.read_pages(), 0, "from memory");
    assert_eq!(texts(&two.drain(&mut subscriber)), "c");
}

#[test]
fn a_client_resumes_on_a_new_node_from_the_log() {
    let log = log_of("a b c d e");
    for (events, page) in [(10, 256 * 1024), (2, 256 * 1024), (2, 1)] {
        let mut config = LogConfig::default();
        config.page_bytes = page;
        let mut node = Node::new(&log, small(events), config);
        node.follow();
        let (mut subscriber, resume) = node.subscribe(Start::After("7.2-0"));
        assert_eq!(resume, Resume::Reading);
        assert_eq!(texts(&node.drain(&mut subscriber)), "c d e", "{events}, {page}");
        append(&log, "t", "f");
        node.follow();
        assert_eq!(texts(&node.drain(&mut subscriber)), "f");
        assert_eq!(node.hub.hub().stats().replays.resumed, 1);
        let _ = node.hub.unsubscribe(subscriber, &mut Vec::new());
        assert_eq!(node.hub.log_stats().unwrap().replay_bytes, 0);
        log.lose(1);
    }
}

#[test]
fn between_the_log_and_memory_nothing_is_lost_or_repeated() {
    let log = log_of("a b c");
    let mut node = node(&log, 3);
    let (mut subscriber, _) = node.subscribe(Start::After("7.1-0"));
    // The page is read before the next events come, and the hub drops some of them.
    assert_eq!(node.hub.next(|| node.now, &mut subscriber, || None, &mut Vec::new()).0, None);
    assert_eq!(node.read_pages(), 1);
    for text in ["d", "e", "f", "g", "h"] {
        append(&log, "t", text);
        node.follow();
    }
    assert_eq!(texts(&node.drain(&mut subscriber)), "b c d e f g h");
}

#[test]
fn a_client_that_is_ahead_of_the_node_waits_for_it() {
    let log = log_of("a");
    let mut node = node(&log, 10);
    append(&log, "t", "b");
    let c = append(&log, "t", "c");
    // The tail has not read `b` and `c` yet.
    let (mut subscriber, _) = node.subscribe(Start::After(&c.to_string()));
    assert_eq!(texts(&node.drain(&mut subscriber)), "");
    node.follow();
    assert_eq!(texts(&node.drain(&mut subscriber)), "");
    append(&log, "t", "d");
    node.follow();
    assert_eq!(texts(&node.drain(&mut subscriber)), "d");
}

#[test]
fn a_client_that_is_ahead_of_the_node_receives_nothing_twice_when_the_log_is_new() {
    let log = log_of("a");
    let mut node = node(&log, 10);
    let b = append(&log, "t", "b");
    let (mut subscriber, _) = node.subscribe(Start::After(&b.to_string()));
    assert_eq!(texts(&node.drain(&mut subscriber)), "");
    node.follow();
    log.reset(8);
    node.idle();
    append(&log, "t", "c");
    node.follow();
    assert_eq!(texts(&node.drain(&mut subscriber)), "- c");
}

#[test]
fn a_client_that_comes_before_the_first_answer_misses_nothing() {
    let log = log_of("a b");
    let mut node = Node::new(&log, small(10), LogConfig::default());
    let (mut subscriber, _) = node.subscribe(Start::After("7.2-0"));
    assert_eq!(texts(&node.drain(&mut subscriber)), "");
    append(&log, "t", "c");
    node.follow();
    append(&log, "t", "d");
    node.follow();
    assert_eq!(texts(&node.drain(&mut subscriber)), "c d");
}

#[test]
fn what_was_trimmed_is_a_gap_before_what_is_left() {
    for (after_gap, expected) in
        [(AfterGap::Replay, "- d e f"), (AfterGap::Live, "- f"), (AfterGap::End, "- .")]
    {
        let log = log_of("a b c d e");
        let mut node = node(&log, 10);
        log.trim(2);
        let subscription = Subscription::to(["t"]).with_after_gap(after_gap);
        let (mut subscriber, _) = node.hub.subscribe(node.now, &subscription, Start::After("7.2-0"));
        let mut told = node.drain(&mut subscriber);
        append(&log, "t", "f");
        node.follow();
        if after_gap != AfterGap::End {
            told.extend(node.drain(&mut subscriber));
        }
        assert_eq!(texts(&told), expected);
        assert_eq!(node.hub.hub().stats().replays.gap, 1);
    }
}

#[test]
fn a_node_that_was_cut_off_reports_what_was_trimmed_meanwhile() {
    let log = log_of("");
    let mut node = node(&log, 10);
    let (mut subscriber, _) = node.subscribe(Start::Live);
    append(&log, "t", "a");
    node.follow();
    node.is_cut_off = true;
    assert!(!node.step() || !node.step() || !node.step());
    for text in ["b", "c", "d"] {
        append(&log, "t", text);
    }
    assert_eq!(texts(&node.drain(&mut subscriber)), "a");
    log.trim(1);
    node.is_cut_off = false;
    node.follow();
    assert_eq!(texts(&node.drain(&mut subscriber)), "- d");
    // Without a loss there is no gap.
    node.is_cut_off = true;
    node.hub.handle_follow_error(node.now);
    append(&log, "t", "e");
    node.is_cut_off = false;
    node.follow();
    assert_eq!(texts(&node.drain(&mut subscriber)), "e");
    let stats = node.hub.log_stats().unwrap().follow;
    assert_eq!((stats.breaks, stats.new_epochs, stats.is_connected), (1, 0, true));
}

#[test]
fn a_failover_that_lost_events_is_a_gap_for_all_who_had_them() {
    let log = log_of("a");
    let (mut ahead, mut behind) = (node(&log, 10), node(&log, 10));
    let (mut quick, _) = ahead.subscribe(Start::Live);
    let (mut slow, _) = behind.subscribe(Start::Live);
    append(&log, "t", "b");
    let c = append(&log, "t", "c");
    ahead.follow();
    assert_eq!(texts(&ahead.drain(&mut quick)), "b c");
    log.lose(2);
    append(&log, "t", "B");
    ahead.follow();
    behind.follow();
    assert_eq!(texts(&ahead.drain(&mut quick)), "- B");
    assert_eq!(texts(&behind.drain(&mut slow)), "B", "nobody can know");
    let (mut back, _) = behind.subscribe(Start::After(&c.to_string()));
    assert_eq!(texts(&behind.drain(&mut back)), "- B", "`B` does not follow what the client had");
}

#[test]
fn a_deleted_log_is_a_gap_even_if_nothing_follows() {
    let log = log_of("a b");
    let mut node = node(&log, 10);
    let (mut subscriber, _) = node.subscribe(Start::Live);
    log.reset(8);
    node.idle();
    assert_eq!(texts(&node.drain(&mut subscriber)), "-");
    let first = append(&log, "t", "c");
    assert_eq!(first.epoch, 8);
    node.follow();
    assert_eq!(texts(&node.drain(&mut subscriber)), "c");
    assert_eq!(node.hub.log_stats().unwrap().follow.new_epochs, 1);
    let (mut back, _) = node.subscribe(Start::After("7.2-0"));
    assert_eq!(texts(&node.drain(&mut back)), "- c");
}

#[test]
fn a_new_log_is_read_from_its_start() {
    let log = log_of("a b c d");
    let mut node = node(&log, 10);
    let (mut subscriber, _) = node.subscribe(Start::Live);
    // Its positions are smaller than those of the old one.
    log.reset(8);
    append(&log, "t", "e");
    append(&log, "t", "f");
    node.idle();
    assert_eq!(texts(&node.drain(&mut subscriber)), "- e f");
}

#[test]
fn a_break_is_told_once_to_each_and_again_if_there_is_another() {
    let log = log_of("a b");
    let mut node = node(&log, 10);
    let (mut subscriber, _) = node.subscribe(Start::Live);
    log.reset(8);
    node.idle();
    log.reset(9);
    append(&log, "t", "c");
    log.reset(10);
    node.idle();
    append(&log, "t", "d");
    node.follow();
    let (mut late, _) = node.subscribe(Start::Live);
    assert_eq!(texts(&node.drain(&mut subscriber)), "- d");
    assert_eq!(texts(&node.drain(&mut late)), "");
}

#[test]
fn an_unknown_id_is_a_gap_and_reads_nothing() {
    let log = log_of("a b c");
    let mut node = node(&log, 10);
    append(&log, "t", "d");
    node.follow();
    for id in ["", "0-0", "7.2", "mhz8p2-17", "7.02-0", &"9".repeat(10_000)] {
        let (mut subscriber, resume) = node.subscribe(Start::After(id));
        assert_eq!(resume, Resume::Unknown);
        assert_eq!(texts(&node.drain(&mut subscriber)), "- d", "what this node holds");
        assert_eq!(node.read_pages(), 0);
    }
}

#[test]
fn the_oldest_comes_from_the_log() {
    let log = log_of("a b c d");
    log.trim(3);
    let mut node = node(&log, 2);
    let (mut subscriber, _) = node.subscribe(Start::Oldest);
    assert_eq!(texts(&node.drain(&mut subscriber)), "b c d");
    let empty = MemoryLog::new(1, 9);
    node = Node::new(&empty, small(2), LogConfig::default());
    let (mut subscriber, _) = node.subscribe(Start::Oldest);
    assert_eq!(texts(&node.drain(&mut subscriber)), "");
    node.follow();
    append(&empty, "t", "a");
    node.follow();
    assert_eq!(texts(&node.drain(&mut subscriber)), "a");
}

#[test]
fn what_something_else_wrote_is_a_gap() {
    let log = log_of("");
    let mut node = node(&log, 10);
    let (mut subscriber, _) = node.subscribe(Start::Live);
    for data in ["data: a\n\n", "", "\n\n", "data: b\n\ndata: c\n\n", "data: d", "data: e\n\n"] {
        let event = sse_proto::hub::log::NewEvent { topic: "t", data: data.as_bytes(), key: None };
        now_or_never(sse_proto::hub::log::Log::append(&log, event)).unwrap().unwrap();
    }
    append(&log, &"long".repeat(1000), "f");
    append(&log, "t", "g");
    node.follow();
    assert_eq!(texts(&node.drain(&mut subscriber)), "a - e - g");
    assert_eq!(node.hub.log_stats().unwrap().follow.unreadable, 5);
    let (mut again, _) = node.subscribe(Start::Oldest);
    node.hub.close_topic("none", &mut Vec::new());
    assert_eq!(texts(&node.drain(&mut again)), "a - - - - e - g", "each place of its own");
}

#[test]
fn topics_and_filters_hold_for_replays() {
    let log = log_of("");
    for text in ["1", "2", "3", "4"] {
        append(&log, "a", text);
        append(&log, "b", text);
    }
    let mut node = node(&log, 2);
    let subscription =
        Subscription::to(["b"]).with_filter(|topic, event| topic == "b" && event.data() != "3");
    let (mut subscriber, _) = node.hub.subscribe(node.now, &subscription, Start::After("7.2-0"));
    let mut seen = Vec::new();
    while let Some(delivery) = {
        node.read_pages();
        node.hub.next(|| node.now, &mut subscriber, || None, &mut Vec::new()).0.or_else(|| {
            node.read_pages();
            node.hub.next(|| node.now, &mut subscriber, || None, &mut Vec::new()).0
        })
    } {
        if subscriber.wants(&delivery) {
            seen.push(format!("{delivery:?}").len());
        }
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn clients_that_come_back_share_the_reads() {
    let log = log_of("a b c d");
    let mut node = node(&log, 1);
    let mut subscribers: Vec<_> = (0..1000).map(|_| node.subscribe(Start::After("7.1-0")).0).collect();
    for subscriber in &mut subscribers {
        assert_eq!(node.hub.next(|| node.now, subscriber, || None, &mut Vec::new()).0, None);
    }
    assert_eq!(node.read_pages(), 1);
    for subscriber in &mut subscribers {
        assert_eq!(texts(&node.drain(subscriber)), "b c d");
    }
}

#[test]
fn pages_are_bounded_and_given_back() {
    let log = MemoryLog::new(7, 1000);
    for _ in 0..100 {
        append(&log, "t", &"x".repeat(1000));
    }
    let mut config = LogConfig::default();
    (config.page_bytes, config.replay_bytes, config.ranges) = (1, 5000, 2);
    let mut node = Node::new(&log, small(1), config);
    node.follow();
    let mut subscribers: Vec<_> =
        (1..50).map(|at| node.subscribe(Start::After(&format!("7.{at}-0"))).0).collect();
    for subscriber in &mut subscribers {
        assert_eq!(node.hub.next(|| node.now, subscriber, || None, &mut Vec::new()).0, None);
    }
    node.read_pages();
    let held = node.hub.log_stats().unwrap().replay_bytes;
    assert!((4000..=5000).contains(&held), "{held}");
    for (at, mut subscriber) in (1..).zip(subscribers) {
        let mut count = 0;
        while count < 100 - at {
            count += node.drain(&mut subscriber).len();
        }
        let _ = node.hub.unsubscribe(subscriber, &mut Vec::new());
    }
    assert_eq!(node.hub.log_stats().unwrap().replay_bytes, 0);
}

#[test]
fn a_closed_hub_ends_replays_and_tasks() {
    let log = log_of("a b");
    let mut node = node(&log, 1);
    let (mut subscriber, _) = node.subscribe(Start::After("7.1-0"));
    let waker = || Some(5);
    assert_eq!(node.hub.next(|| node.now, &mut subscriber, waker, &mut Vec::new()).0, None);
    assert!(node.hub.close().contains(&5));
    assert_eq!(texts(&node.drain(&mut subscriber)), ".");
    assert!(!node.step());
    assert!(matches!(begin(&mut node, "t", 10), Err(AppendError::Closed)));
}

/// Begins to append an event of this many bytes.
fn begin(node: &mut Node, topic: &str, bytes: usize) -> Result<Append, AppendError> {
    let data = "x".repeat(bytes - "data: \n\n".len());
    let append = node.hub.begin_append(node.now, topic, EventRef::new(&data), false, 1)?;
    assert_eq!(append.bytes(), bytes);
    Ok(append)
}

#[test]
fn events_are_published_through_the_log_alone_and_bounded() {
    let log = log_of("");
    let mut config = LogConfig::default();
    (config.append_events, config.append_bytes) = (2, 100);
    let mut node = Node::new(&log, small(1), config);
    let error = node.hub.publish(Instant::default(), "t", EventRef::new("a"), &mut Vec::new()).unwrap_err();
    assert_eq!(error, PublishError::OverLog);
    assert!(begin(&mut node, "t", 1000).is_ok(), "the first one always");
    assert!(matches!(begin(&mut node, "t", 10), Err(AppendError::Busy { events: 1, bytes: 1000 })));
    node.hub.end_append(1000, true);
    assert!(begin(&mut node, "t", 10).is_ok() && begin(&mut node, "t", 10).is_ok());
    assert!(matches!(begin(&mut node, "t", 10), Err(AppendError::Busy { .. })));
    node.hub.end_append(10, false);
    assert!(matches!(begin(&mut node, &"t".repeat(2000), 10), Err(AppendError::TopicTooLong { .. })));
    let event = sse_proto::Event::new("x").with_id("1").unwrap();
    let own = node.hub.begin_append(node.now, "t", event.as_event(), false, 1);
    assert!(matches!(own, Err(AppendError::HasId)));
    let stats = node.hub.log_stats().unwrap();
    assert_eq!((stats.appended, stats.append_failures, stats.appending_bytes), (1, 1, 10));
}

#[test]
fn a_page_without_its_end_is_read_again_by_all_who_wait_for_it() {
    let log = log_of("a b c");
    let mut node = node(&log, 1);
    let mut subscribers = [(); 2].map(|()| node.subscribe(Start::After("7.1-0")).0);
    for subscriber in &mut subscribers {
        assert_eq!(node.hub.next(|| node.now, subscriber, || None, &mut Vec::new()).0, None);
    }
    let RangeWant::Read(request) = node.hub.want_range(node.now, || 0, |_| true) else { panic!("a read") };
    // The events came between the two answers of the log.
    let tip = now_or_never(log.tip()).unwrap().unwrap();
    node.hub.handle_range(node.now, request, Some((Vec::new(), tip)), &mut Vec::new());
    for subscriber in &mut subscribers {
        assert_eq!(texts(&node.drain(subscriber)), "b c");
    }
    let stats = node.hub.log_stats().unwrap();
    assert_eq!((stats.pages, stats.page_failures), (1, 1));
}

#[test]
fn a_log_that_repeats_itself_does_not_hold_up_the_node() {
    let log = log_of("a b c");
    let mut node = node(&log, 1);
    let entries = now_or_never(log.page(None, 10)).unwrap().unwrap().0;
    let mut subscribers = [(); 2].map(|()| node.subscribe(Start::After("7.1-0")).0);
    let hidden = Subscription::to(["none"]);
    let mut third = node.hub.subscribe(node.now, &hidden, Start::After("7.1-0")).0;
    for subscriber in subscribers.iter_mut().chain([&mut third]) {
        assert_eq!(node.hub.next(|| node.now, subscriber, || None, &mut Vec::new()).0, None);
    }
    let RangeWant::Read(request) = node.hub.want_range(node.now, || 0, |_| true) else { panic!("a read") };
    let old = vec![entries[0].clone(), entries[0].clone()];
    node.hub.handle_range(node.now, request, Some((old, None)), &mut Vec::new());
    assert_eq!(node.hub.next(|| node.now, &mut third, || None, &mut Vec::new()).0, None);
    let at = match node.hub.want_range(node.now, || 0, |_| true) {
        RangeWant::Wait(Some(at)) => at,
        other => panic!("{other:?}"),
    };
    node.now = at;
    let RangeWant::Read(request) = node.hub.want_range(node.now, || 0, |_| true) else { panic!("a read") };
    let old = vec![entries[0].clone(), entries[1].clone(), entries[0].clone(), entries[1].clone()];
    node.hub.handle_range(node.now, request, Some((old, None)), &mut Vec::new());
    for subscriber in &mut subscribers {
        assert_eq!(texts(&node.drain(subscriber)), "b c");
    }

    let failures = node.hub.log_stats().unwrap().follow.failures;
    assert!(matches!(node.hub.follow(node.now).0, Follow::Read { .. }));
    node.hub.handle_entries(node.now, Duration::ZERO, entries, &mut Vec::new());
    assert_eq!(node.hub.follow(node.now).0, Follow::Wait, "asked at once, it would do so again");
    assert_eq!(node.hub.log_stats().unwrap().follow.failures, failures + 1);
}

#[test]
fn the_memory_log_remembers_a_key_for_as_long_as_its_event() {
    let log = MemoryLog::new(7, 2);
    let append = |key| {
        let event = NewEvent { topic: "t", data: b"data: x\n\n", key: Some(key) };
        now_or_never(log.append(event)).unwrap().unwrap()
    };
    let (a, b) = (append("a"), append("b"));
    assert_eq!((append("a"), append("b")), (a, b));
    let c = append("c");
    assert!(append("a").is_after(&c), "its event was dropped");
    log.trim(1);
    assert!(append("c").is_after(&c));
    log.lose(1);
    assert_eq!(append("c").millis, c.millis + 3, "its event was lost");
}
