//! Sends stock prices to all clients every second, and serves a page that charts them.
//!
//! ```sh
//! cargo run -p sse-smol --example price_smol         # and open http://127.0.0.1:8888/, or
//! curl -N http://127.0.0.1:8888/price
//! ```
//!
//! Stop the program while the page is open, and start it again: the page resumes where it was.
//! With `--features sse-contract/redis` and `--redis redis://127.0.0.1/`, several of them send the same prices, each once.

use std::time::Duration;

use smol::Timer;
use smol::net::TcpListener;
use sse_contract::programs::log::AnyLog;
use sse_contract::programs::market::{self, Market, PAGE};
use sse_contract::programs::options::{Options, no_port};
use sse_smol::proto::hub::log::LogConfig;
use sse_smol::{BoxError, Hub, Incoming, LogHub, Response, Server, ServerConfig, Subscription};

type Result<T> = std::result::Result<T, BoxError>;

fn main() -> Result<()> {
    smol::block_on(run())
}

async fn run() -> Result<()> {
    let mut options = Options::from_args();
    let port = options.take("--port")?.unwrap_or(8888);
    let interval = options.take("--interval")?.unwrap_or(1000);
    let redis: Option<String> = options.take("--redis")?;
    options.finish()?;

    let mut market = Market::new(Duration::from_millis(interval));
    let prices = Prices::open(redis.as_deref())?;
    if prices.is_shared() {
        market.skip_past();
    }
    publish(&mut market, &prices).await?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| no_port(port, error))?;
    println!("prices at http://{0}/, and for curl -N at http://{0}/price", listener.local_addr()?);
    smol::spawn(keep_publishing(market, prices.clone())).detach();
    let mut config = ServerConfig::default();
    config.methods = &["GET", "HEAD", "OPTIONS"];
    Server::new(move |incoming| answer(incoming, prices.clone())).with_config(config).serve(listener).await;
    Ok(())
}

async fn answer(incoming: Incoming, prices: Prices) -> Result<()> {
    match incoming.path() {
        _ if incoming.method() == "OPTIONS" => incoming.respond(&market::preflight()?, ""),
        "/" => {
            let html = Response::new(200).with_header("Content-Type", "text/html; charset=utf-8")?;
            incoming.respond(&html, PAGE);
        }
        "/price" => {
            let last = incoming.last_event_id();
            let start = market::start(last.as_deref(), prices.is_shared());
            let (mut subscriber, _) = prices.hub().subscribe_from(&Subscription::to_all(), start);
            incoming.open(market::stream()?).forward(&mut subscriber).await?;
        }
        _ => incoming.respond(&Response::new(404), "there is only / and /price here\n"),
    }
    Ok(())
}

async fn keep_publishing(mut market: Market, prices: Prices) -> Result<()> {
    loop {
        Timer::after(market.wait()).await;
        publish(&mut market, &prices).await?;
    }
}

async fn publish(market: &mut Market, prices: &Prices) -> Result<()> {
    for quote in market.due()? {
        match prices {
            Prices::Own(hub) => drop(hub.publish(quote.symbol, &quote.event)?),
            Prices::Shared(hub) => {
                let (key, event) = quote.for_log()?;
                // Another server may publish it as well, and this one must go on if Redis is gone for a while.
                if let Err(error) = hub.publish_once(key, quote.symbol, &event).await {
                    eprintln!("not published: {error}");
                }
            }
        }
    }
    Ok(())
}

/// Where the prices go.
#[derive(Clone)]
enum Prices {
    /// To the clients of this server.
    Own(Hub),
    /// To those of all servers that share the log.
    Shared(LogHub<AnyLog>),
}

impl Prices {
    fn open(redis: Option<&str>) -> Result<Self> {
        if redis.is_none() {
            return Ok(Self::Own(Hub::new(Market::hub_config())));
        }
        let log = AnyLog::open(redis, "prices", Market::EVENTS)?;
        let (hub, node) = LogHub::new(log, Market::hub_config(), LogConfig::default());
        smol::spawn(node).detach();
        Ok(Self::Shared(hub))
    }

    fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    fn hub(&self) -> &Hub {
        match self {
            Self::Own(hub) => hub,
            Self::Shared(hub) => hub,
        }
    }
}
