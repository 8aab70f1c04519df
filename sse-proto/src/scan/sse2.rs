//! The SSE2 implementation: vectors of 16 bytes, which every x86-64 processor has, and words of 8
//! bytes for shorter input.
//!
//! This file holds the only `unsafe` code of the crate, because decoding is up to twice as fast as
//! with memchr2; see `benches/README.md`.
#![allow(unsafe_code)]

use alloc::vec::Vec;
use core::arch::x86_64 as arch;
use core::{ptr, str};

/// The length at which a search switches to memchr, a multiple of the block size.
const LONG_LINE: usize = 16 * 64;

/// Finds the line ends of a chunk, from front to back.
///
/// It remembers all line ends of the last block of 64 bytes, because most lines are short and one
/// block often holds several.
pub(crate) struct LineEnds<'c> {
    chunk: &'c [u8],
    /// The offset up to which the chunk has been scanned.
    seen: usize,
    /// The line ends in the last 64 scanned bytes.
    ends: u64,
}

impl<'c> LineEnds<'c> {
    #[inline]
    pub(crate) fn new(chunk: &'c [u8]) -> Self {
        Self { chunk, seen: 0, ends: 0 }
    }

    /// Returns the offset of the first CR or LF at or after `start`. `start` must not precede the
    /// previous result.
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
        let long = at + LONG_LINE;
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
            if at == long {
                at = end_of_long_line(self.chunk, at);
            }
        }
    }
}

/// Returns the offset of the first CR or LF at or after `start`, or the length of the chunk. memchr
/// is slower to start, but faster in a long line.
#[cold]
fn end_of_long_line(chunk: &[u8], start: usize) -> usize {
    let rest = chunk.get(start..).unwrap_or_default();
    let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    #[cfg(test)]
    super::work::add(end);
    start + end
}

/// Returns the bytes as text if they are ASCII.
#[inline]
pub(crate) fn ascii(bytes: &[u8]) -> Option<&str> {
    // SAFETY: ASCII is UTF-8.
    is_ascii(bytes).then(|| unsafe { str::from_utf8_unchecked(bytes) })
}

/// Unlike the check of the standard library, this one is also fast for short texts.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    if bytes.len() < 64 { !any_word(bytes, |word| word & HIGHEST != 0) } else { blocks_are_ascii(bytes) }
}

fn blocks_are_ascii(bytes: &[u8]) -> bool {
    !any_block(bytes, |block| {
        let [a, b, c, d] = Vector::load_block(block);
        a.or(b).or(c.or(d)).mask() != 0
    })
}

/// Returns whether the bytes contain a CR or LF.
#[inline]
pub(crate) fn has_line_end(bytes: &[u8]) -> bool {
    #[cfg(test)]
    super::work::add(bytes.len());
    match bytes {
        [byte] => is_line_end(*byte),
        _ if bytes.len() < 16 => {
            any_word(bytes, |word| has_zero(word ^ (LOWEST * 0x0A)) || has_zero(word ^ (LOWEST * 0x0D)))
        }
        _ if bytes.len() < 64 => few_line_ends(bytes) != 0,
        _ => any_block(bytes, |block| line_ends(block) != 0),
    }
}

/// Appends `prefix`, the bytes of `text` before its first CR or LF, and an LF. Returns the offset of
/// that line end in `text`.
#[inline(always)]
pub(crate) fn push_line(out: &mut Vec<u8>, prefix: &str, text: &[u8]) -> Option<usize> {
    let needed = prefix.len() + text.len() + 1;
    out.reserve(needed);
    let len = out.len();
    // SAFETY: `needed` bytes behind the vector's are its own, and no other reference to them exists.
    // First the prefix is written there, then at most the length of `text`, then an LF; the length of
    // the vector becomes what has been written.
    unsafe {
        let start = out.as_mut_ptr().add(len);
        ptr::copy_nonoverlapping(prefix.as_ptr(), start, prefix.len());
        let copied = copy_line(text, start.add(prefix.len()));
        #[cfg(test)]
        super::work::add(copied);
        start.add(prefix.len() + copied).write(b'\n');
        out.set_len(len + prefix.len() + copied + 1);
        (copied < text.len()).then_some(copied)
    }
}

/// Copies `text` up to its first CR or LF, and returns how many bytes that are. More may be copied.
///
/// SAFETY: as many bytes as `text` has must be writable at `to`.
#[inline]
unsafe fn copy_line(text: &[u8], to: *mut u8) -> usize {
    let Some(last) = text.len().checked_sub(16) else {
        // SAFETY: the caller's promise.
        unsafe { copy_few(text, to) };
        let end = if has_line_end(text) { text.iter().position(|byte| is_line_end(*byte)) } else { None };
        return end.unwrap_or(text.len());
    };
    let mut at = 0;
    while at < text.len() {
        // The last block and the last vector may overlap bytes in which there was no line end.
        if let Some(last) = text.len().checked_sub(64) {
            let from = at.min(last);
            let vectors = [0, 16, 32, 48].map(|offset| Vector::load(text, from + offset));
            for (offset, vector) in (0..).step_by(16).zip(vectors) {
                // SAFETY: `text` has the 64 bytes from `last` on.
                unsafe { vector.store(to.add(from + offset)) };
            }
            if let Some(end) = first_line_end(vectors) {
                return from + end;
            }
            at += 64;
        } else {
            let from = at.min(last);
            let vector = Vector::load(text, from);
            // SAFETY: `text` has the 16 bytes from `last` on.
            unsafe { vector.store(to.add(from)) };
            let ends = vector.line_ends();
            if ends != 0 {
                return from + ends.trailing_zeros() as usize;
            }
            at += 16;
        }
    }
    text.len()
}

