//! Events, borrowed ([`EventRef`]) and owned ([`Event`]).

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use crate::field::{self, EventName, InvalidField};

/// The event type of an event without an event field (HTML, "Dispatch the event", step 5).
pub const DEFAULT_NAME: &str = "message";

/// A borrowed event, as a [`Decoder`](crate::Decoder) lends it and an [`Encoder`](crate::Encoder)
/// takes it.
///
/// An event is always valid: the name holds no line break, and the id holds neither a line break
/// nor NUL. Encoding an event therefore cannot fail. Data is any text; its line breaks (CR, LF,
/// CRLF) arrive as LF.
///
/// An absent field differs from an empty one. [`event_field`](Self::event_field) and
/// [`data_field`](Self::data_field) tell the two apart; [`name`](Self::name) and
/// [`data`](Self::data) return what a browser would.
///
/// ```
/// use sse_proto::EventRef;
///
/// let event = EventRef::new("21.5").with_name("temperature")?.with_id("7")?;
/// assert_eq!((event.name(), event.data(), event.id()), ("temperature", "21.5", Some("7")));
/// assert!(EventRef::new("21.5").with_name("two\nlines").is_err());
/// # Ok::<(), sse_proto::InvalidField>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct EventRef<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) data: Option<&'a str>,
    /// Whether the event has an id field. If so, `last_event_id` is its value.
    pub(crate) has_id: bool,
    pub(crate) last_event_id: &'a str,
    pub(crate) retry: Option<u64>,
}

impl<'a> EventRef<'a> {
    /// Creates an event with this data and no other field. Cannot fail.
    ///
    /// `EventRef::default()` has no data either. A client still adopts its id and retry time, but
    /// dispatches nothing.
    pub const fn new(data: &'a str) -> Self {
        Self { name: None, data: Some(data), has_id: false, last_event_id: "", retry: None }
    }

    /// Creates an event with this name and data. Cannot fail; see [`event_name!`](crate::event_name).
    pub const fn named(name: EventName<'a>, data: &'a str) -> Self {
        Self { name: Some(name.as_str()), ..Self::new(data) }
    }

    /// Sets the data.
    #[must_use]
    pub const fn with_data(mut self, data: &'a str) -> Self {
        self.data = Some(data);
        self
    }

    /// Sets the event field, the name that listeners subscribe to.
    ///
    /// # Errors
    /// If the name holds CR or LF, which an event stream cannot carry.
    pub fn with_name(mut self, name: &'a str) -> Result<Self, InvalidField> {
        self.name = Some(field::check_name(name)?);
        Ok(self)
    }

    /// Sets the id field. An empty id resets the client's last event id.
    ///
    /// # Errors
    /// If the id holds CR or LF, which an event stream cannot carry, or NUL, which makes a client
    /// ignore the id.
    pub fn with_id(mut self, id: &'a str) -> Result<Self, InvalidField> {
        self.last_event_id = field::check_id(id)?;
        self.has_id = true;
        Ok(self)
    }

    /// Sets the reconnection time. Fractions of a millisecond are dropped; the maximum is
    /// `u64::MAX` milliseconds.
    #[must_use]
    pub fn with_retry(mut self, retry: Duration) -> Self {
        self.retry = Some(millis(retry));
        self
    }

    /// Returns the event type: the event field, or `message` if the field is absent or empty.
    pub fn name(&self) -> &'a str {
        effective_name(self.name)
    }

    /// Returns the data, or an empty string if the event has none.
    pub fn data(&self) -> &'a str {
        self.data.unwrap_or_default()
    }

    /// Returns the event's own id field, or `None` if the event has none.
    #[inline]
    pub fn id(&self) -> Option<&'a str> {
        self.has_id.then_some(self.last_event_id)
    }

    /// Returns the last event id at the time of dispatch (`MessageEvent.lastEventId`): the event's
    /// own id or else the previous one. Empty if the stream has set no id.
    pub fn last_event_id(&self) -> &'a str {
        self.last_event_id
    }

    /// Returns the reconnection time in the event, if there is one.
    pub fn retry(&self) -> Option<Duration> {
        self.retry.map(Duration::from_millis)
    }

    /// Returns the event field as written, or `None` if it is absent.
    pub fn event_field(&self) -> Option<&'a str> {
        self.name
    }

    /// Returns the data as written, or `None` if the event has no data line. Clients dispatch no
    /// event without data.
    pub fn data_field(&self) -> Option<&'a str> {
        self.data
    }

    /// Copies the fields into an owned event. A last event id that is not the event's own is not
    /// copied.
    pub fn to_event(self) -> Event {
        let mut event = Event::default();
        event.assign(self);
        event
    }
}

