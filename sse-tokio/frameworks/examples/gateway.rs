//! A gateway to a large language model with axum and reqwest: it answers only when the model has,
//! passes errors on as they are, rewrites tokens, and tells an end from a cut.
//!
//! Run `gateway URL [port]`, then `curl -N -d '{"model": …}' http://127.0.0.1:8888/chat`.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;
use sse_tokio::proto::source::Verdict;
use sse_tokio::{CloseReason, EndMarker, EventBody, HttpSource, SourceError};

#[derive(Clone)]
struct Model {
    client: reqwest::Client,
    url: String,
}

async fn chat(State(model): State<Model>, question: Bytes) -> Result<EventBody, Failure> {
    let request = model.client.post(&model.url).header("Content-Type", "application/json").body(question);
    let mut tokens = HttpSource::from_reqwest(request)?.configure(|config| {
        config.end = EndMarker::Data("[DONE]".into());
        config.timeouts.silence = Some(Duration::from_secs(60));
        config.set_check_event(|event| match event.name() {
            "error" => Verdict::Fail,
            _ => Verdict::Deliver,
        });
    });
    // The client must not see status 200 before the model has answered.
    tokens.open().await?;
    Ok(EventBody::new(async move |events| {
        while let Some(token) = tokens.next_json::<Value>().await {
            let mut token = token?;
            if let Some(Value::String(text)) = token.pointer_mut("/choices/0/delta/content") {
                *text = text.to_uppercase();
            }
            events.send(token.to_string()).await?;
        }
        Ok(events.send("[DONE]").await?)
    }))
}

/// What the model says instead of tokens, for the client of the gateway.
struct Failure(Box<dyn std::error::Error + Send + Sync>);

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Some(SourceError::Closed(CloseReason::Refused(refused))) = self.0.downcast_ref() else {
            return (StatusCode::BAD_GATEWAY, self.0.to_string()).into_response();
        };
        let status = refused.status().and_then(|status| StatusCode::from_u16(status).ok());
        let mut response = Response::new(Body::from(refused.body.to_vec()));
        *response.status_mut() =
            status.filter(|status| !status.is_success()).unwrap_or(StatusCode::BAD_GATEWAY);
        if let Some(delay) = refused.retry_after {
            response.headers_mut().insert("retry-after", delay.as_secs().into());
        }
        response
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: gateway URL [port]")?;
    let port: u16 = arguments.next().map_or(Ok(8888), |port| port.parse())?;
    let model = Model { client: reqwest::Client::new(), url };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/chat", post(chat)).with_state(model)).await?;
    Ok(())
}
