//! URLs of requests.

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use super::fields::is_host_byte;
use super::percent::{Part, encode, without_breaks};

/// The scheme of a [`Url`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain TCP, with default port 80.
    Http,
    /// TLS over TCP, with default port 443.
    Https,
}

impl Scheme {
    /// Returns the name of the scheme in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// An absolute `http://` or `https://` URL (RFC 9110 section 4.2), split into the parts that a
/// client needs.
///
/// Parsing follows browsers (WHATWG URL): spaces and control characters around the URL and line
/// breaks inside it are dropped. In path, query and fragment, invalid bytes are percent-encoded,
/// with characters outside ASCII as UTF-8; existing percent-encoding is kept. Scheme and host are
/// lower-cased. The fragment is kept but never sent.
///
/// Unlike browsers, parsing rejects ambiguous URLs: those with user information (RFC 9110 section
/// 4.2.4), with a backslash before the query, or with a host name outside ASCII, which this crate
/// has no tables to convert.
///
/// An IPv6 address may have a zone (RFC 6874), as in `http://[fe80::1%25eth0]/`. The zone selects
/// the network interface, and is not sent.
///
/// ```
/// use sse_proto::http1::{Scheme, Url};
///
/// let url: Url = "HTTPS://Example.com:8443/events?topic=a#top".parse()?;
/// assert_eq!(url.scheme(), Scheme::Https);
/// assert_eq!((url.host(), url.port()), ("example.com", 8443));
/// assert_eq!(url.authority(), "example.com:8443");
/// assert_eq!(url.target(), "/events?topic=a");
/// assert_eq!(url.fragment(), Some("top"));
///
/// let url = Url::parse("http://example.com/café?q=a b")?;
/// assert_eq!(url.target(), "/caf%C3%A9?q=a%20b");
/// # Ok::<(), sse_proto::http1::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    scheme: Scheme,
    host: String,
    zone: Option<String>,
    port: u16,
    authority: String,
    target: String,
    fragment: Option<String>,
}

impl Url {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// If the URL is invalid; see [`UrlError`]. The error text never contains user information.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        let text = &*without_breaks(text);
        // Browsers treat it as a slash, other clients do not, so they would disagree on the host.
        let end_of_path = text.find(['?', '#']).unwrap_or(text.len());
        if let Some(position) = text.find('\\').filter(|&at| at < end_of_path) {
            return Err(UrlError::Byte { byte: b'\\', position });
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let authority_position = scheme.len() + "://".len();
        let scheme = [Scheme::Http, Scheme::Https]
            .into_iter()
            .find(|known| scheme.eq_ignore_ascii_case(known.as_str()))
            .ok_or(UrlError::Scheme)?;
        let (rest, fragment) = split_fragment(rest);
        // Cannot panic: the position comes from `find`, or is the length.
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if let Some(at) = authority.find('@') {
            return Err(UrlError::UserInfo { position: authority_position + at });
        }
        let (host, zone, port) = match authority.strip_prefix('[') {
            Some(literal) => split_ipv6(literal)?,
            None => {
                let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
                check_host(host, authority_position)?;
                (host, None, port)
            }
        };
        if host.is_empty() {
            return Err(UrlError::EmptyHost);
        }
        let port = parse_port(port, scheme)?;
        let host = host.to_ascii_lowercase();
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let authority = if port == scheme.default_port() { bracketed } else { format!("{bracketed}:{port}") };
        let (path, query) = split_query(target);
        let slash = if path.is_empty() { "/" } else { "" };
        let target = match query.strip_prefix('?') {
            Some(query) => format!("{slash}{}?{}", encode(path, Part::Path), encode(query, Part::Query)),
            None => format!("{slash}{}", encode(path, Part::Path)),
        };
        let zone = zone.map(str::to_owned);
        let url = Url { scheme, host, zone, port, authority, target, fragment: None };
        Ok(url.with_fragment(fragment))
    }

    /// Returns the scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the host name or address in lower case, an IPv6 address without brackets and zone.
    /// This is the name in a TLS certificate.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the zone of an IPv6 address (RFC 4007 section 11), or `None`. The zone is the name
    /// or number of a network interface of this machine, as written. It is never sent (RFC 6874
    /// section 1).
    ///
    /// ```
    /// let url = sse_proto::http::Url::parse("http://[fe80::1%25eth0]:8080/")?;
    /// assert_eq!((url.host(), url.zone()), ("fe80::1", Some("eth0")));
    /// assert_eq!(url.authority(), "[fe80::1]:8080");
    /// assert_eq!(url.host_with_zone(), "fe80::1%eth0");
    /// # Ok::<(), sse_proto::http::UrlError>(())
    /// ```
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Returns the host in the form for the system's resolver (`getaddrinfo`): a name or address,
    /// with the zone if there is one.
    pub fn host_with_zone(&self) -> Cow<'_, str> {
        match &self.zone {
            Some(zone) => Cow::Owned(format!("{}%{zone}", self.host)),
            None => Cow::Borrowed(&self.host),
        }
    }

    /// Returns the TCP port: the one in the URL, or the scheme's default (80, 443).
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns host and port as in a `Host` header (RFC 9110 section 7.2): without a default port,
    /// and with an IPv6 address in brackets and without its zone.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns path and query as in a request line (RFC 9112 section 3.2.1), at least `/`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the part after the `#`, or `None`. It is never sent (RFC 9110 section 7.1).
    pub fn fragment(&self) -> Option<&str> {
        self.fragment.as_deref()
    }

    pub(crate) fn with_fragment(self, fragment: Option<&str>) -> Url {
        Url { fragment: fragment.map(|fragment| encode(fragment, Part::Fragment).into_owned()), ..self }
    }

    /// Returns scheme and authority, with the zone.
    pub(super) fn origin(&self) -> String {
        match &self.zone {
            // The default is never used: only an address in brackets has a zone.
            Some(zone) => {
                let port = self.authority.split_once(']').map_or("", |(_, port)| port);
                format!("{}://[{}%25{zone}]{port}", self.scheme.as_str(), self.host)
            }
            None => format!("{}://{}", self.scheme.as_str(), self.authority),
        }
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Url, UrlError> {
        Url::parse(text)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.target)?;
        self.fragment.iter().try_for_each(|fragment| write!(f, "#{fragment}"))
    }
}

