//! Serves the event stream of another server on: each client has its own connection upstream, as long as it is there.
//!
//! ```sh
//! cargo run -p sse-tokio --example proxy_tokio -- --port 8889 --upstream http://127.0.0.1:8888/price
//! curl -N http://127.0.0.1:8889/
//! ```
//!
//! Events come through as they are, comments too. If the client leaves, so does the connection upstream; if the stream upstream is
//! cut, so is that of the client, which then comes back with its last event id.

use sse_contract::programs::options::{Options, no_port};
use sse_contract::programs::proxy;
use sse_tokio::proto::Item;
use sse_tokio::{BoxError, Incoming, Request, Response, Server, ServerConfig};
use tokio::net::TcpListener;

type Result<T> = std::result::Result<T, BoxError>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut options = Options::from_args();
    let port = options.take("--port")?.unwrap_or(8888);
    let upstream: String = options.take("--upstream")?.ok_or("the URL of a stream is needed: --upstream")?;
    options.finish()?;

    let upstream = Request::get(&upstream)?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| no_port(port, error))?;
    println!("{} at http://{}/", upstream.url(), listener.local_addr()?);
    let mut config = ServerConfig::default();
    config.methods = &["GET", "HEAD"];
    Server::new(move |incoming| answer(incoming, upstream.clone())).with_config(config).serve(listener).await;
    Ok(())
}

async fn answer(incoming: Incoming, upstream: Request) -> Result<()> {
    let mut reader = match sse_tokio::connect(&proxy::request(&upstream, incoming.head())?).await {
        Ok(reader) => reader,
        Err(error) => {
            incoming.respond(&proxy::refusal(&error), format!("{}: {error}\n", upstream.url()));
            return Ok(());
        }
    };
    let events = incoming.open(Response::new(200));
    while let Some(item) = reader.next_item().await {
        match item? {
            Item::Event(event) | Item::NoData(event) => events.send(event).await?,
            Item::Comment(text) => events.comment(text).await?,
            _ => {}
        }
    }
    Ok(())
}
