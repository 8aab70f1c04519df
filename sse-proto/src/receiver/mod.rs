//! The receiving side of one connection: bytes in, events out.

mod error;
mod gunzip;
mod steps;

#[cfg(feature = "http1")]
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

pub use self::error::ReceiveError;
use self::gunzip::Gunzip;
pub use self::gunzip::GunzipError;
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

/// Receives the events of one connection: a read buffer, the HTTP response framing if there is one,
/// and a [`Decoder`].
///
/// The caller owns the connection and does what [`want`](Self::want) asks for. [`Want::Read`] and
/// [`Want::Closed`] stand until they are met. Every other want is returned once; the next call of
/// `want` consumes it.
///
/// ```text
///           ┌──────────────── handle_read ───────────────┐
///           ▼                                            │
///  ───► want ──► Read: read into space ──────────────────┘
///           ├──► Opened: the response was accepted (with http1 only, once)
///           ├──► Event: take it with event, then ask again
///           ├──► Yield: let other tasks run, then ask again
///           ├──► Closed: the stream is over
///           └──► Err: after a limit, ask again; any other error closes
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
    /// Empty until the first read, then `capacity` long.
    buffer: Vec<u8>,
    capacity: usize,
    /// Bytes that have been read but not unframed.
    unread: Range<usize>,
    /// Event stream bytes that have not been decoded.
    body: Range<usize>,
    /// The last item found.
    found: Option<Found>,
    /// The bytes that the decoder worked on last, in which the item may lie.
    chunk: Range<usize>,
    decoder: Decoder,
    #[cfg(feature = "http1")]
    response: Option<ResponseDecoder>,
    /// The decompression of a compressed body. `body` and `chunk` then lie in its buffer.
    gunzip: Option<Gunzip>,
    /// The user's check, or `None` for [`check_response`].
    #[cfg(feature = "http1")]
    check: Option<Hook<Box<Check>>>,
    ended: bool,
    /// Whether a clean end completes the last event.
    delivers_incomplete: bool,
    closed: Option<End>,
    /// The kept beginning, until a line is recognised, if an unrecognised stream is an error.
    beginning: Option<Beginning>,
    /// Reads since the last event.
    idle_reads: u8,
}

/// The next step of a [`Receiver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Want {
    /// Read into [`Receiver::space`], and report with [`Receiver::handle_read`].
    Read,
    /// The response was accepted: see [`Receiver::response`]. Returned once, before any event.
    Opened,
    /// An event is available from [`Receiver::event`]; after [`Receiver::want_item`], an item from
    /// [`Receiver::item`].
    Event,
    /// Yield to other tasks before asking again, because the peer keeps sending without completing
    /// an event. A dedicated thread may ask again at once.
    Yield,
    /// The stream is over. All further calls return the same.
    Closed(End),
}

impl Receiver {
    /// The default number of bytes per read: 16 KiB. See [`with_capacity`](Self::with_capacity).
    pub const CAPACITY: usize = 16 * 1024;

    /// The default number of bytes kept of a response that is not an event stream: 8 KiB. See
    /// [`with_refusal_bytes`](Self::with_refusal_bytes).
    pub const REFUSAL_BYTES: usize = 8 * 1024;

    /// The number of reads without an event before [`Want::Yield`].
    const MOST_IDLE_READS: u8 = 16;

