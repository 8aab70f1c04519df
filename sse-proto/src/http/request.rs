//! The client's sending side.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::fields::{Fields, HeaderError, append_field, excerpt, is_token_byte, is_value_byte};
use super::url::{Url, UrlError};
use crate::header::{LAST_EVENT_ID, MEDIA_TYPE, accept, is_event_stream};

/// A request as a client sends it, ready to be sent again on each reconnect.
///
/// It comes with the headers that the standard asks for: `Host`, `Accept: text/event-stream`, `Cache-Control: no-cache`.
/// A header of the user's replaces the default of the same name, save that `Accept` is completed.
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
    /// A `GET` request.
    ///
    /// # Errors
    ///
    /// See [`Url::parse`].
    pub fn get(url: &str) -> Result<Request, UrlError> {
        Ok(Request { method: "GET".to_owned(), url: Url::parse(url)?, fields: Fields::default(), body: None })
    }

    /// A request with any method but `CONNECT`, which asks for a tunnel instead of a response.
    ///
    /// # Errors
    ///
    /// A method that is no token (RFC 9110 section 9.1), or a bad URL.
    pub fn new(method: &str, url: &str) -> Result<Request, RequestError> {
        if method.is_empty() || method == "CONNECT" || !method.bytes().all(is_token_byte) {
            return Err(RequestError::Method { method: excerpt(method.as_bytes()) });
        }
        Ok(Request { method: method.to_owned(), ..Request::get(url)? })
    }

    /// Adds a header. `Host` and `Last-Event-ID`, of which a request has one, replace the one before.
    ///
    /// The value goes out as it is; the receiver drops whitespace around it.
    ///
    /// # Errors
    ///
    /// A name or value that cannot be in a header, or one of the headers that frame the body.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Request, HeaderError> {
        if ["host", LAST_EVENT_ID].iter().any(|single| name.eq_ignore_ascii_case(single)) {
            self.fields.remove(name);
        }
        self.fields.add(name, value)?;
        Ok(self)
    }

    /// Sets the `Last-Event-ID` header to the id's UTF-8 bytes, as the standard's reconnection does; an empty id removes
    /// it.
    ///
    /// # Errors
    ///
    /// An id with a control byte other than tab, which no header may hold.
    pub fn with_last_event_id(mut self, id: &str) -> Result<Request, HeaderError> {
        if id.is_empty() {
            self.fields.remove(LAST_EVENT_ID);
            return Ok(self);
        }
        self.with_header(LAST_EVENT_ID, id)
    }

    /// Sets the body, which is sent with its `Content-Length`.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = Some(body.into());
        self
    }

    /// Sets the address. Headers stay, `Host`, `Authorization` and `Cookie` among them: who follows a redirect to another
    /// origin makes a new request instead.
    #[must_use]
    pub fn with_url(mut self, url: Url) -> Request {
        self.url = url;
        self
    }

    /// Sets a header, in place of all of its name. For what changes with each attempt: a token.
    ///
    /// # Errors
    ///
    /// As [`with_header`](Self::with_header); the request is then as it was.
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

    /// Sets the address, as [`with_url`](Self::with_url) does.
    pub fn set_url(&mut self, url: Url) {
        self.url = url;
    }

    /// Sets the body, as [`with_body`](Self::with_body) does.
    pub fn set_body(&mut self, body: impl Into<Vec<u8>>) {
        self.body = Some(body.into());
    }

    /// The method, `GET` or as it was given.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The value of the first header of the user's called `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name)
    }

    /// The user's headers in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter()
    }

    /// The headers that go out: the user's, and the defaults they do not replace. Without `Host` and those that frame the
    /// body, which whatever writes the request knows.
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
        // In one line, because there are servers that read only the first.
        let mut completes_accept = !self.accepts_event_stream();
        let without_accept = self.header("accept").is_none();
        let sent = self.headers().map(move |(name, value)| {
            if !completes_accept || !name.eq_ignore_ascii_case("accept") {
                return (name, Cow::Borrowed(value));
            }
            completes_accept = false;
            // Never the default: the value came as a `&str`.
            let present = core::str::from_utf8(value).unwrap_or_default();
            (name, Cow::Owned(accept(Some(present)).into_owned().into_bytes()))
        });
        let accept = without_accept.then_some(("Accept", Cow::Borrowed(MEDIA_TYPE.as_bytes())));
        let cache = self.header("cache-control").is_none();
        sent.chain(accept).chain(cache.then_some(("Cache-Control", Cow::Borrowed(&b"no-cache"[..]))))
    }

    /// The body; empty if there is none.
    pub fn body(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }

    /// Becomes a `GET` without a body, as a redirect with status 303 demands (Fetch, "HTTP-redirect fetch").
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

    /// Sets the last event id as [`with_last_event_id`](Self::with_last_event_id) does, or removes it where no header may hold it.
    pub(crate) fn set_last_event_id(&mut self, id: &str) {
        self.fields.remove(LAST_EVENT_ID);
        if !id.is_empty() {
            // An id that cannot be sent is left out: to connect without it is better than not to connect.
            let _ = self.fields.add(LAST_EVENT_ID, id);
        }
    }

    /// Appends head and body to `out`, as HTTP/1.1 (RFC 9112 section 3).
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_with_user_agent("", out);
    }

    /// As [`encode`](Self::encode), with this `User-Agent` where the request has none (RFC 9110 section 10.1.5).
    ///
    /// For libraries and programs that name themselves. An empty one, and one with a control byte, is left out.
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
        // Servers wait for a length where the method expects a body (RFC 9110 section 8.6).
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

/// The body as its length.
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

/// Why there can be no such request. The caller's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The method is no token, or is `CONNECT`.
    Method {
        /// The method, escaped and shortened.
        method: String,
    },
    /// The address is none.
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
