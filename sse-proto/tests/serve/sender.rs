//! What a sender promises by itself.

use std::sync::Arc;
use std::time::Duration;

use sse_proto::hub::{Delivery, Gap, Lag, Next, Subscription};
use sse_proto::sender::{Piece, StreamConfig, Want};
use sse_proto::{EventRef, Frame, Instant, Sender};

/// A gap of so many events: hubs alone make them.
fn missed(events: u64) -> Gap {
    let mut config = sse_proto::hub::HubConfig::default();
    config.events = 1;
    let mut hub = sse_proto::Hub::new(7, config);
    let mut cursor = hub.subscribe(&Subscription::to_all().with_lag(Lag::Skip));
    for _ in 0..=events {
        hub.publish(at(0), "", 1, ()).unwrap();
    }
    match hub.next(at(0), &mut cursor) {
        Next::Gap(gap) => gap,
        other => panic!("{other:?}"),
    }
}

type Shared = Frame<Arc<[u8]>>;

fn frame(data: &str) -> Shared {
    Frame::event(data).map(Arc::from)
}

fn at(millis: u64) -> Instant {
    Instant::from_epoch(Duration::from_millis(millis))
}

#[test]
fn a_frame_is_written_from_where_it_lies() {
    let shared = frame("hello");
    let mut sender = Sender::default();
    sender.frame(shared.clone());
    assert!(std::ptr::eq(sender.pending(), shared.bytes()));
    sender.handle_written(4);
    assert_eq!(sender.pending(), b": hello\n\n");
    assert_eq!(Arc::strong_count(shared.get_ref()), 2);
    sender.handle_written(100);
    assert_eq!((sender.pending(), Arc::strong_count(shared.get_ref())), (&b""[..], 1), "given back at once");
}

#[test]
fn order_is_kept_whatever_is_mixed() {
    let large = "x".repeat(10_000);
    for step in [1, 7, 100_000] {
        let mut sender = Sender::default();
        let mut sent = Vec::new();
        let mut write = |sender: &mut Sender<Arc<[u8]>>| {
            let count = step.min(sender.pending().len());
            sent.extend_from_slice(&sender.pending()[..count]);
            sender.handle_written(count);
        };
        sender.event("1");
        sender.frame(frame("2"));
        write(&mut sender);
        sender.frame(frame(&large));
        write(&mut sender);
        sender.event("3");
        sender.frame(frame("4"));
        sender.frame(frame("5"));
        write(&mut sender);
        sender.frame(frame(&large));
        sender.frame(frame("6"));
        sender.comment("end");
        sender.finish();
        sender.event("dropped");
        sender.frame(frame("dropped"));
        while !sender.pending().is_empty() {
            write(&mut sender);
        }
        let events = ["1", "2", &large, "3", "4", "5", &large, "6"].map(|data| format!("data: {data}\n\n"));
        assert_eq!(String::from_utf8(sent).unwrap(), events.concat() + ":end\n");
    }
}

#[test]
fn several_slices_are_written_at_once() {
    let large = frame(&"x".repeat(10_000));
    let mut sender = Sender::default();
    sender.event("first");
    sender.frame(large.clone());
    let [own, shared, _] = sender.pending_slices();
    assert_eq!(own, b"data: first\n\n");
    assert!(std::ptr::eq(shared, large.bytes()), "a long one is not copied");
    sender.handle_written(own.len() + 10);
    assert_eq!(sender.pending_slices(), [&b""[..], &large.bytes()[10..], b""]);
    sender.handle_written(usize::MAX);
    assert_eq!(sender.pending_slices(), [&b""[..]; 3]);
}

#[test]
fn pieces_are_taken_by_those_who_write_buffers() {
    let shared = frame("shared");
    let mut sender = Sender::default();
    assert_eq!(sender.take_pending(), None);
    sender.event("own");
    assert_eq!(sender.take_pending(), Some(Piece::Bytes(b"data: own\n\n".to_vec())));
    sender.frame(shared.clone());
    assert_eq!(sender.take_pending(), Some(Piece::Frame(shared.clone())));
    sender.frame(shared.clone());
    sender.handle_written(6);
    assert_eq!(sender.take_pending(), Some(Piece::Bytes(b"shared\n\n".to_vec())));
    assert_eq!((sender.take_pending(), sender.want(at(0)).0), (None, Want::Wait));
}

