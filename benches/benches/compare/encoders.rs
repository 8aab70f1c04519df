//! The encoders: ours, the rivals, `write!`, and the floor, which copies encoded events.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt::Write;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use axum::response::{IntoResponse, Sse};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http_body::Body;
use sse_proto::{Decoder, Encoder, Event};
use tokio_util::codec::Encoder as _;

use crate::race::{Contender, timed};

/// Events to encode, and the frames that our encoder makes of them.
pub(crate) struct Events {
    pub(crate) events: &'static [Event],
    frames: Vec<Vec<u8>>,
    pub(crate) len: usize,
}

impl Events {
    /// Repeats the events of `stream` until they encode to about `size` bytes.
    pub(crate) fn new(mut stream: &[u8], size: usize) -> Self {
        let mut decoder = Decoder::new();
        let mut decoded = Vec::new();
        while let Some(event) = decoder.decode(&mut stream).expect("within the limits") {
            decoded.push(event.to_event());
        }
        let (mut events, mut len) = (Vec::new(), 0);
        let frame = |event: &Event| {
            let mut frame = Vec::new();
            Encoder::new(&mut frame).event(event);
            frame
        };
        for event in decoded.iter().cycle() {
            len += frame(event).len();
            events.push(event.clone());
            if len >= size {
                break;
            }
        }
        // Allocated consecutively, for the floor.
        let frames = events.iter().map(frame).collect();
        // Leaked because some rivals require `'static` events.
        Self { events: events.leak(), frames, len }
    }

    /// Asserts that `output` decodes to these events.
    ///
    /// # Panics
    /// If it does not.
    pub(crate) fn assert_decodes_from(&self, mut output: &[u8], contender: &str) {
        let mut decoder = Decoder::new();
        for expected in self.events {
            let event = decoder.decode(&mut output).expect("within the limits").expect("an event");
            assert_eq!(
                (event.name(), event.data(), event.last_event_id()),
                (expected.name(), expected.data(), expected.id().unwrap_or_default()),
                "{contender}"
            );
        }
        assert!(
            decoder.decode(&mut output).expect("within the limits").is_none(),
            "{contender}: too many events"
        );
    }
}

/// When a buffer is flushed: after this many bytes, as before a write to a socket.
pub(crate) const FLUSHED: usize = 60 << 10;

/// Returns a buffer to encode into, all of whose memory has been written to, as that of one that is reused.
fn buffer() -> Vec<u8> {
    let mut buffer = vec![1; 2 * FLUSHED];
    buffer.clear();
    buffer
}

/// A contender, and its encoded output.
pub(crate) struct Checked {
    pub(crate) contender: Contender<Events>,
    pub(crate) output: fn(&Events) -> Vec<u8>,
}

trait Encode {
    const NAME: &'static str;
    /// The contender's input, prepared before the clock starts.
    type Prepared;
    fn prepare(events: &Events) -> Self::Prepared;
    /// Passes the encoded bytes to `out`, event by event or in one piece.
    fn encode(prepared: Self::Prepared, out: impl FnMut(&[u8]));
}

fn entry<E: Encode>() -> Checked {
    let run = |events: &Events| {
        let prepared = E::prepare(events);
        timed(|| {
            E::encode(black_box(prepared), |bytes| {
                black_box((bytes.as_ptr(), bytes.len()));
            })
        })
    };
    let output = |events: &Events| {
        let mut output = Vec::new();
        E::encode(E::prepare(events), |bytes| output.extend_from_slice(bytes));
        output
    };
    Checked { contender: Contender { name: E::NAME, run }, output }
}

/// Returns our encoder.
pub(crate) fn ours() -> Checked {
    entry::<Ours>()
}

/// Returns the rivals.
pub(crate) fn rivals() -> Vec<Checked> {
    vec![entry::<Axum>(), entry::<SseStream>(), entry::<TokioSseCodec>(), entry::<WriteMacro>()]
}

/// Returns the floor: copying each encoded event into the buffer.
pub(crate) fn floor() -> Contender<Events> {
    Contender {
        name: "memcpy",
        run: |events| {
            let mut buffer = buffer();
            timed(|| {
                for frame in black_box(&events.frames) {
                    buffer.extend_from_slice(frame);
                    if buffer.len() >= FLUSHED {
                        black_box(&buffer);
                        buffer.clear();
                    }
                }
                black_box(&buffer).len()
            })
        },
    }
}

