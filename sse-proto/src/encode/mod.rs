//! Events to bytes.

mod buffer;
mod data_writer;

use self::buffer::SliceBuffer;
pub use self::buffer::{Buffer, BufferTooSmall};
pub use self::data_writer::DataWriter;
use crate::{AsEvent, EventRef};

/// Encodes an event stream into the caller's buffer.
///
/// An encoder only borrows the buffer: create one whenever there is something to write. Encoding
/// cannot fail and never alters a value silently, because [`EventRef`] rejects values that could
/// break out of their field. A decoder reads back the same events. The one exception, inherent in
/// the format: each CR, LF and CRLF in data is one line break and arrives as LF.
///
/// An event is encoded as its field lines and one blank line. Lines end in LF, with one space after
/// the colon.
///
/// ```
/// use sse_proto::{Encoder, EventRef};
///
/// let mut out = Vec::new();
/// let mut encoder = Encoder::new(&mut out);
/// encoder.event(EventRef::new("two\nlines").with_name("greeting")?.with_id("7")?);
/// encoder.keep_alive();
/// assert_eq!(out, b"event: greeting\nid: 7\ndata: two\ndata: lines\n\n:\n");
/// # Ok::<(), sse_proto::InvalidField>(())
/// ```
#[derive(Debug)]
pub struct Encoder<'b, B: Buffer = alloc::vec::Vec<u8>> {
    out: &'b mut B,
}

impl<'b, B: Buffer> Encoder<'b, B> {
    /// Creates an encoder that appends to `out`: a `Vec<u8>`, a `String`, or a `BytesMut` (feature
    /// `bytes`).
    pub fn new(out: &'b mut B) -> Self {
        Self { out }
    }

    /// Appends one event.
    ///
    /// A client dispatches no event without data, but still adopts its id and retry time.
    pub fn event(&mut self, event: impl AsEvent) {
        let event = event.as_event();
        // Data of several lines needs more capacity; the buffer grows as required.
        self.out.reserve(event.len_hint());
        self.fields(event);
        if let Some(data) = event.data {
            self.out.push_lines("data: ", data);
        }
        self.out.push_str("\n");
    }

    /// Appends a comment, which clients ignore: one comment line for each line of `text`.
    ///
    /// The text follows the colon directly; start it with a space if you want one there. No blank
    /// line follows, because a blank line ends a block: widely used clients (httpx-sse, and openai
    /// for Python) dispatch an empty event on any blank line once a stream has set an id.
    pub fn comment(&mut self, text: &str) {
        self.out.push_lines(":", text);
    }

    /// Appends the shortest comment, `:` and a line feed, which keeps an idle connection open.
    pub fn keep_alive(&mut self) {
        self.comment("");
    }

    /// Starts an event whose data is written piece by piece, by a serializer or by `write!`.
    ///
    /// `event` provides the name, the id, the retry time and optionally the beginning of the data.
    /// The buffer keeps the event only if [`DataWriter::finish`] is called.
    ///
    /// ```
    /// use sse_proto::{Encoder, EventRef};
    /// # struct Price { symbol: &'static str }
    /// # impl serde::Serialize for Price {
    /// #     fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
    /// #         std::collections::BTreeMap::from([("symbol", self.symbol)]).serialize(s)
    /// #     }
    /// # }
    /// let mut out = Vec::new();
    /// let mut data = Encoder::new(&mut out).data_writer(EventRef::default().with_name("price")?);
    /// serde_json::to_writer(&mut data, &Price { symbol: "AAPL" })?;
    /// data.finish();
    /// assert_eq!(out, b"event: price\ndata: {\"symbol\":\"AAPL\"}\n\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn data_writer(mut self, event: impl AsEvent) -> DataWriter<'b, B> {
        let event = event.as_event();
        let start = self.out.len();
        self.fields(event);
        self.out.push_str("data: ");
        let mut writer = DataWriter::new(self.out, start);
        writer.push(event.data());
        writer
    }

    #[inline]
    fn fields(&mut self, event: EventRef<'_>) {
        if let Some(name) = event.name {
            self.out.push_line("event: ", name);
        }
        if let Some(id) = event.id() {
            self.out.push_line("id: ", id);
        }
        if let Some(millis) = event.retry {
            let mut digits = [0; DECIMAL_DIGITS];
            self.out.push_line("retry: ", decimal(millis, &mut digits));
        }
    }
}

impl EventRef<'_> {
    /// Encodes into a slice without allocating, and returns the number of bytes written.
    ///
    /// ```
    /// use sse_proto::EventRef;
    ///
    /// let mut buffer = [0; 16];
    /// let written = EventRef::new("21.5").encode_to_slice(&mut buffer)?;
    /// assert_eq!(&buffer[..written], b"data: 21.5\n\n");
    /// # Ok::<(), sse_proto::BufferTooSmall>(())
    /// ```
    ///
    /// # Errors
    /// If `out` is too short. The error names the number of bytes needed; the content of `out` is
    /// unspecified then.
    pub fn encode_to_slice(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut buffer = SliceBuffer::new(out);
        Encoder::new(&mut buffer).event(*self);
        buffer.written()
    }

    /// Returns the encoded length, if the data is one line.
    #[inline]
    pub(crate) fn len_hint(&self) -> usize {
        let field =
            |prefix: &str, value: Option<&str>| value.map_or(0, |value| prefix.len() + value.len() + 1);
        let retry = self.retry.map_or(0, |_| "retry: \n".len() + DECIMAL_DIGITS);
        field("event: ", self.name) + field("id: ", self.id()) + field("data: ", self.data) + retry + 1
    }
}

/// The number of digits of `u64::MAX`.
const DECIMAL_DIGITS: usize = 20;

fn decimal(mut value: u64, digits: &mut [u8; DECIMAL_DIGITS]) -> &str {
    let mut start = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
        start = at;
        if value == 0 {
            break;
        }
    }
    digits.get(start..).and_then(|digits| core::str::from_utf8(digits).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
