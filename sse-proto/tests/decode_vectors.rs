//! Every case of `vectors/decode.json`, in every feeding mode.

use serde_json::Value;
use sha2::{Digest, Sha256};
use sse_contract::reference::{self, Block, Outcome, cut, drive, drive_events};
use sse_contract::vector_files;
use sse_proto::{Decoder, Limits};

#[test]
fn every_case_in_every_feeding_mode() {
    let cases = vector_files::load("decode.json");
    let cases = cases.as_array().unwrap();
    let mut runs = 0;
    for case in cases {
        runs += run(case);
    }
    assert!(cases.len() >= 10, "only {} cases", cases.len());
    println!("{} cases, {runs} runs", cases.len());
}

fn run(case: &Value) -> usize {
    let name = case["name"].as_str().unwrap();
    let input = vector_files::input(case);
    let mut modes: Vec<(String, Vec<&[u8]>)> = vec![("whole".into(), vec![&input])];
    if case["byte_by_byte"] != false {
        modes.push(("byte by byte".into(), input.chunks(1).collect()));
        modes.push((
            "byte by byte, empty chunks between".into(),
            input.chunks(1).flat_map(|b| [b, &[]]).collect(),
        ));
    }
    for split in splits(input.len()) {
        modes.push((format!("split at {split}"), cut(&input, &[split])));
    }
    if let Some(chunks) = case["chunks"].as_array() {
        let offsets: Vec<usize> = chunks.iter().map(|offset| offset.as_u64().unwrap() as usize).collect();
        modes.push((format!("cut at {offsets:?}"), cut(&input, &offsets)));
    }
    let seed = case["seed_last_event_id"].as_str().unwrap_or_default();
    let oracle = reference::decode(&input, Limits::default(), seed);
    for (mode, chunks) in &modes {
        let outcome = drive(chunks.iter().copied(), Limits::default(), seed);
        check(case, &outcome).unwrap_or_else(|wrong| panic!("{name}, {mode}: {wrong}\n{case}"));
        assert_eq!(outcome, oracle, "{name}, {mode}");
        let events = drive_events(chunks.iter().copied(), Limits::default(), seed);
        assert_eq!(events, outcome.without_extras(), "{name}, {mode}: events alone");
    }
    check_eager(case, &input, seed);
    modes.len()
}

/// Every offset; of a large input both ends and a sample between, of a huge one a few.
fn splits(len: usize) -> impl Iterator<Item = usize> {
    let (ends, step) = match len {
        0..5_000 => (len, 1),
        5_000..1_000_000 => (64, (len / 200) | 1),
        _ => (8, (len / 8) | 1),
    };
    (0..=len).filter(move |at| *at < ends || len - at < ends || at % step == 0)
}

fn check(case: &Value, outcome: &Outcome) -> Result<(), String> {
    let expected = case["expect"].as_array().unwrap();
    let events = outcome.events();
    if events.len() != expected.len() {
        return Err(format!("{} events, expected {}", events.len(), expected.len()));
    }
    for (event, expected) in events.into_iter().zip(expected) {
        let Block { event, data, last_event_id, .. } = event;
        let name = event.as_deref().filter(|name| !name.is_empty()).unwrap_or("message");
        same_text(expected, "event", name)?;
        same_text(expected, "data", data.as_deref().unwrap())?;
        same_text(expected, "id", last_event_id)?;
    }
    same_text(case, "last_event_id", &outcome.last_event_id)?;
    let retry = case["retry_allowed"].as_array().map_or(&case["retry"], |_| &Value::Null);
    if case["retry_allowed"].is_null() || case["retry_overflow"] == true {
        let expected = if case["retry_overflow"] == true { Some(u64::MAX) } else { retry.as_u64() };
        if outcome.retry != expected {
            return Err(format!("retry is {:?}, expected {expected:?}", outcome.retry));
        }
    } else if !case["retry_allowed"]
        .as_array()
        .unwrap()
        .iter()
        .any(|allowed| allowed.as_u64() == outcome.retry)
    {
        return Err(format!("retry is {:?}", outcome.retry));
    }
    if let Some(comments) = case["comments"].as_array() {
        let expected: Vec<&str> = comments.iter().map(|text| text.as_str().unwrap()).collect();
        if outcome.comments() != expected {
            return Err(format!("comments are {:?}", outcome.comments()));
        }
    }
    if let Some(count) = case["comments_count"].as_u64() {
        let joined = outcome.comments().join("\n");
        if outcome.comments().len() as u64 != count || case["comments_sha256"] != sha256(&joined) {
            return Err(format!("{} comments", outcome.comments().len()));
        }
    }
    Ok(())
}

/// Compares with `field`, or with `field_len` and `field_sha256` where the text is long.
fn same_text(expected: &Value, field: &str, text: &str) -> Result<(), String> {
    let same = match expected[field].as_str() {
        Some(expected) => expected == text,
        None => {
            expected[format!("{field}_len")].as_u64() == Some(text.len() as u64)
                && expected[format!("{field}_sha256")] == sha256(text)
        }
    };
    if same { Ok(()) } else { Err(format!("{field} is {:?}", text.chars().take(100).collect::<String>())) }
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `eager`: after the first `offset` bytes, `n` events must be out.
fn check_eager(case: &Value, input: &[u8], seed: &str) {
    for timing in case["eager"].as_array().into_iter().flatten() {
        let (offset, expected) = (timing[0].as_u64().unwrap() as usize, timing[1].as_u64().unwrap() as usize);
        for piece in [offset, 1] {
            let mut decoder = Decoder::new();
            decoder.set_last_event_id(seed).unwrap();
            let mut out = 0;
            for mut chunk in input[..offset].chunks(piece) {
                while decoder.decode(&mut chunk).unwrap().is_some() {
                    out += 1;
                }
            }
            assert_eq!(out, expected, "{}: after {offset} bytes", case["name"]);
        }
    }
}
