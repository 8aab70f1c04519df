//! The receiving side of one connection: bytes in, events out.

mod error;
mod steps;

#[cfg(feature = "http1")]
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

pub use self::error::ReceiveError;
pub(crate) use self::steps::Step;
use crate::decode::{Beginning, Found};
#[cfg(feature = "http1")]
use crate::header;
#[cfg(feature = "http1")]
use crate::hook::Hook;
#[cfg(feature = "http1")]
use crate::http1::{HeadLimits, Request, ResponseDecoder, ResponseHead};
#[cfg(feature = "http1")]
use crate::source::{Check, Refusal, check_response};
use crate::{Decoder, End, EventRef, InvalidField, Item, Limits};

/// Receives the events of one connection: a buffer to read into, the HTTP response around the events if there is one,
/// and a [`Decoder`].
///
/// It says what it wants, and the caller, who has the connection, does it. [`Want::Read`] and [`Want::Closed`] stand until
/// they are met; the others come once, and are gone when the next want is asked for.
///
/// ```text
///           ┌──────────────── handle_read ───────────────┐
///           ▼                                            │
///  ───► want ──► Read: read into space ──────────────────┘
///           ├──► Opened: the response was accepted (with http1 only, once)
///           ├──► Event: take it with event, then ask again
///           ├──► Yield: let other tasks run, then ask again
///           ├──► Closed: nothing more comes
///           └──► Err: after a limit ask again; all others close
/// ```
///
/// ```
/// use sse_proto::{End, Receiver, Want};
/// use std::io::Read;
///
/// let mut connection = "data: hello\n\ndata: cut of".as_bytes();
/// let mut receiver = Receiver::new();
/// let mut seen = Vec::new();
/// let end = loop {
///     match receiver.want()? {
///         Want::Read => {
///             let count = connection.read(receiver.space())?;
///             receiver.handle_read(count);
///         }
///         Want::Event => seen.push(receiver.event().data().to_owned()),
///         Want::Closed(end) => break end,
///         _ => {}
///     }
/// };
/// assert_eq!(seen, ["hello"]);
/// assert_eq!(end, End::Truncated);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Receiver {
    /// Empty until the first read; then `capacity` long.
    buffer: Vec<u8>,
    capacity: usize,
    /// What was read and is still to be looked at for framing.
    unread: Range<usize>,
    /// Event stream bytes that are still to be decoded.
    body: Range<usize>,
    /// What was found last.
    found: Option<Found>,
    /// The bytes that it may lie in: those that the decoder worked on last.
    chunk: Range<usize>,
    decoder: Decoder,
    #[cfg(feature = "http1")]
    response: Option<ResponseDecoder>,
    /// `None`: [`check_response`].
    #[cfg(feature = "http1")]
    check: Option<Hook<Box<Check>>>,
    ended: bool,
    /// Whether a clean end completes the last event.
    delivers_incomplete: bool,
    closed: Option<End>,
    /// Where it is looked at: until a line is recognised.
    beginning: Option<Beginning>,
    /// Reads since something was found.
    idle_reads: u8,
}

/// What a [`Receiver`] wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Want {
    /// Read into [`Receiver::space`], and report with [`Receiver::handle_read`].
    Read,
    /// The response was accepted: [`Receiver::response`]. Comes once, before any event.
    Opened,
    /// An event is there: [`Receiver::event`]; after [`Receiver::want_item`], an item: [`Receiver::item`].
    Event,
    /// Let other tasks run before asking again: the peer keeps sending without ever completing an event. A thread of
    /// its own may ask again at once.
    Yield,
    /// Nothing more comes. The answer stays the same from now on.
    Closed(End),
}

impl Receiver {
    /// How much is read at a time, unless [`with_capacity`](Self::with_capacity) says otherwise: 16 KiB.
    pub const CAPACITY: usize = 16 * 1024;

    /// How much is kept of a response that is no event stream, unless [`with_refusal_bytes`](Self::with_refusal_bytes) says
    /// otherwise: 8 KiB.
    pub const REFUSAL_BYTES: usize = 8 * 1024;

    /// Reads without an event after which [`Want::Yield`] comes.
    const MOST_IDLE_READS: u8 = 16;

