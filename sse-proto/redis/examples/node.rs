//! One of several servers of the same events: start it as often as you like, on any ports, behind any load balancer.
//!
//! ```sh
//! cargo run -p sse-redis --example node -- --redis redis://127.0.0.1/ --port 8881
//! cargo run -p sse-redis --example node -- --redis redis://127.0.0.1/ --port 8882
//! curl -N http://127.0.0.1:8882/events
//! curl -X POST 'http://127.0.0.1:8881/publish?topic=news&message=hello&key=1'
//! ```
//!
//! `/health` is 200 while the node follows the log, `/metrics` is for Prometheus.

use std::time::Duration;

use sse_contract::programs::options::{Options, no_port};
use sse_redis::{RedisConfig, RedisLog};
use sse_tokio::proto::hub::log::{AppendError, LogConfig};
use sse_tokio::proto::metrics::Prometheus;
use sse_tokio::{BoxError, Event, HubConfig, Incoming, LogHub, Response, Server, ServerConfig, Subscription};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut options = Options::from_args();
    let port = options.take("--port")?.unwrap_or(8888);
    let redis: String = options.take("--redis")?.unwrap_or_else(|| "redis://127.0.0.1/".to_owned());
    let (mut hub_config, mut log_config) = (HubConfig::default(), LogConfig::default());
    hub_config.events = options.take("--held")?.unwrap_or(hub_config.events);
    let block = options.take("--block")?.map(Duration::from_millis);
    log_config.block = block.unwrap_or(log_config.block);
    log_config.timeout = block.unwrap_or(log_config.timeout);
    log_config.publish_timeout = block.map_or(log_config.publish_timeout, |block| block * 4);
    let mut redis_config = RedisConfig::default();
    redis_config.replicas = options.take("--replicas")?.unwrap_or(0);
    options.finish()?;

    let log = RedisLog::with_config(redis, "events", redis_config)?;
    let (hub, node) = LogHub::new(log, hub_config, log_config);
    tokio::spawn(node);
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| no_port(port, error))?;
    println!("events at http://{}/events", listener.local_addr()?);
    let mut config = ServerConfig::default();
    // The tests come from one address, through one proxy.
    config.connections = 20_000;
    let server = Server::new(move |incoming| answer(incoming, hub.clone())).with_config(config);
    let stop = async {
        // A failure to listen for the signal leaves the default: the program is ended.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    server.serve_with_shutdown(listener, stop).await;
    Ok(())
}

async fn answer(incoming: Incoming, hub: LogHub<RedisLog>) -> Result<(), BoxError> {
    let parameter = |name| incoming.head().query_param(name);
    match (incoming.method(), incoming.path()) {
        ("GET", "/events") => {
            let subscription = match parameter("topic") {
                Some(topic) => Subscription::to([&*topic]),
                None => Subscription::to_all(),
            };
            Ok(incoming.forward(&hub, &subscription, Response::new(200)).await?)
        }
        ("POST", "/publish") => {
            let topic = parameter("topic").unwrap_or_default();
            let message = Event::new(parameter("message").unwrap_or_default());
            let published = match parameter("key") {
                Some(key) => hub.publish_once(&key, &topic, &message).await,
                None => hub.publish(&topic, &message).await,
            };
            match published {
                Ok(position) => incoming.respond(&Response::new(200), position.to_string()),
                Err(error) => {
                    let is_uncertain = matches!(error, AppendError::Failed { is_uncertain: true, .. });
                    let status = if is_uncertain { 504 } else { 503 };
                    incoming.respond(&Response::new(status), error.to_string());
                }
            }
            Ok(())
        }
        ("GET" | "HEAD" | "OPTIONS", "/health") => {
            let status = if hub.log_stats().follow.is_connected { 200 } else { 503 };
            incoming.respond(&Response::new(status), format!("{:?}\n", hub.log_stats()));
            Ok(())
        }
        ("GET", "/metrics") => {
            let page = Prometheus(hub.stats().metrics()).to_string();
            let log = Prometheus(hub.log_stats().metrics()).to_string();
            let head = Response::new(200).with_header("Content-Type", "text/plain; version=0.0.4")?;
            incoming.respond(&head, page + &log);
            Ok(())
        }
        _ => {
            incoming
                .respond(&Response::new(404), "there is only /events, /publish, /health and /metrics here\n");
            Ok(())
        }
    }
}
