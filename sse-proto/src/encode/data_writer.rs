//! Data written piece by piece.

use core::fmt;

use super::Buffer;
use crate::scan;

/// Writes the data of one event. Created by [`Encoder::data_writer`](crate::Encoder::data_writer).
///
/// It takes text through [`fmt::Write`], and bytes through `std::io::Write` (feature `std`). Each
/// CR, LF and CRLF starts a new data line, even if a CRLF arrives in two pieces. A writer dropped
/// without [`finish`](Self::finish) removes the event from the buffer, so that a failed serializer
/// leaves no partial event behind.
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
    /// Whether the last piece ended in CR, so that an LF at the start of the next piece belongs to
    /// it.
    after_cr: bool,
    /// The bytes of a character that is still incomplete.
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
    /// An incomplete character from `io::Write` becomes U+FFFD.
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

    /// Writes UTF-8. A character may be split between two writes.
    ///
    /// # Errors
    /// `InvalidData` if the bytes are not UTF-8. The valid bytes before the error are written.
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
                    // The caller passes the rest in the next write.
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
        /// Consumes bytes until they complete a character.
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
