//! Responses as a server sends them, whole or with an event stream as the body.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use super::date::format_date;
use super::request_head::RequestHead;
use crate::http::Framing;
use crate::http::fields::{Fields, HeaderError, append_field};
use crate::{Sender, header};

/// The head of a response, as a server sends it.
///
/// ```
/// use sse_proto::http1::{Framing, Response};
///
/// # fn main() -> Result<(), sse_proto::http1::HeaderError> {
/// let response = Response::new(200).with_header("Content-Type", "text/event-stream")?;
/// let mut out = Vec::new();
/// response.encode(Framing::Chunked, &mut out);
/// assert_eq!(
///     out,
///     b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    status: u16,
    fields: Fields,
}

impl Response {
    /// Creates a response with this status. A status outside of 100 to 999, which a status line
    /// cannot hold, becomes 500.
    pub fn new(status: u16) -> Response {
        let status = if (100..1000).contains(&status) { status } else { 500 };
        Response { status, fields: Fields::default() }
    }

    /// Adds a header.
    ///
    /// # Errors
    ///
    /// If the name or the value is not valid in a header, or the header is one that frames the
    /// body.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Response, HeaderError> {
        self.fields.add(name, value)?;
        Ok(self)
    }

    /// Adds the `Date` header (RFC 9110 section 6.6.1), unless there is one. The time is the
    /// duration since 1970 in UTC. An origin server with a clock must send it.
    ///
    /// ```
    /// use core::time::Duration;
    /// use sse_proto::http1::Response;
    ///
    /// let response = Response::new(200).with_date(Duration::from_secs(784_111_777));
    /// assert_eq!(response.header("date"), Some(&b"Sun, 06 Nov 1994 08:49:37 GMT"[..]));
    /// ```
    #[must_use]
    pub fn with_date(mut self, since_unix_epoch: Duration) -> Response {
        if let Some(date) = format_date(since_unix_epoch).filter(|_| self.header("date").is_none()) {
            self.fields.push("Date", date.as_bytes());
        }
        self
    }

    /// Returns the status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the value of the first header called `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name)
    }

    /// Iterates over the headers in order, without those that `encode` adds.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter()
    }

    /// Appends the head to `out` (RFC 9112 section 4), with the header that announces `framing`.
    ///
    /// [`Framing::UntilClose`] writes `Connection: close` instead of the user's `Connection`
    /// headers. A status without a body (1xx, 204, 304) gets neither `Transfer-Encoding` nor
    /// `Content-Length`.
    pub fn encode(&self, framing: Framing, out: &mut Vec<u8>) {
        let closes = framing == Framing::UntilClose;
        let has_body = self.has_body();
        out.extend_from_slice(format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status)).as_bytes());
        for (name, value) in
            self.headers().filter(|(name, _)| !(closes && name.eq_ignore_ascii_case("connection")))
        {
            append_field(out, name, value);
        }
        match framing {
            Framing::Chunked if has_body => append_field(out, "Transfer-Encoding", b"chunked"),
            Framing::Length(length) if has_body => {
                append_field(out, "Content-Length", length.to_string().as_bytes());
            }
            Framing::UntilClose => append_field(out, "Connection", b"close"),
            Framing::Chunked | Framing::Length(_) | Framing::None => {}
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Appends a complete response to a request with this method: the head, and `body` unless the
    /// method is `HEAD`.
    ///
    /// The response announces that the connection closes (RFC 9112 section 9.6).
    pub fn encode_whole(&self, method: &str, body: &[u8], out: &mut Vec<u8>) {
        self.clone().closing().encode(Framing::Length(body.len() as u64), out);
        if method != "HEAD" && self.has_body() {
            out.extend_from_slice(body);
        }
    }

    /// Replaces the `Connection` headers by `Connection: close`.
    pub(crate) fn closing(mut self) -> Response {
        self.fields.remove("connection");
        self.clone().with_header("Connection", "close").unwrap_or(self)
    }

    /// Returns whether responses with this status have a body (RFC 9112 section 6.3).
    pub(crate) fn has_body(&self) -> bool {
        !matches!(self.status, ..200 | 204 | 304)
    }
}

impl Sender {
    /// Creates a sender of the response to this request. The head is pending at once, so that the
    /// client learns that the stream is open before the first event.
    ///
    /// The response has the headers of an event stream ([`header::RESPONSE`]) that it does not set
    /// itself, and announces that the connection closes. For HEAD, or with a status that has no
    /// body, it ends after its head. For HTTP/1.0, it is not chunked and ends with the connection.
    pub fn http1(request: &RequestHead, response: Response) -> Self {
        Self::default().with_response(request.stream_framing(), response)
    }
}

impl<B: AsRef<[u8]>> Sender<B> {
    pub(super) fn with_response(mut self, framing: Framing, mut response: Response) -> Self {
        for (name, value) in header::RESPONSE {
            if response.header(name).is_none() {
                response = response.clone().with_header(name, value).unwrap_or(response);
            }
        }
        let framing = if response.has_body() { framing } else { Framing::None };
        self.begin(framing, |out| response.closing().encode(framing, out));
        self
    }
}

/// Returns the reason phrase of statuses that a server of streams uses, or an empty string (RFC
/// 9110 section 15).
fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
