//! The interpretation of response heads.

use alloc::string::String;
use core::time::Duration;

use super::http_date;
use super::reason::Refusal;
use crate::header;
use crate::http::ResponseHead;

/// Accepts the responses that the standard accepts: status 200 and media type `text/event-stream`
/// (HTML, "The EventSource interface"), without a content coding, because none was requested.
///
/// This is the default check everywhere: of [`SourceConfig`](super::SourceConfig), and of
/// [`Receiver`](crate::Receiver) for an HTTP response.
///
/// [`header::media_type`] and [`header::content_coding`] define how the headers are read. The media
/// type is checked last, so that a custom check can tolerate it and keep the other checks. An HTTP
/// library that decodes the body itself removes the `Content-Encoding` header.
///
/// # Errors
/// The first mismatch, in this order: status, content coding, media type.
pub fn check_response(head: &ResponseHead) -> Result<(), Refusal> {
    if head.status() != 200 {
        return Err(Refusal::Status(head.status()));
    }
    if let Some(coding) = header::content_coding(head.header_values("content-encoding")) {
        return Err(Refusal::Coding(coding.into()));
    }
    let is_event_stream = header::media_type(head.header_values("content-type"))
        .is_some_and(|found| found.eq_ignore_ascii_case(header::MEDIA_TYPE));
    if is_event_stream { Ok(()) } else { Err(Refusal::MediaType(content_type(head))) }
}

/// Returns whether the body is compressed by `gzip` alone. The head then becomes that of the
/// decompressed body.
pub(super) fn take_gzip(head: &mut ResponseHead) -> bool {
    let is_gzip = header::is_gzip(head.header_values("content-encoding"));
    if is_gzip {
        head.remove("content-encoding");
        head.remove("content-length");
    }
    is_gzip
}

/// Returns all `Content-Type` values as one list.
fn content_type(head: &ResponseHead) -> String {
    let mut list = String::new();
    for value in head.header_values("content-type") {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(&String::from_utf8_lossy(value));
    }
    list
}

/// Returns the delay that `Retry-After` requests (RFC 9110 section 10.2.3), in seconds or as a
/// date.
///
/// A date is compared with the response's own `Date`, so that neither clock need be right. If there
/// is no `Date`, it is compared with `wall_clock`, the duration since 1970.
pub(super) fn retry_after(head: &ResponseHead, wall_clock: Option<Duration>) -> Option<Duration> {
    let value = core::str::from_utf8(head.header("retry-after")?).ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that overflows is a long time.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let wall_clock = wall_clock.map(|time| http_date::UNIX_EPOCH.saturating_add(time.as_secs()));
    let date = head.header("date").and_then(|date| core::str::from_utf8(date).ok());
    let date = date.and_then(|date| http_date::parse(date, wall_clock.unwrap_or(http_date::WRITTEN)));
    let now = date.or(wall_clock)?;
    let then = http_date::parse(value, now)?;
    Some(Duration::from_secs(then.saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(retry_after: &str, date: &str) -> Option<u64> {
        let head = ResponseHead::new(503).with_header("Retry-After", retry_after.as_bytes());
        super::retry_after(&head.with_header("Date", date.as_bytes()), None).map(|delay| delay.as_secs())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(after("120", date), Some(120));
        assert_eq!(after(" 0 ", ""), Some(0));
        assert_eq!(after("99999999999999999999999", ""), Some(u64::MAX));
        assert_eq!(after("Sun, 06 Nov 1994 08:50:00 GMT", date), Some(23));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:00 GMT", date), Some(0), "it is past");
        assert_eq!(after("Sunday, 06-Nov-94 08:50:00 GMT", date), Some(23));
        assert_eq!(after("Sun Nov  6 08:50:00 1994", date), Some(23));
        assert_eq!(after("Sun Nov  6 08:50:00 1994", "Sunday, 06-Nov-94 08:49:37 GMT"), Some(23));
        for other in ["", "-1", "1.5", "soon", "Sun, 06 Nov 1994"] {
            assert_eq!(after(other, date), None, "{other}");
        }
        assert_eq!(after("Sun, 06 Nov 1994 08:50:00 GMT", ""), None, "nothing to compare with");
    }

    #[test]
    fn a_date_without_date_is_compared_with_the_wall_clock() {
        let after = |retry_after: &str, date: &str, clock| {
            let head = ResponseHead::new(503).with_header("Retry-After", retry_after.as_bytes());
            super::retry_after(&head.with_header("Date", date.as_bytes()), Some(clock))
        };
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let clock = Duration::from_secs(784_111_777);
        let ten = Some(Duration::from_secs(10));
        assert_eq!(after("Sun Nov  6 08:49:47 1994", "", clock), ten);
        assert_eq!(after("Sunday, 06-Nov-94 08:49:47 GMT", "", clock), ten);
        assert_eq!(after("Sun Nov  6 08:49:47 1994", "no date", clock), ten);
        assert_eq!(after("Sun Nov  6 08:49:47 1994", date, clock * 2), ten, "`Date` is the better clock");
        assert_eq!(after("Sun Nov  6 08:49:47 1994", "", Duration::MAX), Some(Duration::ZERO));
        assert_eq!(after("7", "", clock), Some(Duration::from_secs(7)));
        let longest = after("Fri Dec 31 23:59:60 9999", "Mon Jan  1 00:00:00 0001", clock);
        assert!(longest > Some(Duration::from_secs(9998 * 365 * 24 * 60 * 60)));
    }

    #[test]
    fn only_plain_event_streams_are_accepted() {
        let head = |status, media_type: &str| {
            ResponseHead::new(status).with_header("Content-Type", media_type.as_bytes())
        };
        assert_eq!(check_response(&head(200, "text/event-stream;charset=x")), Ok(()));
        assert_eq!(check_response(&head(201, "text/event-stream")), Err(Refusal::Status(201)));
        assert_eq!(check_response(&head(200, "text/html")), Err(Refusal::MediaType("text/html".into())));
        assert_eq!(check_response(&ResponseHead::new(200)), Err(Refusal::MediaType("".into())));
        let coded =
            |coding: &str| head(200, "text/event-stream").with_header("Content-Encoding", coding.as_bytes());
        assert_eq!(check_response(&coded("Identity")), Ok(()));
        assert_eq!(check_response(&coded("none")), Ok(()));
        assert_eq!(check_response(&coded("none, GZip")), Err(Refusal::Coding("GZip".into())));
        let twice = coded("none").with_header("content-encoding", b"br");
        assert_eq!(check_response(&twice), Err(Refusal::Coding("br".into())));
        let both = head(200, "text/html").with_header("Content-Encoding", b"gzip");
        assert_eq!(check_response(&both), Err(Refusal::Coding("gzip".into())), "the media type comes last");
    }

    #[test]
    fn the_last_media_type_of_all_headers_decides() {
        let head = |first: &str, second: &str| {
            let head = ResponseHead::new(200).with_header("Content-Type", first.as_bytes());
            head.with_header("content-type", second.as_bytes())
        };
        assert_eq!(check_response(&head("application/json", "text/event-stream")), Ok(()));
        assert_eq!(check_response(&head("text/event-stream", "")), Ok(()));
        let html = Refusal::MediaType("text/event-stream, text/html".into());
        assert_eq!(check_response(&head("text/event-stream", "text/html")), Err(html));
    }
}
