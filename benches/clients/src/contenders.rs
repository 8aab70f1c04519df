//! The clients. Each reads a stream to its end.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpStream;

use eventsource_client::Client;
use eventsource_stream::Eventsource;
use futures_util::{Stream, StreamExt};
use http_body_util::BodyExt;
use rustix::time::{ClockId, clock_gettime};
use sse_tokio::proto::source::{Reconnect, SourceConfig};

use crate::Result;

/// What a client has seen.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    /// The processor time at the first event.
    start: u64,
}

impl Tally {
    fn event(&mut self, data: &str) {
        self.part(data.as_bytes());
    }

    fn part(&mut self, data: &[u8]) {
        if self.events == 0 {
            self.start = cpu();
        }
        self.events += 1;
        self.bytes += black_box(data).len();
    }

    /// The processor time since the first event, in nanoseconds.
    pub(crate) fn nanos(&self) -> u64 {
        cpu().saturating_sub(self.start)
    }
}

/// The processor time of this process, in nanoseconds.
pub(crate) fn cpu() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    (time.tv_sec * 1_000_000_000 + time.tv_nsec) as u64
}

type Run = fn(&str, &mut Tally) -> Result<()>;

/// Those that see bytes instead of events.
pub(crate) const FLOORS: [&str; 3] = [
    "the bytes of a socket, nothing else",
    "hyper, its body, nothing else",
    "reqwest, its body, nothing else",
];

pub(crate) const CONTENDERS: [(&str, Run); 15] = [
    (FLOORS[0], bytes),
    ("ours, tokio, `next_ref`", |url, tally| on_tokio(tokio_next_ref(url, tally))),
    ("ours, tokio, `next`", |url, tally| on_tokio(tokio_next(url, tally))),
    ("ours, smol, `next_ref`", |url, tally| smol::block_on(smol_next_ref(url, tally))),
    ("ours, blocking, `next_ref`", blocking_next_ref),
    ("ours, blocking, `next`", blocking_next),
    (FLOORS[1], |url, tally| on_tokio(hyper_body(url, tally))),
    ("ours over hyper, `EventStream`", |url, tally| on_tokio(hyper_ours(url, tally))),
    (FLOORS[2], |url, tally| on_tokio(reqwest_body(url, tally))),
    ("ours over reqwest, `EventStream`", |url, tally| on_tokio(reqwest_ours_once(url, tally))),
    ("ours over reqwest, `HttpSource`, reconnects", |url, tally| on_tokio(reqwest_ours(url, tally))),
    ("reqwest + sse-stream 0.3", |url, tally| on_tokio(reqwest_sse_stream(url, tally))),
    ("reqwest + eventsource-stream 0.2", |url, tally| on_tokio(reqwest_eventsource_stream(url, tally))),
    ("reqwest-eventsource 0.6", |url, tally| on_tokio(reqwest_eventsource(url, tally))),
    ("eventsource-client 0.18", |url, tally| on_tokio(eventsource_client(url, tally))),
];

pub(crate) fn on_tokio(run: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run)
}

fn once() -> SourceConfig {
    let mut config = SourceConfig::default();
    config.reconnect = Reconnect::Never;
    config
}

fn address(url: &str) -> &str {
    url.trim_start_matches("http://").split('/').next().unwrap_or_default()
}

fn bytes(url: &str, tally: &mut Tally) -> Result<()> {
    let mut socket = TcpStream::connect(address(url))?;
    socket.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = socket.read(&mut buffer)?;
        tally.part(&buffer[..count]);
        if count == 0 || buffer[..count].ends_with(b"\r\n0\r\n\r\n") {
            return Ok(());
        }
    }
}

async fn tokio_next_ref(url: &str, tally: &mut Tally) -> Result<()> {
    let mut source = sse_tokio::EventSource::get(url)?.with_config(once());
    while let Some(event) = source.next_ref().await {
        tally.event(event?.data());
    }
    Ok(())
}

async fn tokio_next(url: &str, tally: &mut Tally) -> Result<()> {
    let mut source = sse_tokio::EventSource::get(url)?.with_config(once());
    while let Some(event) = source.next().await {
        tally.event(event?.data());
    }
    Ok(())
}

