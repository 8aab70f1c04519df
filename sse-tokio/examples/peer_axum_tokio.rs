//! A server with axum's own `Sse`, which our client reads in `sse-proto/contract/peers`.
//!
//! Sends the events of a JSON file, each after its pause, from the last event id on.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_core::Stream;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

type Events = Arc<Vec<Value>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: peer_axum EVENTS")?;
    let events: Events = Arc::new(serde_json::from_str(&std::fs::read_to_string(path)?)?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    axum::serve(listener, Router::new().route("/", get(stream)).with_state(events)).await?;
    Ok(())
}

async fn stream(State(events): State<Events>, headers: HeaderMap) -> Response {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let found = last.and_then(|last| events.iter().position(|event| event["id"] == last));
    let next = found.map_or(0, |last| last + 1);
    if next == events.len() {
        return StatusCode::NO_CONTENT.into_response();
    }
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for event in &events[next..] {
            tokio::time::sleep(Duration::from_millis(event["pause"].as_u64().unwrap_or(0))).await;
            if sender.send(encode(event)).await.is_err() {
                return;
            }
        }
    });
    Sse::new(Receiver(receiver)).keep_alive(KeepAlive::default()).into_response()
}

fn encode(event: &Value) -> Event {
    let mut encoded = Event::default().data(event["data"].as_str().unwrap_or_default());
    if let Some(id) = event["id"].as_str() {
        encoded = encoded.id(id);
    }
    if let Some(name) = event["event"].as_str() {
        encoded = encoded.event(name);
    }
    encoded
}

struct Receiver(mpsc::Receiver<Event>);

impl Stream for Receiver {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|event| event.map(Ok))
    }
}
