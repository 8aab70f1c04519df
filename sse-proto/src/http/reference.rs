//! Resolution of references such as redirect targets: RFC 3986 section 5.2.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::percent::without_breaks;
use super::url::{Url, UrlError, split_fragment, split_query};

impl Url {
    /// Resolves an absolute or relative reference against this URL (RFC 3986 section 5.2).
    ///
    /// The reference is normalised like a URL in [`parse`](Self::parse), as browsers do with the
    /// `Location` of a redirect. The result has the fragment of the reference.
    ///
    /// ```
    /// use sse_proto::http::Url;
    ///
    /// let base = Url::parse("http://example.com/a/b?q")?;
    /// assert_eq!(base.join("../c d")?.to_string(), "http://example.com/c%20d");
    /// assert_eq!(base.join("//other.org")?.to_string(), "http://other.org/");
    /// # Ok::<(), sse_proto::http::UrlError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the result is not a valid URL, or its scheme is neither `http` nor `https`.
    pub fn join(&self, reference: &str) -> Result<Url, UrlError> {
        let reference = without_breaks(reference);
        let (reference, fragment) = split_fragment(&reference);
        Ok(self.join_without_fragment(reference)?.with_fragment(fragment))
    }

    fn join_without_fragment(&self, reference: &str) -> Result<Url, UrlError> {
        if has_scheme(reference) {
            return Url::parse(reference);
        }
        if reference.starts_with("//") {
            return Url::parse(&format!("{}:{reference}", self.scheme().as_str()));
        }
        let (path, query) = split_query(reference);
        let (base_path, base_query) = split_query(self.target());
        let (path, query) = match (path, query) {
            ("", "") => (Cow::Borrowed(base_path), base_query),
            ("", query) => (Cow::Borrowed(base_path), query),
            (path, query) if path.starts_with('/') => (Cow::Owned(without_dots(path)), query),
            (path, query) => {
                let folder = base_path.rfind('/').and_then(|slash| base_path.get(..=slash)).unwrap_or("/");
                (Cow::Owned(without_dots(&format!("{folder}{path}"))), query)
            }
        };
        Url::parse(&format!("{}{path}{query}", self.origin()))
    }

    /// Returns whether both URLs have the same scheme, host, zone and port (RFC 6454 section 5).
    pub fn has_origin_of(&self, other: &Url) -> bool {
        (self.scheme(), self.host(), self.zone(), self.port())
            == (other.scheme(), other.host(), other.zone(), other.port())
    }
}

/// Returns whether the reference starts with a scheme (RFC 3986 section 3.1), which makes it
/// absolute.
fn has_scheme(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// Removes `.` and `..` from an absolute path (RFC 3986 section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let dots = matches!(segment, "." | "..");
        if segment == ".." {
            kept.pop();
        }
        match (dots, segments.peek()) {
            (false, _) => kept.push(segment),
            // A final dot segment refers to the folder itself.
            (true, None) => kept.push(""),
            (true, Some(_)) => {}
        }
    }
    format!("/{}", kept.join("/"))
}
