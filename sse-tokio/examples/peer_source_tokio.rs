//! The client that reads third-party servers in `sse-proto/contract/peers`.
//!
//! Arguments: a URL, and for a service of language models the JSON body to POST and the data or the
//! name of the last event, as `data=[DONE]` or `name=message_stop`. Prints each event, each lost
//! connection and the reason of the close as a line of JSON.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::json;
use sse_tokio::proto::source::Verdict;
use sse_tokio::{BoxError, EndMarker, EventSource, Request, Signal, SourceConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut config = SourceConfig::default();
    config.backoff.base = Duration::from_millis(100);
    let request = match &args[..] {
        [url] => Request::get(url)?,
        [url, body, end] => {
            config.end = match end.split_once('=') {
                Some(("data", data)) => EndMarker::Data(data.into()),
                Some(("name", name)) => EndMarker::Name(name.into()),
                _ => return Err(format!("unknown end {end}").into()),
            };
            config.set_check_event(|event| match event.name() {
                "error" => Verdict::Fail,
                _ => Verdict::Deliver,
            });
            Request::new("POST", url)?
                .with_header("Content-Type", "application/json")?
                .with_body(body.as_bytes().to_vec())
        }
        _ => return Err("usage: peer_source URL [BODY END]".into()),
    };
    let mut source = EventSource::new(request).with_config(config);
    while let Some(signal) = source.next_signal().await {
        let line = match signal {
            Signal::Event(event) => json!([event.name(), event.data(), source.last_event_id()]),
            Signal::Reconnecting { cause, .. } => json!({ "lost": cause.to_string() }),
            Signal::Closed(reason) => json!({ "closed": reason.to_string() }),
            _ => continue,
        };
        writeln!(io::stdout(), "{line}")?;
    }
    Ok(())
}
