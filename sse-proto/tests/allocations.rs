//! Memory, counted by the allocator: none for each event in the long run, and none kept after a large one.

use allocation_counter::{AllocationInfo, measure};
use sse_proto::http::{Request, ResponseHead};
use sse_proto::source::{Session, Want};
use sse_proto::{Decoder, Encoder, Event, EventRef, Instant, Limit, Limits, Sender};

/// One line, several lines, names, ids, comments, retry, not ASCII, not UTF-8.
const STREAM: &[u8] = b"data: {\"token\":\"hello\"}\n\nevent: tick\nid: 17\ndata: 21.50\n\n:\n\ndata: a\r\ndata: b\r\n\r\n\
    retry: 10\n\nid: 18\n\ndata: \xE2\x82\xAC uro\n\nevent: bad\xFF\ndata: \xF0\x9F\n\n: comment\ndata\rid\r\r";

fn decode(decoder: &mut Decoder, piece: usize) -> usize {
    let mut bytes = 0;
    for mut chunk in STREAM.chunks(piece) {
        while let Some(event) = decoder.decode(&mut chunk).unwrap() {
            bytes += event.name().len() + event.data().len() + event.last_event_id().len();
        }
    }
    bytes
}

#[test]
fn borrowed_decoding_allocates_nothing_in_the_long_run() {
    for piece in [STREAM.len(), 64, 7, 1] {
        let mut decoder = Decoder::new();
        let expected = decode(&mut decoder, piece);
        decode(&mut decoder, piece);
        let info = measure(|| {
            for _ in 0..1000 {
                assert_eq!(decode(&mut decoder, piece), expected);
            }
        });
        assert_eq!(info.count_total, 0, "in pieces of {piece}");
    }
}

#[test]
fn an_open_source_allocates_nothing_in_the_long_run() {
    let now = Instant::default();
    let mut source = Session::new(Request::get("http://a.test/").unwrap(), 0);
    while source.want(now).0 != Want::Request {
        source.handle_prepared(now);
    }
    source.handle_response(now, ResponseHead::new(200).with_header("content-type", b"text/event-stream"));
    let mut run = |piece| {
        let mut events = 0;
        for mut chunk in STREAM.chunks(piece) {
            while !chunk.is_empty() {
                match source.want(now).0 {
                    Want::Event => events += usize::from(!source.event().data().is_empty()),
                    _ => chunk = &chunk[source.handle_bytes(now, chunk)..],
                }
            }
        }
        events
    };
    for piece in [STREAM.len(), 64, 7, 1] {
        run(piece);
        run(piece);
        let info = measure(|| assert!((0..1000).map(|_| run(piece)).sum::<usize>() >= 4000));
        assert_eq!(info.count_total, 0, "in pieces of {piece}");
    }
}

