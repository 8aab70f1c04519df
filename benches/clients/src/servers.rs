//! The servers. Each sends one stream to one client that reads as fast as it can.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::get;
use futures_util::stream;
use sse_tokio::proto::http1::Response;

use crate::Result;
use crate::contenders::{cpu, on_tokio};

/// What a server sends: the data of an event, again and again.
pub(crate) struct Sent {
    data: String,
    events: usize,
    /// The processor time when the handler was called.
    start: AtomicU64,
}

impl Sent {
    pub(crate) fn new(bytes: usize, events: usize) -> Arc<Self> {
        Arc::new(Self { data: "x".repeat(bytes), events, start: AtomicU64::new(0) })
    }

    fn start(&self) {
        self.start.store(cpu(), Ordering::Relaxed);
    }

    /// The processor time for each event, in nanoseconds.
    pub(crate) fn nanos(&self) -> f64 {
        cpu().saturating_sub(self.start.load(Ordering::Relaxed)) as f64 / self.events as f64
    }
}

type Run = fn(TcpListener, Arc<Sent>) -> Result<()>;

/// The server that sends bytes instead of events.
pub(crate) const FLOOR: &str = "the bytes to a socket, nothing else";

pub(crate) const SERVERS: [(&str, Run); 6] = [
    (FLOOR, bytes),
    ("ours, tokio, `Server`", |listener, sent| on_tokio(tokio_server(listener, sent))),
    ("ours, smol, `Server`", |listener, sent| smol::block_on(smol_server(listener, sent))),
    ("ours, blocking, `Server`", blocking_server),
    ("ours in axum, `EventBody`", |listener, sent| on_tokio(axum_ours(listener, sent))),
    ("axum, `Sse`", |listener, sent| on_tokio(axum_sse(listener, sent))),
];

/// Writes whole chunks, 16 KiB at a time.
fn bytes(listener: TcpListener, sent: Arc<Sent>) -> Result<()> {
    let mut socket = listener.accept()?.0;
    let mut request = BufReader::new(socket.try_clone()?).lines();
    while request.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    sent.start();
    socket.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    let event = format!("data: {}\n\n", sent.data);
    let chunk = format!("{:x}\r\n{event}\r\n", event.len());
    let together = (16 * 1024 / chunk.len()).max(1);
    let block = chunk.repeat(together);
    for _ in 0..sent.events / together {
        socket.write_all(block.as_bytes())?;
    }
    socket.write_all(chunk.repeat(sent.events % together).as_bytes())?;
    Ok(socket.write_all(b"0\r\n\r\n")?)
}

async fn tokio_server(listener: TcpListener, sent: Arc<Sent>) -> Result<()> {
    listener.set_nonblocking(true)?;
    let server = sse_tokio::Server::new(move |incoming: sse_tokio::Incoming| {
        let sent = Arc::clone(&sent);
        async move {
            sent.start();
            let events = incoming.open(Response::new(200));
            for _ in 0..sent.events {
                events.send(&sent.data).await?;
            }
            Ok(())
        }
    });
    server.serve(tokio::net::TcpListener::from_std(listener)?).await;
    Ok(())
}

async fn smol_server(listener: TcpListener, sent: Arc<Sent>) -> Result<()> {
    let server = sse_smol::Server::new(move |incoming: sse_smol::Incoming| {
        let sent = Arc::clone(&sent);
        async move {
            sent.start();
            let events = incoming.open(Response::new(200));
            for _ in 0..sent.events {
                events.send(&sent.data).await?;
            }
            Ok(())
        }
    });
    server.serve(listener.try_into()?).await;
    Ok(())
}

fn blocking_server(listener: TcpListener, sent: Arc<Sent>) -> Result<()> {
    let server = sse_blocking::Server::new(move |incoming: sse_blocking::Incoming| {
        sent.start();
        let events = incoming.open(Response::new(200));
        for _ in 0..sent.events {
            events.send(&sent.data)?;
        }
        Ok(())
    });
    server.serve(listener);
    Ok(())
}

async fn axum_ours(listener: TcpListener, sent: Arc<Sent>) -> Result<()> {
    let handler = get(async |State(sent): State<Arc<Sent>>| {
        sse_tokio::EventBody::new(async move |events| {
            sent.start();
            for _ in 0..sent.events {
                events.send(&sent.data).await?;
            }
            Ok(())
        })
    });
    serve_axum(listener, Router::new().route("/events", handler).with_state(sent)).await
}

async fn axum_sse(listener: TcpListener, sent: Arc<Sent>) -> Result<()> {
    let handler = get(async |State(sent): State<Arc<Sent>>| {
        sent.start();
        let events = (0..sent.events).map(move |_| Ok::<_, Infallible>(Event::default().data(&sent.data)));
        Sse::new(stream::iter(events))
    });
    serve_axum(listener, Router::new().route("/events", handler).with_state(sent)).await
}

async fn serve_axum(listener: TcpListener, routes: Router) -> Result<()> {
    listener.set_nonblocking(true)?;
    Ok(axum::serve(tokio::net::TcpListener::from_std(listener)?, routes).await?)
}
