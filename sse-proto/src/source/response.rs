//! What the head of a response means.

use alloc::string::String;
use core::time::Duration;

use super::http_date;
use super::reason::Refusal;
use crate::header;
use crate::http::ResponseHead;

/// Accepts the responses that the standard accepts: status 200 and media type `text/event-stream` (HTML, "The EventSource
/// interface"), without a content coding, since none was asked for. The default of
/// [`Config::check`](super::Config::check).
///
/// HTTP libraries that decode a coding remove its header.
///
/// # Errors
/// What is different.
pub fn check_response(head: &ResponseHead) -> Result<(), Refusal> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    if head.status() != 200 {
        return Err(Refusal::Status(head.status()));
    }
    let media_type = head.header("content-type").unwrap_or_default();
    if !header::is_event_stream(media_type) {
        return Err(Refusal::MediaType(text(media_type)));
    }
    match head.header("content-encoding") {
        Some(coding) if !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity") => {
            Err(Refusal::Coding(text(coding)))
        }
        _ => Ok(()),
    }
}

/// How long `Retry-After` asks to wait (RFC 9110 section 10.2.3): seconds, or a date, which is compared with the response's own
/// `Date`, so that neither clock need be right.
pub(super) fn retry_after(head: &ResponseHead) -> Option<Duration> {
    let value = core::str::from_utf8(head.header("retry-after")?).ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let then = http_date::parse(value)?;
    let now = http_date::parse(core::str::from_utf8(head.header("date")?).ok()?)?;
    Some(Duration::from_secs(then.saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(retry_after: &str, date: &str) -> Option<u64> {
        let head = ResponseHead::new(503).with_header("Retry-After", retry_after.as_bytes());
        super::retry_after(&head.with_header("Date", date.as_bytes())).map(|delay| delay.as_secs())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(after("120", date), Some(120));
        assert_eq!(after(" 0 ", ""), Some(0));
        assert_eq!(after("99999999999999999999999", ""), Some(u64::MAX));
        assert_eq!(after("Sun, 06 Nov 1994 08:50:00 GMT", date), Some(23));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:00 GMT", date), Some(0), "it is past");
        for other in ["", "-1", "1.5", "soon", "Sun, 06 Nov 1994"] {
            assert_eq!(after(other, date), None, "{other}");
        }
        assert_eq!(after("Sun, 06 Nov 1994 08:50:00 GMT", ""), None, "nothing to compare with");
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
        assert_eq!(check_response(&coded("gzip")), Err(Refusal::Coding("gzip".into())));
    }
}
