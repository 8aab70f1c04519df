//! Every case of `http1.json`.

use base64::Engine as _;
use serde_json::Value;
use sse_contract::vector_files;
use sse_proto::http1::{ResponseDecoder, ResponseError, ResponsePart};

use crate::every_way;

#[derive(Debug, PartialEq)]
struct Outcome {
    end: &'static str,
    error: Option<ResponseError>,
    status: Option<u16>,
    interim: Vec<u16>,
    body: Vec<u8>,
    reusable: bool,
    headers: Vec<(String, String)>,
}

fn read(method: &str, pieces: &[&[u8]], eof: bool) -> Outcome {
    let mut decoder = ResponseDecoder::new(method);
    let mut outcome = Outcome {
        end: "",
        error: None,
        status: None,
        interim: Vec::new(),
        body: Vec::new(),
        reusable: false,
        headers: Vec::new(),
    };
    let mut leftover = Vec::new();
    let result = (|| {
        for &piece in pieces {
            let mut input = piece;
            while let Some(part) = decoder.decode(&mut input)? {
                match part {
                    ResponsePart::Interim(head) => outcome.interim.push(head.status()),
                    ResponsePart::Head(head) => outcome.status = Some(head.status()),
                    ResponsePart::Body(bytes) => {
                        assert!(!bytes.is_empty());
                        outcome.body.extend_from_slice(bytes);
                    }
                }
            }
            assert!(decoder.is_complete() || input.is_empty(), "input left before the end");
            leftover.extend_from_slice(input);
        }
        if eof { decoder.handle_eof() } else { Ok(()) }
    })();
    outcome.end = match &result {
        Ok(()) if decoder.is_complete() => "complete",
        Ok(()) => "open",
        Err(ResponseError::IncompleteHead | ResponseError::IncompleteBody) => "incomplete",
        Err(_) => "error",
    };
    if let Err(error) = &result {
        assert_eq!(decoder.decode(&mut &b"more"[..]), Err(error.clone()), "errors must stay");
        assert_eq!(decoder.handle_eof(), Err(error.clone()), "errors must stay");
    }
    outcome.error = result.err();
    outcome.reusable = decoder.reusable(&leftover);
    assert_eq!(decoder.head().map(|head| head.status()), outcome.status);
    for (name, value) in decoder.head().into_iter().flat_map(|head| head.headers()) {
        outcome
            .headers
            .push((name.to_ascii_lowercase(), value.iter().map(|&byte| char::from(byte)).collect()));
    }
    outcome
}

fn base64(value: &Value) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn generated(value: &Value) -> Vec<u8> {
    let parts = value.as_array().unwrap().iter();
    parts
        .flat_map(|part| part[0].as_str().unwrap().repeat(part[1].as_u64().unwrap() as usize).into_bytes())
        .collect()
}

fn bytes_of(case: &Value, key: &str) -> Vec<u8> {
    if let Some(text) = case.get(key) {
        text.as_str().unwrap().as_bytes().to_vec()
    } else if let Some(value) = case.get(format!("{key}_b64")) {
        base64(value)
    } else {
        generated(&case[format!("{key}_gen")])
    }
}

/// What of `outcome` is not as `expect` says.
fn difference(outcome: &Outcome, expect: &Value) -> Option<String> {
    let matches = |key: &str, value: &Value| match key {
        "end" => outcome.end == value.as_str().unwrap(),
        "status" => outcome.status.map(u64::from) == value.as_u64(),
        "interim" => {
            outcome.interim.iter().map(|&status| Value::from(status)).eq(value.as_array().unwrap().clone())
        }
        "body" | "body_b64" | "body_gen" => outcome.body == bytes_of(expect, "body"),
        "body_len" => outcome.body.len() as u64 == value.as_u64().unwrap(),
        "body_sha256" => {
            let digest = <sha2::Sha256 as sha2::Digest>::digest(&outcome.body);
            digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == value.as_str().unwrap()
        }
        "reusable" => outcome.reusable == value.as_bool().unwrap(),
        "headers" => value.as_object().unwrap().iter().all(|(name, expected)| {
            let values =
                outcome.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
            match expected {
                Value::Array(list) => values.eq(list.iter().map(|value| value.as_str().unwrap())),
                one => values.eq([one.as_str().unwrap()]),
            }
        }),
        "error_class" | "note" => true,
        other => panic!("nothing checks {other:?}"),
    };
    expect.as_object().unwrap().iter().find(|(key, value)| !matches(key, value)).map(|(key, _)| key.clone())
}

#[test]
fn vectors() {
    let file = vector_files::load("http1.json");
    let cases = file.as_array().unwrap();
    assert!(!cases.is_empty(), "no cases");
    let mut alternatives = Vec::new();
    let mut failures = Vec::new();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let method = case["request_method"].as_str().unwrap();
        let eof = case["eof"].as_bool().unwrap();
        let input = bytes_of(case, "input");
        let offsets = case.get("chunks").and_then(Value::as_array).into_iter().flatten();
        let offsets: Vec<usize> = offsets.map(|offset| offset.as_u64().unwrap() as usize).collect();
        let outcome = every_way(name, &input, &offsets, |pieces| read(method, pieces, eof));
        let Some(wrong) = difference(&outcome, &case["expect"]) else { continue };
        let others = case.get("also_ok").and_then(Value::as_array);
        if others.into_iter().flatten().any(|other| difference(&outcome, other).is_none()) {
            alternatives.push(name);
        } else {
            failures.push(format!("{name}: {wrong} is wrong in {outcome:?}"));
        }
    }
    println!("http1.json: {} cases, {} by an alternative: {alternatives:?}", cases.len(), alternatives.len());
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