#[test]
fn full_is_what_the_user_says() {
    let mut config = StreamConfig::default();
    config.high_water = 20;
    let mut sender = Sender::default().with_config(config, 0);
    sender.frame(frame("123"));
    assert!(!sender.is_full());
    sender.frame(frame("123"));
    assert!(sender.is_full());
    sender.handle_written(5);
    assert!(!sender.is_full());
}

#[test]
fn with_a_mark_of_zero_there_is_room_for_one_event() {
    let mut config = StreamConfig::default();
    config.high_water = 0;
    let mut sender: Sender = Sender::default().with_config(config, 0);
    assert!(!sender.is_full());
    sender.event("x");
    assert!(sender.is_full());
    sender.handle_written(usize::MAX);
    assert!(!sender.is_full());
}

#[test]
fn a_keep_alive_that_writes_nothing_does_not_spin() {
    let mut config = StreamConfig::default();
    config.set_keep_alive(|_| {});
    let mut sender: Sender = Sender::default().with_config(config, 0);
    let (_, deadline) = sender.want(at(0));
    sender.handle_deadline(deadline.unwrap());
    assert_eq!(sender.want(deadline.unwrap()).0, Want::KeepAlive);
    sender.send_keep_alive(deadline.unwrap());
    let (want, next) = sender.want(deadline.unwrap());
    assert_eq!(want, Want::Wait);
    assert!(next > deadline);
}

#[test]
fn deadlines_that_are_none_change_nothing() {
    let mut sender: Sender = Sender::default().with_config(StreamConfig::default(), 0);
    assert_eq!(sender.want(at(0)), (Want::Wait, Some(at(15_000))));
    sender.handle_deadline(at(14_999));
    assert_eq!(sender.want(at(14_999)), (Want::Wait, Some(at(15_000))));
    sender.event("x");
    sender.handle_deadline(at(15_000));
    assert_eq!(sender.pending(), b"data: x\n\n", "something is on its way already");
    assert_eq!(sender.want(at(15_000)), (Want::Write, Some(at(45_000))));
    sender.handle_written(1);
    sender.handle_deadline(at(45_000));
    assert_eq!(sender.want(at(45_000)), (Want::Write, Some(at(75_000))), "it was written to meanwhile");
    sender.handle_deadline(at(75_000));
    assert_eq!(sender.want(at(75_000)), (Want::Cut, None));
    assert_eq!(sender.pending(), b"");
}

#[test]
fn an_end_is_for_good() {
    let mut sender: Sender = Sender::default();
    sender.event(EventRef::new("x"));
    sender.finish();
    sender.finish_with_retry();
    sender.finish();
    sender.keep_alive();
    assert_eq!(sender.pending(), b"data: x\n\n");
    sender.handle_written(9);
    assert_eq!(sender.want(at(0)), (Want::Finished, None));
    sender.abort();
    assert_eq!(sender.want(at(0)), (Want::Cut, None));
}

#[test]
fn what_a_hub_delivers_is_passed_on() {
    let mut config = StreamConfig::default();
    config.final_retry = Some((Duration::from_millis(700), Duration::from_millis(700)));
    let gap = missed(17);
    for last in [Delivery::Lagged { missed: 3 }, Delivery::Closed] {
        let mut sender = Sender::default().with_config(config.clone(), 0);
        for delivery in [Delivery::Gap(gap), Delivery::Event(frame("x")), last, Delivery::Event(frame("y"))] {
            sender.deliver(delivery);
        }
        assert_eq!(sender.pending(), b"event: gap\ndata: 17\n\ndata: x\n\nretry: 700\n\n");
        assert!(sender.is_finished());
    }
    let words = String::from("missed");
    config.set_gap(move |gap, mut encoder| encoder.comment(&format!(" {gap} {words}")));
    let mut sender: Sender = Sender::default().with_config(config, 0);
    sender.deliver(Delivery::Gap(gap));
    assert_eq!(sender.pending(), b": 17 missed\n");
}
