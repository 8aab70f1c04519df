//! Events as values of types of the user's.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use serde::Deserialize;
use sse_proto::json::from_event;
use sse_proto::{Event, EventRef};

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum ByName<'e> {
    Unit,
    Newtype(u32),
    Tuple(u32, u32),
    Struct { a: u32 },
    Borrowed(#[serde(borrow)] &'e str),
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "type")]
enum ByContent {
    A { x: u32 },
    B,
}

fn event<'e>(name: &'e str, data: &'e str) -> EventRef<'e> {
    EventRef::new(data).with_name(name).unwrap()
}

#[test]
fn variants_are_told_by_name() {
    assert_eq!(from_event(event("unit", "anything")), Ok(ByName::Unit));
    assert_eq!(from_event(event("newtype", "7")), Ok(ByName::Newtype(7)));
    assert_eq!(from_event(event("tuple", "[1,2]")), Ok(ByName::Tuple(1, 2)));
    assert_eq!(from_event(event("struct", "{\"a\":\n1}")), Ok(ByName::Struct { a: 1 }));
    assert_eq!(from_event(event("borrowed", "\"x\"")), Ok(ByName::Borrowed("x")));
}

#[test]
fn other_types_are_read_from_the_data() {
    assert_eq!(from_event(event("x", "[1,2]")), Ok(vec![1, 2]));
    assert_eq!(from_event(event("x", "null")), Ok(None::<u32>));
    assert_eq!(from_event(event("x", "3")), Ok(Some(3)));
    assert_eq!(from_event(event("x", "{\"k\":1}")), Ok(HashMap::from([("k".to_owned(), 1)])));
    assert_eq!(from_event(event("x", "{\"type\":\"A\",\"x\":5}")), Ok(ByContent::A { x: 5 }));
    assert_eq!(from_event(event("x", "{\"type\":\"B\"}")), Ok(ByContent::B));
    // Owned, so that it outlives the event.
    let owned: serde_json::Value = from_event(Event::new("{\"a\":[]}").as_ref()).unwrap();
    assert!(owned["a"].is_array());
}

#[test]
fn errors_carry_the_event() {
    for (name, data) in
        [("newtype", "x"), ("newtype", "7 8"), ("newtype", ""), ("tuple", "[1]"), ("nobody", "1")]
    {
        let error = from_event::<ByName<'_>>(event(name, data)).unwrap_err();
        assert_eq!((error.name(), error.data()), (name, data));
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
    }
    let long = "x".repeat(1 << 20);
    let error = from_event::<u32>(EventRef::new(&long)).unwrap_err();
    assert_eq!(error.data().len(), 1 << 20);
    assert!(error.to_string().len() < 400, "{error}");
}
