//! Reads the conformance data: facts from public test suites and specifications, each case naming its source.

use base64::Engine;
use serde_json::Value;

/// The parsed file. Another folder with files of the same form can be named in the variable `SSE_VECTORS`.
pub fn load(file: &str) -> Value {
    let folder = std::env::var("SSE_VECTORS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/vectors").to_owned());
    let path = std::path::Path::new(&folder).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The bytes of `input`, `input_b64` or `input_gen`.
pub fn input(case: &Value) -> Vec<u8> {
    if let Some(text) = case["input"].as_str() {
        text.as_bytes().to_vec()
    } else if let Some(text) = case["input_b64"].as_str() {
        base64::engine::general_purpose::STANDARD.decode(text).unwrap()
    } else {
        let parts = case["input_gen"].as_array().unwrap_or_else(|| panic!("no input in {case}"));
        let repeat = |part: &Value| part[0].as_str().unwrap().repeat(part[1].as_u64().unwrap() as usize);
        parts.iter().map(repeat).collect::<String>().into_bytes()
    }
}
