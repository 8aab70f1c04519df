//! A state, and the stream of its changes, without a gap between them: votes, with axum.
//!
//! `GET /votes` answers with the state and a position in the stream, `GET /changes?lastEventId=…`
//! streams what has changed since that position. Run `snapshot [port]`, then:
//!
//! ```sh
//! curl http://127.0.0.1:8888/votes
//! curl -N 'http://127.0.0.1:8888/changes?lastEventId=…'
//! curl -X POST http://127.0.0.1:8888/votes/tea
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::json;
use sse_tokio::{EventBody, Hub, HubConfig, LastEventId, Subscription};

#[derive(Clone)]
struct App {
    votes: Arc<Mutex<BTreeMap<String, u32>>>,
    changes: Hub,
}

impl App {
    fn votes(&self) -> MutexGuard<'_, BTreeMap<String, u32>> {
        self.votes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn votes(State(app): State<App>) -> String {
    // First the position: a change in between is in the state and comes again, but none is lost. A
    // change carries the new number, so that twice does no harm.
    let position = app.changes.position();
    json!({"position": position.to_string(), "votes": *app.votes()}).to_string()
}

async fn vote(State(app): State<App>, Path(name): Path<String>) -> Result<String, (StatusCode, String)> {
    let mut votes = app.votes();
    let count = votes.entry(name.clone()).and_modify(|count| *count += 1).or_insert(1);
    let change = json!({"name": name, "votes": count}).to_string();
    // Under the lock of the state, so that changes are published in their order.
    match app.changes.publish("votes", &change) {
        Ok(_) => Ok(change),
        Err(error) => Err((StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
    }
}

async fn changes(State(app): State<App>, last: LastEventId) -> EventBody {
    app.changes.subscribe_from(&Subscription::to_all(), last.as_deref()).into()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(8888), |port| port.parse())?;
    let app = App { votes: Arc::default(), changes: Hub::new(HubConfig::default()) };
    let routes = Router::new()
        .route("/votes", get(votes))
        .route("/votes/{name}", post(vote))
        .route("/changes", get(changes))
        .with_state(app);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}