/// What can be sent as an event: an [`Event`], an [`EventRef`], and text, which is the data of an event
/// without other fields. References to all of them, too.
///
/// ```
/// use sse_proto::{AsEvent, Encoder, Event, EventRef};
///
/// /// An event of a program.
/// struct Tick(String);
///
/// impl AsEvent for Tick {
///     fn as_event(&self) -> EventRef<'_> {
///         EventRef::new(&self.0)
///     }
/// }
///
/// let mut stream = Vec::new();
/// Encoder::new(&mut stream).event("one");
/// Encoder::new(&mut stream).event(format!("{}", 2));
/// Encoder::new(&mut stream).event(Event::new("three").with_id("3")?);
/// Encoder::new(&mut stream).event(Tick("four".to_owned()));
/// assert_eq!(stream, b"data: one\n\ndata: 2\n\nid: 3\ndata: three\n\ndata: four\n\n");
/// # Ok::<(), sse_proto::InvalidField>(())
/// ```
pub trait AsEvent {
    /// Borrows the event.
    fn as_event(&self) -> EventRef<'_>;
}

impl AsEvent for str {
    fn as_event(&self) -> EventRef<'_> {
        EventRef::new(self)
    }
}

impl AsEvent for String {
    fn as_event(&self) -> EventRef<'_> {
        EventRef::new(self)
    }
}

impl AsEvent for Cow<'_, str> {
    fn as_event(&self) -> EventRef<'_> {
        EventRef::new(self)
    }
}

impl AsEvent for EventRef<'_> {
    #[inline]
    fn as_event(&self) -> EventRef<'_> {
        *self
    }
}

impl AsEvent for Event {
    #[inline]
    fn as_event(&self) -> EventRef<'_> {
        self.as_ref()
    }
}

impl<E: AsEvent + ?Sized> AsEvent for &E {
    #[inline]
    fn as_event(&self) -> EventRef<'_> {
        (**self).as_event()
    }
}

/// An owned event.
///
/// Like [`EventRef`], it is always valid. A single `String` holds all fields.
/// [`assign`](Self::assign) reuses its memory, so one value can receive a whole stream without
/// allocating. The name and the id follow the data, so [`EventRef::to_event`] copies large data
/// only once.
///
/// ```
/// use sse_proto::Event;
///
/// let event = Event::new("hello").with_name("greeting")?;
/// assert_eq!(event.name(), "greeting");
/// assert_eq!(event.id(), None);
/// # Ok::<(), sse_proto::InvalidField>(())
/// ```
#[derive(Clone, Default)]
pub struct Event {
    /// The data, then the name, then the id. An absent field takes no bytes.
    text: String,
    data_end: usize,
    name_end: usize,
    has_data: bool,
    has_name: bool,
    has_id: bool,
    retry: Option<u64>,
}

impl Event {
    /// Creates an event with this data and no other field. Cannot fail.
    pub fn new(data: impl Into<String>) -> Self {
        Self::default().with_data(data)
    }

    /// Creates an event with this name and data. Cannot fail; see [`event_name!`](crate::event_name).
    pub fn named(name: EventName<'_>, data: impl Into<String>) -> Self {
        let mut event = Self::new(data);
        event.set_name(name.as_str());
        event
    }

