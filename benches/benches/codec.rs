//! Decoding and encoding, over the inputs of the library of this package.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sse_benches::{Input, inputs};
use sse_proto::{Decoder, Encoder, Event, Receiver, Want};

/// Fits the second-level cache.
const SIZE: usize = 1 << 20;

fn decode(criterion: &mut Criterion) {
    for input in inputs(SIZE) {
        let stream = input.stream.as_bytes();
        let mut group = criterion.benchmark_group(format!("decode {}", input.name));
        group.throughput(Throughput::Bytes(stream.len() as u64));
        for (size, piece) in [("64K", 65536), ("1460", 1460), ("64", 64)] {
            assert_eq!(lent(&mut Decoder::new(), stream, piece), input.events);
            group.bench_function(format!("lent {size}"), |bencher| {
                let mut decoder = Decoder::new();
                bencher.iter(|| lent(&mut decoder, black_box(stream), piece));
            });
        }
        assert_eq!(owned(stream).len(), input.events);
        group.bench_function("owned 64K", |bencher| {
            bencher.iter_batched(|| (), |()| owned(black_box(stream)), BatchSize::LargeInput);
        });
        assert_eq!(received(stream), input.events);
        group.bench_function("receiver 16K", |bencher| bencher.iter(|| received(black_box(stream))));
        group.bench_function("floor memchr2", |bencher| {
            bencher.iter(|| memchr::memchr2_iter(b'\r', b'\n', black_box(stream)).count());
        });
        group.finish();
    }
}

fn lent(decoder: &mut Decoder, stream: &[u8], piece: usize) -> usize {
    let mut events = 0;
    for mut chunk in stream.chunks(piece) {
        while let Ok(Some(event)) = decoder.decode(&mut chunk) {
            black_box(event.data());
            events += 1;
        }
    }
    events
}

fn owned(mut stream: &[u8]) -> Vec<Event> {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    while let Ok(Some(event)) = decoder.decode(&mut stream) {
        events.push(event.to_event());
    }
    events
}

fn received(mut stream: &[u8]) -> usize {
    let mut receiver = Receiver::new();
    let mut events = 0;
    loop {
        match receiver.want() {
            Ok(Want::Read) => {
                let space = receiver.space();
                let count = space.len().min(stream.len());
                let (read, rest) = stream.split_at(count);
                space[..count].copy_from_slice(read);
                stream = rest;
                receiver.handle_read(count);
            }
            Ok(Want::Event) => {
                black_box(receiver.event().data());
                events += 1;
            }
            Ok(Want::Closed(_)) => return events,
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn encode(criterion: &mut Criterion) {
    for Input { name, stream, .. } in
        inputs(SIZE).into_iter().filter(|input| ["a", "b", "c", "e"].contains(&input.name))
    {
        let events = owned(stream.as_bytes());
        let mut out = Vec::new();
        encoded(&events, &mut out);
        assert_eq!(owned(&out), events);
        let mut group = criterion.benchmark_group(format!("encode {name}"));
        group.throughput(Throughput::Bytes(out.len() as u64));
        group.bench_function("reused buffer", |bencher| {
            bencher.iter(|| {
                out.clear();
                encoded(black_box(&events), &mut out);
            });
        });
        let mut copy = Vec::with_capacity(stream.len() * 2);
        group.bench_function("floor memcpy", |bencher| {
            bencher.iter(|| {
                copy.clear();
                black_box(&events).iter().for_each(|event| copy.extend_from_slice(event.data().as_bytes()));
            });
        });
        group.finish();
    }
}

fn encoded(events: &[Event], out: &mut Vec<u8>) {
    let mut encoder = Encoder::new(out);
    events.iter().for_each(|event| encoder.event(event));
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
