//! The headers of an event stream, by name and value.
//!
//! Names are in lower case, as HTTP/2 wants them and HTTP/1.1 does not mind.

use alloc::borrow::Cow;
use alloc::format;
use core::{fmt, str};

/// The media type of an event stream (HTML, "text/event-stream").
pub const MEDIA_TYPE: &str = "text/event-stream";

/// The request header that carries the last event id of a reconnecting client.
pub const LAST_EVENT_ID: &str = "last-event-id";

/// The query parameter that carries the same for clients that cannot set headers, as the common replacements of a browser's
/// `EventSource` call it.
pub const LAST_EVENT_ID_PARAMETER: &str = "lastEventId";

/// What a request for an event stream carries (HTML, "The EventSource interface": the constructor and "fetch").
pub const REQUEST: [(&str, &str); 2] = [("accept", MEDIA_TYPE), ("cache-control", "no-cache")];

/// What the head of an event stream carries.
///
/// `no-transform` keeps compression in between, such as that of the middleware `compression` for express, from holding events
/// back until its buffer is full (RFC 9111 section 5.2.2.6). `x-accel-buffering` keeps nginx, and proxies that follow its
/// example, from collecting events before they pass them on; others ignore it.
pub const RESPONSE: [(&str, &str); 3] =
    [("content-type", MEDIA_TYPE), ("cache-control", "no-cache, no-transform"), ("x-accel-buffering", "no")];

/// Whether a `Content-Type` value names an event stream.
///
/// Compares the essence, ASCII case-insensitively; parameters are allowed and ignored, `charset` among them, since the
/// standard decodes as UTF-8 whatever it says (MIME Sniffing, "parse a MIME type").
///
/// ```
/// use sse_proto::header::is_event_stream;
///
/// assert!(is_event_stream(b"Text/Event-Stream;charset=UTF-8"));
/// assert!(!is_event_stream(b"text/event-streamX"));
/// ```
pub fn is_event_stream(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    trim(essence).eq_ignore_ascii_case(MEDIA_TYPE.as_bytes())
}

/// An `Accept` value that asks for event streams too: what is there already stays.
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

/// Reads the value of a `Last-Event-ID` header: UTF-8 bytes, as browsers send them. An empty one means none.
///
/// # Errors
/// If it is not UTF-8, or holds CR, LF or NUL: no event stream can have set such an id.
pub fn parse_last_event_id(value: &[u8]) -> Result<Option<&str>, InvalidLastEventId> {
    let id = str::from_utf8(value).map_err(|error| InvalidLastEventId { position: error.valid_up_to() })?;
    match crate::field::check_id(id) {
        Ok("") => Ok(None),
        Ok(id) => Ok(Some(id)),
        Err(error) => Err(InvalidLastEventId { position: error.position() }),
    }
}

/// A `Last-Event-ID` value that no event stream can have set; the peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLastEventId {
    position: usize,
}

impl InvalidLastEventId {
    /// Where the offending byte is, counted from 0.
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

/// Without the white space of HTTP around it.
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
