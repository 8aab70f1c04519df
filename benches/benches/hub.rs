//! Fan-out without a network: the cost of the hub per event and subscriber, compared with tokio's
//! broadcast channel.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sse_proto::http1::Response;
use sse_proto::http1::server::{self, Connection};
use sse_proto::hub::{Cursor, HubConfig, Next, Subscription};
use sse_proto::{Frame, Hub, Instant};

type Shared = Frame<Arc<[u8]>>;

const NOW: Instant = Instant::from_epoch(std::time::Duration::ZERO);

fn frame() -> Shared {
    Frame::event("{\"symbol\":\"AAPL\",\"price\":212.480000}").map(Arc::from)
}

fn hub() -> Hub<Shared> {
    Hub::new(7, HubConfig::default())
}

fn publish(hub: &mut Hub<Shared>, topic: &str, frame: &Shared) {
    let published = hub.publish(NOW, topic, frame.weight(), frame.clone());
    assert!(published.is_ok());
}

/// Takes all pending events, and returns their number.
fn drain(hub: &mut Hub<Shared>, cursor: &mut Cursor, mut each: impl FnMut(&Shared)) -> usize {
    let mut events = 0;
    while let Next::Event(entry) = hub.next(NOW, cursor) {
        each(entry.value);
        events += 1;
    }
    events
}

fn publishing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish");
    let frame = frame();
    for subscribers in [0, 10_000] {
        let mut hub = hub();
        let cursors: Vec<Cursor> = (0..subscribers).map(|_| hub.subscribe(&Subscription::to_all())).collect();
        group.bench_function(format!("with {subscribers} subscribers"), |bencher| {
            bencher.iter(|| publish(&mut hub, "price", &frame));
        });
        cursors.into_iter().for_each(|cursor| hub.unsubscribe(cursor));
    }
    let mut hub = hub();
    let topics: Vec<String> = (0..10_000).map(|user| format!("to/{user}")).collect();
    let cursors: Vec<Cursor> =
        topics.iter().map(|topic| hub.subscribe(&Subscription::to(["all", topic]))).collect();
    let mut next = topics.iter().cycle();
    group.bench_function("to each of 10000 topics", |bencher| {
        bencher.iter(|| publish(&mut hub, next.next().map_or("", String::as_str), &frame));
    });
    cursors.into_iter().for_each(|cursor| hub.unsubscribe(cursor));
    group.finish();
}

fn delivering(criterion: &mut Criterion) {
    const SUBSCRIBERS: usize = 1000;
    let mut group = criterion.benchmark_group("one event to 1000");
    group.throughput(Throughput::Elements(SUBSCRIBERS as u64));
    let frame = frame();

    for (name, subscription) in
        [("hub", Subscription::to_all()), ("hub, two topics each", Subscription::to(["price", "other"]))]
    {
        let mut hub = hub();
        let mut cursors: Vec<Cursor> = (0..SUBSCRIBERS).map(|_| hub.subscribe(&subscription)).collect();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                publish(&mut hub, "price", &frame);
                let events: usize = cursors
                    .iter_mut()
                    .map(|cursor| drain(&mut hub, cursor, |frame| drop(black_box(frame.clone()))))
                    .sum();
                assert_eq!(events, SUBSCRIBERS);
            });
        });
    }

    let (sender, _) = tokio::sync::broadcast::channel::<Shared>(1024);
    let mut receivers: Vec<_> = (0..SUBSCRIBERS).map(|_| sender.subscribe()).collect();
    group.bench_function("tokio broadcast", |bencher| {
        bencher.iter(|| {
            assert!(sender.send(frame.clone()).is_ok());
            let events: usize = receivers
                .iter_mut()
                .map(|receiver| std::iter::from_fn(|| receiver.try_recv().ok().map(black_box)).count())
                .sum();
            assert_eq!(events, SUBSCRIBERS);
        });
    });

    let mut hub = hub();
    let mut connections: Vec<(Connection<Arc<[u8]>>, Cursor)> =
        (0..SUBSCRIBERS).map(|_| (open(), hub.subscribe(&Subscription::to_all()))).collect();
    group.bench_function("hub and servers", |bencher| {
        bencher.iter(|| {
            publish(&mut hub, "price", &frame);
            let mut bytes = 0;
            for (server, cursor) in &mut connections {
                drain(&mut hub, cursor, |frame| server.stream().unwrap().frame(frame.clone()));
                while server.want(NOW).0 == server::Want::Write {
                    let count = black_box(server.pending()).len();
                    server.handle_written(NOW, count);
                    bytes += count;
                }
            }
            assert_eq!(bytes, SUBSCRIBERS * frame.chunk().len());
        });
    });
    group.finish();
}

/// Returns a server connection with an open stream.
fn open() -> Connection<Arc<[u8]>> {
    const REQUEST: &[u8] = b"GET /price HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut server = Connection::new(server::ServerConfig::default(), 7);
    if let Some(space) = server.space().get_mut(..REQUEST.len()) {
        space.copy_from_slice(REQUEST);
    }
    server.handle_read(NOW, REQUEST.len());
    server.open(NOW, Response::new(200));
    server.handle_written(NOW, usize::MAX);
    assert!(server.is_open());
    server
}

criterion_group!(benches, publishing, delivering);
criterion_main!(benches);
