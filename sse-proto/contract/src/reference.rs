//! The oracle: a slow, obvious decoder that follows the standard line by line over a whole stream, and a driver that
//! brings the real decoder's answers into the same form.

use sse_proto::{Decoder, End, EventRef, Item, Limit, LimitExceeded, Limits};

/// A block as it was dispatched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The `event` field.
    pub event: Option<String>,
    /// The `data` fields, with LF between them.
    pub data: Option<String>,
    /// The `id` field, unless it was ignored.
    pub id: Option<String>,
    /// The last event id from here on.
    pub last_event_id: String,
    /// The `retry` field, in milliseconds.
    pub retry: Option<u64>,
}

/// One thing that a decoder shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A block with data.
    Event(Block),
    /// A block without data, but with another field.
    NoData(Block),
    /// The text of a comment.
    Comment(String),
    /// A limit that was exceeded, and its value.
    Exceeded(Limit, usize),
}

/// All that a stream gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Everything shown, in order.
    pub seen: Vec<Seen>,
    /// The last event id at the end.
    pub last_event_id: String,
    /// The last `retry`, in milliseconds.
    pub retry: Option<u64>,
    /// Whether the stream ended between two blocks.
    pub clean: bool,
}

impl Outcome {
    /// The events alone.
    pub fn events(&self) -> Vec<&Block> {
        self.seen
            .iter()
            .filter_map(|seen| if let Seen::Event(block) = seen { Some(block) } else { None })
            .collect()
    }

    /// The comments alone.
    pub fn comments(&self) -> Vec<&str> {
        self.seen
            .iter()
            .filter_map(|seen| if let Seen::Comment(text) = seen { Some(&**text) } else { None })
            .collect()
    }

    /// The part that a decoder shows when only events are asked of it.
    pub fn without_extras(mut self) -> Self {
        self.seen.retain(|seen| {
            !matches!(seen, Seen::Comment(_) | Seen::NoData(_) | Seen::Exceeded(Limit::Comment, _))
        });
        self
    }
}

/// Decodes a whole stream as the standard says, "Parsing" and "Interpreting an event stream".
pub fn decode(stream: &[u8], limits: Limits, seed: &str) -> Outcome {
    // "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any."
    let body = stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream);
    let (lines, rest) = lines(body);

    let mut state = State { limits, last_event_id: seed.to_owned(), ..State::default() };
    for line in lines {
        if line.is_empty() {
            state.dispatch();
        } else if let Err(limit) = state.field(line) {
            state.exceeded(limit);
        }
    }
    // "Once the end of the file is reached, any pending data must be discarded": but it may be too long by then.
    let bom_cut_off = stream.len() < 3 && !stream.is_empty() && b"\xEF\xBB\xBF".starts_with(stream);
    let clean = rest.is_empty() && !bom_cut_off && !state.pending();
    if rest.contains(&b':') {
        if let Err(limit) = state.clone().field(rest) {
            state.exceeded(limit);
        }
    }
    Outcome { seen: state.seen, last_event_id: state.last_event_id, retry: state.retry, clean }
}

/// "Lines must be separated by either a CRLF pair, a single LF, or a single CR." What is left has no end yet.
fn lines(mut body: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let mut lines = Vec::new();
    while let Some(end) = body.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        lines.push(&body[..end]);
        let crlf = body[end..].starts_with(b"\r\n");
        body = &body[end + if crlf { 2 } else { 1 }..];
    }
    (lines, body)
}

#[derive(Clone, Default)]
struct State {
    limits: Limits,
    seen: Vec<Seen>,
    data: Option<Vec<u8>>,
    event: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    block_retry: Option<u64>,
    lost: bool,
    last_event_id: String,
    retry: Option<u64>,
}

impl State {
    fn field(&mut self, line: &[u8]) -> Result<(), Limit> {
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(0) => {
                let text = &line[1..];
                within(text.len(), self.limits.comment_bytes, Limit::Comment)?;
                self.seen.push(Seen::Comment(lossy(text)));
                return Ok(());
            }
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match name {
            b"data" if !self.lost => {
                let data = match &self.data {
                    Some(data) => [&data[..], b"\n", value].concat(),
                    None => value.to_vec(),
                };
                within(data.len(), self.limits.event_bytes, Limit::Event)?;
                self.data = Some(data);
            }
            b"event" if !self.lost => {
                within(value.len(), self.limits.name_bytes, Limit::Name)?;
                self.event = Some(value.to_vec());
            }
            b"id" => {
                within(value.len(), self.limits.id_bytes, Limit::Id)?;
                if !value.contains(&0) {
                    self.id = Some(value.to_vec());
                }
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let digits = std::str::from_utf8(value).unwrap();
                self.retry = Some(digits.parse().unwrap_or(u64::MAX));
                self.block_retry = self.retry;
            }
            _ => {}
        }
        Ok(())
    }

