//! A valid event decodes to itself, however it was encoded. Invalid fields are rejected exactly if
//! they hold a byte that an event stream cannot carry.
#![no_main]

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sse_proto::{Decoder, Encoder, End, Event, InvalidField, Item};

#[derive(Arbitrary, Debug)]
struct Fields {
    event: Option<String>,
    data: Option<String>,
    id: Option<String>,
    retry: Option<u64>,
    comment: String,
    /// The lengths of the pieces passed to a data writer, which may be 0. The rest is one piece.
    pieces: Vec<u8>,
}

impl Fields {
    fn event(&self) -> Result<Event, InvalidField> {
        let event = self.without_data()?;
        Ok(match &self.data {
            Some(data) => event.with_data(data),
            None => event,
        })
    }

    fn without_data(&self) -> Result<Event, InvalidField> {
        let mut event = Event::default();
        if let Some(name) = &self.event {
            event = event.with_name(name)?;
        }
        if let Some(id) = &self.id {
            event = event.with_id(id)?;
        }
        if let Some(millis) = self.retry {
            event = event.with_retry(Duration::from_millis(millis));
        }
        Ok(event)
    }
}

fuzz_target!(|fields: Fields| {
    let holds =
        |text: &Option<String>, bytes: &[char]| text.as_ref().is_some_and(|text| text.contains(bytes));
    let impossible = holds(&fields.event, &['\r', '\n']) || holds(&fields.id, &['\r', '\n', '\0']);
    let event = match fields.event() {
        Ok(event) => event,
        Err(_) => return assert!(impossible),
    };
    assert!(!impossible);

    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out);
    encoder.comment(&fields.comment);
    let start = fields.comment_len();
    Encoder::new(&mut out).event(&event);
    assert_eq!(decode(&out), normalised(event.clone()));

    let length = out.len() - start;
    let error = event.as_ref().encode_to_slice(&mut vec![0; length - 1]).unwrap_err();
    assert_eq!(error.needed(), length);
    let mut slice = vec![0; length];
    let written = event.as_ref().encode_to_slice(&mut slice).unwrap();
    assert_eq!(&slice[..written], &out[start..]);

    let Some(data) = &fields.data else { return };
    let without_data = fields.without_data().unwrap();
    let mut as_bytes = Vec::new();
    let mut writer = Encoder::new(&mut as_bytes).data_writer(&without_data);
    fields.cut(data.as_bytes()).for_each(|bytes| writer.write_all(bytes).unwrap());
    writer.finish();
    let mut as_text = String::new();
    let mut writer = Encoder::new(&mut as_text).data_writer(&without_data);
    let characters: Vec<char> = data.chars().collect();
    fields.cut(&characters).for_each(|text| writer.write_str(&text.iter().collect::<String>()).unwrap());
    writer.finish();
    assert_eq!(as_bytes, out[start..]);
    assert_eq!(as_text.as_bytes(), &out[start..]);
});

impl Fields {
    fn cut<'a, T>(&'a self, mut whole: &'a [T]) -> impl Iterator<Item = &'a [T]> {
        let mut lengths = self.pieces.iter().map(|length| usize::from(*length));
        core::iter::from_fn(move || {
            let length = lengths.next().unwrap_or(whole.len()).min(whole.len());
            let (piece, rest) = whole.split_at(length);
            let is_over = whole.is_empty();
            whole = rest;
            (!is_over).then_some(piece)
        })
    }

    fn comment_len(&self) -> usize {
        let mut out = Vec::new();
        Encoder::new(&mut out).comment(&self.comment);
        out.len()
    }
}

/// Replaces the line breaks in data by LF, as a decoder does.
fn normalised(event: Event) -> Option<Event> {
    if event == Event::default() {
        return None;
    }
    match event.data_field() {
        Some(data) => {
            let data = data.replace("\r\n", "\n").replace('\r', "\n");
            Some(event.with_data(data))
        }
        None => Some(event),
    }
}

fn decode(mut wire: &[u8]) -> Option<Event> {
    let mut decoder = Decoder::new();
    let mut found = None;
    loop {
        match decoder.decode_item(&mut wire) {
            Ok(Some(Item::Event(event) | Item::NoData(event))) => {
                assert!(found.replace(event.to_event()).is_none())
            }
            Ok(Some(_)) => {}
            // Only the limits of 64 KiB are in reach of a fuzzer's input.
            Err(error) => assert!(error.max() >= 64 * 1024),
            Ok(None) => break,
        }
    }
    assert_eq!(decoder.finish(), End::Clean);
    found
}
