//! Event streams with axum: a separate counter for each client at `/count`, one shared stream at
//! `/time`, numbers for Prometheus at `/metrics`.
//!
//! Run `axum_server [port]`, then `curl -N http://127.0.0.1:8888/time`. Ctrl-C starts a graceful
//! shutdown.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::routing::get;
use sse_tokio::proto::metrics::Prometheus;
use sse_tokio::{EventBody, Hub, HubConfig, LastEventId, Rejection, Subscription};
use tokio::time::sleep;

async fn count(State(hub): State<Hub>) -> EventBody {
    let body = EventBody::new(async |events| {
        for count in 0.. {
            events.send(count.to_string()).await?;
            sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    });
    // The hub is closed when the server stops.
    body.until(async move { hub.closed().await })
}

/// A client that reconnects first receives the events that it has missed. An address has a limited
/// number of streams.
async fn time(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    last: LastEventId,
) -> Result<EventBody, Rejection> {
    let stream = hub.subscribe_as(&peer.ip().to_string(), &Subscription::to_all(), last.as_deref())?;
    Ok(stream.into())
}

async fn metrics(State(hub): State<Hub>) -> String {
    Prometheus(hub.stats().metrics()).to_string()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(8888), |port| port.parse())?;
    let hub = Hub::new(HubConfig::default());
    let clock = hub.clone();
    tokio::spawn(async move {
        for seconds in 0.. {
            if clock.publish("", format!("{seconds} s")).is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
    });
    let routes = Router::new()
        .route("/count", get(count))
        .route("/time", get(time))
        .route("/metrics", get(metrics))
        .with_state(hub.clone());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let interrupted = async move {
        // Without a signal handler, the server runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        hub.close();
    };
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(interrupted).await?;
    Ok(())
}
