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

use sse_blocking::proto::Item;
use sse_blocking::{BoxError, Incoming, Request, Response, Server, ServerConfig};
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
    let mut reader = match sse_blocking::connect(&proxy::request(upstream, incoming.head())?) {
        Ok(reader) => reader,
        Err(error) => {
            incoming.respond(&proxy::refusal(&error), format!("{}: {error}\n", upstream.url()));
            return Ok(());
        }
    };
    let events = incoming.open(Response::new(200));
    let (closer, client) = (reader.close_handle()?, events.clone());
    // Without it, that the client left would be noticed with the next event only.
    thread::spawn(move || {
        client.closed();
        closer.close();
    });
    while let Some(item) = reader.next_item() {
        match item? {
            Item::Event(event) | Item::NoData(event) => events.send(event)?,
            Item::Comment(text) => events.comment(text)?,
            _ => {}
        }
    }
    events.finish();
    Ok(())
}
