//! Event streams for `tokio_util::codec`.

use std::io;

use bytes::{Buf, BytesMut};
use sse_proto::{Decoder, Encoder, End, Event, EventRef};
use tokio_util::codec;

use crate::ReadError;

/// Decodes and encodes events for [`Framed`](codec::Framed) and similar types, for stacks built
/// from codecs. [`EventReader`](crate::EventReader) and [`EventWriter`](crate::EventWriter) offer
/// more and copy less.
///
/// A `Framed` returns `None` after every error. After a limit error, which [is
/// recoverable](ReadError::is_recoverable), poll again to continue.
///
/// ```
/// use sse_tokio::{Event, EventCodec};
/// use tokio_util::codec::{Decoder, Encoder};
///
/// let mut codec = EventCodec::new();
/// let mut bytes = bytes::BytesMut::new();
/// codec.encode(Event::new("hello"), &mut bytes)?;
/// assert_eq!(bytes, "data: hello\n\n");
/// assert_eq!(codec.decode(&mut bytes)?, Some(Event::new("hello")));
/// # Ok::<(), sse_tokio::ReadError>(())
/// ```
#[derive(Debug, Default)]
pub struct EventCodec {
    decoder: Decoder,
    end: Option<End>,
}

impl EventCodec {
    /// Creates a codec with the default [`Limits`](sse_proto::Limits).
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a codec with a configured decoder, for example with other limits or with a last
    /// event id.
    pub fn with_decoder(decoder: Decoder) -> Self {
        Self { decoder, end: None }
    }

    /// Returns the decoder, which knows the last event id and the reconnection time.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Returns how the stream ended, or `None` before its end.
    pub fn end(&self) -> Option<End> {
        self.end
    }
}

impl codec::Decoder for EventCodec {
    type Item = Event;
    type Error = ReadError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Event>, ReadError> {
        let mut input = &bytes[..];
        let found = self.decoder.decode(&mut input).map(|event| event.map(EventRef::to_event));
        let taken = bytes.len() - input.len();
        bytes.advance(taken);
        found.map_err(|error| ReadError::Receive(error.into()))
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<Event>, ReadError> {
        let event = self.decode(bytes)?;
        if event.is_none() && self.end.is_none() {
            self.end = Some(self.decoder.finish());
        }
        Ok(event)
    }
}

impl codec::Encoder<EventRef<'_>> for EventCodec {
    type Error = io::Error;

    /// Cannot fail.
    fn encode(&mut self, event: EventRef<'_>, out: &mut BytesMut) -> io::Result<()> {
        Encoder::new(out).event(event);
        Ok(())
    }
}

impl codec::Encoder<Event> for EventCodec {
    type Error = io::Error;

    /// Cannot fail.
    fn encode(&mut self, event: Event, out: &mut BytesMut) -> io::Result<()> {
        self.encode(event.as_ref(), out)
    }
}
