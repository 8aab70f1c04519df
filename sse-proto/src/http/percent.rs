//! Tolerance for hand-written URLs: the characters that browsers drop and percent-encode (WHATWG
//! URL, "URL parsing").

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::Write;

/// A part of a URL, which determines the bytes to encode.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Path,
    Query,
    Fragment,
}

impl Part {
    /// Returns whether browsers encode this byte in this part (WHATWG URL, "percent-encoded bytes";
    /// the query of a special URL). A percent sign is kept, so that nothing is encoded twice.
    ///
    /// A backslash is encoded, although browsers send it: it is not valid in a URL (RFC 3986), and
    /// some servers treat it as a slash.
    fn encodes(self, byte: u8) -> bool {
        let more: &[u8] = match self {
            Part::Path => b"?^`{}",
            Part::Query => b"'\\",
            Part::Fragment => b"`\\",
        };
        !byte.is_ascii_graphic() || b"\"<>".contains(&byte) || more.contains(&byte)
    }
}

/// Percent-encodes the bytes that are invalid in this part; other characters than ASCII become
/// UTF-8.
pub(super) fn encode(text: &str, part: Part) -> Cow<'_, str> {
    if !text.bytes().any(|byte| part.encodes(byte)) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if part.encodes(byte) {
            // Cannot fail: a `String` accepts everything.
            let _ = write!(encoded, "%{byte:02X}");
        } else {
            encoded.push(char::from(byte));
        }
    }
    Cow::Owned(encoded)
}

/// Drops spaces and control characters around a URL, and tabs and line breaks inside it, as
/// browsers do: these come from wrapped lines.
pub(super) fn without_breaks(text: &str) -> Cow<'_, str> {
    let is_break = |symbol: char| matches!(symbol, '\t' | '\n' | '\r');
    let text = text.trim_matches(|symbol: char| symbol <= ' ');
    if text.contains(is_break) { Cow::Owned(text.replace(is_break, "")) } else { Cow::Borrowed(text) }
}
