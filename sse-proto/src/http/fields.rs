//! Header fields: their syntax (RFC 9110 section 5) and the list that every head keeps.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Why a header cannot be added to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name is not a token (RFC 9110 section 5.6.2).
    Name {
        /// The name, escaped.
        name: String,
    },
    /// The value holds a control byte (RFC 9110 section 5.5).
    Value {
        /// The header's name.
        name: String,
        /// The byte.
        byte: u8,
        /// The position of the byte in the value, counted from 0.
        position: usize,
    },
    /// `Content-Length` or `Transfer-Encoding`, which are derived from the body.
    Framing {
        /// The header's name.
        name: String,
    },
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderError::Name { name } => write!(f, "header name \"{name}\" is not a token"),
            HeaderError::Value { name, byte, position } => {
                write!(f, "invalid byte 0x{byte:02x} at byte {position} in the value of header {name}")
            }
            HeaderError::Framing { name } => {
                write!(f, "header {name} is derived from the body and cannot be set")
            }
        }
    }
}

impl core::error::Error for HeaderError {}

/// Headers in order, in one allocation for their bytes and one for their ends.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    bytes: Vec<u8>,
    /// The end of each name and each value in `bytes`. A name starts where the previous value ends.
    ends: Vec<(usize, usize)>,
}

impl Fields {
    /// Reserves capacity for this many bytes of names and values, and this many headers.
    #[cfg(feature = "http1")]
    pub(crate) fn with_capacity(bytes: usize, headers: usize) -> Fields {
        Fields { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(headers) }
    }

    /// Adds a header of the user, which must not be one that frames the body.
    pub(crate) fn add(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return Err(HeaderError::Name { name: excerpt(name.as_bytes()) });
        }
        if ["content-length", "transfer-encoding"].iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
            return Err(HeaderError::Framing { name: name.to_string() });
        }
        if let Some((position, byte)) = value.bytes().enumerate().find(|&(_, byte)| !is_value_byte(byte)) {
            return Err(HeaderError::Value { name: name.to_string(), byte, position });
        }
        self.push(name, value.as_bytes());
        Ok(())
    }

    pub(crate) fn push(&mut self, name: &str, value: &[u8]) {
        self.bytes.extend_from_slice(name.as_bytes());
        let name_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((name_end, self.bytes.len()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.retain(|other| !other.eq_ignore_ascii_case(name));
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        let mut kept = Fields::default();
        for (name, value) in self.iter().filter(|(name, _)| keep(name)) {
            kept.push(name, value);
        }
        *self = kept;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut start = 0;
        self.ends.iter().map(move |&(name_end, value_end)| {
            // The defaults are never used: the ends ascend within `bytes`, and names are ASCII.
            let name = self.bytes.get(start..name_end).unwrap_or_default();
            let value = self.bytes.get(name_end..value_end).unwrap_or_default();
            start = value_end;
            (core::str::from_utf8(name).unwrap_or_default(), value)
        })
    }

    /// Iterates over the values of all headers called `name`.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the value of the first header called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// Iterates over the elements of the list that all headers called `name` form together,
    /// including empty ones (RFC 9110 section 5.6.1).
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.all(name).flat_map(|value| value.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii)
    }
}

/// Prints a bounded number of headers, and hides the values that carry credentials.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 32;
        const SECRET: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];
        let mut map = f.debug_map();
        for (name, value) in self.iter().take(SHOWN) {
            let secret = SECRET.iter().any(|secret| name.eq_ignore_ascii_case(secret));
            let value = if secret { "hidden".to_string() } else { excerpt(value) };
            map.entry(&excerpt(name.as_bytes()), &value);
        }
        if self.ends.len() > SHOWN { map.finish_non_exhaustive() } else { map.finish() }
    }
}

pub(crate) fn append_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// Returns the beginning of `bytes`, escaped, for error texts.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 64;
    match bytes.get(..SHOWN) {
        Some(beginning) if bytes.len() > SHOWN => beginning.escape_ascii().to_string() + "...",
        _ => bytes.escape_ascii().to_string(),
    }
}

/// Returns whether the byte is a `tchar` (RFC 9110 section 5.6.2).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Returns whether a field value, a reason phrase or a chunk extension may hold the byte:
/// `field-vchar`, space, tab.
pub(crate) fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

/// Returns whether a host name may hold the byte without percent-encoding: `unreserved` and
/// `sub-delims` (RFC 3986).
pub(crate) fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}
