//! Decompression of a body.

use core::fmt;
#[cfg(not(feature = "gzip"))]
use core::ops::Range;

#[cfg(feature = "gzip")]
pub(super) use self::machine::Gunzip;

/// A body that grows to more than 1 MiB may grow to this multiple of the bytes received.
const RATIO: u64 = 128;

#[cfg(feature = "gzip")]
mod machine {
    use alloc::vec::Vec;
    use core::ops::Range;

    use flate2::{Decompress, FlushDecompress, Status};

    use super::{GunzipError, RATIO};

    /// A body may always grow to this length.
    const FREE: u64 = 1024 * 1024;

    /// Decompresses a body with the content coding `gzip` (RFC 1952), which may consist of several
    /// members.
    #[derive(Debug)]
    pub(in crate::receiver) struct Gunzip {
        machine: Decompress,
        /// The compressed bytes that lie in the buffer of the receiver.
        coded: Range<usize>,
        plain: Vec<u8>,
        /// Whether the machine may hold more than fitted into `plain`.
        is_full: bool,
        member: Member,
        /// The numbers of bytes of the members so far.
        received: u64,
        returned: u64,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Member {
        /// Nothing has arrived.
        None,
        Started,
        Ended,
    }

    impl Gunzip {
        /// The largest window that the format allows.
        const WINDOW_BITS: u8 = 15;

        pub(in crate::receiver) fn new(capacity: usize) -> Option<Self> {
            Some(Self {
                machine: Decompress::new_gzip(Self::WINDOW_BITS),
                coded: 0..0,
                plain: alloc::vec![0; capacity],
                is_full: false,
                member: Member::None,
                received: 0,
                returned: 0,
            })
        }

        /// Returns the buffer of the decompressed bytes.
        pub(in crate::receiver) fn plain(&self) -> &[u8] {
            &self.plain
        }

        pub(in crate::receiver) fn plain_mut(&mut self) -> &mut [u8] {
            &mut self.plain
        }

        /// Returns whether all bytes that arrived have been decompressed.
        pub(in crate::receiver) fn is_empty(&self) -> bool {
            self.coded.is_empty() && !self.is_full
        }

        /// Reports compressed bytes, at this place of the receiver's buffer.
        pub(in crate::receiver) fn push(&mut self, coded: Range<usize>) {
            self.coded = coded;
        }

        /// Decompresses the next bytes, into the beginning of [`plain`](Self::plain). Returns their
        /// number; 0 if more must arrive.
        pub(in crate::receiver) fn next(&mut self, buffer: &[u8]) -> Result<usize, GunzipError> {
            while !self.is_empty() {
                if self.member == Member::Ended {
                    self.machine = Decompress::new_gzip(Self::WINDOW_BITS);
                }
                self.member = Member::Started;
                let input = buffer.get(self.coded.clone()).unwrap_or_default();
                let (read, written) = (self.machine.total_in(), self.machine.total_out());
                let status = self
                    .machine
                    .decompress(input, &mut self.plain, FlushDecompress::None)
                    .map_err(|_| GunzipError::Invalid)?;
                let (read, written) = (self.machine.total_in() - read, self.machine.total_out() - written);
                self.received += read;
                self.returned += written;
                // At most the length of the range, and of `plain`.
                self.coded.start += read as usize;
                let written = written as usize;
                match status {
                    Status::StreamEnd => {
                        self.member = Member::Ended;
                        self.is_full = false;
                    }
                    _ => self.is_full = written == self.plain.len(),
                }
                if self.returned > FREE.max(self.received.saturating_mul(RATIO)) {
                    return Err(GunzipError::Expansion);
                }
                if written > 0 {
                    return Ok(written);
                }
            }
            Ok(0)
        }

        /// Checks that the body is complete, after the last byte.
        pub(in crate::receiver) fn finish(&self) -> Result<(), GunzipError> {
            if self.member == Member::Started { Err(GunzipError::Truncated) } else { Ok(()) }
        }
    }
}

/// Without the feature `gzip`, no body is decompressed.
#[cfg(not(feature = "gzip"))]
#[derive(Debug)]
pub(super) enum Gunzip {}

#[cfg(not(feature = "gzip"))]
impl Gunzip {
    pub(super) fn new(_: usize) -> Option<Self> {
        None
    }

    pub(super) fn plain(&self) -> &[u8] {
        match *self {}
    }

    pub(super) fn plain_mut(&mut self) -> &mut [u8] {
        match *self {}
    }

    pub(super) fn is_empty(&self) -> bool {
        match *self {}
    }

    pub(super) fn push(&mut self, _: Range<usize>) {
        match *self {}
    }

    pub(super) fn next(&mut self, _: &[u8]) -> Result<usize, GunzipError> {
        match *self {}
    }

    pub(super) fn finish(&self) -> Result<(), GunzipError> {
        match *self {}
    }
}

/// Why a compressed body cannot be read; see
/// [`SourceConfig::accept_gzip`](crate::source::SourceConfig::accept_gzip).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GunzipError {
    /// The body is not valid gzip (RFC 1952).
    Invalid,
    /// The body ended inside the compressed data.
    Truncated,
    /// The body grew to more than 1 MiB, and to more than 128 times the bytes received.
    Expansion,
}

impl fmt::Display for GunzipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid => f.write_str("the body is not valid gzip"),
            Self::Truncated => f.write_str("the body ended inside the compressed data"),
            Self::Expansion => {
                write!(f, "the body grew to more than {} times the bytes received", RATIO)
            }
        }
    }
}

impl core::error::Error for GunzipError {}
