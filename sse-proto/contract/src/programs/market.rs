//! A made-up market, for the programs `price_tokio`, `price_smol` and `price_blocking`.
//!
//! A price is a function of the time. So a server that was started again goes on where it was, and has for its clients what
//! they missed meanwhile: the ids of the events are times, too.

use std::iter::zip;
use std::time::{Duration, SystemTime};

use sse_proto::http1::{HeaderError, Response};
use sse_proto::hub::Start;
use sse_proto::hub::log::Position;
use sse_proto::{Event, InvalidField, hub};

/// What is quoted, and what it costs in the long run.
const SYMBOLS: [(&str, f64); 2] = [("AAPL", 231.0), ("AMZN", 218.0)];

/// For how many ticks of the past there are quotes, for those who come back.
const HISTORY: u64 = 600;

/// The page that draws the prices.
pub const PAGE: &str = include_str!("price.html");

/// The head of the stream. It is for everybody: pages of all origins may read it (Fetch, "CORS protocol").
///
/// # Errors
/// Never: its headers are valid.
pub fn stream() -> Result<Response, HeaderError> {
    Response::new(200).with_header("Access-Control-Allow-Origin", "*")
}

/// The answer to a browser that asks, before it sends them, which headers a page of another origin may set. `EventSource` does not
/// ask; clients that replace it do, since they set `Last-Event-ID` by themselves.
///
/// # Errors
/// Never: its headers are valid.
pub fn preflight() -> Result<Response, HeaderError> {
    Response::new(204)
        .with_header("Access-Control-Allow-Origin", "*")?
        .with_header("Access-Control-Allow-Methods", "GET, HEAD")?
        .with_header("Access-Control-Allow-Headers", "Last-Event-ID, Cache-Control")?
        .with_header("Access-Control-Max-Age", "86400")
}

/// One price.
#[derive(Debug)]
pub struct Quote {
    /// The name of the stock, which is the topic.
    pub symbol: &'static str,
    /// The price, as an event.
    pub event: Event,
}

impl Quote {
    /// The key that all servers give to this price, and the event without an id of its own: for a log that
    /// they share.
    ///
    /// # Errors
    /// Never: the name is valid.
    pub fn for_log(&self) -> Result<(&str, Event), InvalidField> {
        let event = Event::new(self.event.data()).with_name(self.symbol)?;
        Ok((self.event.id().unwrap_or_default(), event))
    }
}

/// Where a client starts, given its last event id. A page of a shared log that names a time has no id yet.
pub fn start(last_event_id: Option<&str>, is_shared: bool) -> Start<'_> {
    match last_event_id {
        Some(id) if is_shared && Position::parse(id).is_none() => Start::Oldest,
        last_event_id => last_event_id.into(),
    }
}

/// Says which prices to publish when.
#[derive(Debug)]
pub struct Market {
    /// Milliseconds from tick to tick.
    interval: u64,
    /// The next tick, counted from 1970 on.
    next: u64,
}

impl Market {
    /// A market that quotes its symbols at this interval, at least one millisecond for each.
    pub fn new(interval: Duration) -> Self {
        let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(SYMBOLS.len() as u64);
        Self { interval, next: 0 }
    }

    /// Leaves out the quotes of the past: a log that several servers share has them.
    pub fn skip_past(&mut self) {
        self.next = unix_millis() / self.interval;
    }

    /// The configuration of a hub that holds the whole history.
    pub fn hub_config() -> hub::HubConfig {
        let mut config = hub::HubConfig::default();
        config.events = Self::EVENTS;
        config
    }

    /// The events of the whole history.
    pub const EVENTS: usize = HISTORY as usize * SYMBOLS.len();

    /// The quotes since the last call; the first time, those of the past.
    ///
    /// # Errors
    /// Never: the names and ids of the events are valid.
    pub fn due(&mut self) -> Result<Vec<Quote>, InvalidField> {
        let now = unix_millis() / self.interval;
        let first = self.next.max((now + 1).saturating_sub(HISTORY));
        self.next = self.next.max(now + 1);
        (first..=now).flat_map(|tick| quotes(tick * self.interval)).collect()
    }

    /// How long to wait for the next quotes.
    pub fn wait(&self) -> Duration {
        let left = (self.next * self.interval).saturating_sub(unix_millis());
        // Not longer, if the clock was set back.
        Duration::from_millis(left.min(self.interval))
    }
}

/// One quote for each symbol. The id is the time, made unique.
fn quotes(time: u64) -> impl Iterator<Item = Result<Quote, InvalidField>> {
    zip(time.., SYMBOLS).map(move |(id, (symbol, mean))| {
        let price = mean * (1.0 + wave(mean.to_bits(), time as f64 / 1000.0));
        let event = Event::new(format!("{price:.6}")).with_name(symbol)?.with_id(id.to_string())?;
        Ok(Quote { symbol, event })
    })
}

/// Something like a walk at random, at this second: waves through random values, the longer the higher.
fn wave(seed: u64, second: f64) -> f64 {
    const PERIODS: [f64; 8] = [2.0, 6.0, 18.0, 54.0, 162.0, 486.0, 1458.0, 4374.0];
    let heights = PERIODS.map(|period| {
        let place = second / period;
        let value = |index: f64| random(seed ^ period.to_bits() ^ index.to_bits());
        let (from, to, part) = (value(place.floor()), value(place.floor() + 1.0), place.fract());
        // Level at both ends.
        (from + (to - from) * part * part * (3.0 - 2.0 * part)) * period.sqrt()
    });
    heights.iter().sum::<f64>() / 3000.0
}

/// A number from -1 to 1 for each seed (SplitMix64).
fn random(seed: u64) -> f64 {
    let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ (bits >> 31)) as f64 / (u64::MAX / 2) as f64 - 1.0
}

fn unix_millis() -> u64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // Lasts for half a billion years.
    since_epoch.as_millis() as u64
}
