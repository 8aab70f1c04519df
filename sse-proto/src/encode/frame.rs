//! Encodes short events on the stack, because many small copies cost more than one.

use crate::{EventRef, scan};

/// The encoded form of a short event, which is copied into the buffer at once.
pub(super) struct Frame {
    bytes: [u8; Self::SIZE],
    len: usize,
}

impl Frame {
    const SIZE: usize = 96;

    /// The longest value that is attempted.
    const VALUE: usize = 63;

    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { bytes: [0; Self::SIZE], len: 0 }
    }

    /// Returns the encoded event, or `None` if it is long, has data of several lines or a retry
    /// time, or is not ASCII: checking the frame for UTF-8 would take longer than encoding it.
    #[inline(always)]
    pub(super) fn encode(&mut self, event: EventRef<'_>) -> Option<&str> {
        let EventRef { name, data, retry, .. } = event;
        let id = event.id();
        let len = |value: Option<&str>| value.map_or(0, str::len);
        if retry.is_some() || len(name) > Self::VALUE || len(id) > Self::VALUE || len(data) > Self::VALUE {
            return None;
        }
        if let Some(name) = name {
            self.line("event: ", name)?;
        }
        if let Some(id) = id {
            self.line("id: ", id)?;
        }
        if let Some(data) = data {
            if scan::has_line_end(data.as_bytes()) {
                return None;
            }
            self.line("data: ", data)?;
        }
        self.put("\n")?;
        scan::ascii(self.bytes.get(..self.len)?)
    }

    #[inline(always)]
    fn line(&mut self, prefix: &str, value: &str) -> Option<()> {
        self.put(prefix)?;
        self.put(value)?;
        self.put("\n")
    }

    #[inline(always)]
    fn put(&mut self, text: &str) -> Option<()> {
        let end = self.len + text.len();
        copy_short(self.bytes.get_mut(self.len..end)?, text.as_bytes());
        self.len = end;
        Some(())
    }
}

/// Copies between slices of equal length, short ones without a function call.
#[inline(always)]
fn copy_short(to: &mut [u8], from: &[u8]) {
    match from.len() {
        8..=16 => copy_ends::<8>(to, from),
        4..8 => copy_ends::<4>(to, from),
        _ => to.copy_from_slice(from),
    }
}

/// Copies the first `N` and the last `N` bytes, which may overlap.
#[inline(always)]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk()) {
        *to = *from;
    }
}
