//! Names and values of the headers of an event stream.
//!
//! Names are in lower case, which HTTP/2 requires and HTTP/1.1 accepts.

use alloc::borrow::Cow;
use alloc::format;
use core::{fmt, str};

use crate::http::fields::is_token_byte;

/// The media type of an event stream (HTML, "text/event-stream").
pub const MEDIA_TYPE: &str = "text/event-stream";

/// The request header with the last event id of a reconnecting client.
pub const LAST_EVENT_ID: &str = "last-event-id";

/// The query parameter with the last event id, for clients that cannot set headers. The name is
/// that of the common `EventSource` polyfills.
pub const LAST_EVENT_ID_PARAMETER: &str = "lastEventId";

/// The headers of a request for an event stream (HTML, "The EventSource interface": the constructor
/// and "fetch").
pub const REQUEST: [(&str, &str); 2] = [("accept", MEDIA_TYPE), ("cache-control", "no-cache")];

/// The headers of an event stream response.
///
/// `no-transform` stops compressing intermediaries, such as the `compression` middleware of
/// express, from holding events back until their buffer is full (RFC 9111 section 5.2.2.6).
/// `x-accel-buffering` stops nginx, and proxies that follow its example, from buffering events;
/// other proxies ignore it.
pub const RESPONSE: [(&str, &str); 3] =
    [("content-type", MEDIA_TYPE), ("cache-control", "no-cache, no-transform"), ("x-accel-buffering", "no")];

/// Returns whether a `Content-Type` value names an event stream: its [`media_type`] is
/// `text/event-stream`, in any case.
///
/// Parameters are ignored, even `charset`, because the standard always decodes as UTF-8. In a list,
/// the last valid media type counts. Use [`media_type`] for a message with several `Content-Type`
/// headers.
///
/// ```
/// use sse_proto::header::is_event_stream;
///
/// assert!(is_event_stream(b"Text/Event-Stream;charset=UTF-8"));
/// assert!(!is_event_stream(b"text/event-streamX"));
/// ```
pub fn is_event_stream(content_type: &[u8]) -> bool {
    media_type([content_type]).is_some_and(|essence| essence.eq_ignore_ascii_case(MEDIA_TYPE))
}

/// Returns the essence of the media type that all `Content-Type` values of a message specify
/// together, as sent, or `None` if no value holds a valid one.
///
/// The values form one list, whose last valid element counts (Fetch, "extract a MIME type").
/// Invalid media types (MIME Sniffing, "parse a MIME type") and `*/*` are skipped. Commas inside
/// quoted strings do not split the list, and a quoted string left open in one value continues in
/// the next (Fetch, "get, decode, and split").
///
/// ```
/// use sse_proto::header::media_type;
///
/// let one = media_type([&b"application/json, text/event-stream; charset=\"a,b\""[..]]);
/// assert_eq!(one, Some("text/event-stream"));
/// let two = media_type([&b"text/event-stream"[..], b"text/html", b"garbage"]);
/// assert_eq!(two, Some("text/html"));
/// ```
pub fn media_type<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<&'a str> {
    let mut last = None;
    let mut quotes = Quotes::Outside;
    for value in values {
        // An open quoted string continues the parameters of the previous element.
        let mut begins = matches!(quotes, Quotes::Outside);
        for element in value.split(|byte| quotes.splits_at(*byte)) {
            if begins {
                last = essence(element).or(last);
            }
            begins = true;
        }
        quotes.end_value();
    }
    last
}

/// The position of a byte relative to quoted strings (Fetch, "collect an HTTP quoted string").
enum Quotes {
    Outside,
    Inside,
    /// Inside, after a backslash.
    Escaped,
}

