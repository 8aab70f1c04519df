//! Looking at many bytes at once: where lines end, and whether bytes are text. Most bytes of a stream are looked at here.
//!
//! The only `unsafe` of this crate is in this file: vector instructions that every processor of the target has, and ASCII
//! that is taken for UTF-8 without a second look. The tests compare both with the plain way to do it.
#![allow(unsafe_code)]

use core::str;

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
pub(crate) use self::plain::LineEnds;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(crate) use self::sse2::LineEnds;

/// The bytes as text, if they are UTF-8.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    if is_ascii(bytes) {
        // SAFETY: every byte is ASCII, which was checked right here, and ASCII is UTF-8.
        return Some(unsafe { str::from_utf8_unchecked(bytes) });
    }
    #[cfg(feature = "simdutf8")]
    return simdutf8::basic::from_utf8(bytes).ok();
    #[cfg(not(feature = "simdutf8"))]
    str::from_utf8(bytes).ok()
}

/// Whether every byte is below 0x80. That of the standard library is made for long texts; this one is for short ones too.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    if bytes.len() >= 64 {
        return sse2::is_ascii(bytes);
    }
    !any_word(bytes, |word| word & HIGHEST != 0)
}

/// Whether there is a NUL among the bytes.
#[inline]
pub(crate) fn has_nul(bytes: &[u8]) -> bool {
    any_word(bytes, |word| word.wrapping_sub(LOWEST) & !word & HIGHEST != 0)
}

/// The lowest and the highest bit of each byte of a word.
const LOWEST: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHEST: u64 = u64::from_ne_bytes([0x80; 8]);

/// Whether `found` holds of any of the words that cover the bytes. Some bytes are in two words, or more than once in one.
#[inline]
fn any_word(bytes: &[u8], found: impl Fn(u64) -> bool) -> bool {
    if let Some(last) = bytes.last_chunk() {
        let mut words = bytes.chunks_exact(8).filter_map(|word| word.first_chunk());
        return words.any(|word| found(u64::from_ne_bytes(*word))) || found(u64::from_ne_bytes(*last));
    }
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            found(u64::from(u32::from_ne_bytes(*first)) << 32 | u64::from(u32::from_ne_bytes(*last)))
        }
        _ => bytes.iter().any(|byte| found(u64::from_ne_bytes([*byte; 8]))),
    }
}

/// On every target.
#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
mod plain {
    /// Finds the line ends of a chunk, from front to back.
    pub(crate) struct LineEnds<'c> {
        chunk: &'c [u8],
    }

    impl<'c> LineEnds<'c> {
        #[inline]
        pub(crate) fn new(chunk: &'c [u8]) -> Self {
            Self { chunk }
        }

        /// The offset of the first CR or LF that is not before `start`. From call to call `start` never decreases.
        #[inline]
        pub(crate) fn after(&mut self, start: usize) -> Option<usize> {
            let found = match self.chunk.get(start..)? {
                // A blank line ends every event: a tenth of the cost of a search that finds nothing before it.
                [b'\n' | b'\r', ..] => Some(0),
                rest => memchr::memchr2(b'\n', b'\r', rest),
            };
            #[cfg(test)]
            super::work::add(found.map_or(self.chunk.len() - start, |at| at + 1));
            found.map(|at| start + at)
        }
    }
}

