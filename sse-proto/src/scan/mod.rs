//! Scans many bytes at once: for line ends, and for valid UTF-8. Nearly all bytes of a stream pass
//! through here.
//!
//! Two implementations have the same functions: [`plain`] for every target, and [`sse2`] where that
//! is faster. The tests compare the two. `--cfg sse_plain` selects the plain one everywhere, to
//! test what other targets get.

use core::str;

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2", not(sse_plain)))))]
mod plain;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(sse_plain)))]
mod sse2;

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(sse_plain))))]
pub(crate) use self::plain::*;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(sse_plain)))]
pub(crate) use self::sse2::*;

/// Whether this target uses [`sse2`]. Other targets take the smaller code: firmware for its size,
/// and aarch64 because nothing else has been measured there (memchr uses its vectors).
pub(crate) const MANY_AT_ONCE: bool =
    cfg!(all(target_arch = "x86_64", target_feature = "sse2", not(sse_plain)));

/// Returns whether there are too few bytes to gain from scanning many at once.
#[inline(always)]
pub(crate) fn is_few(bytes: &[u8]) -> bool {
    MANY_AT_ONCE && bytes.len() < 16
}

/// Returns the bytes as text if they are UTF-8.
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

/// Iterates over the lines of a text, each with its terminating LF, CR or CRLF. Yields at least one
/// line; the last one has no terminator.
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

/// Iterates over the lines of a text without their terminators.
#[inline]
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    lines_with_end(text)
        .map(|line| line.strip_suffix("\r\n").or_else(|| line.strip_suffix(['\r', '\n'])).unwrap_or(line))
}

/// Counts the bytes examined or copied, so that tests can prove linear time without a clock.
#[cfg(test)]
pub(crate) mod work {
    use core::cell::Cell;
    use std::thread_local;

    thread_local!(static BYTES: Cell<usize> = const { Cell::new(0) });

    pub(crate) fn add(bytes: usize) {
        BYTES.with(|counter| counter.set(counter.get() + bytes));
    }

    /// Returns the count of this thread since the last call.
    pub(crate) fn take() -> usize {
        BYTES.with(Cell::take)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Calls the test with byte strings of every length up to a few blocks, with one rare byte at
    /// every position or none, at every alignment.
    fn each_case(rare: u8, mut check: impl FnMut(&[u8])) {
        // Miri is a thousand times slower, and checks accesses, not results.
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

    /// The bytes around the slice must not affect the result, even if they are rare ones.
    #[test]
    fn questions_are_answered_as_the_plain_way_does() {
        for rare in [0, 1, b'\n', 0x0B, b'\r', 0x0E, b' ', 0x7F, 0x80, 0x8A, 0x8D, 0xC3, 0xFF] {
            each_case(rare, |bytes| {
                assert_eq!(text(bytes), str::from_utf8(bytes).ok(), "{bytes:?}");
                let is_ascii = bytes.is_ascii() && MANY_AT_ONCE;
                assert_eq!((ascii(bytes).is_some(), plain::ascii(bytes)), (is_ascii, None), "{bytes:?}");
                assert_eq!(has_nul(bytes), plain::has_nul(bytes), "{bytes:?}");
                assert_eq!(has_line_end(bytes), plain::has_line_end(bytes), "{bytes:?}");
            });
        }
    }

    #[test]
    fn lines_are_pushed_as_the_plain_way_does() {
        for rare in [b'\n', b'\r', 0x0B, 0x8A] {
            each_case(rare, |bytes| {
                for start in ["", "12345"] {
                    let (mut out, mut plain) = (Vec::from(start), Vec::from(start));
                    let ends =
                        (push_line(&mut out, "data: ", bytes), plain::push_line(&mut plain, "data: ", bytes));
                    assert_eq!(ends.0, ends.1, "{bytes:?}");
                    assert_eq!(out, plain, "{bytes:?}");
                }
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
            // A caller may skip line ends, and may ask twice.
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
