//! decode(encode(e)) == e, for any event, however it is written.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use proptest::prelude::*;
use sse_proto::{Decoder, Encoder, End, Event, Item};

/// Any event that can exist; line breaks in data are LF, the form they arrive in.
fn event() -> impl Strategy<Value = Event> {
    let text = || prop_oneof![".{0,20}", "[ :\n\0a-c\u{feff}\u{2028}é😀]{0,12}", Just(String::new())];
    let name = text().prop_map(|text| text.replace(['\r', '\n'], ""));
    let id = text().prop_map(|text| text.replace(['\r', '\n', '\0'], ""));
    let data = text().prop_map(|text| text.replace('\r', "\n"));
    let option = proptest::option::of::<BoxedStrategy<String>>;
    (option(name.boxed()), option(data.boxed()), option(id.boxed()), proptest::option::of(any::<u64>()))
        .prop_map(|(name, data, id, retry)| {
            let mut event = Event::default();
            if let Some(name) = name {
                event = event.with_name(name).unwrap();
            }
            if let Some(data) = data {
                event = event.with_data(data);
            }
            if let Some(id) = id {
                event = event.with_id(id).unwrap();
            }
            if let Some(millis) = retry {
                event = event.with_retry(Duration::from_millis(millis));
            }
            event
        })
}

fn without_data(event: &Event) -> Event {
    let mut fields = Event::default();
    if let Some(name) = event.event_field() {
        fields = fields.with_name(name).unwrap();
    }
    if let Some(id) = event.id() {
        fields = fields.with_id(id).unwrap();
    }
    if let Some(retry) = event.retry() {
        fields = fields.with_retry(retry);
    }
    fields
}

fn decode(wire: &[u8]) -> Vec<Event> {
    let mut decoder = Decoder::new();
    let mut input = wire;
    let mut events = Vec::new();
    while let Some(item) = decoder.decode_item(&mut input).unwrap() {
        match item {
            Item::Event(event) | Item::NoData(event) => events.push(event.to_event()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(decoder.finish(), End::Clean);
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn events_survive(events in proptest::collection::vec(event(), 0..5)) {
        let mut out = Vec::new();
        for event in &events {
            Encoder::new(&mut out).event(event);
        }
        // An event without any field is only a blank line.
        let expected: Vec<Event> = events.iter().filter(|event| **event != Event::default()).cloned().collect();
        prop_assert_eq!(decode(&out), expected);
        let mut by_hand = Vec::new();
        for event in &events {
            let mut slice = vec![0; out.len()];
            let written = event.as_ref().encode_to_slice(&mut slice).unwrap();
            by_hand.extend_from_slice(&slice[..written]);
        }
        prop_assert_eq!(by_hand, out);
    }

    #[test]
    fn data_in_pieces_is_the_same_data(event in event(), data in "[\r\nab€]{0,20}", cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..5)) {
        let fields = without_data(&event);
        let event = event.with_data(data.clone());
        let mut whole = Vec::new();
        Encoder::new(&mut whole).event(&event);

        // As text: cut between characters.
        let chars: Vec<char> = data.chars().collect();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(chars.len() + 1)).collect();
        at.extend([0, chars.len()]);
        at.sort_unstable();
        let mut out = String::new();
        let mut writer = Encoder::new(&mut out).data_writer(&fields);
        for piece in at.windows(2) {
            writer.write_str(&chars[piece[0]..piece[1]].iter().collect::<String>()).unwrap();
        }
        writer.finish();
        prop_assert_eq!(out.as_bytes(), &whole[..]);

        // As bytes: cut anywhere.
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(data.len() + 1)).collect();
        at.extend([0, data.len()]);
        at.sort_unstable();
        let mut out = Vec::new();
        let mut writer = Encoder::new(&mut out).data_writer(&fields);
        for piece in at.windows(2) {
            writer.write_all(&data.as_bytes()[piece[0]..piece[1]]).unwrap();
        }
        writer.finish();
        prop_assert_eq!(&out, &whole);
    }
}

#[test]
fn line_breaks_in_data_arrive_as_lf() {
    for data in ["a\rb", "a\r\nb", "a\nb"] {
        let mut out = Vec::new();
        Encoder::new(&mut out).event(data);
        assert_eq!(decode(&out), [Event::new("a\nb")]);
    }
}

#[test]
fn data_that_is_there_already_comes_first() {
    let mut out = String::new();
    let mut writer = Encoder::new(&mut out).data_writer("begun\r");
    writer.write_str("\nand ended").unwrap();
    writer.finish();
    assert_eq!(out, "data: begun\ndata: and ended\n\n");
}

#[test]
fn a_serializer_that_fails_leaves_nothing() {
    let mut out = b"data: before\n\n".to_vec();
    let mut writer = Encoder::new(&mut out).data_writer(Event::default().with_id("7").unwrap().as_ref());
    writer.write_str("half").unwrap();
    drop(writer);
    assert_eq!(out, b"data: before\n\n");
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    for (bytes, written) in [(&b"ab\xFFcd"[..], "ab"), (b"\xFF", ""), (b"\xE2\x82x", ""), (b"\xC0\x80", "")] {
        for piece in 1..=bytes.len() {
            let mut out = String::new();
            let mut writer = Encoder::new(&mut out).data_writer("");
            let error = bytes.chunks(piece).try_for_each(|piece| writer.write_all(piece)).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
            writer.finish();
            assert_eq!(out, format!("data: {written}\n\n"), "{bytes:x?} in pieces of {piece}");
        }
    }
    let mut out = String::new();
    let mut writer = Encoder::new(&mut out).data_writer("");
    writer.write_all(b"a\xE2\x82").unwrap();
    writer.finish();
    assert_eq!(out, "data: a\u{FFFD}\n\n", "a character cut off at the end");
}
