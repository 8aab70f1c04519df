//! Request heads, as a server receives them.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use core::fmt;

use super::head::{HeadError, HeadLimits, split_start_line};
use crate::http::fields::{Fields, excerpt, is_host_byte, is_token_byte};
use crate::http::{Framing, Version};

/// The request line and the headers of a request (RFC 9112 sections 3 and 5).
///
/// `Debug` output is bounded and hides the values of `Authorization`, `Cookie` and similar headers,
/// but not the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    method: String,
    target: String,
    version: Version,
    framing: Framing,
    fields: Fields,
}

impl RequestHead {
    pub(super) fn parse(head: &[u8], limits: HeadLimits) -> Result<RequestHead, RequestHeadError> {
        let (line, block) = split_start_line(head);
        let (method, target, version) = parse_request_line(line)?;
        let fields = Fields::parse(block, limits.headers)?;
        check_host(&fields, version)?;
        let framing = Framing::announced(&fields, version)?.unwrap_or(Framing::None);
        Ok(RequestHead { method: method.to_owned(), target: target.to_owned(), version, framing, fields })
    }

    /// Returns the method, which is case-sensitive (RFC 9110 section 9.1).
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the request target as sent (RFC 9112 section 3.2): usually path and query, an
    /// absolute URL from clients of a proxy, `*` for `OPTIONS`, host and port for `CONNECT`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the path of the target, without percent-decoding; at least `/` if the target has a
    /// path.
    pub fn path(&self) -> &str {
        match self.path_and_query().0 {
            "" => "/",
            path => path,
        }
    }

    /// Returns the part after the first question mark of the target, without percent-decoding.
    pub fn query(&self) -> Option<&str> {
        self.path_and_query().1
    }

    /// Returns the value of the query's first parameter called `name`, decoded like an HTML form:
    /// `+` is a space, a stray percent sign is kept, invalid UTF-8 becomes U+FFFD.
    ///
    /// ```
    /// use sse_proto::http1::{RequestDecoder, RequestHeadError};
    ///
    /// # fn main() -> Result<(), RequestHeadError> {
    /// let mut input = &b"GET /chat?from=J%C3%BCrgen&message=a+b&last HTTP/1.0\r\n\r\n"[..];
    /// let head = RequestDecoder::new().decode(&mut input)?.unwrap();
    /// assert_eq!(head.query_param("from").as_deref(), Some("Jürgen"));
    /// assert_eq!(head.query_param("message").as_deref(), Some("a b"));
    /// assert_eq!(head.query_param("last").as_deref(), Some(""));
    /// assert_eq!(head.query_param("to"), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn query_param(&self, name: &str) -> Option<Cow<'_, str>> {
        crate::http::query::param(self.query()?, name)
    }

    /// Returns the HTTP version of the request.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the value of the first header called `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name)
    }

    /// Returns the last event id of a reconnecting client: its `Last-Event-ID` header, if that is a
    /// valid event id and not empty.
    pub fn last_event_id(&self) -> Option<&str> {
        crate::header::parse_last_event_id(self.header(crate::header::LAST_EVENT_ID)?).ok().flatten()
    }

    /// Returns the last event id of a reconnecting client, from its header or the query; see
    /// [`header::last_event_id`](crate::header::last_event_id).
    pub fn last_event_id_or_param(&self) -> Option<Cow<'_, str>> {
        crate::header::last_event_id(self.header(crate::header::LAST_EVENT_ID), self.query())
    }

    /// Iterates over all headers in order, with names as sent.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter()
    }

    /// Returns whether the client intends to keep the connection open (RFC 9112 section 9.3).
    pub fn keep_alive(&self) -> bool {
        self.version.keep_alive(&self.fields)
    }

    /// Returns the framing of the request's body: chunked, by length, or none.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Returns the framing of a response body of unknown length: none for `HEAD`, until the end of
    /// the connection for HTTP/1.0, otherwise chunked.
    pub fn stream_framing(&self) -> Framing {
        match (&*self.method, self.version) {
            ("HEAD", _) => Framing::None,
            (_, Version::Http10) => Framing::UntilClose,
            (_, Version::Http11) => Framing::Chunked,
        }
    }

    fn path_and_query(&self) -> (&str, Option<&str>) {
        let path = match after_scheme(&self.target) {
            // Cannot panic: the position comes from `find`, or is the length.
            Some(rest) => rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())).1,
            None => &self.target,
        };
        path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)))
    }
}

