//! The head of a request, as a server receives it.

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::head::{HeadError, HeadLimits, split_start_line};
use super::response::Response;
use crate::http::fields::{Fields, excerpt, is_host_byte, is_token_byte};
use crate::http::{Framing, Version};

/// Request line and headers of a request (RFC 9112 sections 3 and 5).
///
/// `Debug` output is bounded and hides the values of `Authorization`, `Cookie` and the like; the query is not hidden.
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

    /// The method, case-sensitive (RFC 9110 section 9.1).
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The request target as it was sent (RFC 9112 section 3.2): usually path and query, an absolute URL from clients
    /// of a proxy, `*` for `OPTIONS`, host and port for `CONNECT`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The target's path, not decoded; at least `/` if the target is one that has a path.
    pub fn path(&self) -> &str {
        match self.path_and_query().0 {
            "" => "/",
            path => path,
        }
    }

    /// What follows the first question mark of the target, not decoded.
    pub fn query(&self) -> Option<&str> {
        self.path_and_query().1
    }

    /// The value of the query's first parameter called `name`, decoded as HTML forms encode: `+` is a space, a stray
    /// percent sign stands for itself, invalid UTF-8 becomes U+FFFD.
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

    /// The version of the request.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The value of the first header called `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name)
    }

    /// The last event id of a client that reconnects: its `Last-Event-ID` header, if that is an event id and not empty.
    pub fn last_event_id(&self) -> Option<&str> {
        crate::header::parse_last_event_id(self.header(crate::header::LAST_EVENT_ID)?).ok().flatten()
    }

    /// The last event id of a client that reconnects, from its header or the query: see
    /// [`header::last_event_id`](crate::header::last_event_id).
    pub fn last_event_id_or_param(&self) -> Option<Cow<'_, str>> {
        crate::header::last_event_id(self.header(crate::header::LAST_EVENT_ID), self.query())
    }

    /// All headers in order, names as they were sent.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter()
    }

    /// Whether the client means to keep the connection open (RFC 9112 section 9.3).
    pub fn keep_alive(&self) -> bool {
        self.version.keep_alive(&self.fields)
    }

    /// How the body that follows is delimited: by chunks, by its length, or not there.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// How a body without a known length is to be delimited in answer to this request: not at all if it is
    /// `HEAD`, by the end of the connection in HTTP/1.0, else by chunks.
    pub fn stream_framing(&self) -> Framing {
        match (&*self.method, self.version) {
            ("HEAD", _) => Framing::None,
            (_, Version::Http10) => Framing::UntilClose,
            (_, Version::Http11) => Framing::Chunked,
        }
    }

    fn path_and_query(&self) -> (&str, Option<&str>) {
        let path = match after_scheme(&self.target) {
            // Cannot panic: a position that `find` returns, or the length.
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

/// What follows `http://` or `https://`.
fn after_scheme(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(rest)
}

/// One `Host` in HTTP/1.1, no more than one before, and no byte that a host and port cannot hold (RFC 9112 section 3.2).
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

/// Why a request cannot be answered as it asks. The client's fault, or the connection's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestHeadError {
    /// No method begins with the first byte: another protocol.
    NotHttp {
        /// The byte.
        byte: u8,
    },
    /// A first line that is no request line (RFC 9112 section 3).
    RequestLine {
        /// The line, escaped and shortened.
        line: String,
    },
    /// A request line of more bytes than [`HeadLimits::bytes`].
    UriTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A version other than HTTP/1.
    Version {
        /// The version as it was sent.
        version: String,
    },
    /// HTTP/1.1 without a `Host`.
    MissingHost,
    /// More than one `Host`.
    DuplicateHost,
    /// A `Host` with bytes that neither a host nor a port holds.
    Host {
        /// Its value, escaped and shortened.
        host: String,
    },
    /// Wrong in the head otherwise.
    Head(HeadError),
    /// The connection ended inside a head.
    IncompleteHead,
}

impl RequestHeadError {
    /// A whole response that tells the client, with [`status`](Self::status) and this error as its text, and with a `Date` where the
    /// caller has a [clock](Response::with_date).
    pub fn response(&self, since_unix_epoch: Option<Duration>) -> Vec<u8> {
        let mut out = Vec::new();
        let response = Response::new(self.status());
        let response = match since_unix_epoch {
            Some(time) => response.with_date(time),
            None => response,
        };
        response.encode_whole("", format!("{self}\n").as_bytes(), &mut out);
        out
    }

    /// The status that tells the client (RFC 9110 section 15.5, RFC 6585 section 5): 400, 414, 431, 501 or 505. The
    /// connection has to be closed after it.
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
            RequestHeadError::NotHttp { byte } => write!(f, "byte 0x{byte:02x} where a method should begin"),
            RequestHeadError::RequestLine { line } => write!(f, "malformed request line \"{line}\""),
            RequestHeadError::UriTooLong { limit } => write!(f, "request line longer than {limit} bytes"),
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