impl Quotes {
    /// Consumes the next byte, and returns whether an element ends at this byte.
    fn splits_at(&mut self, byte: u8) -> bool {
        *self = match (&self, byte) {
            (Self::Outside, b',') => return true,
            (Self::Outside, b'"') | (Self::Escaped, _) => Self::Inside,
            (Self::Inside, b'"') => Self::Outside,
            (Self::Inside, b'\\') => Self::Escaped,
            _ => return false,
        };
        false
    }

    /// Consumes the comma between two values. Outside of quoted strings, `split` has ended the
    /// element.
    fn end_value(&mut self) {
        if matches!(self, Self::Escaped) {
            *self = Self::Inside;
        }
    }
}

/// Returns the essence of a media type, or `None` for `*/*` and invalid types.
fn essence(element: &[u8]) -> Option<&str> {
    let essence = trim(element.split(|byte| *byte == b';').next()?);
    let slash = essence.iter().position(|byte| *byte == b'/')?;
    let (kind, subtype) = (essence.get(..slash)?, essence.get(slash + 1..)?);
    let is_token = |part: &[u8]| !part.is_empty() && part.iter().all(|byte| is_token_byte(*byte));
    let is_valid = is_token(kind) && is_token(subtype) && essence != b"*/*";
    str::from_utf8(essence).ok().filter(|_| is_valid)
}

/// Returns the first known content coding among all `Content-Encoding` values of a message, as
/// sent, or `None` if the body needs no decoding.
///
/// Known codings are those of browsers and HTTP: `gzip`, `x-gzip`, `deflate`, `br`, `zstd`,
/// `compress`, `x-compress`, `dcb`, `dcz`, in any case. Other names leave the body as it is:
/// `identity`, and names that servers invent, such as `none` and `utf-8` (Fetch, "handle content
/// codings"; RFC 9110 section 8.4).
///
/// ```
/// use sse_proto::header::content_coding;
///
/// assert_eq!(content_coding([&b"none"[..]]), None);
/// assert_eq!(content_coding([&b"identity"[..], b"utf-8, GZip"]), Some("GZip"));
/// ```
pub fn content_coding<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<&'a str> {
    codings(values).next()
}

/// Iterates over the known codings.
fn codings<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a str> {
    const KNOWN: [&str; 9] =
        ["gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress", "dcb", "dcz"];
    let codings = values.into_iter().flat_map(|value| value.split(|byte| *byte == b',')).map(trim);
    let known = |coding: &&[u8]| KNOWN.iter().any(|known| coding.eq_ignore_ascii_case(known.as_bytes()));
    codings.filter(known).filter_map(|coding| str::from_utf8(coding).ok())
}

/// Returns whether `gzip` is the only known coding of [`content_coding`] in the values.
pub(crate) fn is_gzip<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> bool {
    let mut known = codings(values);
    let is_gzip = known
        .next()
        .is_some_and(|coding| ["gzip", "x-gzip"].iter().any(|name| coding.eq_ignore_ascii_case(name)));
    is_gzip && known.next().is_none()
}

/// Extends an `Accept` value by the media type of event streams, unless the value lists it already.
///
/// ```
/// use sse_proto::header::accept;
///
/// assert_eq!(accept(None), "text/event-stream");
/// assert_eq!(accept(Some("application/json")), "application/json, text/event-stream");
/// assert_eq!(accept(Some("Text/Event-Stream;q=0.9, */*")), "Text/Event-Stream;q=0.9, */*");
/// ```
pub fn accept(present: Option<&str>) -> Cow<'_, str> {
    match present {
        Some(list) if list.split(',').any(|range| is_event_stream(range.as_bytes())) => Cow::Borrowed(list),
        Some(list) if !trim(list.as_bytes()).is_empty() => Cow::Owned(format!("{list}, {MEDIA_TYPE}")),
        _ => Cow::Borrowed(MEDIA_TYPE),
    }
}