#[test]
fn an_event_that_lies_in_the_chunk_never_allocates() {
    let info = measure(|| {
        let mut decoder = Decoder::new();
        let mut input = "data: {\"token\":\"hello\"}\n\nevent: tick\ndata: 21.50\n\n".as_bytes();
        while let Some(event) = decoder.decode(&mut input).unwrap() {
            assert!(!event.data().is_empty());
        }
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn a_new_owned_event_allocates_once() {
    let event =
        EventRef::new("21.50").with_name("content_block_delta").unwrap().with_id("1700000000000-17").unwrap();
    let mut kept = None;
    assert_eq!(measure(|| kept = Some(event.to_event())).count_total, 1);
    assert_eq!(kept.unwrap().as_ref(), event);
    assert_eq!(measure(|| drop(EventRef::default().to_event())).count_total, 0);
}

#[test]
fn an_owned_event_is_written_anew_without_allocating() {
    let mut event = Event::default();
    let mut decoder = Decoder::new();
    let mut run = || {
        let mut input = STREAM;
        while let Some(lent) = decoder.decode(&mut input).unwrap() {
            event.assign(lent);
        }
    };
    run();
    run();
    assert_eq!(measure(|| (0..100).for_each(|_| run())).count_total, 0);
}

#[test]
fn encoding_into_a_used_buffer_allocates_nothing() {
    let event = EventRef::new("two\nlines").with_name("tick").unwrap().with_id("17").unwrap();
    let event = event.with_retry(std::time::Duration::from_secs(3));
    let mut out = Vec::new();
    let mut run = || {
        out.clear();
        let mut encoder = Encoder::new(&mut out);
        encoder.event(event);
        encoder.comment("two\nlines");
        encoder.keep_alive();
        let mut data = encoder.data_writer(event);
        std::fmt::Write::write_str(&mut data, "pieces\r\n").unwrap();
        data.finish();
    };
    run();
    assert_eq!(measure(|| (0..1000).for_each(|_| run())).count_total, 0);
}

/// Decodes all of it, and answers what that took of memory and what of it is still held.
fn memory_of(decoder: &mut Decoder, stream: &[u8], piece: usize) -> AllocationInfo {
    measure(|| {
        for mut chunk in stream.chunks(piece) {
            while decoder.decode(&mut chunk).unwrap().is_some() {}
        }
    })
}

#[test]
fn a_large_event_gives_its_memory_back() {
    const BOUND: i64 = 256 * 1024;
    let mut large = b"event: e\nid: 7\n".to_vec();
    for _ in 0..100 {
        large.extend_from_slice(b"data: ");
        large.extend(std::iter::repeat_n(b'x', 100_000));
        large.push(b'\n');
    }
    large.extend_from_slice(b"\ndata: small\n\n");
    let mut not_utf8 = large.clone();
    not_utf8.iter_mut().filter(|byte| **byte == b'x').for_each(|byte| *byte = 0xFF);

    let stray =
        [b"data: ", "x".repeat(1_500_000).as_bytes(), b"\xFF\n\n", &b"data: small\n\n".repeat(2)].concat();

    for stream in [&large, &not_utf8, &stray] {
        for piece in [stream.len(), 16 * 1024, 1000] {
            let held = memory_of(&mut Decoder::new(), stream, piece).bytes_current;
            assert!(held < BOUND, "{held} bytes held after a large event in pieces of {piece}");
        }
    }
}

#[test]
fn memory_is_bounded_by_the_limits_whatever_comes() {
    let mut limits = Limits::default();
    limits.event_bytes = 100_000;
    limits.name_bytes = 1000;
    limits.id_bytes = 1000;
    for line in [&b"data: "[..], b"data: x\ndata: ", b"event: ", b"id: ", b":", b"unknown", b"retry: 1"] {
        let mut decoder = Decoder::new().with_limits(limits);
        decoder.decode(&mut &*line).unwrap();
        let mut exceeded = 0;
        let info = measure(|| {
            for _ in 0..1000 {
                if let Err(error) = decoder.decode(&mut &[b'1'; 1000][..]) {
                    exceeded += 1;
                    assert_eq!(error.max(), if error.limit() == Limit::Event { 100_000 } else { 1000 });
                }
            }
        });
        let peak = info.bytes_max;
        assert!(
            peak < 250_000,
            "{peak} bytes for an endless line that begins with {:?}",
            String::from_utf8_lossy(line)
        );
        let stored = [&b"data"[..], b"even", b"id: "].iter().any(|name| line.starts_with(name));
        assert_eq!(exceeded, usize::from(stored), "reported once, {:?}", String::from_utf8_lossy(line));
    }
}

/// What a subscriber of a hub costs while it is caught up: what is allocated, beside the machine itself.
#[cfg(feature = "http1")]
#[test]
fn a_connection_that_is_caught_up_holds_next_to_nothing() {
    use sse_proto::http1::Response;
    use sse_proto::http1::server::{self, Connection};
    use sse_proto::hub::{self, Next, Subscription};
    use sse_proto::{Frame, Hub};
    use std::sync::Arc;

    const REQUEST: &[u8] = b"GET /sse HTTP/1.1\r\nHost: example.com\r\nAccept: text/event-stream\r\n\r\n";
    let now = Instant::default();
    let mut hub: Hub<Frame<Arc<[u8]>>> = Hub::new(7, hub::HubConfig::default());
    let mut machines = Vec::with_capacity(1000);
    let deliver = |machines: &mut Vec<(Connection<Arc<[u8]>>, hub::Cursor)>,
                   hub: &mut Hub<Frame<Arc<[u8]>>>| {
        for (server, cursor) in machines {
            while let Next::Event(entry) = hub.next(now, cursor) {
                server.stream().unwrap().frame(entry.value.clone());
                while server.want(now).0 == server::Want::Write {
                    server.handle_written(now, usize::MAX);
                }
            }
        }
    };
    let connected = measure(|| {
        for seed in 0..1000 {
            let mut server = Connection::new(server::ServerConfig::default(), seed);
            server.space()[..REQUEST.len()].copy_from_slice(REQUEST);
            server.handle_read(now, REQUEST.len());
            server.open(now, Response::new(200));
            server.handle_written(now, usize::MAX);
            server.space();
            machines.push((server, hub.subscribe(&Subscription::to_all())));
        }
    });
    let each = connected.bytes_current / 1000;
    assert!(each <= 128, "{each} bytes");

    let mut publish = |machines: &mut _, size| {
        let frame: Frame<Arc<[u8]>> = Frame::event(&*"x".repeat(size)).map(Arc::from);
        hub.publish(now, "", frame.weight(), frame).unwrap();
        deliver(machines, &mut hub);
    };
    publish(&mut machines, 100);
    let delivered = measure(|| (0..100).for_each(|_| publish(&mut machines, 5000)));
    // What is published is held once, by the hub.
    assert!(delivered.bytes_current < 100 * 5500, "{} bytes", delivered.bytes_current);
    assert!(delivered.count_total < 100 * 10, "{} allocations for 100,000 deliveries", delivered.count_total);
}

#[test]
fn waiting_again_and_again_holds_no_more() {
    use sse_proto::Hub;
    use sse_proto::hub::{HubConfig, Subscription, WaitList};

    let mut hub: Hub<()> = Hub::new(7, HubConfig::default());
    let mut wait_list = WaitList::new();
    let info = measure(|| {
        for _ in 0..10_000 {
            let cursor = hub.subscribe(&Subscription::to(["quiet", "quieter"]));
            let waiter = wait_list.insert(&cursor);
            let former: Vec<_> = (0..3).map(|_| wait_list.wait(&waiter, "waker")).collect();
            assert_eq!(former, [None, Some("waker"), Some("waker")]);
            assert_eq!(wait_list.remove(waiter), Some("waker"));
            hub.unsubscribe(cursor);
        }
    });
    assert!(info.bytes_current < 4000, "{} bytes", info.bytes_current);
}

#[test]
fn a_peer_that_never_catches_up_costs_no_more_than_what_is_pending() {
    let event = "x".repeat(10_000);
    let mut sender = Sender::new();
    (0..7).for_each(|_| sender.event(&event));
    let info = measure(|| {
        for _ in 0..10_000 {
            sender.handle_written(event.len());
            sender.event(&event);
        }
    });
    assert!(sender.pending().len() < 200_000, "{}", sender.pending().len());
    assert!(info.bytes_max < 1_000_000, "{} bytes", info.bytes_max);
}

/// Whatever users call themselves, and however many come and go: what is kept of them is bounded in bytes.
#[test]
fn names_that_peers_choose_are_bounded_in_bytes() {
    use sse_proto::Hub;
    use sse_proto::hub::{HubConfig, Subscription, WaitList};

    let config = HubConfig::default();
    for (users, length) in [(4_200, 64 * 1024), (50_000, 20), (20_000, 1000)] {
        let mut hub: Hub<()> = Hub::new(7, config);
        let mut wait_list: WaitList<&str> = WaitList::new();
        let left = measure(|| {
            let mut guests = Vec::new();
            for user in 0..users {
                let name = format!("to/{user}{}", "x".repeat(length - 10));
                let cursor = hub.subscribe(&Subscription::to(["broadcast", &name]));
                guests.push((wait_list.insert(&cursor), cursor));
                // Half of them stay for a while.
                if user % 2 == 0 {
                    let (waiter, cursor) = guests.swap_remove(user / 2 % guests.len());
                    wait_list.remove(waiter);
                    hub.unsubscribe(cursor);
                }
            }
            for (waiter, cursor) in guests {
                wait_list.remove(waiter);
                hub.unsubscribe(cursor);
            }
        });
        assert_eq!(hub.stats().subscribers, 0);
        assert!(hub.stats().topics <= config.topics, "{} topics", hub.stats().topics);
        let most = 3 * config.topic_bytes as i64;
        assert!(left.bytes_current <= most, "{users} users: {} bytes are left", left.bytes_current);
    }
}

/// One event that many connections share is held once, also when they end while it is on its way.
#[test]
fn a_frame_on_its_way_is_not_copied_when_its_stream_ends() {
    use std::sync::Arc;

    use sse_proto::hub::Delivery;
    use sse_proto::{Frame, Sender};

    const SIZE: usize = 1024 * 1024;
    let frame: Frame<Arc<[u8]>> = Frame::event(&*"x".repeat(SIZE)).map(Arc::from);
    for end in 0..4 {
        let mut senders = Vec::with_capacity(50);
        let held = measure(|| {
            for _ in 0..50 {
                let mut sender: Sender<Arc<[u8]>> = Sender::default();
                sender.frame(frame.clone());
                sender.handle_written(1000);
                match end {
                    0 => sender.finish(),
                    1 => sender.finish_with_retry(),
                    2 => sender.deliver(Delivery::Closed),
                    _ => sender.keep_alive(),
                }
                drop(sender.pending_piece(16 * 1024));
                senders.push(sender);
            }
        });
        assert!(held.bytes_max < SIZE as u64 / 10, "{} bytes", held.bytes_max);
        for sender in &mut senders {
            assert_eq!(sender.pending().len(), frame.bytes().len() - 1000);
            sender.handle_written(usize::MAX);
        }
        assert_eq!(Arc::strong_count(frame.get_ref()), 1, "given back");
    }
}
