//! The receiving side of one connection: bytes in, events out.

#[cfg(feature = "http1")]
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::time::Duration;

use crate::decode::{Beginning, Found};
use crate::event::Preview;
#[cfg(feature = "http1")]
use crate::header;
#[cfg(feature = "http1")]
use crate::hook::Hook;
#[cfg(feature = "http1")]
use crate::http1::{HeadLimits, Request, ResponseDecoder, ResponseError, ResponseHead, ResponsePart};
use crate::source::UNRECOGNIZED;
#[cfg(feature = "http1")]
use crate::source::{Check, Refusal, check_response};
use crate::{Decoder, End, EventRef, InvalidField, Item, LimitExceeded, Limits};

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

/// What is found in the bytes at hand.
#[derive(Debug)]
pub(crate) enum Step {
    /// The head of the response.
    #[cfg(feature = "http1")]
    Head,
    /// An event, or another item.
    Found,
    /// Nothing more without a read.
    Empty,
    /// The end of the body, as its framing has it.
    End,
}

/// The way of the bytes: from the buffer through the framing to the decoder. A receiver and a
/// [`Session`](crate::source::Session) differ only in what they make of the steps.
impl Receiver {
    /// Takes the next step.
    #[inline]
    pub(crate) fn advance<const OBSERVE: bool>(&mut self) -> Result<Step, ReceiveError> {
        loop {
            if self.decode::<OBSERVE>()? {
                return Ok(Step::Found);
            }
            if let Some(step) = self.unframe()? {
                return Ok(step);
            }
        }
    }

    /// Decodes the body bytes at hand up to the next event.
    #[inline]
    fn decode<const OBSERVE: bool>(&mut self) -> Result<bool, LimitExceeded> {
        self.found = None;
        self.chunk = self.body.clone();
        let mut input = self.buffer.get(self.chunk.clone()).unwrap_or_default();
        let found = self.decoder.advance::<OBSERVE>(&mut input);
        self.body.start = self.body.end - input.len();
        self.found = found?;
        if matches!(self.found, Some(Found::Event)) {
            self.idle_reads = 0;
        }
        Ok(self.found.is_some())
    }

    /// Finds the next body bytes in what was read. `None`: there are some.
    pub(crate) fn unframe(&mut self) -> Result<Option<Step>, ReceiveError> {
        #[cfg(feature = "http1")]
        if let Some(response) = &mut self.response {
            let mut input = self.buffer.get(self.unread.clone()).unwrap_or_default();
            let part = response.decode(&mut input)?;
            self.unread.start = self.unread.end - input.len();
            match part {
                Some(ResponsePart::Head(_)) => return Ok(Some(Step::Head)),
                // They lie in the input, right before what it has left.
                Some(ResponsePart::Body(bytes)) => {
                    self.body = self.unread.start - bytes.len()..self.unread.start;
                    self.recognize();
                    return Ok(None);
                }
                Some(ResponsePart::Interim(_)) => return Ok(None),
                None => {}
            }
            if self.ended {
                response.handle_eof()?;
            }
            return Ok(Some(if response.is_complete() { Step::End } else { Step::Empty }));
        }
        if !self.unread.is_empty() {
            self.body = core::mem::replace(&mut self.unread, 0..0);
            self.recognize();
            return Ok(None);
        }
        Ok(Some(if self.ended { Step::End } else { Step::Empty }))
    }

    /// Looks for the first field or comment in new body bytes.
    fn recognize(&mut self) {
        if let Some(beginning) = &mut self.beginning {
            if beginning.push(self.buffer.get(self.body.clone()).unwrap_or_default()) {
                self.beginning = None;
            }
        }
    }

    /// No more bytes come than those at hand.
    pub(crate) fn handle_end(&mut self) {
        self.ended = true;
    }

    /// Keeps this many bytes of the stream until a line of it is recognised.
    pub(crate) fn keep_beginning(&mut self, bytes: usize) {
        self.beginning = Some(Beginning::new(bytes));
    }

    /// At the end of the stream: its beginning, if no line was recognised.
    pub(crate) fn take_unrecognized(&mut self) -> Option<Vec<u8>> {
        self.beginning.take()?.finish()
    }

