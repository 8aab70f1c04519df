//! Requests as a client sends them.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::fields::{Fields, HeaderError, append_field, excerpt, is_token_byte, is_value_byte};
use super::url::{Url, UrlError};
use crate::header::{LAST_EVENT_ID, MEDIA_TYPE, accept, is_event_stream};

/// A request, which can be sent again on each reconnect.
///
/// It includes the headers that the standard requires: `Host`, `Accept: text/event-stream`,
/// `Cache-Control: no-cache`. A header of the user replaces the default of the same name, except
/// that `text/event-stream` is appended to `Accept`.
///
/// ```
/// use sse_proto::http::Request;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let request = Request::get("http://example.com/events")?
///     .with_header("Authorization", "Bearer secret")?
///     .with_last_event_id("42")?;
/// let mut out = Vec::new();
/// request.encode(&mut out);
/// assert_eq!(
///     String::from_utf8(out)?,
///     "GET /events HTTP/1.1\r\n\
///      Host: example.com\r\n\
///      Authorization: Bearer secret\r\n\
///      last-event-id: 42\r\n\
///      Accept: text/event-stream\r\n\
///      Cache-Control: no-cache\r\n\r\n"
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    method: String,
    url: Url,
    fields: Fields,
    body: Option<Vec<u8>>,
}

impl Request {
    /// Creates a `GET` request.
    ///
    /// # Errors
    ///
    /// See [`Url::parse`].
    pub fn get(url: &str) -> Result<Request, UrlError> {
        Ok(Request { method: "GET".to_owned(), url: Url::parse(url)?, fields: Fields::default(), body: None })
    }

    /// Creates a request with any method except `CONNECT`, which requests a tunnel instead of a
    /// response.
    ///
    /// # Errors
    ///
    /// If the method is not a token (RFC 9110 section 9.1) or is `CONNECT`, or the URL is invalid.
    pub fn new(method: &str, url: &str) -> Result<Request, RequestError> {
        if method.is_empty() || method == "CONNECT" || !method.bytes().all(is_token_byte) {
            return Err(RequestError::Method { method: excerpt(method.as_bytes()) });
        }
        Ok(Request { method: method.to_owned(), ..Request::get(url)? })
    }