/// Returns whether a client accepts this content coding, such as `gzip`, by the values of its
/// `Accept-Encoding` headers (RFC 9110 section 12.5.3). Without any, the body is sent as it is.
///
/// ```
/// use sse_proto::header::accepts_coding;
///
/// assert!(accepts_coding([&b"br, gzip;q=0.5"[..]], "gzip"));
/// assert!(accepts_coding([&b"*"[..]], "gzip"));
/// assert!(!accepts_coding([&b"*, gzip;q=0"[..]], "gzip"));
/// assert!(!accepts_coding([], "gzip"));
/// ```
pub fn accepts_coding<'a>(values: impl IntoIterator<Item = &'a [u8]>, coding: &str) -> bool {
    let mut any = false;
    for item in values.into_iter().flat_map(|value| value.split(|byte| *byte == b',')) {
        let mut parts = item.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        let is_zero = |weight: &[u8]| {
            let weight = weight.strip_prefix(b"q=").or_else(|| weight.strip_prefix(b"Q="));
            weight.is_some_and(|weight| weight.iter().all(|byte| matches!(byte, b'0' | b'.')))
        };
        let is_accepted = !parts.any(is_zero);
        if name.eq_ignore_ascii_case(coding.as_bytes()) {
            return is_accepted;
        }
        any |= name == b"*" && is_accepted;
    }
    any
}

/// The last event id of a client that reconnects: the value of its [`Last-Event-ID`](LAST_EVENT_ID) header, or else of the query's
/// parameter [`lastEventId`](LAST_EVENT_ID_PARAMETER), which polyfills of `EventSource` send because they cannot set headers.
///
/// `None` if neither holds an event id, or if the id is empty.
///
/// ```
/// use sse_proto::header::last_event_id;
///
/// assert_eq!(last_event_id(Some(b"7"), None).as_deref(), Some("7"));
/// assert_eq!(last_event_id(None, Some("topic=a&lastEventId=a%201")).as_deref(), Some("a 1"));
/// ```
pub fn last_event_id<'r>(header: Option<&'r [u8]>, query: Option<&'r str>) -> Option<Cow<'r, str>> {
    let sent = header.and_then(|id| parse_last_event_id(id).ok().flatten());
    let is_id = |id: &Cow<'_, str>| !id.is_empty() && crate::field::check_id(id).is_ok();
    let param = || crate::http::query::param(query?, LAST_EVENT_ID_PARAMETER).filter(is_id);
    sent.map(Cow::Borrowed).or_else(param)
}

/// Parses the value of a `Last-Event-ID` header: UTF-8 bytes, as browsers send them. An empty value
/// means no id.
///
/// # Errors
/// If the value is not UTF-8, or holds CR, LF or NUL: no event stream can have set such an id.
pub fn parse_last_event_id(value: &[u8]) -> Result<Option<&str>, InvalidLastEventId> {
    let id = str::from_utf8(value).map_err(|error| InvalidLastEventId { position: error.valid_up_to() })?;
    match crate::field::check_id(id) {
        Ok("") => Ok(None),
        Ok(id) => Ok(Some(id)),
        Err(error) => Err(InvalidLastEventId { position: error.position() }),
    }
}

/// A `Last-Event-ID` value that no event stream can have set. The peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLastEventId {
    position: usize,
}

impl InvalidLastEventId {
    /// Returns the position of the invalid byte, counted from 0.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Display for InvalidLastEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "last-event-id is not utf-8, or holds a line break or a nul, at byte {}", self.position)
    }
}

impl core::error::Error for InvalidLastEventId {}

