//! Notifications with poem.
//!
//! Run `poem [port]`, then `curl -N http://127.0.0.1:8888/events/ann` and
//! `curl -d hello http://127.0.0.1:8888/notify/ann`.

use http_body_util::BodyExt;
use poem::http::{HeaderMap, StatusCode, Uri};
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::web::{Data, Path};
use poem::{Body, EndpointExt, Error, Response, Result, Route, Server, get, handler, post};
use sse_tokio::proto::header::{self, LAST_EVENT_ID, RESPONSE};
use sse_tokio::{EventBody, Hub, HubConfig, Subscription};

#[handler]
async fn events(
    hub: Data<&Hub>,
    Path(user): Path<String>,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Response> {
    let last = header::last_event_id(headers.get(LAST_EVENT_ID).map(|id| id.as_bytes()), uri.query());
    let topics = Subscription::to(["broadcast".to_owned(), format!("user/{user}")]);
    let stream = hub.subscribe_as(&user, &topics, last.as_deref()).map_err(|error| {
        Error::new(error, StatusCode::from_u16(error.status()).unwrap_or(StatusCode::TOO_MANY_REQUESTS))
    })?;
    let body = EventBody::from(stream).boxed();
    let response = Response::builder();
    let response =
        RESPONSE.into_iter().fold(response, |response, (name, value)| response.header(name, value));
    Ok(response.body(Body::from(body)))
}

#[handler]
async fn notify(hub: Data<&Hub>, Path(user): Path<String>, text: String) -> Result<String> {
    let published = hub
        .publish(&format!("user/{user}"), text)
        .map_err(|error| Error::new(error, StatusCode::SERVICE_UNAVAILABLE))?;
    Ok(format!("{} for {} streams\n", published.id, published.subscribers))
}

#[tokio::main]
async fn main() -> Result<(), std::io::Error> {
    let port: u16 = std::env::args().nth(1).map_or(8888, |port| port.parse().expect("a port"));
    let hub = Hub::new(HubConfig::default());
    let app =
        Route::new().at("/events/:user", get(events)).at("/notify/:user", post(notify)).data(hub.clone());
    let acceptor = TcpListener::bind(("127.0.0.1", port)).into_acceptor().await?;
    println!("listening on {}", acceptor.local_addr()[0]);
    let interrupted = async move {
        let _ = tokio::signal::ctrl_c().await;
        // Streams end cleanly, and their clients come back to the next server.
        hub.close();
    };
    Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(app, interrupted, None).await
}
