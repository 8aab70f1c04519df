//! The sending side of one connection: events in, bytes out.

use alloc::vec::Vec;

#[cfg(feature = "http1")]
use crate::header;
#[cfg(feature = "http1")]
use crate::http1::{Framing, RequestHead, Response, chunk};
use crate::{Encoder, EventRef};

/// Holds what is to be written on one connection: encoded events, framed as the response demands.
///
/// Commands append; the caller writes [`pending`](Self::pending) and reports with
/// [`handle_written`](Self::handle_written). An event is one piece: written in one go where the transport lets it, and
/// never mixed with another. What was not written stays pending, so that an interrupted write costs nothing.
///
/// ```
/// use sse_proto::Sender;
/// use std::io::Write;
///
/// let mut connection = Vec::new();
/// let mut sender = Sender::new();
/// sender.event("hello");
/// while !sender.pending().is_empty() {
///     let count = connection.write(sender.pending())?;
///     sender.handle_written(count);
/// }
/// assert_eq!(connection, b"data: hello\n\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Sender {
    out: Vec<u8>,
    written: usize,
    /// One encoded event, before it becomes a chunk.
    #[cfg(feature = "http1")]
    frame: Vec<u8>,
    #[cfg(feature = "http1")]
    framing: Option<Framing>,
    finished: bool,
}

impl Sender {
    /// Bytes pending from which on a sender [is full](Self::is_full): 64 KiB. Nothing is refused then.
    pub const HIGH_WATER: usize = 64 * 1024;

    /// Capacity that the buffers keep; what a large event needed beyond it is given back.
    const RETAINED: usize = 64 * 1024;

    /// A sender of a bare event stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// A sender of the response to this request: its head is pending at once, so that the client knows that the
    /// stream is open before the first event.
    ///
    /// The response gets the headers of an event stream ([`header::RESPONSE`](crate::header::RESPONSE)) where it does not bring its own. An answer
    /// to HEAD, or one whose status has no body, ends after its head; one to HTTP/1.0 is not chunked, and ends with the
    /// connection. The head says that the connection closes after it.
    #[cfg(feature = "http1")]
    pub fn http1(request: &RequestHead, mut response: Response) -> Self {
        for (name, value) in header::RESPONSE {
            if response.header(name).is_none() {
                response = response.clone().with_header(name, value).unwrap_or(response);
            }
        }
        let framing = if response.has_body() { request.stream_framing() } else { Framing::None };
        let mut out = Vec::new();
        response.closing().encode(framing, &mut out);
        Self { out, framing: Some(framing), ..Self::default() }
    }

    /// Appends one event: one chunk, where the response is chunked.
    pub fn event<'e>(&mut self, event: impl Into<EventRef<'e>>) {
        let event = event.into();
        self.frame(|mut encoder| encoder.event(event));
    }

    /// Appends a comment, which clients ignore.
    pub fn comment(&mut self, text: &str) {
        self.frame(|mut encoder| encoder.comment(text));
    }

    /// Appends the shortest comment, which keeps an idle connection open.
    pub fn keep_alive(&mut self) {
        self.frame(|mut encoder| encoder.keep_alive());
    }

    /// Ends the stream: appends the last chunk, where the response is chunked. What is appended later is dropped.
    ///
    /// Without this call the client can tell that the stream was cut.
    pub fn finish(&mut self) {
        #[cfg(feature = "http1")]
        if self.framing == Some(Framing::Chunked) && !self.finished {
            self.out.extend_from_slice(chunk::LAST);
        }
        self.finished = true;
    }

    /// Whether so much is pending ([`HIGH_WATER`](Self::HIGH_WATER)) that it should be written before more is appended.
    pub fn is_full(&self) -> bool {
        self.pending().len() >= Self::HIGH_WATER
    }

    /// What is to be written.
    pub fn pending(&self) -> &[u8] {
        self.out.get(self.written..).unwrap_or_default()
    }

    /// Reports that the first `count` bytes of [`pending`](Self::pending) were written; more than all of it is taken
    /// for all of it.
    pub fn handle_written(&mut self, count: usize) {
        self.written = self.written.saturating_add(count).min(self.out.len());
        // Moving the rest only when it is the smaller part keeps time linear, and the buffer below twice what is pending.
        if self.written >= self.out.len() / 2 {
            self.out.drain(..self.written);
            self.written = 0;
            self.out.shrink_to(Self::RETAINED.max(2 * self.out.len()));
        }
    }

    #[cfg(feature = "http1")]
    fn frame(&mut self, encode: impl FnOnce(Encoder<'_>)) {
        match self.framing {
            _ if self.finished => {}
            Some(Framing::Chunked) => {
                encode(Encoder::new(&mut self.frame));
                chunk::append(&mut self.out, &self.frame);
                self.frame.clear();
                self.frame.shrink_to(Self::RETAINED);
            }
            Some(Framing::None) => {}
            Some(Framing::Length(_) | Framing::UntilClose) | None => encode(Encoder::new(&mut self.out)),
        }
    }

    #[cfg(not(feature = "http1"))]
    fn frame(&mut self, encode: impl FnOnce(Encoder<'_>)) {
        if !self.finished {
            encode(Encoder::new(&mut self.out));
        }
    }
}