    /// Sets the data.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<String>) -> Self {
        let mut text = data.into();
        let (data_end, name_len) = (text.len(), self.name_end - self.data_end);
        text.push_str(self.text.get(self.data_end..).unwrap_or_default());
        (self.text, self.data_end, self.name_end) = (text, data_end, data_end + name_len);
        self.has_data = true;
        self
    }

    /// Sets the event field, the name that listeners subscribe to.
    ///
    /// # Errors
    /// If the name holds CR or LF, which an event stream cannot carry.
    pub fn with_name(mut self, name: impl AsRef<str>) -> Result<Self, InvalidField> {
        self.set_name(field::check_name(name.as_ref())?);
        Ok(self)
    }

    /// Sets the event field to a checked name.
    fn set_name(&mut self, name: &str) {
        self.text.replace_range(self.data_end..self.name_end, name);
        self.name_end = self.data_end + name.len();
        self.has_name = true;
    }

    /// Sets the id field. An empty id resets the client's last event id.
    ///
    /// # Errors
    /// If the id holds CR or LF, which an event stream cannot carry, or NUL, which makes a client
    /// ignore the id.
    pub fn with_id(mut self, id: impl AsRef<str>) -> Result<Self, InvalidField> {
        self.text.replace_range(self.name_end.., field::check_id(id.as_ref())?);
        self.has_id = true;
        Ok(self)
    }

    /// Sets the reconnection time. Fractions of a millisecond are dropped; the maximum is
    /// `u64::MAX` milliseconds.
    #[must_use]
    pub fn with_retry(mut self, retry: Duration) -> Self {
        self.retry = Some(millis(retry));
        self
    }

    /// Replaces all fields by those of `event` and reuses the allocation.
    #[inline]
    pub fn assign(&mut self, event: EventRef<'_>) {
        let [data, name, id] = [event.data, event.name, event.id()].map(Option::unwrap_or_default);
        self.text.clear();
        self.text.reserve(data.len() + name.len() + id.len());
        self.text.push_str(data);
        self.text.push_str(name);
        self.text.push_str(id);
        self.data_end = data.len();
        self.name_end = data.len() + name.len();
        self.has_data = event.data.is_some();
        self.has_name = event.name.is_some();
        self.has_id = event.has_id;
        self.retry = event.retry;
    }

    /// Returns the event type: the event field, or `message` if the field is absent or empty.
    pub fn name(&self) -> &str {
        self.as_ref().name()
    }

    /// Returns the data, or an empty string if the event has none.
    pub fn data(&self) -> &str {
        self.as_ref().data()
    }

    /// Returns the id field, or `None` if the event has none.
    pub fn id(&self) -> Option<&str> {
        self.as_ref().id()
    }

    /// Returns the reconnection time in the event, if there is one.
    pub fn retry(&self) -> Option<Duration> {
        self.retry.map(Duration::from_millis)
    }

    /// Returns the event field as written, or `None` if it is absent.
    pub fn event_field(&self) -> Option<&str> {
        self.as_ref().name
    }

    /// Returns the data as written, or `None` if the event has no data. Clients dispatch no event
    /// without data.
    pub fn data_field(&self) -> Option<&str> {
        self.as_ref().data
    }

    /// Returns the data and drops the other fields. Empty if the event has no data.
    pub fn into_data(mut self) -> String {
        self.text.truncate(self.data_end);
        self.text
    }

    /// Borrows the event, for example to encode it.
    #[inline]
    pub fn as_ref(&self) -> EventRef<'_> {
        let (text, id) = self.text.split_at_checked(self.name_end).unwrap_or_default();
        let (data, name) = text.split_at_checked(self.data_end).unwrap_or_default();
        EventRef {
            name: self.has_name.then_some(name),
            data: self.has_data.then_some(data),
            has_id: self.has_id,
            last_event_id: id,
            retry: self.retry,
        }
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Event {}

impl From<EventRef<'_>> for Event {
    fn from(event: EventRef<'_>) -> Self {
        event.to_event()
    }
}

impl From<&str> for Event {
    fn from(data: &str) -> Self {
        Self::new(data)
    }
}

