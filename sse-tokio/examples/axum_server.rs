//! Event streams with axum: a separate counter for each client at `/count`, one shared stream at
//! `/time`.
//!
//! Run `axum_server [port]`, then `curl -N http://127.0.0.1:8888/time`. Ctrl-C starts a graceful
//! shutdown.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::routing::get;
use sse_tokio::proto::header::{LAST_EVENT_ID, parse_last_event_id};
use sse_tokio::{EventBody, Hub, HubConfig, Subscription};
use tokio::sync::watch;
use tokio::time::sleep;

#[derive(Clone)]
struct App {
    times: Hub,
    /// Whether the server is shutting down.
    stopping: watch::Receiver<bool>,
}

impl App {
    async fn stopped(mut self) {
        // An error means that the sender is gone, so nobody can stop the server.
        let _ = self.stopping.wait_for(|stops| *stops).await;
    }
}

async fn count(State(app): State<App>) -> impl IntoResponse {
    let body = EventBody::new(async |events| {
        for count in 0.. {
            events.send(&*count.to_string()).await?;
            sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    });
    body.until(app.stopped()).response()
}

async fn time(State(app): State<App>, headers: HeaderMap) -> impl IntoResponse {
    let last = headers.get(LAST_EVENT_ID).and_then(|id| parse_last_event_id(id.as_bytes()).ok().flatten());
    // A reconnecting client first receives the events that it missed.
    let (subscriber, _) = app.times.subscribe_from(&Subscription::to_all(), last);
    EventBody::from_hub(subscriber).until(app.stopped()).response()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(8888), |port| port.parse())?;
    let (stop, stopping) = watch::channel(false);
    let app = App { times: Hub::new(HubConfig::default()), stopping };
    let clock = app.times.clone();
    tokio::spawn(async move {
        for seconds in 0.. {
            if clock.publish("", &*format!("{seconds} s")).is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
    });
    let routes = Router::new().route("/count", get(count)).route("/time", get(time)).with_state(app);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let interrupted = async move {
        // Without a signal handler, the server runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        stop.send_replace(true);
    };
    axum::serve(listener, routes).with_graceful_shutdown(interrupted).await?;
    Ok(())
}
