//! The layout of an input: the number of cuts, the cuts, then the stream. A seed is therefore a
//! stream after a NUL byte.

/// Returns the stream and the offsets of its cuts.
pub fn split(data: &[u8]) -> (&[u8], Vec<usize>) {
    let Some((count, rest)) = data.split_first() else { return (data, Vec::new()) };
    let (cuts, stream) = rest.split_at(usize::from(*count % 16).min(rest.len()));
    let mut offsets: Vec<usize> =
        cuts.iter().map(|cut| usize::from(*cut) * (stream.len() + 1) / 256).collect();
    offsets.sort_unstable();
    (stream, offsets)
}

/// Returns the raw bytes of the cuts, from which a target derives other choices.
pub fn choices(data: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let count = data.first().map_or(0, |count| usize::from(*count % 16));
    data.iter().skip(1).take(count).map(|choice| usize::from(*choice))
}

/// Cuts the stream at these offsets.
pub fn pieces<'a>(stream: &'a [u8], offsets: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for end in offsets.iter().copied().chain([stream.len()]) {
        pieces.push(&stream[start..end]);
        start = end;
    }
    pieces
}
