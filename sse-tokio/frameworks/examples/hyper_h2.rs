//! Notifications with hyper over HTTP/2 and TLS: the answer to the limit of browsers, which open six
//! connections to an origin over HTTP/1.1, and hundreds of streams over one connection of HTTP/2.
//!
//! Run `hyper_h2 [port [file for the certificate]]`, then
//! `curl -N --cacert cert.pem https://localhost:8888/events/ann` and
//! `curl --cacert cert.pem -d hello https://localhost:8888/notify/ann`.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use sse_tokio::proto::header::{self, LAST_EVENT_ID};
use sse_tokio::{BoxError, EventBody, Hub, HubConfig, Subscription};
use tokio_rustls::{TlsAcceptor, rustls};

type Answer = Response<BoxBody<Bytes, std::io::Error>>;

fn text(status: StatusCode, text: String) -> Answer {
    let mut response = Response::new(Full::from(text).map_err(|never| match never {}).boxed());
    *response.status_mut() = status;
    response
}

async fn answer(request: Request<Incoming>, hub: Hub) -> Result<Answer, BoxError> {
    let path = request.uri().path().to_owned();
    if let Some(user) = path.strip_prefix("/notify/") {
        let data = request.into_body().collect().await?.to_bytes();
        let published = hub.publish(&format!("user/{user}"), std::str::from_utf8(&data)?)?;
        return Ok(text(StatusCode::OK, format!("{} for {} streams\n", published.id, published.subscribers)));
    }
    let Some(user) = path.strip_prefix("/events/") else {
        return Ok(text(StatusCode::NOT_FOUND, "no\n".into()));
    };
    let last = request.headers().get(LAST_EVENT_ID).map(|id| id.as_bytes());
    let last = header::last_event_id(last, request.uri().query());
    let topics = Subscription::to(["broadcast".to_owned(), format!("user/{user}")]);
    match hub.subscribe_as(user, &topics, last.as_deref()) {
        Ok(stream) => Ok(EventBody::from(stream).response().map(BodyExt::boxed)),
        Err(error) => Ok(text(StatusCode::from_u16(error.status())?, error.to_string())),
    }
}

/// A certificate for this machine. A real server has one by an authority.
fn tls(file: &str) -> Result<TlsAcceptor, BoxError> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into(), "127.0.0.1".into()])?;
    std::fs::write(file, made.cert.pem())?;
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let mut config = config.with_single_cert(vec![made.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config).into())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().map_or(Ok(8888), |port| port.parse())?;
    let tls = tls(&arguments.next().unwrap_or("cert.pem".into()))?;
    let hub = Hub::new(HubConfig::default());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on https://{}", listener.local_addr()?);
    let (server, graceful) = (auto::Builder::new(TokioExecutor::new()), GracefulShutdown::new());
    loop {
        let socket = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            _ = tokio::signal::ctrl_c() => break,
        };
        let (tls, hub, server, watcher) = (tls.clone(), hub.clone(), server.clone(), graceful.watcher());
        tokio::spawn(async move {
            let Ok(socket) = tls.accept(socket).await else { return };
            let service = service_fn(move |request| answer(request, hub.clone()));
            let connection = server.serve_connection(TokioIo::new(socket), service);
            if let Err(error) = watcher.watch(connection.into_owned()).await {
                eprintln!("connection: {error}");
            }
        });
    }
    // Streams end cleanly, and their clients come back to the next server.
    hub.close();
    graceful.shutdown().await;
    Ok(())
}