struct Ours;
impl Encode for Ours {
    const NAME: &'static str = "ours";
    type Prepared = (&'static [Event], Vec<u8>);
    fn prepare(events: &Events) -> Self::Prepared {
        (events.events, buffer())
    }
    fn encode((events, mut buffer): Self::Prepared, mut out: impl FnMut(&[u8])) {
        for event in events {
            Encoder::new(&mut buffer).event(event);
            if buffer.len() >= FLUSHED {
                out(&buffer);
                buffer.clear();
            }
        }
        out(&buffer);
        std::mem::forget(buffer);
    }
}

struct WriteMacro;
impl Encode for WriteMacro {
    const NAME: &'static str = "write!";
    type Prepared = (&'static [Event], String);
    fn prepare(events: &Events) -> Self::Prepared {
        (events.events, String::from_utf8(buffer()).expect("empty"))
    }
    fn encode((events, mut buffer): Self::Prepared, mut out: impl FnMut(&[u8])) {
        for event in events {
            if let Some(name) = event.event_field() {
                writeln!(buffer, "event: {name}").expect("a string takes all");
            }
            if let Some(id) = event.id() {
                writeln!(buffer, "id: {id}").expect("a string takes all");
            }
            for line in event.data().split('\n') {
                writeln!(buffer, "data: {line}").expect("a string takes all");
            }
            buffer.push('\n');
            if buffer.len() >= FLUSHED {
                out(buffer.as_bytes());
                buffer.clear();
            }
        }
        out(buffer.as_bytes());
        std::mem::forget(buffer);
    }
}

struct SseStream;
impl Encode for SseStream {
    const NAME: &'static str = "sse-stream";
    type Prepared = Vec<sse_stream::Sse>;
    fn prepare(events: &Events) -> Self::Prepared {
        let copy = |text: Option<&str>| text.map(str::to_owned);
        let convert = |event: &Event| {
            let mut copied = sse_stream::Sse::default();
            (copied.event, copied.data, copied.id) =
                (copy(event.event_field()), copy(event.data_field()), copy(event.id()));
            copied
        };
        events.events.iter().map(convert).collect()
    }
    fn encode(prepared: Self::Prepared, mut out: impl FnMut(&[u8])) {
        for event in prepared {
            out(&event.encode().expect("a valid event"));
        }
    }
}

struct TokioSseCodec;
impl Encode for TokioSseCodec {
    const NAME: &'static str = "tokio_sse_codec";
    type Prepared = (&'static [Event], BytesMut);
    fn prepare(events: &Events) -> Self::Prepared {
        (events.events, BytesMut::from(Bytes::from(buffer())))
    }
    fn encode((events, mut buffer): Self::Prepared, mut out: impl FnMut(&[u8])) {
        let mut encoder = tokio_sse_codec::SseEncoder::new();
        for event in events {
            let frame = tokio_sse_codec::Frame::Event(tokio_sse_codec::Event {
                id: event.id().map(Cow::Borrowed),
                name: Cow::Borrowed(event.name()),
                data: event.data(),
            });
            encoder.encode(frame, &mut buffer).expect("a valid event");
            if buffer.len() >= FLUSHED {
                out(&buffer);
                buffer.clear();
            }
        }
        out(&buffer);
    }
}

struct Axum;
impl Encode for Axum {
    const NAME: &'static str = "axum";
    type Prepared = axum::body::Body;
    fn prepare(events: &Events) -> Self::Prepared {
        Sse::new(AxumEvents(events.events)).into_response().into_body()
    }
    fn encode(prepared: Self::Prepared, mut out: impl FnMut(&[u8])) {
        let mut body = pin!(prepared);
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
            if let Ok(bytes) = frame.expect("an endless source").into_data() {
                out(&bytes);
            }
        }
    }
}

struct AxumEvents(&'static [Event]);

impl Stream for AxumEvents {
    type Item = Result<axum::response::sse::Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some((event, rest)) = self.0.split_first() else { return Poll::Ready(None) };
        self.0 = rest;
        let mut made = axum::response::sse::Event::default();
        if let Some(name) = event.event_field() {
            made = made.event(name);
        }
        if let Some(id) = event.id() {
            made = made.id(id);
        }
        Poll::Ready(Some(Ok(made.data(event.data()))))
    }
}
