//! The layout of a fuzzer's input: how many cuts, the cuts, then the stream itself. So a seed is a stream with a NUL before it.

/// The stream, and where it is cut.
pub fn split(data: &[u8]) -> (&[u8], Vec<usize>) {
    let Some((count, rest)) = data.split_first() else { return (data, Vec::new()) };
    let (cuts, stream) = rest.split_at(usize::from(*count % 16).min(rest.len()));
    let mut offsets: Vec<usize> =
        cuts.iter().map(|cut| usize::from(*cut) * (stream.len() + 1) / 256).collect();
    offsets.sort_unstable();
    (stream, offsets)
}

/// The bytes of the cuts as they are, for what else a target lets the input choose.
pub fn choices(data: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let count = data.first().map_or(0, |count| usize::from(*count % 16));
    data.iter().skip(1).take(count).map(|choice| usize::from(*choice))
}

/// The stream in these pieces.
pub fn pieces<'a>(stream: &'a [u8], offsets: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for end in offsets.iter().copied().chain([stream.len()]) {
        pieces.push(&stream[start..end]);
        start = end;
    }
    pieces
}