/// Trims HTTP white space.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] | [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_compared_by_essence() {
        for yes in [
            "text/event-stream",
            "TEXT/EVENT-STREAM",
            " text/event-stream ; charset=latin1",
            "text/event-stream;",
            "text/html, text/event-stream",
        ] {
            assert!(is_event_stream(yes.as_bytes()), "{yes}");
        }
        for no in [
            "",
            "text/event-streamX",
            "text/event-stream, text/html",
            "text/html;text/event-stream",
            "event-stream",
            "text/ event-stream",
        ] {
            assert!(!is_event_stream(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn the_last_valid_media_type_of_all_values_counts() {
        for (values, expected) in [
            (&["application/json, text/event-stream; charset=utf-8"][..], Some("text/event-stream")),
            (&["application/json", "Text/Event-Stream"], Some("Text/Event-Stream")),
            (&["text/event-stream, text/html"], Some("text/html")),
            (&["text/event-stream", "text/html"], Some("text/html")),
            (&["text/html", "text/event-stream"], Some("text/event-stream")),
            // Quoted strings, closed and unclosed.
            (&["text/event-stream; charset=\"a,b\""], Some("text/event-stream")),
            (&["text/event-stream; x=\", text/html"], Some("text/event-stream")),
            (&["text/event-stream; x=\"", "text/html", "\", a/b"], Some("a/b")),
            (&["text/event-stream; x=\"\\\", text/html\""], Some("text/event-stream")),
            (&["text/event-stream; x=\"\\", "\", text/html"], Some("text/html")),
            (&["\"text/html\", text/event-stream"], Some("text/event-stream")),
            (&["text/event-stream;,text/html\","], Some("text/event-stream")),
            // Invalid media types are skipped, wherever they are.
            (&["foo, text/event-stream"], Some("text/event-stream")),
            (&["text/event-stream, foo"], Some("text/event-stream")),
            (&["text/event-stream", "*/*", "*/*;q=1"], Some("text/event-stream")),
            (&[",, text/event-stream ,,\t, "], Some("text/event-stream")),
            (&["text/event-stream", ""], Some("text/event-stream")),
            (
                &["text/event-stream, text/ html, text /html, /html, text/, a/b/c, ;a/b, é/é"],
                Some("text/event-stream"),
            ),
            (&["*/event-stream"], Some("*/event-stream")),
            (&["", ",", "foo;text/event-stream", "*/*"], None),
            (&[], None),
        ] {
            assert_eq!(media_type(values.iter().map(|value| value.as_bytes())), expected, "{values:?}");
        }
    }

    #[test]
    fn only_codings_that_would_have_to_be_decoded_count() {
        for known in ["gzip", "X-GZIP", "deflate", "br", "zstd", "compress", "x-compress", "dcb", "dcz"] {
            for values in [&[known][..], &["identity", known], &["none, ,", known, "br"]] {
                let coding = content_coding(values.iter().map(|value| value.as_bytes()));
                assert_eq!(coding, Some(known), "{values:?}");
            }
            let list = format!("utf-8,\t{known} , identity");
            assert_eq!(content_coding([list.as_bytes()]), Some(known), "{list}");
        }
        for other in ["", " , ", "identity", "none", "utf-8", "gzipx", "gzip;q=1", "chunked", "é"] {
            assert_eq!(content_coding([other.as_bytes()]), None, "{other}");
        }
        assert_eq!(content_coding([]), None);
    }

    #[test]
    fn accept_appends_and_never_overwrites() {
        assert_eq!(accept(Some(" ")), "text/event-stream");
        assert_eq!(accept(Some("text/event-streamX")), "text/event-streamX, text/event-stream");
        assert_eq!(accept(Some("a/b , text/event-stream")), "a/b , text/event-stream");
    }

    #[test]
    fn last_event_ids_are_utf8_without_control_bytes() {
        assert_eq!(parse_last_event_id("…".as_bytes()), Ok(Some("…")));
        assert_eq!(parse_last_event_id(b""), Ok(None));
        assert_eq!(parse_last_event_id(b"0"), Ok(Some("0")));
        assert_eq!(parse_last_event_id(b"a\xFFb"), Err(InvalidLastEventId { position: 1 }));
        assert_eq!(parse_last_event_id(b"ab\0"), Err(InvalidLastEventId { position: 2 }));
    }
}