/// Where a processor that compares sixteen bytes at once is certain.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod sse2 {
    use core::arch::x86_64 as arch;

    /// As the plain one. It keeps what it saw of the bytes behind a line end: most lines are short, and one look at 64
    /// bytes finds the ends of several.
    pub(crate) struct LineEnds<'c> {
        chunk: &'c [u8],
        /// How far the chunk has been looked at.
        seen: usize,
        /// The line ends in the last 64 of those bytes.
        ends: u64,
    }

    impl<'c> LineEnds<'c> {
        #[inline]
        pub(crate) fn new(chunk: &'c [u8]) -> Self {
            Self { chunk, seen: 0, ends: 0 }
        }

        #[inline(always)]
        pub(crate) fn after(&mut self, start: usize) -> Option<usize> {
            if start < self.seen {
                let ends = self.ends >> (start + 64 - self.seen);
                if ends != 0 {
                    return Some(start + ends.trailing_zeros() as usize);
                }
            }
            self.search(start.max(self.seen))
        }

        #[inline]
        fn search(&mut self, mut at: usize) -> Option<usize> {
            loop {
                let rest = self.chunk.get(at..).filter(|rest| !rest.is_empty())?;
                #[cfg(test)]
                super::work::add(rest.len().min(64));
                let ends = rest.first_chunk().map_or_else(|| few_line_ends(rest), line_ends);
                if ends != 0 {
                    (self.seen, self.ends) = (at + 64, ends);
                    return Some(at + ends.trailing_zeros() as usize);
                }
                at += 64;
            }
        }
    }

    /// A bit for each byte that is CR or LF, the lowest bit for the first byte.
    #[inline(always)]
    fn line_ends(block: &[u8; 64]) -> u64 {
        let [a, b, c, d] = Vector::load_block(block);
        if a.min(b).min(c.min(d)).mask_of_at_most(b'\r') == 0 {
            return 0;
        }
        a.line_ends() | b.line_ends() << 16 | c.line_ends() << 32 | d.line_ends() << 48
    }

    /// Likewise, of at most 63 bytes.
    fn few_line_ends(bytes: &[u8]) -> u64 {
        let Some(last) = bytes.len().checked_sub(16) else {
            return bytes
                .iter()
                .rev()
                .fold(0, |ends, byte| ends << 1 | u64::from(matches!(byte, b'\n' | b'\r')));
        };
        // The last vector may overlap the one before.
        let before =
            (0..last).step_by(16).fold(0, |ends, at| ends | Vector::load(bytes, at).line_ends() << at);
        before | Vector::load(bytes, last).line_ends() << last
    }

    /// Of at least 64 bytes.
    #[inline(never)]
    pub(super) fn is_ascii(bytes: &[u8]) -> bool {
        let is_ascii = |block| {
            let [a, b, c, d] = Vector::load_block(block);
            a.or(b).or(c.or(d)).mask() == 0
        };
        // The last block may overlap the one before.
        let mut blocks = bytes.chunks_exact(64).filter_map(|block| block.first_chunk());
        blocks.all(is_ascii) && bytes.last_chunk().is_some_and(is_ascii)
    }

    /// Sixteen bytes.
    ///
    /// SAFETY, for all of it: the functions of `arch` need a processor with SSE2, and `cfg` says that there is one.
    #[derive(Clone, Copy)]
    struct Vector(arch::__m128i);

    impl Vector {
        #[inline(always)]
        fn load_block(block: &[u8; 64]) -> [Self; 4] {
            [0, 16, 32, 48].map(|at| Self::load(block, at))
        }

        /// The sixteen bytes from `at` on; zeros where there are fewer.
        #[inline(always)]
        fn load(bytes: &[u8], at: usize) -> Self {
            let bytes: &[u8; 16] = bytes.get(at..).and_then(|bytes| bytes.first_chunk()).unwrap_or(&[0; 16]);
            // SAFETY: reads sixteen bytes at any alignment, and there are sixteen.
            Self(unsafe { arch::_mm_loadu_si128(bytes.as_ptr().cast()) })
        }

        #[inline(always)]
        fn min(self, other: Self) -> Self {
            Self(unsafe { arch::_mm_min_epu8(self.0, other.0) })
        }

        #[inline(always)]
        fn or(self, other: Self) -> Self {
            Self(unsafe { arch::_mm_or_si128(self.0, other.0) })
        }

        #[inline(always)]
        fn equal(self, other: Self) -> Self {
            Self(unsafe { arch::_mm_cmpeq_epi8(self.0, other.0) })
        }

        #[inline(always)]
        fn all(byte: u8) -> Self {
            Self(unsafe { arch::_mm_set1_epi8(byte as i8) })
        }

        /// The highest bit of each byte.
        #[inline(always)]
        fn mask(self) -> u64 {
            u64::from(unsafe { arch::_mm_movemask_epi8(self.0) } as u16)
        }

        #[inline(always)]
        fn mask_of_at_most(self, byte: u8) -> u64 {
            self.min(Self::all(byte)).equal(self).mask()
        }

        #[inline(always)]
        fn line_ends(self) -> u64 {
            self.equal(Self::all(b'\n')).or(self.equal(Self::all(b'\r'))).mask()
        }
    }
}

/// The lines of a text: what is between its line breaks, CR, LF and CRLF, which counts as one. At least one line.
#[inline]
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    #[cfg(test)]
    work::add(text.len());
    let bytes = text.as_bytes();
    let mut breaks = memchr::memchr2_iter(b'\n', b'\r', bytes);
    let mut rest = Some(0);
    core::iter::from_fn(move || {
        let mut start = rest?;
        loop {
            let Some(end) = breaks.next() else {
                rest = None;
                return text.get(start..);
            };
            let crlf = end == start && bytes.get(end.wrapping_sub(1)..=end) == Some(b"\r\n");
            if !crlf {
                rest = Some(end + 1);
                return text.get(start..end);
            }
            start = end + 1;
        }
    })
}

/// Counts the bytes that are examined or copied, so that tests can prove linear time without a clock.
#[cfg(test)]
pub(crate) mod work {
    use core::cell::Cell;
    use std::thread_local;

    thread_local!(static BYTES: Cell<usize> = const { Cell::new(0) });

    pub(crate) fn add(bytes: usize) {
        BYTES.with(|counter| counter.set(counter.get() + bytes));
    }

    /// What was counted on this thread since the last call.
    pub(crate) fn take() -> usize {
        BYTES.with(Cell::take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crlf_is_one_break_and_lfcr_two() {
        for (text, expected) in [
            ("", &[""][..]),
            ("ab", &["ab"]),
            ("a\r\nb", &["a", "b"]),
            ("a\rb", &["a", "b"]),
            ("\n\rb", &["", "", "b"]),
            ("é\r", &["é", ""]),
            ("\r\n", &["", ""]),
            ("\r\r\n\n", &["", "", "", ""]),
            ("\n\n", &["", "", ""]),
        ] {
            assert!(lines(text).eq(expected.iter().copied()), "{text:?}");
        }
    }
}