/// Why a text is not a valid [`Url`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// The URL does not start with `http://` or `https://`.
    Scheme,
    /// The host holds a byte that is not valid in a host name, or there is a backslash before the
    /// query.
    Byte {
        /// The byte.
        byte: u8,
        /// The position of the byte, not counting dropped characters.
        position: usize,
    },
    /// The host name is not ASCII. Use its ASCII form, which starts with `xn--` (RFC 5890 section
    /// 2.3.2.1); IDNA crates convert it.
    InternationalHost {
        /// The position of the first character outside ASCII.
        position: usize,
    },
    /// The URL has user information before the host.
    UserInfo {
        /// The position of the `@`.
        position: usize,
    },
    /// The URL has no host.
    EmptyHost,
    /// The brackets do not enclose an IPv6 address, with or without a zone.
    Ipv6,
    /// The port is not a number from 1 to 65535.
    Port {
        /// The text in place of the port.
        port: String,
    },
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlError::Scheme => f.write_str("url does not begin with http:// or https://"),
            UrlError::Byte { byte, position } => {
                write!(f, "invalid byte 0x{byte:02x} at byte {position} in url")
            }
            UrlError::InternationalHost { position } => write!(
                f,
                "host name is not ascii at byte {position} in url; use its ascii form, which starts with xn--"
            ),
            UrlError::UserInfo { position } => {
                write!(f, "user information before the @ at byte {position} in url")
            }
            UrlError::EmptyHost => f.write_str("url without a host"),
            UrlError::Ipv6 => f.write_str("invalid ipv6 address in brackets in url"),
            UrlError::Port { port } => write!(f, "port {port:?} in url is not a number from 1 to 65535"),
        }
    }
}

impl core::error::Error for UrlError {}

fn check_host(host: &str, host_position: usize) -> Result<(), UrlError> {
    match host.bytes().enumerate().find(|&(_, byte)| !is_host_byte(byte)) {
        Some((at, byte)) if byte.is_ascii() => Err(UrlError::Byte { byte, position: host_position + at }),
        Some((at, _)) => Err(UrlError::InternationalHost { position: host_position + at }),
        None => Ok(()),
    }
}

/// Splits before the question mark.
pub(super) fn split_query(target: &str) -> (&str, &str) {
    // Cannot panic: the position comes from `find`, or is the length.
    target.split_at(target.find('?').unwrap_or(target.len()))
}

/// Splits at the first `#`.
pub(super) fn split_fragment(text: &str) -> (&str, Option<&str>) {
    text.split_once('#').map_or((text, None), |(before, fragment)| (before, Some(fragment)))
}

/// Splits `fe80::1%25eth0]:80` into address, zone and port.
fn split_ipv6(literal: &str) -> Result<(&str, Option<&str>, &str), UrlError> {
    let (address, rest) = literal.split_once(']').ok_or(UrlError::Ipv6)?;
    let (address, zone) = match address.split_once('%') {
        Some((address, zone)) => (address, Some(parse_zone(zone).ok_or(UrlError::Ipv6)?)),
        None => (address, None),
    };
    address.parse::<Ipv6Addr>().map_err(|_| UrlError::Ipv6)?;
    match rest.strip_prefix(':') {
        Some(port) => Ok((address, zone, port)),
        None if rest.is_empty() => Ok((address, zone, "")),
        None => Err(UrlError::Ipv6),
    }
}

/// Parses the zone after the percent sign: `25eth0`, or hand-written `eth0` unless it could be
/// percent-encoding (RFC 6874 section 3).
fn parse_zone(text: &str) -> Option<&str> {
    let encoded = text.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let zone = if encoded { text.strip_prefix("25")? } else { text };
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (!zone.is_empty() && zone.bytes().all(is_unreserved)).then_some(zone)
}

/// Parses a port. An empty port means the default (RFC 3986 section 6.2.3).
fn parse_port(text: &str, scheme: Scheme) -> Result<u16, UrlError> {
    if text.is_empty() {
        return Ok(scheme.default_port());
    }
    // `parse` would accept a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err(UrlError::Port { port: text.to_owned() }),
    }
}
