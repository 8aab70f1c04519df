//! The decoders: several forms of ours, the rivals, and floors that do only a part of the work.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use eventsource_stream::Eventsource;
use futures_core::Stream;
use sse_proto::{Decoder, Event, Receiver, Want};

use crate::race::{Contender, timed};

/// A stream, cut into pieces.
pub(crate) struct Pieces {
    pub(crate) stream: &'static [u8],
    pub(crate) size: usize,
}

impl Pieces {
    fn iter(&self) -> impl Iterator<Item = &'static [u8]> + use<> {
        self.stream.chunks(self.size)
    }
}

/// Receives the name, the data and the last event id of each event that a contender decodes.
pub(crate) trait Visit {
    fn event(&mut self, name: &str, data: &str, id: &str);
}

/// Sums up every byte, to compare contenders.
#[derive(Default, PartialEq)]
pub(crate) struct Sum {
    events: usize,
    sum: u64,
}

impl Visit for Sum {
    fn event(&mut self, name: &str, data: &str, id: &str) {
        self.events += 1;
        for text in [name, data, id] {
            for byte in text.bytes().chain([0xFF]) {
                self.sum = (self.sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(23);
            }
        }
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events, checksum {:016x}", self.events, self.sum)
    }
}

/// Only keeps the optimizer from removing the event.
struct Seen;

impl Visit for Seen {
    #[inline]
    fn event(&mut self, name: &str, data: &str, id: &str) {
        black_box((name.as_ptr(), name.len(), data.as_ptr(), data.len(), id.as_ptr(), id.len()));
    }
}

trait Decode {
    const NAME: &'static str;
    fn decode(pieces: &Pieces, visit: &mut impl Visit);
}

/// A contender, and the checksum of its events.
pub(crate) struct Checked {
    pub(crate) contender: Contender<Pieces>,
    pub(crate) sum: fn(&Pieces) -> Sum,
}

fn entry<D: Decode>() -> Checked {
    let run = |pieces: &Pieces| timed(|| D::decode(black_box(pieces), &mut Seen));
    let sum = |pieces: &Pieces| {
        let mut sum = Sum::default();
        D::decode(pieces, &mut sum);
        sum
    };
    Checked { contender: Contender { name: D::NAME, run }, sum }
}

/// Returns our decoders, borrowed events first.
pub(crate) fn ours() -> Vec<Checked> {
    vec![entry::<Borrowed>(), entry::<Reused>(), entry::<Owned>(), entry::<Received>()]
}

/// Returns the rivals.
pub(crate) fn rivals() -> Vec<Checked> {
    vec![
        entry::<SseCore>(),
        entry::<SseStream>(),
        entry::<SseParse>(),
        entry::<Sseer>(),
        entry::<EventsourceStream>(),
    ]
}

/// Returns the floors: work that no decoder can avoid.
pub(crate) fn floors() -> Vec<Contender<Pieces>> {
    fn each(pieces: &Pieces, mut work: impl FnMut(&[u8])) {
        black_box(pieces).iter().for_each(&mut work);
    }
    vec![
        Contender {
            name: "memchr2",
            run: |pieces| {
                timed(|| {
                    each(pieces, |piece| {
                        black_box(memchr::memchr2_iter(b'\n', b'\r', piece).count());
                    })
                })
            },
        },
        Contender {
            name: "utf-8",
            run: |pieces| {
                timed(|| {
                    each(pieces, |piece| {
                        black_box(simdutf8::basic::from_utf8(piece).is_ok());
                    })
                })
            },
        },
        Contender {
            name: "memcpy",
            run: |pieces| {
                let mut buffer = vec![1; pieces.size];
                timed(|| {
                    each(pieces, |piece| {
                        buffer[..piece.len()].copy_from_slice(piece);
                        black_box(&buffer);
                    });
                })
            },
        },
    ]
}

struct Borrowed;
impl Decode for Borrowed {
    const NAME: &'static str = "borrowed";
    fn decode(pieces: &Pieces, visit: &mut impl Visit) {
        let mut decoder = Decoder::new();
        for mut piece in pieces.iter() {
            while let Some(event) = decoder.decode(&mut piece).expect("within the limits") {
                visit.event(event.name(), event.data(), event.last_event_id());
            }
        }
    }
}

struct Reused;
impl Decode for Reused {
    const NAME: &'static str = "owned, reused";
    fn decode(pieces: &Pieces, visit: &mut impl Visit) {
        thread_local!(static USED: RefCell<Event> = RefCell::default());
        USED.with_borrow_mut(|event| {
            let mut decoder = Decoder::new();
            for mut piece in pieces.iter() {
                while let Some(lent) = decoder.decode(&mut piece).expect("within the limits") {
                    event.assign(lent);
                    visit.event(event.name(), event.data(), event.id().unwrap_or_default());
                }
            }
        });
    }
}

struct Owned;
impl Decode for Owned {
    const NAME: &'static str = "owned";
    fn decode(pieces: &Pieces, visit: &mut impl Visit) {
        let mut decoder = Decoder::new();
        for mut piece in pieces.iter() {
            while let Some(lent) = decoder.decode(&mut piece).expect("within the limits") {
                let event = lent.to_event();
                visit.event(event.name(), event.data(), event.id().unwrap_or_default());
            }
        }
    }
}

struct Received;
impl Decode for Received {
    const NAME: &'static str = "receiver";
    fn decode(pieces: &Pieces, visit: &mut impl Visit) {
        let mut receiver = Receiver::new().with_capacity(pieces.size);
        let mut pieces = pieces.iter();
        loop {
            match receiver.want().expect("a valid stream") {
                Want::Read => {
                    let piece = pieces.next().unwrap_or_default();
                    receiver.space()[..piece.len()].copy_from_slice(piece);
                    receiver.handle_read(piece.len());
                }
                Want::Event => {
                    let event = receiver.event();
                    visit.event(event.name(), event.data(), event.last_event_id());
                }
                Want::Closed(_) => return,
                _ => {}
            }
        }
    }
}

/// The default limit of our decoder.
const LIMIT: std::num::NonZeroUsize = std::num::NonZeroUsize::new(16 << 20).expect("not zero");

struct SseCore;
impl Decode for SseCore {
    const NAME: &'static str = "sse-core";
    fn decode(pieces: &Pieces, visit: &mut impl Visit) {
        let mut decoder = sse_core::SseDecoder::with_limit(LIMIT);
        for mut piece in pieces.iter() {
            while let Some(event) = decoder.next(&mut piece) {
                if let sse_core::SseEvent::Message(event) = event.expect("within the limits") {
                    visit.event(
                        &event.event,
                        &event.data,
                        event.last_event_id.as_deref().unwrap_or_default(),
                    );
                }
            }
        }
    }
}

struct SseParse;
impl Decode for SseParse {
    const NAME: &'static str = "sse-parse";
    fn decode(pieces: &Pieces, visit: &mut impl Visit) {
        let mut parser = sse_parse::SseParser::new();
        for piece in pieces.iter() {
            parser.feed(piece);
            while let Some(event) = parser.next_event() {
                visit.event(&event.event, &event.data, &event.id);
            }
        }
    }
}

struct SseStream;
impl Decode for SseStream {
    const NAME: &'static str = "sse-stream";
    fn decode(pieces: &Pieces, visit: &mut impl Visit) {
        let events = sse_stream::SseByteStream::new(InMemory(pieces.iter().map(Ok::<_, Infallible>)));
        for_each(events, |event| {
            let event = event.expect("a valid stream");
            if let Some(data) = &event.data {
                visit.event(
                    event.event.as_deref().unwrap_or("message"),
                    data,
                    event.id.as_deref().unwrap_or_default(),
                );
            }
        });
    }
}

struct Sseer;
impl Decode for Sseer {
    const NAME: &'static str = "sseer";
    fn decode(pieces: &Pieces, visit: &mut impl Visit) {
        let events = sseer::EventStream::new(InMemory(pieces.iter().map(Ok::<_, Infallible>)));
        for_each(events, |event| {
            let event = event.expect("a valid stream");
            visit.event(&event.event, &event.data, &event.id);
        });
    }
}

struct EventsourceStream;
impl Decode for EventsourceStream {
    const NAME: &'static str = "eventsource-stream";
    fn decode(pieces: &Pieces, visit: &mut impl Visit) {
        let events = InMemory(pieces.iter().map(Ok::<_, Infallible>)).eventsource();
        for_each(events, |event| {
            let event = event.expect("a valid stream");
            visit.event(&event.event, &event.data, &event.id);
        });
    }
}

/// Turns an iterator into a stream that is always ready.
struct InMemory<I>(I);

impl<I: Iterator + Unpin> Stream for InMemory<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next())
    }
}

fn for_each<S: Stream>(stream: S, mut each: impl FnMut(S::Item)) {
    let mut stream = pin!(stream);
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(item)) = stream.as_mut().poll_next(&mut context) {
        each(item);
    }
}
