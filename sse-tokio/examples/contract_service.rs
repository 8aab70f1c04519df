//! The test service that SSE contract tests drive: it subscribes to streams on command, and reports
//! their signals to a callback.
//!
//! ```sh
//! cargo run -p sse-tokio --example contract_service -- 8000
//! python3 sse-proto/contract/vectors/contract_harness.py --url http://127.0.0.1:8000   # meanwhile, in another terminal
//! ```
//!
//! | request | effect |
//! |---|---|
//! | `GET /` | lists the capabilities of the service |
//! | `POST /` | starts a stream, whose URL is in `Location` |
//! | `POST /streams/N` | sends a command to the stream: `restart` |
//! | `DELETE /streams/N` | stops the stream |
//! | `DELETE /` | ends the service |

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use sse_tokio::proto::http1::{BodyDecoder, RequestDecoder, RequestHead, ResponseDecoder};
use sse_tokio::proto::source::{Cause, Reconnect};
use sse_tokio::{CloseHandle, EventSource, Request, Response, Signal, SourceConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const CAPABILITIES: [&str; 9] = [
    "bom",
    "comments",
    "headers",
    "last-event-id",
    "post",
    "read-timeout",
    "report",
    "restart",
    "server-directed-shutdown-request",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let port = std::env::args().nth(1).map_or(Ok(8000), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let service = Service::default();
    loop {
        tokio::select! {
            () = service.end.notified() => return Ok(()),
            accepted = listener.accept() => {
                let (socket, service) = (accepted?.0, service.clone());
                tokio::spawn(async move {
                    if let Err(error) = service.serve(socket).await {
                        eprintln!("contract_service: {error}");
                    }
                });
            }
        }
    }
}

#[derive(Clone, Default)]
struct Service {
    streams: Arc<Mutex<Streams>>,
    end: Arc<Notify>,
}

#[derive(Default)]
struct Streams {
    last: u64,
    running: HashMap<u64, Stream>,
}

/// The controls of a running stream.
struct Stream {
    close: CloseHandle,
    restart: Arc<Notify>,
}

impl Service {
    /// Answers one request.
    async fn serve(&self, mut socket: TcpStream) -> Result<()> {
        let (head, body) = read_request(&mut socket).await?;
        let answer =
            self.answer(&head, &body).unwrap_or_else(|error| (Response::new(400), error.to_string()));
        let mut bytes = Vec::new();
        answer.0.encode_whole(head.method(), answer.1.as_bytes(), &mut bytes);
        Ok(socket.write_all(&bytes).await?)
    }

    fn answer(&self, head: &RequestHead, body: &[u8]) -> Result<(Response, String)> {
        let empty = |status| Ok((Response::new(status), String::new()));
        let number = head.path().strip_prefix("/streams/").and_then(|number| number.parse().ok());
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        match (head.method(), head.path(), number) {
            ("GET", "/", _) => {
                let status = json!({"name": "sse-tokio", "capabilities": CAPABILITIES});
                Ok((Response::new(200).with_header("Content-Type", "application/json")?, status.to_string()))
            }
            ("POST", "/", _) => {
                let stream = start(&serde_json::from_slice(body)?)?;
                streams.last += 1;
                let number = streams.last;
                streams.running.insert(number, stream);
                Ok((
                    Response::new(201).with_header("Location", &format!("/streams/{number}"))?,
                    String::new(),
                ))
            }
            ("POST", _, Some(number)) => match streams.running.get(&number) {
                Some(stream) => {
                    let command: Value = serde_json::from_slice(body)?;
                    if command["command"] != "restart" {
                        return Err(format!("unknown command {command}").into());
                    }
                    stream.restart.notify_one();
                    empty(202)
                }
                None => empty(404),
            },
            ("DELETE", "/", _) => {
                self.end.notify_one();
                empty(204)
            }
            ("DELETE", _, Some(number)) => match streams.running.remove(&number) {
                Some(stream) => {
                    stream.close.close();
                    empty(204)
                }
                None => empty(404),
            },
            _ => empty(404),
        }
    }
}

/// Starts a subscription with these parameters.
fn start(parameters: &Value) -> Result<Stream> {
    let text = |name: &str| parameters[name].as_str();
    let millis = |name: &str| parameters[name].as_u64().map(Duration::from_millis);
    let url = text("streamUrl").ok_or("no streamUrl")?;
    let mut request = Request::new(text("method").unwrap_or("GET"), url)?;
    for (name, value) in parameters["headers"].as_object().into_iter().flatten() {
        request = request.with_header(name, value.as_str().ok_or("a header is a string")?)?;
    }
    request = request.with_last_event_id(text("lastEventId").unwrap_or_default())?;
    if let Some(body) = text("body") {
        request.set_body(body);
    }
    let mut config = SourceConfig::default();
    // The tests require that a POST is repeated.
    config.reconnect = Reconnect::Always;
    config.timeouts.silence = millis("readTimeoutMs");
    config.backoff.base = millis("initialDelayMs").unwrap_or(config.backoff.base);
    let source = EventSource::new(request).with_config(config);
    let (close, restart) = (source.close_handle(), Arc::new(Notify::new()));
    let callback = text("callbackUrl").ok_or("no callbackUrl")?.to_owned();
    tokio::spawn({
        let restart = restart.clone();
        async move {
            if let Err(error) = follow(source, &restart, &callback).await {
                eprintln!("contract_service: {callback}: {error}");
            }
        }
    });
    Ok(Stream { close, restart })
}

/// Reports the signals of a source, one message at a time.
async fn follow(mut source: EventSource, restart: &Notify, callback: &str) -> Result<()> {
    let mut number = 0;
    loop {
        let signal = tokio::select! {
            signal = source.next_signal() => signal,
            () = restart.notified() => {
                source.restart();
                continue;
            }
        };
        let Some(signal) = signal else { return Ok(()) };
        if let Some(message) = message(&signal, source.last_event_id()) {
            number += 1;
            post(&format!("{callback}/{number}"), &message).await?;
        }
    }
}

/// Returns the message for a signal, or `None` if the tests do not need one.
fn message(signal: &Signal, last_event_id: &str) -> Option<Value> {
    let error = |error: &dyn Error| Some(json!({"kind": "error", "error": error.to_string()}));
    match signal {
        Signal::Event(event) => {
            let event = json!({"type": event.name(), "data": event.data(), "id": last_event_id});
            Some(json!({"kind": "event", "event": event}))
        }
        Signal::Comment(text) => Some(json!({"kind": "comment", "comment": text})),
        // A clean end is not a failure.
        Signal::Reconnecting { cause: Cause::Ended, .. } => None,
        Signal::Reconnecting { cause, .. } => error(cause),
        Signal::Skipped(limit) => error(limit),
        Signal::Closed(closed) if !closed.is_normal() => error(closed),
        _ => None,
    }
}

async fn post(url: &str, message: &Value) -> Result<()> {
    let request = Request::new("POST", url)?.with_header("Content-Type", "application/json")?;
    let request = request.with_body(message.to_string());
    let mut bytes = Vec::new();
    request.encode(&mut bytes);
    let mut socket = TcpStream::connect((request.url().host(), request.url().port())).await?;
    socket.write_all(&bytes).await?;
    // Messages must arrive in order, so the next one waits for this response.
    let mut response = ResponseDecoder::new(request.method());
    let mut space = [0; 4096];
    while !response.is_complete() {
        let count = socket.read(&mut space).await?;
        if count == 0 {
            response.handle_eof()?;
        }
        let mut input = &space[..count];
        while response.decode(&mut input)?.is_some() {}
    }
    Ok(())
}

async fn read_request(socket: &mut TcpStream) -> Result<(RequestHead, Vec<u8>)> {
    let mut decoder = RequestDecoder::new();
    let mut request: Option<(RequestHead, BodyDecoder)> = None;
    let (mut space, mut body) = ([0; 4096], Vec::new());
    loop {
        let count = socket.read(&mut space).await?;
        if count == 0 {
            return Err("the connection was closed before the request was complete".into());
        }
        let mut input = &space[..count];
        if request.is_none() {
            request = decoder.decode(&mut input)?.map(|head| {
                let body = BodyDecoder::for_request(&head);
                (head, body)
            });
        }
        let Some((_, decoder)) = &mut request else { continue };
        while let Some(bytes) = decoder.decode(&mut input)? {
            body.extend_from_slice(bytes);
        }
        if let Some((head, _)) = request.take_if(|(_, decoder)| decoder.is_complete()) {
            return Ok((head, body));
        }
    }
}
