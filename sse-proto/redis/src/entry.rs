//! Entries of a stream.

use redis::Value;
use sse_proto::hub::log::{Entry, LoggedEvent, Position};

/// An entry as Redis returns it: its id, and its fields with their values.
pub(crate) type Raw = (String, Vec<Vec<u8>>);

/// Reads entries in order, which follow one of this epoch.
pub(crate) fn entries(raw: Vec<Raw>, mut epoch: u64) -> Vec<Entry> {
    let entries = raw.into_iter().filter_map(|raw| {
        let entry = entry(raw, epoch)?;
        epoch = entry.position.epoch;
        Some(entry)
    });
    entries.collect()
}

/// Reads the position of the last of these entries, which are in reverse order.
pub(crate) fn tip(raw: Vec<Raw>) -> Option<Position> {
    entries(raw.into_iter().rev().collect(), 0).last().map(|entry| entry.position)
}

/// Reads one entry. What a hub has not written has a position in this epoch, but no event.
fn entry((id, fields): Raw, epoch: u64) -> Option<Entry> {
    let field = |name: &[u8]| {
        let mut pairs = fields.chunks_exact(2);
        pairs.find(|pair| pair[0] == name).map(|pair| pair[1].as_slice())
    };
    let text = |name| field(name).and_then(|value| std::str::from_utf8(value).ok());
    let Some(epoch) = text(b"e") else {
        let position = Position { epoch, ..position("0", &id)? };
        return Some(Entry { position, previous: None, event: None });
    };
    let position = position(epoch, &id)?;
    let previous = text(b"p").filter(|id| !id.is_empty()).and_then(|id| self::position(epoch, id));
    let event = text(b"t").zip(field(b"d"));
    let event = event.map(|(topic, data)| LoggedEvent { topic: topic.to_owned(), data: data.to_vec() });
    Some(Entry { position, previous, event })
}

pub(crate) fn position(epoch: &str, id: &str) -> Option<Position> {
    Position::parse(&format!("{epoch}.{id}"))
}

/// Reads the answer of `XREAD`, which is nil after a wait.
pub(crate) fn from_xread(answer: Value) -> Result<Vec<Raw>, redis::ParsingError> {
    let streams: Option<Vec<(String, Vec<Raw>)>> = redis::from_redis_value(answer)?;
    Ok(streams.into_iter().flatten().flat_map(|(_, entries)| entries).collect())
}
