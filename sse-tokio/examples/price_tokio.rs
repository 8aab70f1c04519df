//! Sends stock prices to all clients every second, and serves a page that charts them.
//!
//! ```sh
//! cargo run -p sse-tokio --example price_tokio       # and open http://127.0.0.1:8888/, or
//! curl -N http://127.0.0.1:8888/price
//! ```
//!
//! Stop the program while the page is open, and start it again: the page resumes where it was.

use std::time::Duration;

use sse_contract::programs::market::{self, Market, PAGE};
use sse_contract::programs::options::{Options, no_port};
use sse_tokio::{BoxError, Hub, Incoming, Response, Server, ServerConfig, Subscription};
use tokio::net::TcpListener;

type Result<T> = std::result::Result<T, BoxError>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut options = Options::from_args();
    let port = options.take("--port")?.unwrap_or(8888);
    let interval = options.take("--interval")?.unwrap_or(1000);
    options.finish()?;

    let mut market = Market::new(Duration::from_millis(interval));
    let hub = Hub::new(Market::hub_config());
    publish(&mut market, &hub)?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| no_port(port, error))?;
    println!("prices at http://{0}/, and for curl -N at http://{0}/price", listener.local_addr()?);
    tokio::spawn(keep_publishing(market, hub.clone()));
    let mut config = ServerConfig::default();
    config.methods = &["GET", "HEAD", "OPTIONS"];
    Server::new(move |incoming| answer(incoming, hub.clone())).with_config(config).serve(listener).await;
    Ok(())
}

async fn answer(incoming: Incoming, hub: Hub) -> Result<()> {
    match incoming.path() {
        _ if incoming.method() == "OPTIONS" => incoming.respond(&market::preflight()?, ""),
        "/" => {
            let html = Response::new(200).with_header("Content-Type", "text/html; charset=utf-8")?;
            incoming.respond(&html, PAGE);
        }
        "/price" => incoming.forward(&hub, &Subscription::to_all(), market::stream()?).await?,
        _ => incoming.respond(&Response::new(404), "there is only / and /price here\n"),
    }
    Ok(())
}

async fn keep_publishing(mut market: Market, hub: Hub) -> Result<()> {
    loop {
        tokio::time::sleep(market.wait()).await;
        publish(&mut market, &hub)?;
    }
}

fn publish(market: &mut Market, hub: &Hub) -> Result<()> {
    for quote in market.due()? {
        hub.publish(quote.symbol, &quote.event)?;
    }
    Ok(())
}