    /// Creates a receiver of a bare event stream. The first read allocates the buffer.
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
            gunzip: None,
            #[cfg(feature = "http1")]
            check: None,
            ended: false,
            delivers_incomplete: false,
            closed: None,
            beginning: None,
            idle_reads: 0,
        }
    }

    /// Creates a receiver of the HTTP/1.1 response to `request`, whose body is the event stream.
    ///
    /// [`check_response`] decides whether the response is accepted, unless
    /// [`with_check`](Self::with_check) sets another check. The stream starts with the last event
    /// id of the request. Do not reuse the connection: the framing of the response may be
    /// ambiguous, see [`ResponseDecoder::for_single_use`].
    #[cfg(feature = "http1")]
    pub fn http1(request: &Request) -> Self {
        let response = ResponseDecoder::new(request.method()).for_single_use();
        let mut receiver =
            Self { response: Some(response), ..Self::new() }.with_refusal_bytes(Self::REFUSAL_BYTES);
        let id = request
            .header(header::LAST_EVENT_ID)
            .and_then(|id| header::parse_last_event_id(id).ok().flatten());
        // Cannot fail: the id was parsed as an event id.
        let _ = receiver.decoder.set_last_event_id(id.unwrap_or_default());
        receiver
    }

    /// Sets the decoder's limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { decoder: self.decoder.with_limits(limits), ..self }
    }

    /// Sets the check that decides which responses are event streams, like
    /// [`SourceConfig::set_check`](crate::source::SourceConfig::set_check). Default:
    /// [`check_response`].
    ///
    /// Redirects and status 204 are checked like any other response, because a receiver receives
    /// only one. Without an HTTP response the check is not called.
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

    /// Sets the limits on the head of the response.
    #[cfg(feature = "http1")]
    #[must_use]
    pub fn with_head_limits(self, limits: HeadLimits) -> Self {
        Self { response: self.response.map(|response| response.with_limits(limits)), ..self }
    }

    /// Sets the last event id at the start of the stream.
    ///
    /// # Errors
    /// If the id holds CR, LF or NUL: no event stream can have set it.
    pub fn with_last_event_id(mut self, id: &str) -> Result<Self, InvalidField> {
        self.decoder.set_last_event_id(id)?;
        Ok(self)
    }

    /// Sets whether a clean end of the stream completes its last event, like
    /// [`SourceConfig::deliver_incomplete`](crate::source::SourceConfig::deliver_incomplete).
    /// Default `false`: the incomplete event is dropped.
    ///
    /// If `true`, the event is delivered as if a blank line had followed, and the end is
    /// [`End::Clean`]. A stream that was cut off never completes an event. The end of a bare event
    /// stream counts as clean.
    #[must_use]
    pub fn with_deliver_incomplete(self, deliver: bool) -> Self {
        Self { delivers_incomplete: deliver, ..self }
    }

    /// Fails with [`ReceiveError::Unrecognized`] if the stream ends cleanly without a single field
    /// or comment line. The error holds up to `bytes` bytes of the beginning, usually an error
    /// message that was sent as an event stream. A stream of blank lines is not an error.
    ///
    /// Default: [`REFUSAL_BYTES`](Self::REFUSAL_BYTES) for an HTTP response. A bare event stream
    /// may consist of meaningless lines, as the standard allows.
    #[must_use]
    pub fn with_refusal_bytes(self, bytes: usize) -> Self {
        Self { beginning: Some(Beginning::new(bytes)), ..self }
    }

    /// Sets the maximum number of bytes per read, at least 1.
    #[must_use]
    pub fn with_capacity(self, bytes: usize) -> Self {
        Self { capacity: bytes.max(1), buffer: Vec::new(), unread: 0..0, body: 0..0, ..self }
    }

    /// Returns the next step.
    ///
    /// # Errors
    /// If the peer sent something invalid. After [`ReceiveError::Limit`], the next call continues
    /// with the following event; any other error closes the receiver.
    pub fn want(&mut self) -> Result<Want, ReceiveError> {
        self.next::<false>()
    }

    /// Like [`want`](Self::want), but also finds comments and blocks without data.
    ///
    /// # Errors
    /// Like [`want`](Self::want).
    pub fn want_item(&mut self) -> Result<Want, ReceiveError> {
        self.next::<true>()
    }

    /// Returns the buffer to read into. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        if self.buffer.is_empty() {
            self.buffer.resize(self.capacity, 0);
        }
        &mut self.buffer
    }

    /// Reports a read of `count` bytes, which the caller has placed at the start of
    /// [`space`](Self::space). `0` reports the end of the stream.
    ///
    /// A count larger than the space counts as the whole space. Without [`Want::Read`], the report
    /// is ignored.
    pub fn handle_read(&mut self, count: usize) {
        if !self.is_empty() {
            return;
        }
        self.found = None;
        self.unread = 0..count.min(self.buffer.len());
        self.ended |= count == 0;
        self.idle_reads = self.idle_reads.saturating_add(1);
    }

    /// Reports bytes that arrived without a read, and returns how many the receiver took. Report
    /// the rest when it wants the next read. After the end, it takes and ignores all bytes.
    ///
    /// Use this for bodies that arrive in buffers of their own. A buffer may be empty.
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
            // A peer that sends nothing but empty buffers must not starve other tasks.
            self.idle_reads = self.idle_reads.saturating_add(1);
            return 0;
        }
        if !self.is_empty() {
            return 0;
        }
        let space = self.space();
        let count = bytes.len().min(space.len());
        // Cannot panic: `count` is the shorter of the two lengths.
        let ((space, _), (bytes, _)) = (space.split_at_mut(count), bytes.split_at(count));
        space.copy_from_slice(bytes);
        self.handle_read(count);
        count
    }

    /// Returns the event that was found. Without [`Want::Event`], returns an event without fields.
    #[inline]
    pub fn event(&mut self) -> EventRef<'_> {
        match self.found {
            Some(Found::Event | Found::NoData) => self
                .decoder
                .view(text(&self.gunzip, &self.buffer).get(self.chunk.clone()).unwrap_or_default()),
            _ => EventRef::default(),
        }
    }

    /// Returns the item that was found, or `None` without [`Want::Event`].
    pub fn item(&mut self) -> Option<Item<'_>> {
        let chunk = text(&self.gunzip, &self.buffer).get(self.chunk.clone()).unwrap_or_default();
        Some(self.decoder.item(chunk, self.found?))
    }

    /// Returns the last event id so far, or an empty string if there is none.
    pub fn last_event_id(&self) -> &str {
        self.decoder.last_event_id()
    }

    /// Returns the last reconnection time that the stream requested.
    pub fn retry(&self) -> Option<Duration> {
        self.decoder.retry()
    }

    /// Returns whether the stream is over, after an end or an error. Drop the connection then.
    pub fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Returns how the stream ended, or `None` while it is open.
    pub fn end(&self) -> Option<End> {
        self.closed
    }

    /// Returns whether the stream is open for events: the response, if there is one, has arrived,
    /// and nothing has closed the stream.
    pub fn is_open(&self) -> bool {
        #[cfg(feature = "http1")]
        if self.response.as_ref().is_some_and(|response| response.head().is_none()) {
            return false;
        }
        self.closed.is_none()
    }

    /// Returns the head of the response once it has arrived, accepted or not. `None` for a bare
    /// event stream.
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
        // If the check panics, the body must not be taken for events.
        self.closed = Some(End::Truncated);
        self.check.as_ref().map_or_else(|| check_response(head), |check| (check.0)(head))?;
        self.closed = None;
        Ok(Want::Opened)
    }

    /// Handles a clean end of the stream, which may complete the last line and the last block
    /// first.
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

/// Returns the buffer in which the text of the stream lies.
fn text<'a>(gunzip: &'a Option<Gunzip>, buffer: &'a [u8]) -> &'a [u8] {
    gunzip.as_ref().map_or(buffer, Gunzip::plain)
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}