async fn smol_next_ref(url: &str, tally: &mut Tally) -> Result<()> {
    let mut source = sse_smol::EventSource::get(url)?.with_config(once());
    while let Some(event) = source.next_ref().await {
        tally.event(event?.data());
    }
    Ok(())
}

fn blocking_next_ref(url: &str, tally: &mut Tally) -> Result<()> {
    let mut source = sse_blocking::EventSource::get(url)?.with_config(once());
    while let Some(event) = source.next_ref() {
        tally.event(event?.data());
    }
    Ok(())
}

fn blocking_next(url: &str, tally: &mut Tally) -> Result<()> {
    for event in sse_blocking::EventSource::get(url)?.with_config(once()) {
        tally.event(event?.data());
    }
    Ok(())
}

async fn hyper_response(url: &str) -> Result<hyper::body::Incoming> {
    let socket = tokio::net::TcpStream::connect(address(url)).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(socket)).await?;
    tokio::spawn(connection);
    let request = hyper::Request::get("/events").header("host", "x").body(String::new())?;
    Ok(sender.send_request(request).await?.into_body())
}

async fn hyper_body(url: &str, tally: &mut Tally) -> Result<()> {
    let mut body = hyper_response(url).await?;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            tally.part(&data);
        }
    }
    Ok(())
}

async fn hyper_ours(url: &str, tally: &mut Tally) -> Result<()> {
    let mut events = sse_tokio::EventStream::from_body(hyper_response(url).await?);
    while let Some(event) = events.next_ref().await {
        tally.event(event?.data());
    }
    Ok(())
}

async fn reqwest_body(url: &str, tally: &mut Tally) -> Result<()> {
    let mut body = reqwest::get(url).await?.bytes_stream();
    while let Some(data) = body.next().await {
        tally.part(&data?);
    }
    Ok(())
}

async fn reqwest_ours(url: &str, tally: &mut Tally) -> Result<()> {
    let request = reqwest::Client::new().get(url);
    let mut source = sse_tokio::HttpSource::from_reqwest(request)?.with_config(once());
    while let Some(event) = source.next_ref().await {
        tally.event(event?.data());
    }
    Ok(())
}

async fn reqwest_ours_once(url: &str, tally: &mut Tally) -> Result<()> {
    let mut events = sse_tokio::EventStream::new(reqwest::get(url).await?.bytes_stream());
    while let Some(event) = events.next_ref().await {
        tally.event(event?.data());
    }
    Ok(())
}

async fn reqwest_sse_stream(url: &str, tally: &mut Tally) -> Result<()> {
    let body = reqwest::get(url).await?.bytes_stream();
    let mut events = sse_stream::SseByteStream::new(body);
    while let Some(event) = events.next().await {
        tally.event(&event?.data.unwrap_or_default());
    }
    Ok(())
}

async fn reqwest_eventsource_stream(url: &str, tally: &mut Tally) -> Result<()> {
    let mut events = reqwest::get(url).await?.bytes_stream().eventsource();
    while let Some(event) = events.next().await {
        tally.event(&event?.data);
    }
    Ok(())
}

async fn reqwest_eventsource(url: &str, tally: &mut Tally) -> Result<()> {
    let request = reqwest12::Client::new().get(url);
    let mut events = reqwest_eventsource::EventSource::new(request)?;
    while let Some(event) = events.next().await {
        match event {
            Ok(reqwest_eventsource::Event::Message(event)) => tally.event(&event.data),
            Ok(reqwest_eventsource::Event::Open) => {}
            // At the end, it would come back.
            Err(_) => break,
        }
    }
    Ok(())
}

async fn eventsource_client(url: &str, tally: &mut Tally) -> Result<()> {
    let transport = launchdarkly_sdk_transport::HyperTransport::new()?;
    let client = eventsource_client::ClientBuilder::for_url(url)?
        .reconnect(eventsource_client::ReconnectOptions::reconnect(false).build())
        .build_with_transport(transport);
    until_error(client.stream(), tally).await;
    Ok(())
}

async fn until_error<E>(
    events: impl Stream<Item = std::result::Result<eventsource_client::SSE, E>>,
    tally: &mut Tally,
) {
    let mut events = std::pin::pin!(events);
    while let Some(Ok(event)) = events.next().await {
        if let eventsource_client::SSE::Event(event) = event {
            tally.event(&event.data);
        }
    }
}