    /// A receiver of a bare event stream. Allocates its buffer with the first read.
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            capacity: Self::CAPACITY,
            unread: 0..0,
            body: 0..0,
            found: None,
            chunk: 0..0,
            decoder: Decoder::new(),
            #[cfg(feature = "http1")]
            response: None,
            #[cfg(feature = "http1")]
            check: None,
            ended: false,
            delivers_incomplete: false,
            closed: None,
            beginning: None,
            idle_reads: 0,
        }
    }

    /// A receiver of the HTTP/1.1 response to this request: the event stream is its body.
    ///
    /// [`check_response`] decides whether the response is accepted, or a check of your own: [`with_check`](Self::with_check).
    /// The stream begins with the last event id of the request. The connection must not be used again: the response may be framed
    /// ambiguously; see [`ResponseDecoder::for_single_use`].
    #[cfg(feature = "http1")]
    pub fn http1(request: &Request) -> Self {
        let response = ResponseDecoder::new(request.method()).for_single_use();
        let mut receiver =
            Self { response: Some(response), ..Self::new() }.with_refusal_bytes(Self::REFUSAL_BYTES);
        let id = request
            .header(header::LAST_EVENT_ID)
            .and_then(|id| header::parse_last_event_id(id).ok().flatten());
        // Cannot fail: it was parsed as an event id.
        let _ = receiver.decoder.set_last_event_id(id.unwrap_or_default());
        receiver
    }

    /// Decodes with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { decoder: self.decoder.with_limits(limits), ..self }
    }

    /// Sets which responses are event streams, as [`SourceConfig::set_check`](crate::source::SourceConfig::set_check) does. Default:
    /// [`check_response`]. Redirects and status 204 are checked like all others, since a receiver has one response. Without an
    /// HTTP response there is nothing to check.
    ///
    /// ```
    /// use sse_proto::Receiver;
    /// use sse_proto::http::Request;
    /// use sse_proto::source::{Refusal, check_response};
    ///
    /// let request = Request::get("http://example.com/")?;
    /// // A server that forgets the media type.
    /// let receiver = Receiver::http1(&request).with_check(|head| match check_response(head) {
    ///     Err(Refusal::MediaType(found)) if found.is_empty() => Ok(()),
    ///     verdict => verdict,
    /// });
    /// # Ok::<(), sse_proto::http::UrlError>(())
    /// ```
    #[cfg(feature = "http1")]
    #[must_use]
    pub fn with_check(
        self,
        check: impl Fn(&ResponseHead) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self { check: Some(Hook(Box::new(check))), ..self }
    }

    /// Bounds the head of the response otherwise.
    #[cfg(feature = "http1")]
    #[must_use]
    pub fn with_head_limits(self, limits: HeadLimits) -> Self {
        Self { response: self.response.map(|response| response.with_limits(limits)), ..self }
    }

    /// Begins with this last event id.
    ///
    /// # Errors
    /// If the id holds CR, LF or NUL: no event stream can have set it.
    pub fn with_last_event_id(mut self, id: &str) -> Result<Self, InvalidField> {
        self.decoder.set_last_event_id(id)?;
        Ok(self)
    }

    /// Sets whether a stream that ends cleanly completes its last event, as
    /// [`SourceConfig::deliver_incomplete`](crate::source::SourceConfig::deliver_incomplete) does: the event is given as if a blank line had
    /// followed, and the end is [`End::Clean`]. Default `false`: it is dropped. After a cut nothing is ever completed.
    ///
    /// The end of a bare event stream is a clean one.
    #[must_use]
    pub fn with_deliver_incomplete(self, deliver: bool) -> Self {
        Self { delivers_incomplete: deliver, ..self }
    }

    /// Fails a stream of which not one line is a field or a comment, with [`ReceiveError::Unrecognized`] at its clean end and
    /// this many bytes of its beginning: an error message that was sent as an event stream. Blank lines are no failure.
    ///
    /// Default: [`REFUSAL_BYTES`](Self::REFUSAL_BYTES) for an HTTP response. A bare event stream is taken as the standard has
    /// it, lines that mean nothing included.
    #[must_use]
    pub fn with_refusal_bytes(self, bytes: usize) -> Self {
        Self { beginning: Some(Beginning::new(bytes)), ..self }
    }

    /// Reads at most this many bytes at a time, at least 1.
    #[must_use]
    pub fn with_capacity(self, bytes: usize) -> Self {
        Self { capacity: bytes.max(1), buffer: Vec::new(), unread: 0..0, body: 0..0, ..self }
    }

    /// What to do next.
    ///
    /// # Errors
    /// What the peer did wrong. After [`ReceiveError::Limit`] events go on with the next call; after the others the
    /// receiver is closed.
    pub fn want(&mut self) -> Result<Want, ReceiveError> {
        self.next::<false>()
    }

    /// As [`want`](Self::want), but comments and blocks without data are found too.
    ///
    /// # Errors
    /// As [`want`](Self::want).
    pub fn want_item(&mut self) -> Result<Want, ReceiveError> {
        self.next::<true>()
    }

    /// Where to read into. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        if self.buffer.is_empty() {
            self.buffer.resize(self.capacity, 0);
        }
        &mut self.buffer
    }

    /// Reports a read: `count` bytes were put at the beginning of [`space`](Self::space). 0 means that the peer closed.
    ///
    /// A count beyond the space is taken for all of the space; a report that was not wanted is ignored.
    pub fn handle_read(&mut self, count: usize) {
        if !self.is_empty() {
            return;
        }
        self.found = None;
        self.unread = 0..count.min(self.buffer.len());
        self.ended |= count == 0;
        self.idle_reads = self.idle_reads.saturating_add(1);
    }

    /// Reports bytes that came without a read, and returns how many of them were taken; the others are to be reported again when
    /// the next read is wanted. Of bytes after the end all are. For bodies that come in pieces of their own, which may be empty.
    ///
    /// ```
    /// use sse_proto::{Receiver, Want};
    ///
    /// let mut piece = &b"data: hello\n\n"[..];
    /// let mut receiver = Receiver::new();
    /// while receiver.want()? == Want::Read {
    ///     let taken = receiver.handle_bytes(piece);
    ///     piece = &piece[taken..];
    /// }
    /// assert_eq!(receiver.event().data(), "hello");
    /// # Ok::<(), sse_proto::ReceiveError>(())
    /// ```
    pub fn handle_bytes(&mut self, bytes: &[u8]) -> usize {
        if self.closed.is_some() {
            return bytes.len();
        }
        if bytes.is_empty() {
            // A peer that sends nothing else must not keep other tasks from running.
            self.idle_reads = self.idle_reads.saturating_add(1);
            return 0;
        }
        if !self.is_empty() {
            return 0;
        }
        let space = self.space();
        let count = bytes.len().min(space.len());
        // Cannot panic: neither is shorter than the shorter one.
        let ((space, _), (bytes, _)) = (space.split_at_mut(count), bytes.split_at(count));
        space.copy_from_slice(bytes);
        self.handle_read(count);
        count
    }

    /// The event that was found; after anything but [`Want::Event`] an event without fields.
    #[inline]
    pub fn event(&mut self) -> EventRef<'_> {
        match self.found {
            Some(Found::Event | Found::NoData) => {
                self.decoder.view(self.buffer.get(self.chunk.clone()).unwrap_or_default())
            }
            _ => EventRef::default(),
        }
    }

    /// What was found; `None` after anything but [`Want::Event`].
    pub fn item(&mut self) -> Option<Item<'_>> {
        let chunk = self.buffer.get(self.chunk.clone()).unwrap_or_default();
        Some(self.decoder.item(chunk, self.found?))
    }

    /// The last event id so far; empty where there is none.
    pub fn last_event_id(&self) -> &str {
        self.decoder.last_event_id()
    }

    /// The reconnection time that the stream asked for last.
    pub fn retry(&self) -> Option<Duration> {
        self.decoder.retry()
    }

    /// Whether nothing more comes, after an end or an error: drop the connection.
    pub fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// How the stream ended; `None` as long as it has not.
    pub fn end(&self) -> Option<End> {
        self.closed
    }

    /// Whether the stream is open for events: the response, where there is one, has been accepted.
    pub fn is_open(&self) -> bool {
        #[cfg(feature = "http1")]
        if self.response.as_ref().is_some_and(|response| response.head().is_none()) {
            return false;
        }
        self.closed.is_none()
    }

    /// The head of the response, once it is in, accepted or not; `None` for a bare event stream.
    #[cfg(feature = "http1")]
    pub fn response(&self) -> Option<&ResponseHead> {
        self.response.as_ref()?.head()
    }

    fn next<const OBSERVE: bool>(&mut self) -> Result<Want, ReceiveError> {
        if let Some(end) = self.closed {
            self.found = None;
            return Ok(Want::Closed(end));
        }
        let result = match self.advance::<OBSERVE>() {
            Ok(Step::Found) => return Ok(Want::Event),
            Ok(Step::Empty) => return Ok(if self.may_read() { Want::Read } else { Want::Yield }),
            #[cfg(feature = "http1")]
            Ok(Step::Head) => self.check_head(),
            Ok(Step::End) => self.close::<OBSERVE>(),
            Err(error) => Err(error),
        };
        if result.as_ref().is_err_and(|error| !error.is_recoverable()) {
            self.closed = Some(End::Truncated);
        }
        result
    }

    #[cfg(feature = "http1")]
    fn check_head(&mut self) -> Result<Want, ReceiveError> {
        let Some(head) = self.response.as_ref().and_then(ResponseDecoder::head) else {
            return Ok(Want::Opened);
        };
        // Should the check panic, nothing of the body is taken for events.
        self.closed = Some(End::Truncated);
        self.check.as_ref().map_or_else(|| check_response(head), |check| (check.0)(head))?;
        self.closed = None;
        Ok(Want::Opened)
    }

    /// The stream has ended as it should. Its last line and its last block may have to be completed first.
    fn close<const OBSERVE: bool>(&mut self) -> Result<Want, ReceiveError> {
        if let Some(beginning) = self.take_unrecognized() {
            return Err(ReceiveError::Unrecognized { beginning });
        }
        if self.delivers_incomplete && self.complete() {
            return self.next::<OBSERVE>();
        }
        let end = self.decoder.finish();
        self.closed = Some(end);
        Ok(Want::Closed(end))
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}
