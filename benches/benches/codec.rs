//! The codec alone, to compare two states of the code.
//!
//! ```sh
//! cargo bench -p sse-benches --bench codec -- --save-baseline before
//! cargo bench -p sse-benches --bench codec -- --baseline before
//! ```
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sse_benches::inputs;
use sse_proto::{Decoder, Encoder};

/// Fits into the second-level cache.
const SIZE: usize = 1 << 20;

fn decode(criterion: &mut Criterion) {
    for input in inputs(SIZE) {
        let stream = input.stream.as_bytes();
        let mut group = criterion.benchmark_group(format!("decode {}", input.name));
        group.throughput(Throughput::Bytes(stream.len() as u64));
        for (size, piece) in [("64K", 65536), ("1460", 1460), ("64", 64)] {
            assert_eq!(events_in(&mut Decoder::new(), stream, piece), input.events);
            group.bench_function(size, |bencher| {
                let mut decoder = Decoder::new();
                bencher.iter(|| events_in(&mut decoder, black_box(stream), piece));
            });
        }
        group.finish();
    }
}

fn events_in(decoder: &mut Decoder, stream: &[u8], piece: usize) -> usize {
    let mut events = 0;
    for mut chunk in stream.chunks(piece) {
        while let Ok(Some(event)) = decoder.decode(&mut chunk) {
            black_box(event.data());
            events += 1;
        }
    }
    events
}

fn encode(criterion: &mut Criterion) {
    for input in
        inputs(SIZE).into_iter().filter(|input| ["llm", "named", "ticks", "lines"].contains(&input.name))
    {
        let (mut decoder, mut stream, mut events) = (Decoder::new(), input.stream.as_bytes(), Vec::new());
        while let Ok(Some(event)) = decoder.decode(&mut stream) {
            events.push(event.to_event());
        }
        assert_eq!(events.len(), input.events);
        let mut group = criterion.benchmark_group(format!("encode {}", input.name));
        group.throughput(Throughput::Bytes(input.stream.len() as u64));
        group.bench_function("into a used buffer", |bencher| {
            let mut out = Vec::new();
            bencher.iter(|| {
                out.clear();
                let mut encoder = Encoder::new(&mut out);
                black_box(&events).iter().for_each(|event| encoder.event(event));
            });
        });
        group.finish();
    }
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
