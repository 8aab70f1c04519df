//! The cost of the layers around the decoder, over memory: HTTP/1.1 framing and the adapters.

use std::hint::black_box;
use std::io::Read;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use sse_proto::http1::{self, Request};
use sse_proto::{Decoder, Receiver, Want};

use crate::race::{Contender, timed};

/// A bare stream, and the same as the chunked body of a response, with one chunk per event.
pub(crate) struct Served {
    pub(crate) stream: &'static [u8],
    pub(crate) chunked: Vec<u8>,
    pub(crate) events: usize,
}

/// The number of bytes per read.
const READ: usize = 16 * 1024;

impl Served {
    pub(crate) fn new(stream: &'static [u8]) -> Self {
        let mut chunked =
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                .to_vec();
        let (mut decoder, mut rest, mut events) = (Decoder::new(), stream, 0);
        loop {
            let before = rest;
            if decoder.decode(&mut rest).expect("within the limits").is_none() {
                break;
            }
            events += 1;
            http1::append_chunk(&mut chunked, &before[..before.len() - rest.len()]);
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        Self { stream, chunked, events }
    }
}

fn contender(name: &'static str, run: fn(&Served) -> std::time::Duration) -> Contender<Served> {
    Contender { name, run }
}

/// Returns all contenders, the bare decoder first.
pub(crate) fn all() -> Vec<Contender<Served>> {
    vec![
        contender("decoder", |served| timed(|| assert_eq!(bare(black_box(served.stream)), served.events))),
        contender("receiver", |served| {
            timed(|| assert_eq!(received(Receiver::new(), black_box(served.stream)), served.events))
        }),
        contender("sse-blocking", |served| {
            timed(|| assert_eq!(blocking(black_box(served.stream)), served.events))
        }),
        contender("sse-tokio", |served| timed(|| assert_eq!(tokio(black_box(served.stream)), served.events))),
        contender("receiver chunked", |served| {
            let request = Request::get("http://localhost/").expect("a valid url");
            let receiver = Receiver::http1(&request);
            timed(|| assert_eq!(received(receiver, black_box(&served.chunked)), served.events))
        }),
    ]
}

fn bare(mut io: &[u8]) -> usize {
    let mut buffer = vec![0; READ];
    let mut decoder = Decoder::new();
    let mut events = 0;
    loop {
        let count = io.read(&mut buffer).expect("memory");
        if count == 0 {
            return events;
        }
        let mut input = &buffer[..count];
        while let Some(event) = decoder.decode(&mut input).expect("within the limits") {
            black_box(event.data());
            events += 1;
        }
    }
}

fn received(mut receiver: Receiver, mut io: &[u8]) -> usize {
    let mut events = 0;
    loop {
        match receiver.want().expect("a valid stream") {
            Want::Read => {
                let count = io.read(receiver.space()).expect("memory");
                receiver.handle_read(count);
            }
            Want::Event => {
                black_box(receiver.event().data());
                events += 1;
            }
            Want::Closed(_) => return events,
            _ => {}
        }
    }
}

fn blocking(io: &[u8]) -> usize {
    let mut reader = sse_blocking::EventReader::new(io);
    let mut events = 0;
    while let Some(event) = reader.next_ref() {
        black_box(event.expect("a valid stream").data());
        events += 1;
    }
    events
}

fn tokio(io: &[u8]) -> usize {
    let all = async {
        let mut reader = sse_tokio::EventReader::new(io);
        let mut events = 0;
        while let Some(event) = reader.next_ref().await {
            black_box(event.expect("a valid stream").data());
            events += 1;
        }
        events
    };
    match pin!(all).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(events) => events,
        Poll::Pending => panic!("memory is always ready"),
    }
}
