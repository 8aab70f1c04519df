//! Notifications with salvo.
//!
//! Run `salvo [port]`, then `curl -N http://127.0.0.1:8888/events/ann` and
//! `curl -d hello http://127.0.0.1:8888/notify/ann`.

use http_body_util::BodyExt;
use salvo::conn::{Acceptor, Listener, TcpListener};
use salvo::http::{ResBody, StatusError};
use salvo::prelude::{Depot, Request, Response, Router, Server, StatusCode, affix_state, handler};
use sse_tokio::proto::header::{self, LAST_EVENT_ID, RESPONSE};
use sse_tokio::{EventBody, Hub, HubConfig, Subscription};

fn hub(depot: &Depot) -> &Hub {
    depot.get_typed::<Hub>().expect("the router has it")
}

#[handler]
async fn events(request: &mut Request, depot: &Depot, response: &mut Response) {
    let user = request.param::<String>("user").unwrap_or_default();
    let id = request.headers().get(LAST_EVENT_ID).map(|id| id.as_bytes());
    let last = header::last_event_id(id, request.uri().query());
    let topics = Subscription::to(["broadcast".to_owned(), format!("user/{user}")]);
    match hub(depot).subscribe_as(&user, &topics, last.as_deref()) {
        Ok(stream) => {
            for (name, value) in RESPONSE {
                let _ = response.add_header(name, value, true);
            }
            response.body(ResBody::Boxed(Box::pin(EventBody::from(stream).map_err(Into::into))));
        }
        Err(error) => {
            response.status_code(StatusCode::from_u16(error.status()).unwrap_or_default());
            response.render(error.to_string());
        }
    }
}

#[handler]
async fn notify(request: &mut Request, depot: &Depot) -> Result<String, StatusError> {
    let user = request.param::<String>("user").unwrap_or_default();
    let text = request.payload().await.map_err(|_| StatusError::bad_request())?;
    let text = String::from_utf8(text.to_vec()).map_err(|_| StatusError::bad_request())?;
    let published =
        hub(depot).publish(&format!("user/{user}"), text).map_err(|_| StatusError::service_unavailable())?;
    Ok(format!("{} for {} streams\n", published.id, published.subscribers))
}

#[tokio::main]
async fn main() {
    let port: u16 = std::env::args().nth(1).map_or(8888, |port| port.parse().expect("a port"));
    let hub = Hub::new(HubConfig::default());
    let router = Router::new()
        .hoop(affix_state::inject(hub.clone()))
        .push(Router::with_path("events/{user}").get(events))
        .push(Router::with_path("notify/{user}").post(notify));
    let acceptor = TcpListener::new(("127.0.0.1", port)).bind().await;
    println!("listening on {}", acceptor.holdings()[0].local_addr);
    let server = Server::new(acceptor);
    let handle = server.handle();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        // Streams end cleanly, and their clients come back to the next server.
        hub.close();
        handle.stop_graceful(None);
    });
    server.serve(router).await;
}
