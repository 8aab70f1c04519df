//! Notifications with actix-web. An [`EventBody`] becomes a body of actix by the fifteen lines of
//! [`Stream`].
//!
//! Run `actix [port]`, then `curl -N http://127.0.0.1:8888/events/ann` and
//! `curl -d hello http://127.0.0.1:8888/notify/ann`.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use http_body::Body;
use sse_tokio::proto::header::{self, LAST_EVENT_ID, RESPONSE};
use sse_tokio::{EventBody, Hub, HubConfig, SubscribeError, Subscription};

/// An event body for actix.
struct Stream(EventBody);

impl MessageBody for Stream {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.0).poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
    }
}

async fn events(
    hub: web::Data<Hub>,
    user: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse<Stream>, InternalError<SubscribeError>> {
    let last = request.headers().get(LAST_EVENT_ID).map(|id| id.as_bytes());
    let last = header::last_event_id(last, request.uri().query());
    let topics = Subscription::to(["broadcast".to_owned(), format!("user/{user}")]);
    let stream = hub.subscribe_as(&user, &topics, last.as_deref()).map_err(|error| {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::TOO_MANY_REQUESTS);
        InternalError::new(error, status)
    })?;
    let mut response = HttpResponse::Ok();
    for header in RESPONSE {
        response.insert_header(header);
    }
    Ok(response.message_body(Stream(stream.into())).expect("the headers of an event stream are valid"))
}

async fn notify(hub: web::Data<Hub>, user: web::Path<String>, text: String) -> actix_web::Result<String> {
    let published =
        hub.publish(&format!("user/{user}"), text).map_err(actix_web::error::ErrorServiceUnavailable)?;
    Ok(format!("{} for {} streams\n", published.id, published.subscribers))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).map_or(8888, |port| port.parse().expect("a port"));
    let hub = Hub::new(HubConfig::default());
    let shared = web::Data::new(hub.clone());
    let app = move || {
        App::new()
            .app_data(shared.clone())
            .route("/events/{user}", web::get().to(events))
            .route("/notify/{user}", web::post().to(notify))
    };
    let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", port))?;
    println!("listening on http://{}", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        // Streams end cleanly, and their clients come back to the next server.
        hub.close();
        handle.stop(true).await;
    });
    server.await
}
