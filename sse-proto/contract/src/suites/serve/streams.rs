//! Streams: writers, hubs, slow readers.

use std::io::Read;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use sse_proto::Event;
use sse_proto::http1::Response;
use sse_proto::http1::server::{Closed, ServerConfig};
use sse_proto::hub::{AfterGap, HubConfig, Subscription};

use super::{GET, LONG, Running, SOON, events, read_all, read_until, silent, soon, with};
use crate::adapter::{Adapter, EventSender, Hub, Incoming, ServerHandle};

pub fn many_write_to_one_stream_and_nothing_is_mixed<A: Adapter>() {
    const WRITERS: usize = 4;
    const EVENTS: usize = 500;
    let server = A::server(|incoming| async move {
        let events = incoming.open(Response::new(200));
        for writer in 0..WRITERS {
            let events = events.clone();
            thread::spawn(move || {
                for event in 0..EVENTS {
                    let data = format!("{writer} {event}\n").repeat(1 + event % 50);
                    while !events.try_send(data.trim_end()).unwrap() {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            });
        }
        Ok(())
    });
    let server = Running::<A>::new(silent(), server);
    let (events, is_whole) = events(&server.ask(GET));
    assert!(is_whole);
    let mut next = [0; WRITERS];
    for event in &events {
        let (writer, _) = event.data().split_once(' ').unwrap();
        let writer: usize = writer.parse().unwrap();
        let line = format!("{writer} {}", next[writer]);
        assert!(event.data().lines().all(|other| other == line), "{event:?}");
        assert_eq!(event.data().lines().count(), 1 + next[writer] % 50);
        next[writer] += 1;
    }
    assert_eq!(next, [EVENTS; WRITERS]);
    server.stop();
}

pub fn one_that_comes_back_gets_what_it_has_missed<A: Adapter>() {
    let hub = A::Hub::with_generation(35, Default::default());
    let server = A::server(with(hub.clone(), |hub, incoming: A::Incoming| async move {
        incoming.forward(&hub, &Subscription::to(["news"]), Response::new(200)).await?;
        Ok(())
    }));
    let server = Running::<A>::new(silent(), server);
    for event in ["one", "two", "three"] {
        hub.publish("news", event).unwrap();
    }
    let mut socket = server.connect("GET / HTTP/1.1\r\nHost: a\r\nLast-Event-ID: z-1\r\n\r\n");
    read_until(&mut socket, "data: three\n\n\r\n");
    hub.publish("else", "not this").unwrap();
    hub.publish("news", "four").unwrap();
    hub.close();
    let rest = read_all(socket);
    assert_eq!(rest, "14\r\nid: z-5\ndata: four\n\n\r\n0\r\n\r\n");
    server.stop();
}

pub fn one_that_reads_next_to_nothing_is_cut_and_delays_nobody<A: Adapter>() {
    let hub = A::Hub::new(Default::default());
    let server = A::server(with(hub.clone(), |hub, incoming: A::Incoming| async move {
        incoming.forward(&hub, &Subscription::to_all(), Response::new(200)).await?;
        Ok(())
    }));
    let mut config = silent();
    config.stream.stall = Some(SOON);
    let server = Running::<A>::new(config, server);
    let mut slow = server.connect(GET);
    let live = server.connect(GET);
    soon(|| hub.stats().subscribers == 2);
    let reading = thread::spawn(move || read_all(live));
    let slow_reading = thread::spawn(move || {
        // A byte now and then, until it is cut.
        while slow.read(&mut [0]).is_ok_and(|count| count > 0) {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let mut published = 0;
    let start = Instant::now();
    let reason = loop {
        assert!(start.elapsed() < LONG, "not in time");
        hub.publish("", format!("{published}{}", "x".repeat(10_000))).unwrap();
        published += 1;
        if let Ok(reason) = server.closed.recv_timeout(Duration::from_millis(1)) {
            break reason;
        }
    };
    assert!(matches!(reason, Closed::Stalled), "{reason:?}");
    hub.close();
    let (events, is_whole) = events(&reading.join().unwrap());
    assert!(is_whole);
    assert_eq!(events.len(), published);
    drop(slow_reading);
    server.stop();
}

pub fn one_that_comes_back_too_late_is_told_what_it_has_lost<A: Adapter>() {
    let mut config = HubConfig::default();
    config.events = 5;
    let hub = A::Hub::with_generation(35, config);
    let server = A::server(with(hub.clone(), |hub, incoming: A::Incoming| async move {
        let after = if incoming.path() == "/live" { AfterGap::Live } else { AfterGap::Replay };
        let subscription = Subscription::to_all().with_after_gap(after);
        incoming.forward(&hub, &subscription, Response::new(200)).await?;
        Ok(())
    }));
    let mut config = silent();
    let name = String::from("lost");
    config.stream.set_gap(move |gap, mut encoder| {
        encoder.event(Event::new(gap.to_string()).with_name(&*name).unwrap().as_ref());
    });
    for event in 1..=20 {
        hub.publish("", event.to_string()).unwrap();
    }
    let told = |server: &Running<A>, path: &str, id: &str, end: &str| {
        let request = format!("GET {path} HTTP/1.0\r\nLast-Event-ID: {id}\r\n\r\n");
        let mut socket = server.connect(&request);
        read_until(&mut socket, "\r\n\r\n");
        read_until(&mut socket, end)
    };
    let default = Running::<A>::new(
        silent(),
        A::server(with(hub.clone(), |hub, incoming: A::Incoming| async move {
            incoming.forward(&hub, &Subscription::to_all(), Response::new(200)).await?;
            Ok(())
        })),
    );
    let gap = "event: gap\ndata: 14\n\nid: z-16\ndata: 16\n\n";
    assert!(told(&default, "/", "z-1", "data: 20\n\n").starts_with(gap));
    let unknown = "event: gap\ndata: unknown\n\nid: z-16\ndata: 16\n\n";
    assert!(told(&default, "/", "y-1", "data: 20\n\n").starts_with(unknown));
    assert!(told(&default, "/", "z-15", "data: 20\n\n").starts_with("id: z-16\n"), "nothing is lost");
    default.stop();

    let server = Running::<A>::new(config, server);
    assert!(told(&server, "/", "z-1", "data: 20\n\n").starts_with("event: lost\ndata: 14\n\nid: z-16\n"));
    let mut socket = server.connect("GET /live HTTP/1.0\r\nLast-Event-ID: z-1\r\n\r\n");
    read_until(&mut socket, "event: lost\ndata: 14\n\n");
    hub.publish("", "live").unwrap();
    assert_eq!(read_until(&mut socket, "\n\n"), "id: z-21\ndata: live\n\n");
    hub.close();
    server.stop();
}

/// Clients that are everywhere dispatch an event on any blank line once there is an id: none comes from a quiet hub.
pub fn a_quiet_stream_is_kept_open_without_a_blank_line<A: Adapter>() {
    let hub = A::Hub::with_generation(35, Default::default());
    let server = A::server(with(hub.clone(), |hub, incoming: A::Incoming| async move {
        incoming.forward(&hub, &Subscription::to_all(), Response::new(200)).await?;
        Ok(())
    }));
    let mut config = ServerConfig::default();
    config.stream.keep_alive = Some(Duration::from_millis(20));
    let server = Running::<A>::new(config, server);
    let mut socket = server.connect("GET / HTTP/1.0\r\n\r\n");
    read_until(&mut socket, "\r\n\r\n");
    soon(|| hub.stats().subscribers == 1);
    hub.publish("", "one").unwrap();
    let seen = read_until(&mut socket, ":\n:\n:\n");
    assert!(seen.ends_with("id: z-1\ndata: one\n\n:\n:\n:\n"), "{seen}");
    hub.close();
    server.stop();
}

/// It takes more time for what the system holds for it than a client may stall, and reads all the time.
pub fn a_slow_but_steady_reader_is_not_cut<A: Adapter>() {
    let server = A::server(|incoming| async move {
        let events = incoming.open(Response::new(200));
        events.send(&*"x".repeat(24_000_000)).await?;
        events.closed().await;
        Ok(())
    });
    let mut config = silent();
    config.stream.stall = Some(Duration::from_secs(2));
    let server = Running::<A>::new(config, server);
    let mut socket = server.connect(GET);
    let mut space = vec![0; 50_000];
    let mut read = |socket: &mut TcpStream, bytes: usize| {
        let mut left = bytes;
        while left > 0 {
            let most = left.min(space.len());
            let count = socket.read(&mut space[..most]).unwrap();
            assert!(count > 0, "cut with {left} of {bytes} left");
            left -= count;
        }
    };
    // So fast that the system makes its buffers large.
    read(&mut socket, 6_000_000);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(6) {
        read(&mut socket, 50_000);
        thread::sleep(Duration::from_millis(100));
    }
    assert!(server.closed.try_recv().is_err(), "it is served still");
    drop(socket);
    server.handle.close();
    server.stop();
}
