//! The ids that a hub makes.

use core::fmt;

/// An event id made by a [`Hub`](super::Hub): which hub, and the number of the event in it, from 1.
///
/// Its text is the generation in base 36, a hyphen, and the number: `mhz8p2-17`; 0 stands for the place before the first event. At
/// most 34 bytes, all of them letters, digits or a hyphen: none is a CORS-unsafe request-header byte (Fetch, section
/// "CORS-safelisted request-header"), so that a client may send it back from another origin.
///
/// ```
/// use sse_proto::hub::Id;
///
/// let id = Id::parse("mhz8p2-17").expect("well-formed");
/// assert_eq!((id.number(), id.to_string().as_str()), (17, "mhz8p2-17"));
/// assert_eq!(Id::parse("mhz8p2-017"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    generation: u64,
    number: u64,
}

impl Id {
    const BASE: u64 = 36;

    /// How many bytes the longest has.
    pub(super) const LONGEST: usize = 34;

    pub(super) fn new(generation: u64, number: u64) -> Self {
        Self { generation, number }
    }

    /// Reads what `Display` writes, and nothing else: no other text stands for the same id.
    pub fn parse(text: &str) -> Option<Self> {
        let (generation, number) = text.split_once('-')?;
        Some(Self { generation: digits(generation, Self::BASE)?, number: digits(number, 10)? })
    }

    /// Which hub made it.
    pub fn generation(self) -> u64 {
        self.generation
    }

    /// The number of the event in its hub.
    pub fn number(self) -> u64 {
        self.number
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = 1;
        while self.generation / place >= Self::BASE {
            place *= Self::BASE;
        }
        while place > 0 {
            let digit = (self.generation / place % Self::BASE) as u32;
            // Always: a digit of the base.
            if let Some(digit) = char::from_digit(digit, Self::BASE as u32) {
                fmt::Write::write_char(f, digit)?;
            }
            place /= Self::BASE;
        }
        write!(f, "-{}", self.number)
    }
}

/// Lower case, without sign and without leading zeros.
fn digits(text: &str, base: u64) -> Option<u64> {
    let leads_with_zero = text.len() > 1 && text.starts_with('0');
    if text.is_empty() || leads_with_zero || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    text.chars().try_fold(0u64, |value, digit| {
        let digit = digit.to_digit(base as u32)?;
        value.checked_mul(base)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_id_is_read_back_and_is_short_and_harmless() {
        for generation in [0, 1, 35, 36, 1295, 1296, 1_763_700_000_000, u64::MAX - 1, u64::MAX] {
            for number in [1, 9, 10, u64::MAX] {
                let id = Id::new(generation, number);
                let text = id.to_string();
                assert_eq!(Id::parse(&text), Some(id), "{text}");
                assert!(text.len() <= Id::LONGEST, "{text}");
                assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{text}");
            }
        }
    }

    #[test]
    fn nothing_else_is_an_id() {
        for text in ["", "-", "1", "a-", "-1", "A-1", "a-01", "0a-1", "a-+1", "a-1 ", "a-1-1", "a-١", "é-1"]
        {
            assert_eq!(Id::parse(text), None, "{text}");
        }
        assert_eq!(Id::parse("zzzzzzzzzzzzzzzz-1"), None, "beyond 64 bits");
        assert_eq!(Id::parse("a-18446744073709551616"), None, "beyond 64 bits");
    }
}
