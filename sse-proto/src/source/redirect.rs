//! The target of a redirect, and the headers that it keeps (Fetch, "HTTP-redirect fetch").

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use crate::header::LAST_EVENT_ID;
use crate::http::{Request, ResponseHead, Scheme, Url, UrlError};

/// Why a redirect was not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectError {
    /// The attempt exceeded [`SourceConfig::max_redirects`](super::SourceConfig::max_redirects).
    TooMany {
        /// The limit.
        limit: u32,
    },
    /// The target is not a valid `http` or `https` URL.
    Location(UrlError),
    /// The redirect leads from `https` to `http`.
    Insecure,
    /// The hook of [`SourceConfig::set_check_redirect`](super::SourceConfig::set_check_redirect)
    /// rejected it, for this reason.
    Vetoed(Cow<'static, str>),
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { limit } => write!(f, "more than {limit} redirects"),
            Self::Location(error) => write!(f, "redirect to an invalid url: {error}"),
            Self::Insecure => f.write_str("redirect from https to http"),
            Self::Vetoed(reason) => write!(f, "redirect rejected: {reason}"),
        }
    }
}

impl core::error::Error for RedirectError {}

/// Returns the target of a redirect, or `None` if the response is not a redirect. An empty
/// `Location` leads nowhere new and does not count.
pub(super) fn location(head: &ResponseHead) -> Option<&[u8]> {
    let redirects = matches!(head.status(), 301 | 302 | 303 | 307 | 308);
    head.header("location").filter(|location| redirects && !location.trim_ascii().is_empty())
}

/// Resolves the target URL, and checks that it may be followed.
pub(super) fn target(from: &Url, location: &[u8]) -> Result<Url, RedirectError> {
    let url = from.join(&String::from_utf8_lossy(location)).map_err(RedirectError::Location)?;
    if (from.scheme(), url.scheme()) == (Scheme::Https, Scheme::Http) {
        return Err(RedirectError::Insecure);
    }
    // A fragment survives redirects without their own (RFC 9110 section 10.2.2).
    let fragment = url.fragment().or(from.fragment()).map(String::from);
    Ok(url.with_fragment(fragment.as_deref()))
}

/// Returns whether later attempts start at the target of such a redirect, which requires that it
/// keeps the method.
pub(super) fn is_permanent(status: u16, request: &Request) -> bool {
    matches!(status, 301 | 308) && !becomes_get(status, request)
}

/// Changes the request to follow a redirect with this status.
pub(super) fn follow(request: &mut Request, status: u16, url: Url) {
    if becomes_get(status, request) {
        request.set_bodyless_get();
    }
    if !request.url().has_origin_of(&url) {
        keep_secrets(request);
    }
    // It belongs to the previous host.
    request.remove_header("host");
    request.set_url(url);
}

/// Drops everything that must not reach an origin that the user did not name: all headers except
/// harmless ones. The last event id stays, because the stream could not resume without it.
pub(super) fn keep_secrets(request: &mut Request) {
    const HARMLESS: [&str; 7] = [
        "accept",
        "accept-language",
        "cache-control",
        "content-encoding",
        "content-type",
        LAST_EVENT_ID,
        "user-agent",
    ];
    request.retain_headers(|name| HARMLESS.iter().any(|harmless| name.eq_ignore_ascii_case(harmless)));
}

fn becomes_get(status: u16, request: &Request) -> bool {
    match (status, request.method()) {
        (301 | 302, method) => method == "POST",
        (303, method) => !matches!(method, "GET" | "HEAD"),
        _ => false,
    }
}