impl From<String> for Event {
    fn from(data: String) -> Self {
        Self::new(data)
    }
}

fn effective_name(field: Option<&str>) -> &str {
    match field {
        Some(name) if !name.is_empty() => name,
        _ => DEFAULT_NAME,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Prints one line, escaped and truncated, so that an event can neither flood nor forge a log.
impl fmt::Display for EventRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Preview(self.name()).escaped())?;
        if let Some(id) = self.id() {
            write!(f, " #{}", Preview(id).escaped())?;
        }
        match self.data {
            Some(data) => write!(f, ": {:?}", Preview(data)),
            None => f.write_str(" without data"),
        }
    }
}

impl fmt::Debug for EventRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRef")
            .field("event", &self.name.map(Preview))
            .field("data", &self.data.map(Preview))
            .field("id", &self.id().map(Preview))
            .field("retry", &self.retry())
            .field("last_event_id", &Preview(self.last_event_id))
            .finish()
    }
}

/// Prints one line, escaped and truncated, so that an event can neither flood nor forge a log.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("event", &self.event_field().map(Preview))
            .field("data", &self.data_field().map(Preview))
            .field("id", &self.id().map(Preview))
            .field("retry", &self.retry())
            .finish()
    }
}

/// The beginning of a text for people: quoted, escaped, followed by the number of omitted bytes.
pub(crate) struct Preview<'a>(pub(crate) &'a str);

impl<'a> Preview<'a> {
    /// Enough characters to recognise an event, few enough for one line of a log.
    const CHARS: usize = 64;

    /// Returns the beginning and the number of omitted bytes, or `None` for a short text.
    fn cut(&self) -> Option<(&'a str, usize)> {
        let (end, _) = self.0.char_indices().nth(Self::CHARS)?;
        let (shown, rest) = self.0.split_at_checked(end)?;
        Some((shown, rest.len()))
    }

    fn escaped(&self) -> core::str::EscapeDebug<'a> {
        self.cut().map_or(self.0, |(shown, _)| shown).escape_debug()
    }
}

impl fmt::Debug for Preview<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cut() {
            Some((shown, rest)) => write!(f, "{shown:?} and {rest} more bytes"),
            None => write!(f, "{:?}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn absent_and_empty_are_told_apart() {
        let absent = Event::default();
        let empty = Event::new("").with_name("").unwrap().with_id("").unwrap();
        assert_ne!(absent, empty);
        assert_eq!((absent.name(), absent.data(), absent.id()), ("message", "", None));
        assert_eq!((empty.name(), empty.data(), empty.id()), ("message", "", Some("")));
        assert_eq!((absent.event_field(), absent.data_field()), (None, None));
        assert_eq!((empty.event_field(), empty.data_field()), (Some(""), Some("")));
    }

    #[test]
    fn assign_leaves_nothing_of_the_former_event() {
        let mut event = Event::new("data").with_name("name").unwrap().with_id("id").unwrap();
        event.assign(EventRef::default());
        assert_eq!(event, Event::default());
    }

    #[test]
    fn retry_is_whole_milliseconds_and_saturates() {
        let retry = |duration| EventRef::default().with_retry(duration).retry();
        assert_eq!(retry(Duration::from_micros(1500)), Some(Duration::from_millis(1)));
        assert_eq!(retry(Duration::MAX), Some(Duration::from_millis(u64::MAX)));
    }

    #[test]
    fn logs_are_neither_flooded_nor_forged() {
        let event = Event::new("é\n".repeat(1 << 20)).with_name("tick\u{1b}[31m").unwrap();
        for text in [event.to_string(), format!("{event:?}"), format!("{:?}", event.as_ref())] {
            assert!(text.len() < 400, "{text}");
            assert!(!text.contains(['\n', '\u{1b}']), "{text}");
            assert!(text.contains("more bytes"), "{text}");
        }
        assert_eq!(Event::new("hi").with_id("7").unwrap().to_string(), "message #7: \"hi\"");
    }
}
