//! The characters that a field of an event may hold.

use core::fmt;

/// A field of an event stream (HTML, "Parsing an event stream").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldName {
    /// The event type, in the `event` field.
    Event,
    /// The event id, in the `id` field.
    Id,
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event => "event name",
            Self::Id => "event id",
        })
    }
}

/// A field value that an event stream cannot carry. The caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidField {
    field: FieldName,
    byte: u8,
    position: usize,
}

impl InvalidField {
    /// Returns the field.
    pub fn field(&self) -> FieldName {
        self.field
    }

    /// Returns the invalid byte.
    pub fn byte(&self) -> u8 {
        self.byte
    }

    /// Returns the position of the invalid byte in the value, counted in bytes from 0.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, byte, position } = self;
        let name = match byte {
            b'\r' => "a carriage return",
            b'\n' => "a line feed",
            _ => "a NUL",
        };
        write!(f, "{field} holds {name} (0x{byte:02x}) at byte {position}")
    }
}

impl core::error::Error for InvalidField {}

/// The name of an event, checked once, so that [`Event::named`](crate::Event::named) cannot fail.
///
/// [`event_name!`](crate::event_name) checks a name at compile time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventName<'a>(&'a str);

impl<'a> EventName<'a> {
    /// Checks a name.
    ///
    /// # Errors
    /// If the name holds CR or LF, which an event stream cannot carry.
    pub const fn new(name: &'a str) -> Result<Self, InvalidField> {
        let bytes = name.as_bytes();
        let mut position = 0;
        while let Some((_, rest)) = bytes.split_at_checked(position) {
            match rest.first() {
                Some(byte @ (b'\r' | b'\n')) => {
                    return Err(InvalidField { field: FieldName::Event, byte: *byte, position });
                }
                Some(_) => position += 1,
                None => break,
            }
        }
        Ok(Self(name))
    }

    /// Returns the name.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

/// Checks the name of an event at compile time, and evaluates to an [`EventName`].
///
/// ```
/// use sse_proto::{Event, event_name};
///
/// let event = Event::named(event_name!("price"), "12.34");
/// assert_eq!((event.name(), event.data()), ("price", "12.34"));
/// ```
///
/// ```compile_fail
/// let name = sse_proto::event_name!("two\nlines");
/// ```
#[macro_export]
macro_rules! event_name {
    ($name:expr) => {
        const {
            match $crate::EventName::new($name) {
                ::core::result::Result::Ok(name) => name,
                ::core::result::Result::Err(_) => ::core::panic!("the name of an event holds CR or LF"),
            }
        }
    };
}

/// Returns the name if an event stream can carry it.
pub(crate) fn check_name(name: &str) -> Result<&str, InvalidField> {
    check(FieldName::Event, name, memchr::memchr2(b'\r', b'\n', name.as_bytes()))
}

/// Returns the id if an event stream can carry it and a client accepts it.
pub(crate) fn check_id(id: &str) -> Result<&str, InvalidField> {
    check(FieldName::Id, id, memchr::memchr3(b'\r', b'\n', b'\0', id.as_bytes()))
}

fn check(field: FieldName, value: &str, offence: Option<usize>) -> Result<&str, InvalidField> {
    match offence.and_then(|position| Some((position, *value.as_bytes().get(position)?))) {
        None => Ok(value),
        Some((position, byte)) => Err(InvalidField { field, byte, position }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn errors_name_the_byte_and_its_place() {
        let error = check_id("ab\0c").unwrap_err();
        assert_eq!((error.field(), error.byte(), error.position()), (FieldName::Id, 0, 2));
        assert_eq!(error.to_string(), "event id holds a NUL (0x00) at byte 2");
        let error = check_name("a\rb").unwrap_err();
        assert_eq!(error.to_string(), "event name holds a carriage return (0x0d) at byte 1");
        assert_eq!(check_name("a\0b"), Ok("a\0b"));
    }
}
