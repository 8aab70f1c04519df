//! A line's field, and the state of a line that a chunk boundary cuts.

/// The fields that the standard defines, and the comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Data,
    Event,
    Id,
    Retry,
    Comment,
}

impl Field {
    /// Splits a whole, nonempty line into field and value. Returns `None` for a field that the
    /// standard ignores.
    ///
    /// Names are compared literally. One space after the colon is dropped. A line without a colon
    /// is a name.
    #[inline(always)]
    pub(super) fn split(line: &[u8]) -> Option<(Self, &[u8])> {
        if let Some(rest) = line.strip_prefix(b"data") {
            Some((Self::Data, value(rest)?))
        } else if let Some(rest) = line.strip_prefix(b"event") {
            Some((Self::Event, value(rest)?))
        } else if let Some(rest) = line.strip_prefix(b"id") {
            Some((Self::Id, value(rest)?))
        } else if let Some(text) = line.strip_prefix(b":") {
            Some((Self::Comment, text))
        } else if let Some(rest) = line.strip_prefix(b"retry") {
            Some((Self::Retry, value(rest)?))
        } else {
            None
        }
    }
}

/// [`Field::split`] for cut lines, where code size matters more than speed.
#[inline(never)]
fn split_cut(line: &[u8]) -> Option<(Field, &[u8])> {
    Field::split(line)
}

/// Returns the value, given the part of the line after a name. Returns `None` if the name
/// continues.
#[inline(always)]
fn value(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        [] => Some(rest),
        _ => None,
    }
}

/// The decoder's position in a line between two chunks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Line {
    /// Before the first byte.
    #[default]
    Start,
    /// In the name; holds its bytes so far.
    Name { bytes: [u8; Self::LONGEST_NAME], len: u8 },
    /// In the value. `space`: drop the next byte if it is a space.
    Value { field: Field, space: bool },
    /// In a line that is ignored to its end.
    Skip,
}

impl Line {
    const LONGEST_NAME: usize = 5;

    #[inline]
    pub(super) fn is_start(&self) -> bool {
        matches!(self, Self::Start)
    }

    #[inline]
    pub(super) fn is_skipped(&self) -> bool {
        matches!(self, Self::Skip)
    }

    /// Consumes the bytes of an incomplete name from the front of `bytes`. Returns the field once
    /// its colon has been read.
    pub(super) fn push_name(&mut self, bytes: &mut &[u8]) -> Option<Field> {
        if self.is_start() && !bytes.is_empty() {
            *self = Self::Name { bytes: [0; Self::LONGEST_NAME], len: 0 };
            if let Some((field, value)) = split_cut(bytes) {
                // Without a colon the name may continue in the next chunk. With a colon at the end,
                // the optional space may follow in the next chunk.
                let space = value.is_empty() && bytes.ends_with(b":") && field != Field::Comment;
                if space || !value.is_empty() || matches!(bytes, [.., b' ' | b':']) {
                    *self = Self::Value { field, space };
                    *bytes = value;
                    return Some(field);
                }
            }
        }
        while let Self::Name { bytes: name, len } = self {
            let (byte, rest) = bytes.split_first()?;
            *bytes = rest;
            if *byte == b':' {
                return self.end_name();
            }
            match name.get_mut(usize::from(*len)) {
                Some(slot) => {
                    *slot = *byte;
                    *len += 1;
                }
                None => *self = Self::Skip,
            }
        }
        None
    }

    /// Completes the name at its colon or at the end of the line.
    pub(super) fn end_name(&mut self) -> Option<Field> {
        let Self::Name { bytes, len } = *self else { return None };
        let field = split_cut(bytes.get(..usize::from(len))?).map(|(field, _)| field);
        *self = field.map_or(Self::Skip, |field| Self::Value { field, space: true });
        field
    }
}

/// The value of a retry field: ASCII digits only, at least one, saturating.
//
// Packed, so that a decoder stays within 256 bytes; see the test `a_decoder_is_small`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(Rust, packed)]
pub(super) struct Digits {
    number: u64,
    seen: Seen,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Nothing,
    Digits,
    Others,
}

impl Digits {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let digit = byte.wrapping_sub(b'0');
            self.number = self.number.saturating_mul(10).saturating_add(u64::from(digit));
            if digit > 9 {
                self.seen = Seen::Others;
            } else if self.seen == Seen::Nothing {
                self.seen = Seen::Digits;
            }
        }
    }

    pub(super) fn value(self) -> Option<u64> {
        (self.seen == Seen::Digits).then_some(self.number)
    }
}