    /// Adds a header. `Host` and `Last-Event-ID` replace a previous value, because a request has
    /// only one of each.
    ///
    /// The value is sent unchanged; the receiver strips whitespace around it.
    ///
    /// # Errors
    ///
    /// If the name or the value is not valid in a header, or the header is one that frames the
    /// body.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Request, HeaderError> {
        if ["host", LAST_EVENT_ID].iter().any(|single| name.eq_ignore_ascii_case(single)) {
            self.fields.remove(name);
        }
        self.fields.add(name, value)?;
        Ok(self)
    }

    /// Sets the `Last-Event-ID` header to the UTF-8 bytes of the id, as the standard specifies for
    /// a reconnection. An empty id removes the header.
    ///
    /// # Errors
    ///
    /// If the id holds a control byte other than tab, which a header must not contain.
    pub fn with_last_event_id(mut self, id: &str) -> Result<Request, HeaderError> {
        if id.is_empty() {
            self.fields.remove(LAST_EVENT_ID);
            return Ok(self);
        }
        self.with_header(LAST_EVENT_ID, id)
    }

    /// Sets the body, which is sent with a `Content-Length`.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = Some(body.into());
        self
    }

    /// Sets the URL, and keeps all headers, including `Host`, `Authorization` and `Cookie`. To
    /// follow a redirect to another origin, create a new request instead.
    #[must_use]
    pub fn with_url(mut self, url: Url) -> Request {
        self.url = url;
        self
    }

    /// Replaces all headers of this name by one, for values that change with each attempt, such as
    /// tokens.
    ///
    /// # Errors
    ///
    /// Like [`with_header`](Self::with_header). The request is unchanged then.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        let mut fields = self.fields.clone();
        fields.remove(name);
        fields.add(name, value)?;
        self.fields = fields;
        Ok(())
    }

    /// Removes all headers of this name.
    pub fn remove_header(&mut self, name: &str) {
        self.fields.remove(name);
    }

    /// Sets the URL, like [`with_url`](Self::with_url).
    pub fn set_url(&mut self, url: Url) {
        self.url = url;
    }

    /// Sets the body, like [`with_body`](Self::with_body).
    pub fn set_body(&mut self, body: impl Into<Vec<u8>>) {
        self.body = Some(body.into());
    }

    /// Returns the method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the value of the user's first header called `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name)
    }

    /// Iterates over the user's headers in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter()
    }

    /// Iterates over the headers to send: the user's, and the defaults that they do not replace.
    /// Excludes `Host` and the headers that frame the body, which the code that writes the request
    /// adds.
    ///
    /// ```
    /// use sse_proto::http::Request;
    ///
    /// let request = Request::get("http://example.com/")?.with_header("Accept", "text/plain")?;
    /// let sent: Vec<_> = request.headers_to_send().collect();
    /// assert_eq!(sent[0], ("Accept", b"text/plain, text/event-stream"[..].into()));
    /// assert_eq!(sent[1], ("Cache-Control", b"no-cache"[..].into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn headers_to_send(&self) -> impl Iterator<Item = (&str, Cow<'_, [u8]>)> {
        // Extended in one line, because some servers read only the first `Accept`.
        let mut completes_accept = !self.accepts_event_stream();
        let without_accept = self.header("accept").is_none();
        let sent = self.headers().map(move |(name, value)| {
            if !completes_accept || !name.eq_ignore_ascii_case("accept") {
                return (name, Cow::Borrowed(value));
            }
            completes_accept = false;
            // The default is never used: the value came from a `&str`.
            let present = core::str::from_utf8(value).unwrap_or_default();
            (name, Cow::Owned(accept(Some(present)).into_owned().into_bytes()))
        });
        let accept = without_accept.then_some(("Accept", Cow::Borrowed(MEDIA_TYPE.as_bytes())));
        let cache = self.header("cache-control").is_none();
        sent.chain(accept).chain(cache.then_some(("Cache-Control", Cow::Borrowed(&b"no-cache"[..]))))
    }

    /// Returns the body, or an empty slice if there is none.
    pub fn body(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }

    /// Turns the request into a `GET` without a body, as a redirect with status 303 requires
    /// (Fetch, "HTTP-redirect fetch").
    pub(crate) fn set_bodyless_get(&mut self) {
        "GET".clone_into(&mut self.method);
        self.body = None;
        self.retain_headers(|name| {
            !name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("content-"))
        });
    }

    pub(crate) fn retain_headers(&mut self, keep: impl Fn(&str) -> bool) {
        self.fields.retain(keep);
    }

    /// Sets the last event id like [`with_last_event_id`](Self::with_last_event_id), or removes it
    /// if it is not valid in a header.
    pub(crate) fn set_last_event_id(&mut self, id: &str) {
        self.fields.remove(LAST_EVENT_ID);
        if !id.is_empty() {
            // An invalid id is omitted, because connecting without it is better than not
            // connecting.
            let _ = self.fields.add(LAST_EVENT_ID, id);
        }
    }

    /// Appends the head and the body to `out`, as HTTP/1.1 (RFC 9112 section 3).
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_with_user_agent("", out);
    }

    /// Like [`encode`](Self::encode), with this `User-Agent` if the request has none (RFC 9110
    /// section 10.1.5).
    ///
    /// For libraries and programs that identify themselves. An empty value, or one with a control
    /// byte, is omitted.
    ///
    /// ```
    /// use sse_proto::http::Request;
    ///
    /// let request = Request::get("http://example.com/")?;
    /// let mut out = Vec::new();
    /// request.encode_with_user_agent("robot/1.0", &mut out);
    /// assert!(String::from_utf8(out)?.contains("User-Agent: robot/1.0\r\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn encode_with_user_agent(&self, user_agent: &str, out: &mut Vec<u8>) {
        for part in [&self.method, " ", self.url.target(), " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        if self.header("host").is_none() {
            append_field(out, "Host", self.url.authority().as_bytes());
        }
        for (name, value) in self.headers_to_send() {
            append_field(out, name, &value);
        }
        let is_value = !user_agent.is_empty() && user_agent.bytes().all(is_value_byte);
        if is_value && self.header("user-agent").is_none() {
            append_field(out, "User-Agent", user_agent.as_bytes());
        }
        // Servers expect a length if the method implies a body (RFC 9110 section 8.6).
        if self.body.is_some() || matches!(&*self.method, "POST" | "PUT" | "PATCH") {
            append_field(out, "Content-Length", self.body().len().to_string().as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(self.body());
    }

    fn accepts_event_stream(&self) -> bool {
        self.fields.list("accept").any(is_event_stream)
    }
}

/// Prints only the length of the body.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &self.fields)
            .field("body_len", &self.body().len())
            .finish()
    }
}

/// Why a request could not be created. The caller's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The method is not a token, or is `CONNECT`.
    Method {
        /// The method, escaped and truncated.
        method: String,
    },
    /// The URL is invalid.
    Url(UrlError),
}

impl From<UrlError> for RequestError {
    fn from(error: UrlError) -> RequestError {
        RequestError::Url(error)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::Method { method } => write!(f, "method \"{method}\" cannot be sent"),
            RequestError::Url(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RequestError {}
