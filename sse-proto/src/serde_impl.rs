//! `Serialize` and `Deserialize` for [`Event`]: an object with the fields that are present.

use alloc::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Event, EventRef};

/// The fields by their names in the standard; `retry` in milliseconds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<u64>,
}

impl Serialize for EventRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, data, retry, .. } = *self;
        let [event, data, id] = [name, data, self.id()].map(|text| text.map(Cow::Borrowed));
        Fields { event, data, id, retry }.serialize(serializer)
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}

/// Rejects field values that an event stream cannot carry.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Fields { event, data, id, retry } = Fields::deserialize(deserializer)?;
        let mut fields = EventRef { data: data.as_deref(), retry, ..EventRef::default() };
        if let Some(name) = &event {
            fields = fields.with_name(name).map_err(D::Error::custom)?;
        }
        if let Some(id) = &id {
            fields = fields.with_id(id).map_err(D::Error::custom)?;
        }
        Ok(fields.to_event())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use core::time::Duration;

    #[test]
    fn absent_and_empty_survive_json() {
        let event = Event::new("").with_id("").unwrap().with_retry(Duration::from_secs(1));
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(json, r#"{"data":"","id":"","retry":1000}"#);
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
        assert_eq!(serde_json::from_str::<Event>("{}").unwrap(), Event::default());
    }

    #[test]
    fn what_no_stream_can_carry_is_refused() {
        let error = serde_json::from_str::<Event>(r#"{"event":"a\nb"}"#).unwrap_err();
        assert!(error.to_string().contains("event name holds a line feed (0x0a) at byte 1"), "{error}");
    }
}
