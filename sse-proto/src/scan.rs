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
    ascii(bytes).or_else(|| unicode(bytes))
}

#[inline(never)]
fn unicode(bytes: &[u8]) -> Option<&str> {
    #[cfg(feature = "simdutf8")]
    return simdutf8::basic::from_utf8(bytes).ok();
    #[cfg(not(feature = "simdutf8"))]
    str::from_utf8(bytes).ok()
}

/// The bytes as text, if they are ASCII.
#[inline]
pub(crate) fn ascii(bytes: &[u8]) -> Option<&str> {
    // SAFETY: ASCII is UTF-8.
    is_ascii(bytes).then(|| unsafe { str::from_utf8_unchecked(bytes) })
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

/// Whether there is a CR or LF among the bytes.
#[inline]
pub(crate) fn has_line_end(bytes: &[u8]) -> bool {
    #[cfg(test)]
    work::add(bytes.len());
    if let [byte] = bytes {
        return matches!(byte, b'\n' | b'\r');
    }
    if bytes.len() < 16 {
        return any_word(bytes, |word| has_zero(word ^ LOWEST * 0x0A) || has_zero(word ^ LOWEST * 0x0D));
    }
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    return sse2::has_line_end(bytes);
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
    memchr::memchr2(b'\n', b'\r', bytes).is_some()
}

/// Whether there is a NUL among the bytes.
#[inline]
pub(crate) fn has_nul(bytes: &[u8]) -> bool {
    any_word(bytes, has_zero)
}

/// The lowest and the highest bit of each byte of a word.
const LOWEST: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHEST: u64 = u64::from_ne_bytes([0x80; 8]);

fn has_zero(word: u64) -> bool {
    word.wrapping_sub(LOWEST) & !word & HIGHEST != 0
}

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

        /// The offset of the first CR or LF that is not before `start`, which is not before the one found last.
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

    /// Of at least 16 bytes.
    pub(super) fn has_line_end(bytes: &[u8]) -> bool {
        if bytes.len() < 64 {
            return few_line_ends(bytes) != 0;
        }
        any_block(bytes, |block| line_ends(block) != 0)
    }

    /// Of at least 64 bytes.
    pub(super) fn is_ascii(bytes: &[u8]) -> bool {
        !any_block(bytes, |block| {
            let [a, b, c, d] = Vector::load_block(block);
            a.or(b).or(c.or(d)).mask() != 0
        })
    }

    /// Whether `found` holds of any block. The last one may overlap the one before.
    #[inline(always)]
    fn any_block(bytes: &[u8], found: impl Fn(&[u8; 64]) -> bool) -> bool {
        let mut blocks = bytes.chunks_exact(64).filter_map(|block| block.first_chunk());
        blocks.any(&found) || bytes.last_chunk().is_some_and(found)
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

/// The lines of a text, each with the LF, CR or CRLF that ends it. At least one line; the last one has no end.
#[inline]
pub(crate) fn lines_with_end(text: &str) -> impl Iterator<Item = &str> {
    let mut ends = LineEnds::new(text.as_bytes());
    let mut rest = Some(0);
    core::iter::from_fn(move || {
        let start = rest?;
        rest = ends.after(start).map(|end| match text.as_bytes().get(end..) {
            Some([b'\r', b'\n', ..]) => end + 2,
            _ => end + 1,
        });
        text.get(start..rest.unwrap_or(text.len()))
    })
}

/// The lines of a text without their ends.
#[inline]
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    lines_with_end(text)
        .map(|line| line.strip_suffix("\r\n").or_else(|| line.strip_suffix(['\r', '\n'])).unwrap_or(line))
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
    use alloc::vec::Vec;

    use super::*;

    /// Byte strings of every length up to a few blocks, with one rare byte at every place or none, at every alignment.
    fn each_case(rare: u8, mut check: impl FnMut(&[u8])) {
        // Miri takes a thousand times as long, and looks at each access, not at results.
        let lengths = if cfg!(miri) { [0, 3, 4, 8, 17, 63, 64, 65].to_vec() } else { (0..=200).collect() };
        for len in lengths {
            let mut buffer = Vec::from_iter((0..len + 16).map(|at| b'a' + (at % 26) as u8));
            for align in 0..if cfg!(miri) { 1 } else { 16 } {
                check(&buffer[align..align + len]);
                for at in (align..align + len).step_by(if cfg!(miri) { 31 } else { 1 }) {
                    let byte = core::mem::replace(&mut buffer[at], rare);
                    check(&buffer[align..align + len]);
                    buffer[at] = byte;
                }
            }
        }
    }

    /// What stands before and behind the bytes must not matter: it is of the rare kind here.
    #[test]
    fn questions_are_answered_as_the_plain_way_does() {
        for rare in [0, 1, b'\n', 0x0B, b'\r', 0x0E, b' ', 0x7F, 0x80, 0x8A, 0x8D, 0xC3, 0xFF] {
            each_case(rare, |bytes| {
                assert_eq!(is_ascii(bytes), bytes.is_ascii(), "{bytes:?}");
                assert_eq!(text(bytes), str::from_utf8(bytes).ok(), "{bytes:?}");
                assert_eq!(has_nul(bytes), bytes.contains(&0), "{bytes:?}");
                let has_end = bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
                assert_eq!(has_line_end(bytes), has_end, "{bytes:?}");
            });
        }
    }

    fn all_ends(bytes: &[u8]) -> (Vec<usize>, Vec<usize>) {
        let (mut ends, mut plain) = (LineEnds::new(bytes), plain::LineEnds::new(bytes));
        let all = |after: &mut dyn FnMut(usize) -> Option<usize>| {
            let mut start = 0;
            Vec::from_iter(core::iter::from_fn(|| {
                let end = after(start)?;
                start = end + 1;
                Some(end)
            }))
        };
        (all(&mut |start| ends.after(start)), all(&mut |start| plain.after(start)))
    }

    #[test]
    fn line_ends_are_those_of_the_plain_way() {
        for rare in [b'\n', b'\r', 0x0B, 0x0C, 0x8A] {
            each_case(rare, |bytes| {
                let (ends, plain) = all_ends(bytes);
                assert_eq!(ends, plain, "{bytes:?}");
            });
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config {
            cases: if cfg!(miri) { 4 } else { 2000 },
            failure_persistence: None,
            ..proptest::test_runner::Config::default()
        })]

        #[test]
        fn line_ends_are_found_in_any_order_of_questions(
            bytes in proptest::collection::vec(
                proptest::prop_oneof![3 => proptest::strategy::Just(b'x'), 1 => 8u8..15], 0..400,
            ),
            steps in proptest::collection::vec(0usize..100, 0..40),
        ) {
            let (ends, plain) = all_ends(&bytes);
            proptest::prop_assert_eq!(ends, plain);
            // A caller may pass over ends, and may ask twice.
            let (mut ends, mut plain) = (LineEnds::new(&bytes), plain::LineEnds::new(&bytes));
            let mut start = 0;
            for step in steps {
                let (end, expected) = (ends.after(start), plain.after(start));
                proptest::prop_assert_eq!(end, expected);
                start = end.unwrap_or(start) + step;
            }
        }
    }

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
