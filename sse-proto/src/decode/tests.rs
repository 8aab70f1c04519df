use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::*;
use crate::limits::Limit;
use crate::scan::work;

/// Returns the work per input byte: bytes examined or copied, counted at the place.
fn work_per_byte(stream: &[u8], piece: usize) -> usize {
    let mut decoder = Decoder::new();
    work::take();
    let mut events = 0;
    for mut chunk in stream.chunks(piece) {
        while decoder.decode(&mut chunk).unwrap().is_some() {
            events += 1;
        }
    }
    assert_eq!(events, 1, "the stream holds one event");
    work::take().div_ceil(stream.len())
}

#[test]
fn time_is_linear_under_every_split() {
    let long_line = format!("data: {}\n\n", "x".repeat(1 << 20));
    let many_lines = format!("{}\n", "data: x\n".repeat(100_000));
    let long_name = format!("{}: x\ndata\n\n", "n".repeat(1 << 20));
    let long_comment = format!(":{}\ndata\n\n", "c".repeat(1 << 20));
    let long_id = format!("id: {}\ndata\n\n", "7".repeat(60_000));
    for (name, stream) in [
        ("a line of 1 MiB", long_line),
        ("100,000 data lines", many_lines),
        ("an unknown field of 1 MiB", long_name),
        ("a comment of 1 MiB", long_comment),
        ("an id of 60 KB", long_id),
    ] {
        for piece in [1, 2, 7, 1400, 65536, stream.len()] {
            let work = work_per_byte(stream.as_bytes(), piece);
            assert!(work <= 4, "{name} in pieces of {piece}: {work} steps for each byte");
        }
    }
}

#[test]
fn finish_tells_clean_from_cut() {
    for (stream, end) in [
        ("", End::Clean),
        ("\u{feff}", End::Clean),
        ("data: x\n\n", End::Clean),
        ("data: x\n\r", End::Clean),
        (":comment\n", End::Clean),
        ("unknown\n", End::Clean),
        ("retry: 5\n", End::Clean),
        ("data: x\n\nd", End::Truncated),
        ("data: x\n", End::Truncated),
        ("data: x", End::Truncated),
        ("event: x\n", End::Truncated),
        ("id: 7\n", End::Truncated),
        (":comm", End::Truncated),
    ] {
        let mut decoder = Decoder::new();
        let mut input = stream.as_bytes();
        while decoder.decode(&mut input).unwrap().is_some() {}
        assert_eq!(decoder.finish(), end, "{stream:?}");

        // A lent event is complete, too.
        let mut decoder = Decoder::new();
        let mut input = stream.as_bytes();
        while !input.is_empty() {
            let _ = decoder.decode_item(&mut input).unwrap();
        }
        assert_eq!(decoder.finish(), end, "{stream:?}, not asked again");
    }
    let mut decoder = Decoder::new();
    assert!(decoder.decode(&mut &b"\xEF\xBB"[..]).unwrap().is_none());
    assert_eq!(decoder.finish(), End::Truncated, "half a BOM");
}

#[test]
fn nothing_of_a_cut_stream_reaches_the_next() {
    for cut in
        [&b"data: half\r"[..], b"data: \xE2\x82", b"event: x\nid: 9\n", b":half", b"da", b"id: 9", b"\r"]
    {
        let mut decoder = Decoder::new();
        let mut first = &b"id: 1\nretry: 5\ndata: x\n\n"[..];
        assert!(decoder.decode(&mut first).unwrap().is_some());
        assert!(decoder.decode(&mut { cut }).unwrap().is_none());
        let _ = decoder.finish();

        let mut next = "\u{feff}\ndata: y\n\n".as_bytes();
        let event = decoder.decode(&mut next).unwrap().unwrap();
        assert_eq!(
            (event.name(), event.data(), event.id(), event.last_event_id()),
            ("message", "y", None, "1")
        );
        assert_eq!(decoder.retry(), Some(Duration::from_millis(5)));
    }
}

#[test]
fn a_skipped_event_keeps_its_id_and_spares_the_next() {
    let limits = Limits { event_bytes: 4, ..Limits::default() };
    let stream =
        b"id: 1\ndata: ok\n\nid: 2\ndata: 12\ndata: 34\nretry: 7\nid: 3\ndata: more\n\ndata: next\n\n";
    for piece in [1, 3, stream.len()] {
        let mut decoder = Decoder::new().with_limits(limits);
        let mut seen = Vec::new();
        for mut chunk in stream.chunks(piece) {
            loop {
                match decoder.decode(&mut chunk) {
                    Ok(None) => break,
                    Ok(Some(event)) => seen.push(format!("{} {}", event.last_event_id(), event.data())),
                    Err(error) => seen.push(error.to_string()),
                }
            }
        }
        assert_eq!(seen, ["1 ok", "event data exceeds the limit of 4 bytes", "3 next"]);
        assert_eq!(decoder.retry(), Some(Duration::from_millis(7)));
    }
}

