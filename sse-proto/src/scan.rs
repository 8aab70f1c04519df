//! Finding line ends: the one place where most bytes of a stream are looked at.

/// The offset of the first CR or LF.
#[inline]
pub(crate) fn line_end(bytes: &[u8]) -> Option<usize> {
    let found = match bytes {
        // A blank line ends every event: a tenth of the cost of a search that finds nothing before it.
        [b'\n' | b'\r', ..] => Some(0),
        _ => memchr::memchr2(b'\n', b'\r', bytes),
    };
    #[cfg(test)]
    work::add(found.map_or(bytes.len(), |at| at + 1));
    found
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