fn parse_request_line(line: &[u8]) -> Result<(&str, &str, Version), RequestHeadError> {
    let malformed = || RequestHeadError::RequestLine { line: excerpt(line) };
    let mut words = core::str::from_utf8(line).map_err(|_| malformed())?.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(malformed());
    };
    let good_method = !method.is_empty() && method.bytes().all(is_token_byte);
    let good_form = match target {
        "*" => method == "OPTIONS",
        _ if method == "CONNECT" => !target.is_empty(),
        _ => {
            target.starts_with('/')
                || after_scheme(target).is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?']))
        }
    };
    if !good_method || !good_form || target.bytes().any(|byte| byte.is_ascii_control() || byte == b'#') {
        return Err(malformed());
    }
    match version.strip_prefix("HTTP/").map(str::as_bytes) {
        Some([b'1', b'.', minor]) => Ok((method, target, Version::from_minor(*minor).ok_or_else(malformed)?)),
        Some([b'0'..=b'9', b'.', b'0'..=b'9']) => {
            Err(RequestHeadError::Version { version: version.to_owned() })
        }
        _ => Err(malformed()),
    }
}

/// Returns the part after `http://` or `https://`.
fn after_scheme(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(rest)
}

/// Requires exactly one `Host` in HTTP/1.1, at most one in HTTP/1.0, with only the bytes that a
/// host and port can hold (RFC 9112 section 3.2).
fn check_host(fields: &Fields, version: Version) -> Result<(), RequestHeadError> {
    let mut hosts = fields.all("host");
    let Some(host) = hosts.next() else {
        return if version == Version::Http10 { Ok(()) } else { Err(RequestHeadError::MissingHost) };
    };
    if hosts.next().is_some() {
        return Err(RequestHeadError::DuplicateHost);
    }
    if host.iter().all(|&byte| is_host_byte(byte) || b":[]%".contains(&byte)) {
        Ok(())
    } else {
        Err(RequestHeadError::Host { host: excerpt(host) })
    }
}

/// Why a request cannot be served. The client's fault, or the connection's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestHeadError {
    /// The first byte cannot start a method: another protocol.
    NotHttp {
        /// The byte.
        byte: u8,
    },
    /// The first line is not a valid request line (RFC 9112 section 3).
    RequestLine {
        /// The line, escaped and truncated.
        line: String,
    },
    /// The request line exceeds [`HeadLimits::bytes`].
    UriTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The version is not HTTP/1.
    Version {
        /// The version as sent.
        version: String,
    },
    /// An HTTP/1.1 request without a `Host`.
    MissingHost,
    /// More than one `Host`.
    DuplicateHost,
    /// The `Host` holds bytes that are not valid in a host and port.
    Host {
        /// The value, escaped and truncated.
        host: String,
    },
    /// Another error in the head.
    Head(HeadError),
    /// The connection ended inside a head.
    IncompleteHead,
}

impl RequestHeadError {
    /// Returns the status of the error response (RFC 9110 section 15.5, RFC 6585 section 5): 400,
    /// 414, 431, 501 or 505. Close the connection after it.
    pub fn status(&self) -> u16 {
        match self {
            RequestHeadError::UriTooLong { .. } => 414,
            RequestHeadError::Head(HeadError::TooLarge { .. } | HeadError::TooManyHeaders { .. }) => 431,
            RequestHeadError::Head(HeadError::UnknownTransferCoding { .. }) => 501,
            RequestHeadError::Version { .. } => 505,
            _ => 400,
        }
    }
}

impl From<HeadError> for RequestHeadError {
    fn from(error: HeadError) -> RequestHeadError {
        RequestHeadError::Head(error)
    }
}

impl fmt::Display for RequestHeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestHeadError::NotHttp { byte } => {
                write!(f, "not an http request: it starts with byte 0x{byte:02x}")
            }
            RequestHeadError::RequestLine { line } => write!(f, "malformed request line \"{line}\""),
            RequestHeadError::UriTooLong { limit } => {
                write!(f, "request line exceeds the limit of {limit} bytes")
            }
            RequestHeadError::Version { version } => write!(f, "unsupported version {version}"),
            RequestHeadError::MissingHost => f.write_str("http/1.1 request without a host header"),
            RequestHeadError::DuplicateHost => f.write_str("more than one host header"),
            RequestHeadError::Host { host } => write!(f, "malformed host \"{host}\""),
            RequestHeadError::Head(error) => error.fmt(f),
            RequestHeadError::IncompleteHead => f.write_str("connection closed before the head was complete"),
        }
    }
}

impl core::error::Error for RequestHeadError {}
