//! One event, borrowed ([`EventRef`]) and owned ([`Event`]).

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use crate::field::{self, InvalidField};

/// The event type of an event that names none (HTML, "Dispatch the event", step 5).
pub const DEFAULT_NAME: &str = "message";

/// A borrowed event: what a [`Decoder`](crate::Decoder) lends and an [`Encoder`](crate::Encoder) takes.
///
/// A value is always valid: the name holds no line break, the id neither a line break nor NUL, so
/// encoding one cannot fail. Data is any text; its line breaks (CR, LF, CRLF) arrive as LF.
///
/// An absent field and an empty one are different things, and both are kept:
/// [`event_field`](Self::event_field) and [`data_field`](Self::data_field) tell them apart, while
/// [`name`](Self::name) and [`data`](Self::data) answer what a browser would.
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
    /// Whether this event has an id field; its value is then `last_event_id`.
    pub(crate) has_id: bool,
    pub(crate) last_event_id: &'a str,
    pub(crate) retry: Option<u64>,
}

impl<'a> EventRef<'a> {
    /// An event with this data and nothing else. Cannot fail.
    ///
    /// `EventRef::default()` is the event without even data: with an id or a retry it still acts on
    /// the client, but dispatches nothing.
    pub const fn new(data: &'a str) -> Self {
        Self { name: None, data: Some(data), has_id: false, last_event_id: "", retry: None }
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
    /// If the name holds CR or LF: no event stream can carry it.
    pub fn with_name(mut self, name: &'a str) -> Result<Self, InvalidField> {
        self.name = Some(field::check_name(name)?);
        Ok(self)
    }

    /// Sets the id field. An empty id resets the client's last event id.
    ///
    /// # Errors
    /// If the id holds CR or LF, which no event stream can carry, or NUL, with which a client ignores it.
    pub fn with_id(mut self, id: &'a str) -> Result<Self, InvalidField> {
        self.last_event_id = field::check_id(id)?;
        self.has_id = true;
        Ok(self)
    }

    /// Sets the reconnection time; whole milliseconds are kept, at most `u64::MAX` of them.
    #[must_use]
    pub fn with_retry(mut self, retry: Duration) -> Self {
        self.retry = Some(millis(retry));
        self
    }

    /// The event type: the event field, or `message` where that is absent or empty.
    pub fn name(&self) -> &'a str {
        effective_name(self.name)
    }

    /// The data, empty where absent.
    pub fn data(&self) -> &'a str {
        self.data.unwrap_or_default()
    }

    /// The id field of this very event; `None` where it has none.
    #[inline]
    pub fn id(&self) -> Option<&'a str> {
        self.has_id.then_some(self.last_event_id)
    }

    /// The last event id when this event was dispatched: its own id, or the one in force before it
    /// (`MessageEvent.lastEventId`); empty where there is none.
    pub fn last_event_id(&self) -> &'a str {
        self.last_event_id
    }

    /// The reconnection time that this event carried, if any.
    pub fn retry(&self) -> Option<Duration> {
        self.retry.map(Duration::from_millis)
    }

    /// The event field as written; `None` where absent.
    pub fn event_field(&self) -> Option<&'a str> {
        self.name
    }

    /// The data as written; `None` where there is no data line, so that nothing is dispatched.
    pub fn data_field(&self) -> Option<&'a str> {
        self.data
    }

    /// Copies into an owned event: its fields. The last event id, if it is not this event's own, is not among them.
    pub fn to_event(self) -> Event {
        let mut event = Event::default();
        event.assign(self);
        event
    }
}

impl<'a> From<&'a str> for EventRef<'a> {
    fn from(data: &'a str) -> Self {
        Self::new(data)
    }
}

impl<'a> From<&'a String> for EventRef<'a> {
    fn from(data: &'a String) -> Self {
        Self::new(data)
    }
}

impl<'a> From<&'a Event> for EventRef<'a> {
    #[inline]
    fn from(event: &'a Event) -> Self {
        event.as_ref()
    }
}

/// An owned event.
///
/// Like [`EventRef`], it is always valid. All of it is one piece of memory, which is kept when it is written anew with
/// [`assign`](Self::assign), so that one value can receive a whole stream without allocating. The name and the id lie behind the
/// data: [`EventRef::to_event`] builds one without moving large data once more.
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
    /// The data, the name, the id. What is absent is empty.
    text: String,
    data_end: usize,
    name_end: usize,
    has_data: bool,
    has_name: bool,
    has_id: bool,
    retry: Option<u64>,
}

impl Event {
    /// An event with this data and nothing else. Cannot fail.
    pub fn new(data: impl Into<String>) -> Self {
        Self::default().with_data(data)
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
    /// If the name holds CR or LF: no event stream can carry it.
    pub fn with_name(mut self, name: impl AsRef<str>) -> Result<Self, InvalidField> {
        let name = field::check_name(name.as_ref())?;
        self.text.replace_range(self.data_end..self.name_end, name);
        self.name_end = self.data_end + name.len();
        self.has_name = true;
        Ok(self)
    }

    /// Sets the id field. An empty id resets the client's last event id.
    ///
    /// # Errors
    /// If the id holds CR or LF, which no event stream can carry, or NUL, with which a client ignores it.
    pub fn with_id(mut self, id: impl AsRef<str>) -> Result<Self, InvalidField> {
        self.text.replace_range(self.name_end.., field::check_id(id.as_ref())?);
        self.has_id = true;
        Ok(self)
    }

    /// Sets the reconnection time; whole milliseconds are kept, at most `u64::MAX` of them.
    #[must_use]
    pub fn with_retry(mut self, retry: Duration) -> Self {
        self.retry = Some(millis(retry));
        self
    }

    /// Becomes a copy of `event`, in the memory it already has.
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

    /// The event type: the event field, or `message` where that is absent or empty.
    pub fn name(&self) -> &str {
        self.as_ref().name()
    }

    /// The data, empty where absent.
    pub fn data(&self) -> &str {
        self.as_ref().data()
    }

    /// The id field of this very event; `None` where it has none.
    pub fn id(&self) -> Option<&str> {
        self.as_ref().id()
    }

    /// The reconnection time that this event carries, if any.
    pub fn retry(&self) -> Option<Duration> {
        self.retry.map(Duration::from_millis)
    }

    /// The event field as written; `None` where absent.
    pub fn event_field(&self) -> Option<&str> {
        self.as_ref().name
    }

    /// The data as written; `None` where there is none, so that nothing is dispatched.
    pub fn data_field(&self) -> Option<&str> {
        self.as_ref().data
    }

    /// Takes the data out, empty where absent.
    pub fn into_data(mut self) -> String {
        self.text.truncate(self.data_end);
        self.text
    }

    /// Lends the event, for encoding it.
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

/// One line, escaped and shortened: an event in a log must neither flood nor forge it.
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

/// One line, escaped and shortened: an event in a log must neither flood nor forge it.
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

/// The beginning of a text, for people: quoted and escaped, with the length of what is left out.
pub(crate) struct Preview<'a>(pub(crate) &'a str);

impl<'a> Preview<'a> {
    /// Enough to recognise an event by, short enough for a line of a log.
    const CHARS: usize = 64;

    /// Where the text is cut; `None` where it is short enough.
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
