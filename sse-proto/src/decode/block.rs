//! The fields of a block as they come together, and where their values are.

use alloc::string::String;
use core::str;

/// Where the value of a field is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// The block has no such field so far.
    #[default]
    Absent,
    /// In the chunk that is being decoded, at these offsets. Between two calls only while the block is lent.
    Chunk { start: usize, end: usize },
    /// In the decoder's buffer for this field.
    Kept,
}

impl Place {
    /// The value; `None` where absent. A place in the chunk is only ever asked of the chunk it was found in.
    #[inline]
    pub(super) fn of<'a>(self, chunk: &'a [u8], kept: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Absent => None,
            Self::Chunk { start, end } => chunk.get(start..end),
            Self::Kept => Some(kept),
        }
    }
}

/// The fields of the lines since the last blank line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Block {
    pub(super) data: Place,
    pub(super) name: Place,
    pub(super) id: Place,
    pub(super) retry: Option<u64>,
}

impl Block {
    /// Whether something would be lost if the blank line never came. A retry time has taken effect already.
    pub(super) fn is_waiting(&self) -> bool {
        [self.data, self.name, self.id] != [Place::Absent; 3]
    }
}

/// What there is to lend.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    /// The block is an event.
    Event,
    /// The block has no data.
    NoData,
    /// The comment here; the block around it goes on.
    Comment(Place),
}

/// Both values as text: in place where they are UTF-8, which is nearly always, else rewritten in `lossy`.
#[inline]
pub(super) fn texts<'a>(name: &'a [u8], data: &'a [u8], lossy: &'a mut String) -> (&'a str, &'a str) {
    match (str::from_utf8(name), str::from_utf8(data)) {
        (Ok(name), Ok(data)) => (name, data),
        _ => {
            lossy.clear();
            push_lossy(lossy, name);
            let middle = lossy.len();
            push_lossy(lossy, data);
            lossy.split_at(middle)
        }
    }
}

/// Appends text, with U+FFFD for each maximal subpart of an ill-formed sequence (Encoding Standard, "UTF-8 decode").
///
/// To do this value by value is exact, since CR and LF never occur inside a sequence.
pub(super) fn push_lossy(text: &mut String, bytes: &[u8]) {
    if let Ok(valid) = str::from_utf8(bytes) {
        text.push_str(valid);
        return;
    }
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}
