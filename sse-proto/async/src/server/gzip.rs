//! Compression of a body.

use std::io;

use flate2::{Compress, Compression, FlushCompress};

/// Compresses a body, so that each of its pieces can be read as soon as it arrives.
pub(super) struct Gzip(Compress);

impl Gzip {
    /// 4 KiB of history: enough for events, which resemble their neighbours. The memory is 144 KiB for
    /// each body; with all of the history it would be 256 KiB.
    const WINDOW_BITS: u8 = 12;

    pub(super) fn new() -> Self {
        Self(Compress::new_gzip(Compression::fast(), Self::WINDOW_BITS))
    }

    /// Compresses a piece, with all that is needed to read it.
    pub(super) fn piece(&mut self, piece: &[u8]) -> io::Result<Vec<u8>> {
        self.write(piece, FlushCompress::Sync)
    }

    /// Returns the end of the compressed body.
    pub(super) fn finish(&mut self) -> io::Result<Vec<u8>> {
        self.write(&[], FlushCompress::Finish)
    }

    fn write(&mut self, mut input: &[u8], flush: FlushCompress) -> io::Result<Vec<u8>> {
        // Some bytes that cannot be compressed, and those of the flush.
        let mut out = Vec::with_capacity(input.len() / 2 + 64);
        loop {
            let before = self.0.total_in();
            self.0.compress_vec(input, &mut out, flush).map_err(io::Error::other)?;
            // At most the length of `input`.
            let taken = (self.0.total_in() - before) as usize;
            input = input.get(taken..).unwrap_or_default();
            // What is left in the compressor fills the room there is.
            if out.len() < out.capacity() && input.is_empty() {
                return Ok(out);
            }
            out.reserve(1024);
        }
    }
}
