//! Data that is written piece by piece.

use core::fmt;

use super::Buffer;
use crate::scan;

/// Writes the data of one event: what [`Encoder::data_writer`](crate::Encoder::data_writer) makes.
///
/// Takes text by [`fmt::Write`], and bytes by `std::io::Write` (feature `std`). CR, LF and CRLF, also if they come in
/// two pieces, each begin a new data line. Dropped without [`finish`](Self::finish), it takes everything back, so that
/// a serializer that fails leaves no half-written event behind.
///
/// ```
/// use sse_proto::{Encoder, EventRef};
/// use std::fmt::Write;
///
/// let mut out = String::new();
/// let mut data = Encoder::new(&mut out).data_writer(EventRef::default());
/// write!(data, "{}\n{}", 1, 2)?;
/// data.finish();
/// drop(Encoder::new(&mut out).data_writer("never finished"));
/// assert_eq!(out, "data: 1\ndata: 2\n\n");
/// # Ok::<(), std::fmt::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "without `finish` nothing of the event is written"]
pub struct DataWriter<'b, B: Buffer> {
    out: &'b mut B,
    /// The length of the buffer before the event.
    start: usize,
    finished: bool,
    /// The last piece ended in CR: an LF at the beginning of the next belongs to it.
    after_cr: bool,
    /// The beginning of a character whose other bytes are still to come.
    #[cfg(feature = "std")]
    partial: Partial,
}

impl<'b, B: Buffer> DataWriter<'b, B> {
    pub(super) fn new(out: &'b mut B, start: usize) -> Self {
        Self {
            out,
            start,
            finished: false,
            after_cr: false,
            #[cfg(feature = "std")]
            partial: Partial::default(),
        }
    }

    /// Completes the event.
    ///
    /// A character of which `io::Write` got only the beginning becomes U+FFFD.
    pub fn finish(mut self) {
        #[cfg(feature = "std")]
        if self.partial.len > 0 {
            self.push("\u{FFFD}");
        }
        self.out.push_str("\n\n");
        self.finished = true;
    }

    pub(super) fn push(&mut self, text: &str) {
        let mut text = text;
        if self.after_cr && !text.is_empty() {
            self.after_cr = false;
            text = text.strip_prefix('\n').unwrap_or(text);
        }
        self.after_cr |= text.ends_with('\r');
        let mut prefix = "";
        for line in scan::lines(text) {
            self.out.push_str(prefix);
            self.out.push_str(line);
            prefix = "\ndata: ";
        }
    }
}

impl<B: Buffer> Drop for DataWriter<'_, B> {
    fn drop(&mut self) {
        if !self.finished {
            self.out.truncate(self.start);
        }
    }
}

/// Cannot fail.
impl<B: Buffer> fmt::Write for DataWriter<'_, B> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

#[cfg(feature = "std")]
#[derive(Debug, Default)]
struct Partial {
    bytes: [u8; 4],
    len: usize,
}

#[cfg(feature = "std")]
mod io {
    use std::io::{Error, ErrorKind, Result, Write};

    use super::{Buffer, DataWriter, Partial};

    /// Bytes must be UTF-8; a character may be cut between two writes.
    ///
    /// # Errors
    /// `InvalidData` for bytes that are not UTF-8; the valid ones before them are written.
    impl<B: Buffer> Write for DataWriter<'_, B> {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            if self.partial.len > 0 {
                return self.complete_character(bytes);
            }
            match core::str::from_utf8(bytes) {
                Ok(text) => {
                    self.push(text);
                    Ok(bytes.len())
                }
                Err(error) if error.valid_up_to() > 0 => {
                    let text = bytes.get(..error.valid_up_to()).unwrap_or_default();
                    self.push(core::str::from_utf8(text).unwrap_or_default());
                    // The caller offers the rest again.
                    Ok(text.len())
                }
                Err(_) => self.complete_character(bytes),
            }
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    impl<B: Buffer> DataWriter<'_, B> {
        /// Takes bytes one at a time until they are a character.
        fn complete_character(&mut self, bytes: &[u8]) -> Result<usize> {
            for (taken, byte) in bytes.iter().enumerate() {
                let Partial { bytes: character, len } = &mut self.partial;
                if let Some(slot) = character.get_mut(*len) {
                    *slot = *byte;
                    *len += 1;
                }
                let character = *character;
                match core::str::from_utf8(character.get(..*len).unwrap_or_default()) {
                    Ok(text) => {
                        *len = 0;
                        self.push(text);
                        return Ok(taken + 1);
                    }
                    Err(error) if error.error_len().is_none() => {}
                    Err(_) => {
                        *len = 0;
                        return Err(Error::new(ErrorKind::InvalidData, "event data must be valid utf-8"));
                    }
                }
            }
            Ok(bytes.len())
        }
    }
}