    fn exceeded(&mut self, limit: Limit) {
        let max = match limit {
            Limit::Event => self.limits.event_bytes,
            Limit::Name => self.limits.name_bytes,
            Limit::Id => self.limits.id_bytes,
            Limit::Comment => self.limits.comment_bytes,
            _ => unreachable!(),
        };
        if limit == Limit::Comment || !self.lost {
            self.seen.push(Seen::Exceeded(limit, max));
        }
        if limit != Limit::Comment {
            self.lost = true;
            self.data = None;
            self.event = None;
        }
    }

    fn dispatch(&mut self) {
        if let Some(id) = &self.id {
            self.last_event_id = lossy(id);
        }
        let block = Block {
            event: self.event.take().map(|name| lossy(&name)),
            data: self.data.take().map(|data| lossy(&data)),
            id: self.id.take().map(|id| lossy(&id)),
            last_event_id: self.last_event_id.clone(),
            retry: self.block_retry.take(),
        };
        if std::mem::take(&mut self.lost) {
            return;
        }
        if block.data.is_some() {
            self.seen.push(Seen::Event(block));
        } else if block.event.is_some() || block.id.is_some() || block.retry.is_some() {
            self.seen.push(Seen::NoData(block));
        }
    }

    fn pending(&self) -> bool {
        self.lost || self.data.is_some() || self.event.is_some() || self.id.is_some()
    }
}

fn within(len: usize, max: usize, limit: Limit) -> Result<(), Limit> {
    if len > max { Err(limit) } else { Ok(()) }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Feeds the real decoder with `chunks` and shows all it has to show.
pub fn drive<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, limits: Limits, seed: &str) -> Outcome {
    let mut decoder = Decoder::new().with_limits(limits);
    decoder.set_last_event_id(seed).unwrap();
    let mut seen = Vec::new();
    for chunk in chunks {
        let mut input = chunk;
        loop {
            match decoder.decode_item(&mut input) {
                Ok(Some(Item::Event(event))) => seen.push(Seen::Event(block(event))),
                Ok(Some(Item::NoData(event))) => seen.push(Seen::NoData(block(event))),
                Ok(Some(Item::Comment(text))) => seen.push(Seen::Comment(text.to_owned())),
                Ok(Some(_)) => unreachable!("an item this driver does not know"),
                Ok(None) => break,
                Err(error) => seen.push(exceeded(error)),
            }
        }
        assert!(input.is_empty(), "None means that all is consumed");
    }
    finish(decoder, seen)
}

/// The same for events alone.
pub fn drive_events<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, limits: Limits, seed: &str) -> Outcome {
    let mut decoder = Decoder::new().with_limits(limits);
    decoder.set_last_event_id(seed).unwrap();
    let mut seen = Vec::new();
    for chunk in chunks {
        let mut input = chunk;
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(event)) => seen.push(Seen::Event(block(event))),
                Ok(None) => break,
                Err(error) => seen.push(exceeded(error)),
            }
        }
        assert!(input.is_empty(), "None means that all is consumed");
    }
    finish(decoder, seen)
}

fn finish(mut decoder: Decoder, seen: Vec<Seen>) -> Outcome {
    let clean = decoder.finish() == End::Clean;
    let retry = decoder.retry().map(|retry| u64::try_from(retry.as_millis()).unwrap());
    Outcome { seen, last_event_id: decoder.last_event_id().to_owned(), retry, clean }
}

fn exceeded(error: LimitExceeded) -> Seen {
    Seen::Exceeded(error.limit(), error.max())
}

/// An event of the real decoder in the form of the oracle.
pub fn block(event: EventRef<'_>) -> Block {
    Block {
        event: event.event_field().map(str::to_owned),
        data: event.data_field().map(str::to_owned),
        id: event.id().map(str::to_owned),
        last_event_id: event.last_event_id().to_owned(),
        retry: event.retry().map(|retry| u64::try_from(retry.as_millis()).unwrap()),
    }
}

/// Cuts `stream` at these offsets; equal ones make an empty chunk.
pub fn cut<'a>(stream: &'a [u8], offsets: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    let mut start = 0;
    for end in offsets.iter().copied().chain([stream.len()]) {
        let end = end.clamp(start, stream.len());
        chunks.push(&stream[start..end]);
        start = end;
    }
    chunks
}
