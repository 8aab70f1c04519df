//! Serves the event stream of another server on: each client has its own connection upstream, as long as it is there.
//!
//! ```sh
//! cargo run -p sse-blocking --example proxy_blocking -- --port 8889 --upstream http://127.0.0.1:8888/price
//! curl -N http://127.0.0.1:8889/
//! ```
//!
//! Events come through as they are, comments too. If the client leaves, so does the connection upstream; if the stream upstream is
//! cut, so is that of the client, which then comes back with its last event id.

use std::net::TcpListener;
use std::thread;

use sse_blocking::{BoxError, EventSource, Incoming, Request, Response, Server, ServerConfig, Signal};
use sse_contract::programs::options::{Options, no_port};
use sse_contract::programs::proxy;

type Result<T> = std::result::Result<T, BoxError>;

fn main() -> Result<()> {
    let mut options = Options::from_args();
    let port = options.take("--port")?.unwrap_or(8888);
    let upstream: String = options.take("--upstream")?.ok_or("the URL of a stream is needed: --upstream")?;
    options.finish()?;

    let upstream = Request::get(&upstream)?;
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(|error| no_port(port, error))?;
    println!("{} at http://{}/", upstream.url(), listener.local_addr()?);
    let mut config = ServerConfig::default();
    config.methods = &["GET", "HEAD"];
    Server::new(move |incoming| answer(incoming, &upstream)).with_config(config).serve(listener);
    Ok(())
}

fn answer(incoming: Incoming, upstream: &Request) -> Result<()> {
    let request = proxy::request(upstream, incoming.head())?;
    let mut source = EventSource::new(request).with_config(proxy::config());
    let events = loop {
        match source.next_signal() {
            Some(Signal::Opened(_)) => break incoming.open(Response::new(200)),
            Some(Signal::Closed(reason)) => {
                incoming.respond(&proxy::refusal(&reason), format!("{}: {reason}\n", upstream.url()));
                return Ok(());
            }
            _ => {}
        }
    };
    let (closer, client) = (source.close_handle(), events.clone());
    // Without it, that the client left would be noticed with the next event only.
    thread::spawn(move || {
        client.closed();
        closer.close();
    });
    while let Some(signal) = source.next_signal() {
        match signal {
            Signal::Event(event) | Signal::NoData(event) => events.send(&event)?,
            Signal::Comment(text) => events.comment(&text)?,
            Signal::Skipped(limit) => return Err(limit.into()),
            Signal::Closed(reason) if !reason.is_normal() => return Err(reason.into()),
            _ => {}
        }
    }
    events.finish();
    Ok(())
}
