//! However a stream is cut, and whatever the limits, the decoder returns the same items as the slow
//! reference decoder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_contract::cuts;
use sse_contract::reference::{decode, drive, drive_events};
use sse_proto::Limits;

fuzz_target!(|data: &[u8]| {
    let (stream, offsets) = cuts::split(data);
    let pieces = cuts::pieces(stream, &offsets);
    let mut small = Limits::default();
    let mut choices = cuts::choices(data).map(|choice| choice % 32);
    let mut choose = || choices.next().unwrap_or(0);
    (small.event_bytes, small.name_bytes, small.id_bytes, small.comment_bytes) =
        (choose(), choose(), choose(), choose());
    let seed = "é".repeat(choose());
    for limits in [Limits::default(), small] {
        let expected = decode(stream, limits, &seed);
        assert_eq!(drive([stream], limits, &seed), expected);
        assert_eq!(drive(stream.chunks(1), limits, &seed), expected);
        assert_eq!(drive(pieces.iter().copied(), limits, &seed), expected);
        let events = expected.without_extras();
        assert_eq!(drive_events([stream], limits, &seed), events);
        assert_eq!(drive_events(stream.chunks(1), limits, &seed), events);
        assert_eq!(drive_events(pieces.iter().copied(), limits, &seed), events);
    }
});