    /// At the end of the stream: ends the line that it left incomplete, then its last block, one step with each call. `false`:
    /// there is nothing to complete.
    pub(crate) fn complete(&mut self) -> bool {
        let is_complete = self.decoder.end() == End::Clean;
        if let (false, Some(first)) = (is_complete, self.space().first_mut()) {
            *first = b'\n';
            self.body = 0..1;
        }
        !is_complete
    }

    /// Moves the body bytes at hand to `kept` instead of decoding them, while it is shorter than `limit`.
    pub(crate) fn move_body(&mut self, kept: &mut Vec<u8>, limit: usize) -> Result<Step, ReceiveError> {
        loop {
            let bytes = self.buffer.get(core::mem::replace(&mut self.body, 0..0)).unwrap_or_default();
            let room = limit.saturating_sub(kept.len());
            kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            if let Some(step) = self.unframe()? {
                return Ok(step);
            }
        }
    }

    /// Whether to read now; others have their turn first otherwise, which is said once.
    pub(crate) fn may_read(&mut self) -> bool {
        let may = self.idle_reads < Self::MOST_IDLE_READS;
        if !may {
            self.idle_reads = 0;
        }
        may
    }

    /// Whether all bytes at hand have been looked at.
    pub(crate) fn is_empty(&self) -> bool {
        self.unread.is_empty() && self.body.is_empty()
    }

    pub(crate) fn forget_found(&mut self) {
        self.found = None;
    }

    /// Forgets what is left of a response, for the next one.
    pub(crate) fn clear(&mut self) {
        (self.unread, self.body, self.found) = (0..0, 0..0, None);
        (self.beginning, self.ended, self.idle_reads) = (None, false, 0);
        #[cfg(feature = "http1")]
        {
            self.response = None;
        }
    }

    pub(crate) fn decoder(&mut self) -> &mut Decoder {
        &mut self.decoder
    }

    #[cfg(feature = "http1")]
    pub(crate) fn is_http1(&self) -> bool {
        self.response.is_some()
    }

    /// What comes is a response, framed as HTTP/1.1 does.
    #[cfg(feature = "http1")]
    pub(crate) fn expect(&mut self, response: ResponseDecoder) {
        self.response = Some(response);
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

/// What the peer did wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiveError {
    /// An event exceeds a limit and is skipped. The stream goes on.
    Limit(LimitExceeded),
    /// The response is not HTTP, or was cut off.
    #[cfg(feature = "http1")]
    Http(ResponseError),
    /// The response is no event stream, says [`check_response`] or the check of [`Receiver::with_check`].
    #[cfg(feature = "http1")]
    Refused(Refusal),
    /// The stream ended, and not one line of it was a field or a comment: something else was sent as an event stream. See
    /// [`Receiver::with_refusal_bytes`].
    Unrecognized {
        /// The first bytes of the stream.
        beginning: Vec<u8>,
    },
}

impl ReceiveError {
    /// Whether the stream goes on.
    pub fn is_recoverable(&self) -> bool {
        matches!(self, Self::Limit(_))
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(error) => error.fmt(f),
            #[cfg(feature = "http1")]
            Self::Http(error) => error.fmt(f),
            #[cfg(feature = "http1")]
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unrecognized { beginning } => {
                let beginning = alloc::string::String::from_utf8_lossy(beginning);
                write!(f, "{UNRECOGNIZED}; it begins with {:?}", Preview(&beginning))
            }
        }
    }
}

/// The text is that of the cause, so `source` is the cause's source.
impl core::error::Error for ReceiveError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            #[cfg(feature = "http1")]
            Self::Http(error) => error.source(),
            _ => None,
        }
    }
}

impl From<LimitExceeded> for ReceiveError {
    fn from(error: LimitExceeded) -> Self {
        Self::Limit(error)
    }
}

#[cfg(feature = "http1")]
impl From<Refusal> for ReceiveError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

#[cfg(feature = "http1")]
impl From<ResponseError> for ReceiveError {
    fn from(error: ResponseError) -> Self {
        Self::Http(error)
    }
}
