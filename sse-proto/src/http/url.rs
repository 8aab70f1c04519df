//! The address of a request.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use super::fields::is_host_byte;

/// What a [`Url`] is reached by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain TCP; port 80 unless the URL says otherwise.
    Http,
    /// TLS over TCP; port 443 unless the URL says otherwise.
    Https,
}

impl Scheme {
    /// The scheme's name in lower case.
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

/// An absolute `http://` or `https://` URL (RFC 9110 section 4.2), split into what a client needs.
///
/// Only what may go on the wire as it is gets accepted: nothing is percent-encoded, no host name is converted to ASCII.
/// Scheme and host are lower-cased, the fragment is kept but goes nowhere, user information is refused
/// (RFC 9110 section 4.2.4).
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
/// # Ok::<(), sse_proto::http1::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    scheme: Scheme,
    host: String,
    port: u16,
    authority: String,
    target: String,
    fragment: Option<String>,
}

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// [`UrlError`] says what cannot stand in such a URL. Its text never repeats user information.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        refuse_byte(text, 0, |byte| byte.is_ascii_graphic() && byte != b'\\')?;
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let authority_position = scheme.len() + "://".len();
        let scheme = [Scheme::Http, Scheme::Https]
            .into_iter()
            .find(|known| scheme.eq_ignore_ascii_case(known.as_str()))
            .ok_or(UrlError::Scheme)?;
        let (rest, fragment) = split_fragment(rest);
        // Cannot panic: a position that `find` returns, or the length.
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if let Some(at) = authority.find('@') {
            return Err(UrlError::UserInfo { position: authority_position + at });
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(literal) => split_ipv6(literal)?,
            None => {
                let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
                refuse_byte(host, authority_position, is_host_byte)?;
                (host, port)
            }
        };
        if host.is_empty() {
            return Err(UrlError::EmptyHost);
        }
        let port = parse_port(port, scheme)?;
        let host = host.to_ascii_lowercase();
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let authority = if port == scheme.default_port() { bracketed } else { format!("{bracketed}:{port}") };
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Url { scheme, host, port, authority, target, fragment: fragment.map(str::to_owned) })
    }

    /// How the host is reached.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host's name or address in lower case; an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port, the scheme's default (80, 443) if the URL names none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as a `Host` header has them (RFC 9110 section 7.2): a default port left out, an
    /// IPv6 address in brackets.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Path and query as a request line has them (RFC 9112 section 3.2.1); at least `/`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// What stands behind the `#`; `None` without one. It is never sent (RFC 9110 section 7.1).
    pub fn fragment(&self) -> Option<&str> {
        self.fragment.as_deref()
    }

    pub(crate) fn with_fragment(self, fragment: Option<&str>) -> Url {
        Url { fragment: fragment.map(str::to_owned), ..self }
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
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority, self.target)?;
        self.fragment.iter().try_for_each(|fragment| write!(f, "#{fragment}"))
    }
}

/// Why a text is not a [`Url`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// It does not begin with `http://` or `https://`.
    Scheme,
    /// A byte that cannot stand there: a control, a space, a backslash, something outside ASCII, or in the host
    /// any other byte no host has.
    Byte {
        /// The byte.
        byte: u8,
        /// How many bytes stand before it.
        position: usize,
    },
    /// User information before the host.
    UserInfo {
        /// How many bytes stand before the `@`.
        position: usize,
    },
    /// No host.
    EmptyHost,
    /// Brackets around something other than an IPv6 address.
    Ipv6,
    /// A port that is not a number from 1 to 65535.
    Port {
        /// What stands in its place.
        port: String,
    },
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlError::Scheme => f.write_str("url does not begin with http:// or https://"),
            UrlError::Byte { byte, position } => write!(f, "byte 0x{byte:02x} at {position} in url"),
            UrlError::UserInfo { position } => {
                write!(f, "user information before the @ at {position} in url")
            }
            UrlError::EmptyHost => f.write_str("url without a host"),
            UrlError::Ipv6 => f.write_str("no ipv6 address between the brackets in url"),
            UrlError::Port { port } => write!(f, "port {port:?} in url is not a number from 1 to 65535"),
        }
    }
}

impl core::error::Error for UrlError {}

fn refuse_byte(text: &str, text_position: usize, allowed: impl Fn(u8) -> bool) -> Result<(), UrlError> {
    match text.bytes().enumerate().find(|&(_, byte)| !allowed(byte)) {
        Some((at, byte)) => Err(UrlError::Byte { byte, position: text_position + at }),
        None => Ok(()),
    }
}

/// Splits at the first `#`.
pub(super) fn split_fragment(text: &str) -> (&str, Option<&str>) {
    text.split_once('#').map_or((text, None), |(before, fragment)| (before, Some(fragment)))
}

/// Splits `::1]:80` into address and port.
fn split_ipv6(literal: &str) -> Result<(&str, &str), UrlError> {
    let (address, rest) = literal.split_once(']').ok_or(UrlError::Ipv6)?;
    address.parse::<Ipv6Addr>().map_err(|_| UrlError::Ipv6)?;
    match rest.strip_prefix(':') {
        Some(port) => Ok((address, port)),
        None if rest.is_empty() => Ok((address, "")),
        None => Err(UrlError::Ipv6),
    }
}

/// An empty port is the default one (RFC 3986 section 6.2.3).
fn parse_port(text: &str, scheme: Scheme) -> Result<u16, UrlError> {
    if text.is_empty() {
        return Ok(scheme.default_port());
    }
    // The number parser would take a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err(UrlError::Port { port: text.to_owned() }),
    }
}
