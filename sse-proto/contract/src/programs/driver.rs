//! The driver protocol of `vectors/run_client_cases.py`, for the programs `client_driver_tokio`, `client_driver_smol` and
//! `client_driver_blocking`.
//!
//! A driver is called with a URL and options in JSON. It prints each signal as one JSON object a line, and lives until its
//! standard input is closed.

use std::error::Error;
use std::io::{Read, Write};
use std::time::Duration;

use serde_json::{Value, json};
use sse_proto::http::Request;
use sse_proto::source::{CloseReason, Signal, SourceConfig};

/// The command line of a driver.
#[derive(Debug)]
pub struct Options {
    /// The request to send.
    pub request: Request,
    /// The configuration of the source.
    pub config: SourceConfig,
    /// When to close: at the n-th signal of a kind, or after some milliseconds.
    close_on: Value,
    /// Signals so far: open, event, reconnecting.
    counts: [(&'static str, u64); 3],
}

impl Options {
    /// Reads the command line.
    ///
    /// # Errors
    /// If the URL or the options are missing or invalid.
    pub fn from_args() -> Result<Self, Box<dyn Error>> {
        let mut args = std::env::args().skip(1);
        let (Some(url), Some(options)) = (args.next(), args.next()) else {
            return Err("usage: client_driver URL OPTIONS".into());
        };
        let options: Value = serde_json::from_str(&options)?;
        let mut request = Request::get(&url)?;
        for (name, value) in options["headers"].as_object().into_iter().flatten() {
            request = request.with_header(name, value.as_str().ok_or("a header is a string")?)?;
        }
        request = request.with_last_event_id(options["last_event_id"].as_str().unwrap_or_default())?;
        let mut config = SourceConfig::default();
        if let Some(millis) = options["reconnect_ms"].as_u64() {
            config.backoff.base = Duration::from_millis(millis);
        }
        let counts = ["open", "event", "reconnecting"].map(|kind| (kind, 0));
        Ok(Self { request, config, close_on: options["close_on"].clone(), counts })
    }

    /// The time after which to close the source.
    pub fn close_after(&self) -> Option<Duration> {
        self.close_on["start_ms"].as_u64().map(Duration::from_millis)
    }

    /// Prints a signal. Returns whether the driver must close the source now.
    ///
    /// # Errors
    /// If standard output is closed.
    pub fn print(&mut self, signal: &Signal, last_event_id: &str) -> Result<bool, Box<dyn Error>> {
        let line = match signal {
            Signal::Opened(_) => json!({"t": "open"}),
            Signal::Event(event) => {
                json!({"t": "event", "event": event.name(), "data": event.data(), "id": last_event_id})
            }
            Signal::Reconnecting { .. } => json!({"t": "reconnecting"}),
            Signal::Closed(CloseReason::ByCaller) => return Ok(false),
            Signal::Closed(_) => json!({"t": "failed"}),
            _ => return Ok(false),
        };
        if !matches!(signal, Signal::Event(_)) {
            // Why, for whoever looks into a failure.
            eprintln!("{signal:?}");
        }
        writeln!(std::io::stdout(), "{line}")?;
        let Some((kind, count)) = self.counts.iter_mut().find(|(kind, _)| line["t"] == *kind) else {
            return Ok(false);
        };
        *count += 1;
        Ok(self.close_on[*kind] == *count)
    }
}

/// Returns when standard input is closed.
///
/// # Errors
/// If standard input cannot be read.
pub fn wait_for_stdin() -> Result<(), Box<dyn Error>> {
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
