//! The decoder against the oracle, over arbitrary bytes and arbitrary cuts.

use proptest::collection::vec;
use proptest::prelude::*;
use sse_contract::reference::{cut, decode, drive, drive_events};
use sse_proto::Limits;

/// Bytes that are likely to mean something to a decoder.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let words: &[&[u8]] = &[
        b"data",
        b"event",
        b"id",
        b"retry",
        b":",
        b": ",
        b" ",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"data: x\n\n",
        b"data:",
        b"id: 7\n",
        b"event: e\n",
        b"retry: 10",
        b"0",
        b"99999999999999999999",
        b"\0",
        b"\xEF",
        b"\xBB",
        b"\xBF",
        b"\xEF\xBB\xBF",
        b"\xE2\x82\xAC",
        b"\xE2\x82",
        b"\xF0\x9F\x98\x80",
        b"\xF0",
        b"\x80",
        b":comment\n",
        b"x",
        b"dat",
        b"dataa",
        b"long value, longer than the small limits",
    ];
    let word = prop_oneof![
        9 => proptest::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(word, 0..40).prop_map(|words| words.concat())
}

fn limits() -> impl Strategy<Value = Limits> {
    let small = || 0..12_usize;
    prop_oneof![
        Just(Limits::default()),
        (small(), small(), small(), small()).prop_map(|(event, name, id, comment)| {
            let mut limits = Limits::default();
            (limits.event_bytes, limits.name_bytes, limits.id_bytes, limits.comment_bytes) =
                (event, name, id, comment);
            limits
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn any_cut_of_any_stream_decodes_as_the_standard_says(
        stream in stream(),
        limits in limits(),
        seed in "[a-z]{0,3}",
        offsets in vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut offsets: Vec<usize> = offsets.iter().map(|at| at.index(stream.len() + 1)).collect();
        offsets.sort_unstable();
        let expected = decode(&stream, limits, &seed);
        prop_assert_eq!(&drive([&stream[..]], limits, &seed), &expected, "whole");
        prop_assert_eq!(&drive(stream.chunks(1), limits, &seed), &expected, "byte by byte");
        prop_assert_eq!(&drive(cut(&stream, &offsets), limits, &seed), &expected, "cut at {:?}", offsets);
        let events = expected.without_extras();
        prop_assert_eq!(&drive_events([&stream[..]], limits, &seed), &events, "events, whole");
        prop_assert_eq!(&drive_events(cut(&stream, &offsets), limits, &seed), &events, "events, cut at {:?}", offsets);
    }
}