/// Found by fuzzing: the decoder skipped the line after a cut `data` line without a colon that
/// exceeded the limit.
#[test]
fn a_cut_line_without_a_colon_over_the_limit_ends_at_its_end() {
    let limits = Limits { event_bytes: 0, ..Limits::default() };
    let mut decoder = Decoder::new().with_limits(limits);
    assert!(decoder.decode(&mut &b"data\ndat"[..]).unwrap().is_none());
    assert_eq!(decoder.decode(&mut &b"a\n"[..]).unwrap_err().limit(), Limit::Event);
    assert!(decoder.decode(&mut &b"id: 7\n\n"[..]).unwrap().is_none());
    assert_eq!(decoder.last_event_id(), "7");
}

/// Long data is checked piece by piece, whatever follows it.
#[test]
fn long_data_is_the_same_in_every_cut() {
    let long = "x".repeat(700);
    for tail in
        ["".as_bytes(), "\ndata: y\ndata".as_bytes(), "我🙂".as_bytes(), b"\xE6\x88", b"\xFF\ndata: 7"]
    {
        let stream = [b"data:", long.as_bytes(), tail, b"\n\ndata: ", b"next\n\n"].concat();
        let expected = decode_in_pieces(&stream, stream.len());
        assert_eq!(expected.len(), 2);
        assert_eq!(
            expected[0],
            String::from_utf8_lossy(&[long.as_bytes(), tail].concat())
                .replace("data: ", "")
                .replace("data", "")
        );
        for piece in [1, 3, 64, 65, 256, 257, 699, 700, 701, 702, 703, 704, 705, 706, 707, 708, 709] {
            assert_eq!(decode_in_pieces(&stream, piece), expected, "{tail:?} in pieces of {piece}");
        }
    }
}

fn decode_in_pieces(stream: &[u8], piece: usize) -> Vec<String> {
    let mut decoder = Decoder::new();
    let mut seen = Vec::new();
    for mut chunk in stream.chunks(piece) {
        while let Some(event) = decoder.decode(&mut chunk).unwrap() {
            seen.push(String::from(event.data()));
        }
    }
    seen
}

/// Found by fuzzing: skipping heartbeats also skipped the blank line that ends a skipped event.
#[test]
fn a_skipped_event_ends_among_heartbeats() {
    let limits = Limits { id_bytes: 0, ..Limits::default() };
    let mut decoder = Decoder::new().with_limits(limits);
    let mut input = &b"id: 7\n:\n\n:\n\ndata: next\n\n"[..];
    assert_eq!(decoder.decode(&mut input).unwrap_err().limit(), Limit::Id);
    assert_eq!(decoder.decode(&mut input).unwrap().unwrap().data(), "next");
}

#[test]
fn a_comment_over_its_limit_does_not_harm_the_event_around_it() {
    let limits = Limits { comment_bytes: 3, ..Limits::default() };
    let mut decoder = Decoder::new().with_limits(limits);
    let mut input = &b"data: a\n:long\n:ok\ndata: b\n\n"[..];
    assert_eq!(decoder.decode_item(&mut input).unwrap_err(), LimitExceeded { limit: Limit::Comment, max: 3 });
    assert!(matches!(decoder.decode_item(&mut input), Ok(Some(Item::Comment("ok")))));
    assert_eq!(decoder.decode(&mut input).unwrap().unwrap().data(), "a\nb");
}

#[test]
fn a_comment_that_decode_began_is_not_shown_and_the_other_way_round() {
    let mut decoder = Decoder::new();
    assert!(decoder.decode(&mut &b":half"[..]).unwrap().is_none());
    assert!(decoder.decode_item(&mut &b"half\n"[..]).unwrap().is_none());
    assert!(decoder.decode_item(&mut &b":half"[..]).unwrap().is_none());
    assert!(decoder.decode(&mut &b"half\n"[..]).unwrap().is_none());
    assert!(matches!(decoder.decode_item(&mut &b":whole\n"[..]), Ok(Some(Item::Comment("whole")))));
}

#[test]
fn seeds_are_ids_that_a_stream_can_set() {
    let mut decoder = Decoder::new();
    assert!(decoder.set_last_event_id("a\nb").is_err());
    decoder.set_last_event_id("7").unwrap();
    assert_eq!(decoder.last_event_id(), "7");
}

#[test]
fn a_decoder_is_small() {
    assert!(size_of::<Decoder>() <= 256, "{} bytes", size_of::<Decoder>());
}
