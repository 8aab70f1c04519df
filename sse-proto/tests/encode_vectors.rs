//! Every case of `vectors/encode.json`: what is encoded decodes to the same, or is refused before a byte is written.

use std::time::Duration;

use serde_json::Value;
use sse_contract::reference::{Outcome, drive};
use sse_contract::vector_files;
use sse_proto::{Encoder, Event, EventRef, InvalidField, Limits};

#[test]
fn every_case() {
    let file = vector_files::load("encode.json");
    let cases = file["cases"].as_array().unwrap();
    for case in cases {
        run(case).unwrap_or_else(|wrong| panic!("{}: {wrong}\n{case}", case["name"]));
    }
    assert!(cases.len() >= 10, "only {} cases", cases.len());
    println!("{} cases", cases.len());
}

fn run(case: &Value) -> Result<(), String> {
    for wire in case["wrong_wire"].as_array().into_iter().flatten() {
        let outcome = decode(wire["wire"].as_str().unwrap());
        if let Some(expected) = wire.get("decodes_to") {
            same(&outcome, expected).map_err(|wrong| format!("wrong wire {wire}: {wrong}"))?;
        }
    }
    for wire in case["valid_wire"].as_array().into_iter().flatten() {
        same(&decode(wire.as_str().unwrap()), &case["decoded"])
            .map_err(|wrong| format!("valid wire {wire}: {wrong}"))?;
    }

    let mut out = String::from("before");
    let inputs = case["input"].as_array().map_or(std::slice::from_ref(&case["input"]), Vec::as_slice);
    let encoded = inputs.iter().try_for_each(|input| encode(input, &mut out));
    let wire = out.strip_prefix("before").unwrap();
    match (encoded, case["outcome"].as_str().unwrap()) {
        (Ok(()), "error") => Err(format!("not refused: {wire:?}")),
        // The test encodes one event at a time, so an error leaves at most the events before it.
        (Err(_), "error" | "roundtrip_or_error" | "normalise_or_error") if wire.is_empty() => Ok(()),
        (Err(error), _) => Err(format!("refused: {error}, with {wire:?} written")),
        (Ok(()), _) => same(&decode(wire), &case["decoded"]).map_err(|wrong| format!("{wire:?}: {wrong}")),
    }
}

fn encode(input: &Value, out: &mut String) -> Result<(), InvalidField> {
    let mut encoder = Encoder::new(out);
    if let Some(comment) = input["comment"].as_str() {
        encoder.comment(comment);
    }
    let mut event = Event::default();
    if let Some(data) = input["data"].as_str() {
        event = event.with_data(data);
    }
    if let Some(name) = input["event"].as_str() {
        event = event.with_name(name)?;
    }
    if let Some(id) = input["id"].as_str() {
        event = event.with_id(id)?;
    }
    if let Some(millis) = input["retry"].as_u64() {
        event = event.with_retry(Duration::from_millis(millis));
    }
    encoder.event(&event);

    let mut slice = [0; 4096];
    let written = event.as_ref().encode_to_slice(&mut slice).unwrap();
    assert!(out.as_bytes().ends_with(&slice[..written]), "the slice holds the same");
    let needed = event.as_ref().encode_to_slice(&mut slice[..written - 1]).unwrap_err().needed();
    assert_eq!(needed, written);
    Ok(())
}

fn decode(wire: &str) -> Outcome {
    drive([wire.as_bytes()], Limits::default(), "")
}

fn same(outcome: &Outcome, expected: &Value) -> Result<(), String> {
    let name = |event: Option<&str>| event.filter(|name| !name.is_empty()).unwrap_or("message").to_owned();
    let events: Vec<Value> = outcome
        .events()
        .into_iter()
        .map(|block| {
            let event = name(block.event.as_deref());
            serde_json::json!({"event": event, "data": block.data, "id": block.last_event_id})
        })
        .collect();
    let same = expected["events"] == Value::Array(events)
        && expected["retry"].as_u64() == outcome.retry
        && expected["last_event_id"] == outcome.last_event_id
        && expected["comments"].as_array().is_none_or(|comments| {
            comments
                .iter()
                .map(|text| text.as_str().unwrap())
                .eq(outcome.comments().into_iter().map(unspaced))
        });
    if same { Ok(()) } else { Err(format!("decodes to {outcome:?}")) }
}

/// Valid wires may put a space behind the colon of a comment.
fn unspaced(comment: &str) -> &str {
    comment.strip_prefix(' ').unwrap_or(comment)
}

/// Encoders that let a line break through, as numbered in 2026: each forged event must fail here.
mod advisories {
    use super::*;

    const BREAKS: [&str; 3] = ["\n", "\r", "\r\n"];

    fn names_and_ids_are_refused(forged: &str) {
        for line_break in BREAKS {
            let value = forged.replace('\n', line_break);
            assert!(EventRef::new("x").with_name(&value).is_err(), "{value:?}");
            assert!(EventRef::new("x").with_id(&value).is_err(), "{value:?}");
            assert!(Event::new("x").with_name(value.clone()).is_err(), "{value:?}");
            assert!(Event::new("x").with_id(value.clone()).is_err(), "{value:?}");
        }
    }

    /// Data and comments carry line breaks, and nothing in them becomes a field.
    fn text_stays_text(forged: &str) {
        for line_break in BREAKS {
            let text = forged.replace('\n', line_break);
            let mut out = String::new();
            let mut encoder = Encoder::new(&mut out);
            encoder.comment(&text);
            encoder.event(EventRef::new(&text));
            let outcome = decode(&out);
            assert_eq!(outcome.comments().join("\n"), forged);
            let [event] = outcome.events()[..] else { panic!("{outcome:?}") };
            assert_eq!((event.data.as_deref(), &event.event, &event.id), (Some(forged), &None, &None));
            assert_eq!((outcome.retry, outcome.last_event_id.as_str()), (None, ""));
        }
    }

    #[test]
    fn hono_cve_2026_29085_line_breaks_in_event_and_id() {
        names_and_ids_are_refused("a\ndata: injected");
    }

    #[test]
    fn spring_cve_2026_22735_line_breaks_in_any_field() {
        names_and_ids_are_refused("7\n\ndata: corrupted");
        text_stays_text("text\n\nevent: corrupted\ndata: x\n");
    }

    #[test]
    fn h3_cve_2026_33128_line_breaks_in_any_field_and_comments() {
        names_and_ids_are_refused("message\nevent: admin\ndata: forged");
        text_stays_text("legit\n\nevent: admin\ndata: forged\n\n");
    }

    #[test]
    fn nestjs_cve_2026_35515_line_breaks_in_type_and_id() {
        names_and_ids_are_refused("type\nid: 999\nretry: 1");
    }

    #[test]
    fn eventsource_encoder_cve_2026_44214_line_breaks_in_event_and_id() {
        names_and_ids_are_refused("e\n\ndata: whole message\n\n");
    }

    #[test]
    fn sse_channel_cve_2026_44217_line_breaks_in_event_and_id() {
        names_and_ids_are_refused("x\ndata:spoofed");
    }

    #[test]
    fn cowlib_cve_2026_43968_a_bare_cr_in_any_field() {
        names_and_ids_are_refused("a\nevent: b");
        text_stays_text("a\nevent: forged\ndata: b\n\nid: 7");
    }

    #[test]
    fn http_jl_line_breaks_in_any_field() {
        names_and_ids_are_refused("\n");
        text_stays_text("\nretry: 1\nid: 1\n\n");
    }
}
