//! The head of a response, as a client receives it.

use super::fields::Fields;
use super::message::Version;

/// The status line and the headers of a response (RFC 9112 sections 4 and 5).
///
/// The reason phrase is dropped, because it has no meaning. `Debug` output is bounded and hides the
/// values of `Set-Cookie` and similar headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    status: u16,
    version: Version,
    fields: Fields,
}

impl ResponseHead {
    /// Creates a head with this status and no headers, from a response of another HTTP library.
    ///
    /// ```
    /// use sse_proto::http::ResponseHead;
    ///
    /// let head = ResponseHead::new(200).with_header("Content-Type", b"text/event-stream");
    /// assert_eq!(head.header("content-type"), Some(&b"text/event-stream"[..]));
    /// ```
    pub fn new(status: u16) -> ResponseHead {
        ResponseHead { status, version: Version::Http11, fields: Fields::default() }
    }

    /// Adds a header as received. Cannot fail, because nothing is checked.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &[u8]) -> ResponseHead {
        self.fields.push(name, value);
        self
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.fields.remove(name);
    }

    #[cfg(feature = "http1")]
    pub(crate) fn parsed(status: u16, version: Version, fields: Fields) -> ResponseHead {
        ResponseHead { status, version, fields }
    }

    #[cfg(feature = "http1")]
    pub(crate) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Returns the status code, 100 to 999 (RFC 9110 section 15). Codes of 600 and above are
    /// undefined, and count as server errors.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the HTTP version. Always HTTP/1.1 for a head created by [`new`](Self::new).
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the value of the first header called `name`, in any case. Bytes above 127 have no
    /// defined meaning (RFC 9110 section 5.5).
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name)
    }

    /// Iterates over the values of all headers called `name`, in any case and in order. Together
    /// they form one list (RFC 9110 section 5.3).
    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields.all(name)
    }

    /// Iterates over all headers in order, with names as sent.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter()
    }

    /// Returns whether the server intends to keep the connection open (RFC 9112 section 9.3).
    pub fn keep_alive(&self) -> bool {
        self.version.keep_alive(&self.fields)
    }
}
