//! Binary payloads as text (RFC 4648 section 4).
//!
//! ```
//! use sse_proto::{EventRef, base64};
//!
//! let data = base64::encode(&[0, 1, 0xFF]);
//! let event = EventRef::new(&data);
//! assert_eq!(event.data(), "AAH/");
//! assert_eq!(base64::decode(event.data())?, [0, 1, 0xFF]);
//! # Ok::<(), base64::Base64Error>(())
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes bytes with padding and without line breaks.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| group.get(at).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place) & 63) as usize;
            let digit = ALPHABET.get(digit).filter(|_| place <= group.len());
            text.push(digit.copied().map_or('=', char::from));
        }
    }
    text
}

/// Decodes the output of [`encode`]. Line feeds are skipped, because data may span several lines.
///
/// # Errors
/// If a byte is outside the alphabet, padding is missing or misplaced, or the padded bits are not
/// zero.
pub fn decode(text: &str) -> Result<Vec<u8>, Base64Error> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut bits = 0;
    let (mut digits, mut padding) = (0, 0);
    for (position, byte) in text.bytes().enumerate().filter(|(_, byte)| *byte != b'\n') {
        let refused = Base64Error { position };
        match value(byte) {
            Some(value) if padding == 0 => bits = bits << 6 | value,
            None if byte == b'=' && digits >= 2 => {
                bits <<= 6;
                padding += 1;
            }
            _ => return Err(refused),
        }
        digits += 1;
        if digits == 4 {
            let [_, group @ ..] = u32::to_be_bytes(bits);
            let (kept, rest) = group.split_at(3_usize.saturating_sub(padding));
            if rest.iter().any(|byte| *byte != 0) {
                return Err(refused);
            }
            bytes.extend_from_slice(kept);
            (bits, digits) = (0, 0);
        }
        // Padding ends the text. A further group could not pad again, since `digits` cannot reach
        // 2.
        if padding > 0 && digits == 1 {
            return Err(refused);
        }
    }
    if digits == 0 { Ok(bytes) } else { Err(Base64Error { position: text.len() }) }
}

fn value(digit: u8) -> Option<u32> {
    let (first, value) = match digit {
        b'A'..=b'Z' => (b'A', 0),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'+' => (b'+', 62),
        b'/' => (b'/', 63),
        _ => return None,
    };
    Some(u32::from(digit - first) + value)
}

/// Text that is not valid base64. The peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base64Error {
    position: usize,
}

impl Base64Error {
    /// Returns the position of the invalid byte, counted from 0, or the length of the text if bytes
    /// are missing.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid base64 at byte {}", self.position)
    }
}

impl core::error::Error for Base64Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
    }

    #[test]
    fn every_byte_goes_there_and_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        for length in 0..bytes.len() {
            assert_eq!(decode(&encode(&bytes[..length])).unwrap(), &bytes[..length]);
        }
    }

    #[test]
    fn lines_are_joined() {
        assert_eq!(decode("Zm9\nvYg=\n=\n").unwrap(), b"foob");
    }

    #[test]
    fn other_texts_are_refused_where_they_go_wrong() {
        for (text, position) in [
            ("Zg", 2),
            ("Z", 1),
            ("Zm9", 3),
            ("Zg=", 3),
            ("Z===", 1),
            ("====", 0),
            ("Zg==Zg==", 4),
            ("Zg==\nA", 5),
            ("Zg=A", 3),
            ("Zm8=====", 4),
            ("Zm9v=", 4),
            ("Zh==", 3),
            ("Zm9=", 3),
            ("Zm9-", 3),
            ("Zm 9", 2),
            ("é", 0),
        ] {
            assert_eq!(decode(text).map_err(|error| error.position()), Err(position), "{text:?}");
        }
    }
}