/// Returns the offset of the first CR or LF in these vectors.
#[inline(always)]
fn first_line_end(vectors: [Vector; 4]) -> Option<usize> {
    let [a, b, c, d] = vectors;
    if a.min(b).min(c.min(d)).mask_of_at_most(b'\r') == 0 {
        return None;
    }
    let ends = vectors.map(Vector::line_ends);
    let at = ends.iter().position(|ends| *ends != 0)?;
    Some(16 * at + ends.get(at)?.trailing_zeros() as usize)
}

/// Copies fewer than 16 bytes: the first and the last 8 or 4, which may overlap.
///
/// SAFETY: as many bytes as `text` has must be writable at `to`.
#[inline]
unsafe fn copy_few(text: &[u8], to: *mut u8) {
    // SAFETY: the offsets are within the length of `text`. A pointer to an array of bytes has no
    // alignment.
    unsafe {
        if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            to.cast::<[u8; 8]>().write(*first);
            to.add(text.len() - 8).cast::<[u8; 8]>().write(*last);
        } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
            to.cast::<[u8; 4]>().write(*first);
            to.add(text.len() - 4).cast::<[u8; 4]>().write(*last);
        } else {
            text.iter().enumerate().for_each(|(at, byte)| to.add(at).write(*byte));
        }
    }
}

/// Returns whether the bytes contain a NUL.
#[inline]
pub(crate) fn has_nul(bytes: &[u8]) -> bool {
    any_word(bytes, has_zero)
}

/// Returns a bit mask of the CR and LF bytes, the lowest bit for the first byte.
#[inline(always)]
fn line_ends(block: &[u8; 64]) -> u64 {
    let [a, b, c, d] = Vector::load_block(block);
    if a.min(b).min(c.min(d)).mask_of_at_most(b'\r') == 0 {
        return 0;
    }
    a.line_ends() | b.line_ends() << 16 | c.line_ends() << 32 | d.line_ends() << 48
}

/// Returns the same mask for at most 63 bytes.
fn few_line_ends(bytes: &[u8]) -> u64 {
    let Some(last) = bytes.len().checked_sub(16) else {
        return bytes.iter().rev().fold(0, |ends, byte| ends << 1 | u64::from(is_line_end(*byte)));
    };
    // The last vector may overlap the previous one.
    let before = (0..last).step_by(16).fold(0, |ends, at| ends | Vector::load(bytes, at).line_ends() << at);
    before | Vector::load(bytes, last).line_ends() << last
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Returns whether `found` holds for any block of 64 bytes. The last block may overlap the previous
/// one.
#[inline(always)]
fn any_block(bytes: &[u8], found: impl Fn(&[u8; 64]) -> bool) -> bool {
    let mut blocks = bytes.chunks_exact(64).filter_map(|block| block.first_chunk());
    blocks.any(&found) || bytes.last_chunk().is_some_and(found)
}

/// The lowest and the highest bit of each byte of a word.
const LOWEST: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHEST: u64 = u64::from_ne_bytes([0x80; 8]);

fn has_zero(word: u64) -> bool {
    word.wrapping_sub(LOWEST) & !word & HIGHEST != 0
}

/// Returns whether `found` holds for any of the words that cover the bytes. A byte may be in two
/// words, or several times in one word.
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

/// A vector of 16 bytes.
///
/// SAFETY, for all methods: the functions of `arch` need a processor with SSE2, which `cfg`
/// guarantees.
#[derive(Clone, Copy)]
struct Vector(arch::__m128i);

impl Vector {
    #[inline(always)]
    fn load_block(block: &[u8; 64]) -> [Self; 4] {
        [0, 16, 32, 48].map(|at| Self::load(block, at))
    }

    /// Loads the 16 bytes from `at` on, or zeros if there are fewer.
    #[inline(always)]
    fn load(bytes: &[u8], at: usize) -> Self {
        let bytes: &[u8; 16] = bytes.get(at..).and_then(|bytes| bytes.first_chunk()).unwrap_or(&[0; 16]);
        // SAFETY: the instruction reads 16 bytes at any alignment, and there are 16.
        Self(unsafe { arch::_mm_loadu_si128(bytes.as_ptr().cast()) })
    }

    /// Writes the 16 bytes, which must be writable at `to`.
    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller's promise, and the instruction writes at any alignment.
        unsafe { arch::_mm_storeu_si128(to.cast(), self.0) };
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

    /// Returns a bit mask of the highest bit of each byte.
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
