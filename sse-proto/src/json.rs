//! Deserializes events with JSON data into the user's types.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

pub use serde::de::DeserializeOwned;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
    value::StrDeserializer,
};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};

use crate::event::Preview;
use crate::source::SourceError;
use crate::{Event, EventRef};

/// Deserializes an event.
///
/// For an enum, the name of the event selects the variant, and the data holds the variant's content
/// as JSON. A unit variant ignores the data. Any other type is deserialized from the data alone,
/// including an enum whose representation is internally tagged (`#[serde(tag = "type")]`) or
/// untagged (`#[serde(untagged)]`).
///
/// ```
/// use serde::Deserialize;
/// use sse_proto::{EventRef, json};
///
/// #[derive(Debug, Deserialize, PartialEq)]
/// #[serde(rename_all = "snake_case")]
/// enum Message {
///     Price { symbol: String, cents: u32 },
///     Text(String),
///     #[serde(other)]
///     Unknown,
/// }
///
/// let event = EventRef::new(r#"{"symbol":"AAPL","cents":12345}"#).with_name("price")?;
/// assert_eq!(json::from_event(event), Ok(Message::Price { symbol: "AAPL".into(), cents: 12345 }));
/// let event = EventRef::new("whatever").with_name("new_kind")?;
/// assert_eq!(json::from_event(event), Ok(Message::Unknown));
///
/// let event = EventRef::new("12").with_name("text")?;
/// let error = json::from_event::<Message>(event).unwrap_err();
/// assert_eq!((error.name(), error.data()), ("text", "12"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the enum has no variant of that name, or the data is not JSON of the expected form.
pub fn from_event<'de, T: Deserialize<'de>>(event: EventRef<'de>) -> Result<T, JsonError> {
    T::deserialize(Source(event)).map_err(|error| JsonError {
        name: event.name().to_owned(),
        data: event.data().to_owned(),
        error: alloc::format!("{error}"),
    })
}

impl<'a> EventRef<'a> {
    /// Deserializes the event; see [`from_event`].
    ///
    /// # Errors
    /// Like [`from_event`].
    pub fn json<T: Deserialize<'a>>(self) -> Result<T, JsonError> {
        from_event(self)
    }
}

impl Event {
    /// Deserializes the event; see [`from_event`].
    ///
    /// # Errors
    /// Like [`from_event`].
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, JsonError> {
        from_event(self.as_ref())
    }

    /// Creates an event with this name, whose data is the value as JSON.
    ///
    /// ```
    /// use sse_proto::Event;
    ///
    /// #[derive(serde::Serialize)]
    /// struct Price { symbol: &'static str, cents: u32 }
    ///
    /// let event = Event::from_json("price", &Price { symbol: "AAPL", cents: 12345 })?;
    /// assert_eq!((event.name(), event.data()), ("price", r#"{"symbol":"AAPL","cents":12345}"#));
    /// # Ok::<(), sse_proto::json::JsonError>(())
    /// ```
    ///
    /// # Errors
    /// If the value has no JSON form, such as a map with other keys than strings, or the name holds CR
    /// or LF.
    pub fn from_json<T: Serialize + ?Sized>(name: &str, value: &T) -> Result<Self, JsonError> {
        let error = |error: &dyn fmt::Display| JsonError {
            name: name.to_owned(),
            data: String::new(),
            error: alloc::format!("{error}"),
        };
        let data = serde_json::to_string(value).map_err(|found| error(&found))?;
        Event::new(data).with_name(name).map_err(|found| error(&found))
    }
}

/// Why a typed stream of events has no next value.
#[derive(Debug)]
#[non_exhaustive]
pub enum NextError {
    /// An event was skipped, or the source closed.
    Source(SourceError),
    /// The event has another form. The stream continues.
    Json(JsonError),
}

impl fmt::Display for NextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Json(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for NextError {}

/// An event that could not be deserialized or serialized: the peer's fault, or that of the type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    name: String,
    data: String,
    error: String,
}

impl JsonError {
    /// Returns the name of the event.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the data of the event as received.
    pub fn data(&self) -> &str {
        &self.data
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in event {:?} with data {:?}", self.error, Preview(&self.name), Preview(&self.data))
    }
}

impl core::error::Error for JsonError {}

/// A deserializer over one event.
struct Source<'de>(EventRef<'de>);

impl<'de> Source<'de> {
    fn data<T>(
        self,
        read: impl FnOnce(&mut serde_json::Deserializer<serde_json::de::StrRead<'de>>) -> serde_json::Result<T>,
    ) -> serde_json::Result<T> {
        let mut json = serde_json::Deserializer::from_str(self.0.data());
        let value = read(&mut json)?;
        json.end()?;
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for Source<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.data(|json| json.deserialize_any(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.data(|json| json.deserialize_option(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Source<'de> {
    type Error = serde_json::Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Self::Error> {
        let name: StrDeserializer<'_, Self::Error> = self.0.name().into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Source<'de> {
    type Error = serde_json::Error;

    fn unit_variant(self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Self::Error> {
        self.data(|json| seed.deserialize(json))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Self::Error> {
        self.data(|json| json.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.data(|json| json.deserialize_map(visitor))
    }
}
