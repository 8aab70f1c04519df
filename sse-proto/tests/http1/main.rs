//! HTTP/1.1: the shared vectors, requests, URLs, and properties.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod headers;
mod properties;
mod receiving;
mod requests;
mod sending;
mod single_use;
mod urls;
mod vectors;

/// Cuts `input` at these offsets; equal ones make an empty piece.
pub fn cut<'i>(input: &'i [u8], offsets: &[usize]) -> Vec<&'i [u8]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for &offset in offsets {
        let offset = offset.clamp(start, input.len());
        pieces.push(&input[start..offset]);
        start = offset;
    }
    pieces.push(&input[start..]);
    pieces
}

/// Runs `read` over `input` in every way it can arrive: whole, byte by byte, in two parts at every split (a sample of them if
/// there are many), at the given `offsets`, and with empty pieces in between. All results must equal the first.
pub fn every_way<T: PartialEq + std::fmt::Debug>(
    name: &str,
    input: &[u8],
    offsets: &[usize],
    read: impl Fn(&[&[u8]]) -> T,
) -> T {
    let whole = read(&[input]);
    let check = |how: &str, pieces: &[&[u8]]| {
        let result = read(pieces);
        assert_eq!(result, whole, "{name}: {how} differs from whole");
    };
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    check("byte by byte", &bytes);
    check("at its offsets", &cut(input, offsets));
    if input.len() <= 4096 {
        let spaced: Vec<&[u8]> = bytes.iter().flat_map(|byte| [&[][..], byte, &[]]).collect();
        check("with empty pieces", &spaced);
    }
    let last = input.len();
    for split in 0..=last {
        if last <= 4096 || split < 300 || split > last - 300 || split % 997 == 0 {
            check(&format!("split at {split}"), &cut(input, &[split]));
        }
    }
    whole
}
