//! Server-Sent Events on tokio.
//!
//! [`EventSource`] keeps a subscription: it connects, and reconnects with the last event id whenever
//! the stream is lost. [`Server`] serves streams on a listener or on connections that you accept,
//! and [`Hub`] sends one stream to many clients. [`EventReader`] reads events from anything that is
//! [`AsyncRead`](tokio::io::AsyncRead), [`EventWriter`] writes them to anything that is
//! [`AsyncWrite`](tokio::io::AsyncWrite); the first is a `Stream`, the second a `Sink`. All protocol
//! decisions are made in [`proto`]. `sse-smol` and `sse-blocking` have the same names for smol and
//! for threads.
//!
//! ```
//! use sse_tokio::EventReader;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let stream = "event: greeting\nid: 1\ndata: hello\n\n".as_bytes();
//! let mut reader = EventReader::new(stream);
//! while let Some(event) = reader.next_ref().await {
//!     let event = event?;
//!     assert_eq!((event.name(), event.data()), ("greeting", "hello"));
//! }
//! assert_eq!(reader.last_event_id(), "1");
//! # Ok::<(), sse_tokio::ReadError>(())
//! # }).unwrap();
//! ```
//!
//! A server and its client, over a real socket:
//!
//! ```
//! use sse_tokio::{Event, EventSource, Incoming, Response, Server};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("http://{}/sse", listener.local_addr()?);
//! let server = Server::new(|incoming: Incoming| async {
//!     incoming.open(Response::new(200)).send("hello").await?;
//!     Ok(())
//! });
//! tokio::spawn(server.serve(listener));
//!
//! let mut source = EventSource::get(&url)?;
//! assert_eq!(source.next().await.transpose()?, Some(Event::new("hello")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! | to read events | take |
//! |---|---|
//! | from a server, for as long as it takes | [`EventSource`]; over an HTTP client of yours `HttpSource` |
//! | from one response | [`EventSource`] with [`Reconnect::Never`] |
//! | from a byte stream, or one response over a connection of yours | [`EventReader`] |
//! | from a body that another library gives you | [`EventStream`] |
//!
//! | to send events | take |
//! |---|---|
//! | from a server of your own, with limits and a clean stop | [`Server`] |
//! | in axum, hyper | `EventBody` |
//! | the same to many, and again to those who come back | [`Hub`] |
//! | the same from several servers | [`LogHub`] |
//! | on a connection that you accept | [`Server::serve_connection`](sse_async::Server::serve_connection) |
//! | into any byte stream | [`EventWriter`] |
//!
//! # Features
//!
//! - `simdutf8` (the only one on by default): text that is not ASCII is decoded up to five times as fast, by the crate of that
//!   name.
//! - `rustls`: `https` for [`EventSource`], by rustls with the provider *ring*; trusts what the platform trusts.
//! - `rustls-no-provider`: the same with the provider that your program installs.
//! - `http`: `HttpSource`, and [`EventStream`] from a body of `http-body`, and `EventBody`, which is one.
//! - `axum`: `EventBody` is a response of axum, `LastEventId` an extractor, `Rejection` the answer to a client that has too many
//!   streams.
//! - `reqwest`: `HttpSource::from_reqwest`, for what a `RequestBuilder` can say.
//! - `gzip`: `EventBody::with_gzip` compresses, event by event; sources with `SourceConfig::accept_gzip` read compressed streams.
//! - `tracing`: logs what happens to sources and connections by the crate of that name, in the spans of requests.
//! - `redis`: the module `redis`, a log for [`LogHub`] in Redis or Valkey. Needs Rust 1.88.
//! - `json`: events as values of your types, both ways: `next_json`, `Event::json`, `Event::from_json`.
//! - `codec`: `EventCodec` for `tokio_util::codec`.

// Names the features of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "codec")]
mod codec;
mod runtime;

#[cfg(feature = "reqwest")]
pub use sse_async::ReqwestError;
pub use sse_async::proto;
#[cfg(feature = "rustls-no-provider")]
pub use sse_async::rustls;
#[cfg(feature = "http")]
pub use sse_async::{BodyStream, FromHttpError};
pub use sse_async::{
    BoxError, CloseHandle, EventSender, EventStream, Frame, Incoming, ReadError, ServerHandle, Signals,
    Subscriber,
};
#[cfg(feature = "axum")]
pub use sse_async::{LastEventId, Rejection};
pub use sse_proto::http::Request;
pub use sse_proto::http1::Response;
pub use sse_proto::http1::server::ServerConfig;
pub use sse_proto::hub::{
    AfterGap, Delivery, Gap, HubConfig, Id, Lag, PublishError, Published, Resume, Start, SubscribeError,
    Subscription,
};
pub use sse_proto::sender::{Ended, StreamConfig};
pub use sse_proto::source::{CloseReason, EndMarker, Reconnect, Signal, SourceConfig, SourceError};
pub use sse_proto::{AsEvent, Event, EventName, EventRef, Item, event_name};
#[cfg(feature = "redis")]
pub use sse_redis as redis;

#[cfg(feature = "codec")]
pub use crate::codec::EventCodec;
pub use crate::runtime::{Tokio, TokioTimer};

/// The default `User-Agent` of requests: the name and version of this crate. A program that
/// identifies itself may append it to its own name (RFC 9110 section 10.1.5).
///
/// ```
/// use sse_tokio::{EventSource, Request};
///
/// let agent = format!("ticker/1.0 {}", sse_tokio::USER_AGENT);
/// let request = Request::get("http://127.0.0.1:8888/sse")?.with_header("User-Agent", &agent)?;
/// let source = EventSource::new(request);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Stays subscribed to an event stream over HTTP/1.1. It has the methods of [`sse_async::EventSource`].
///
/// ```no_run
/// use std::time::Duration;
/// use sse_tokio::{EventSource, SourceConfig};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = SourceConfig::default();
/// config.timeouts.silence = Some(Duration::from_secs(45));
/// let mut source = EventSource::get("http://127.0.0.1:8888/sse")?.with_config(config);
/// while let Some(event) = source.next().await {
///     println!("{}", event?.data());
/// }
/// # Ok(())
/// # }
/// ```
///
/// With custom roots, or a client certificate (feature `rustls`):
///
#[cfg_attr(feature = "rustls-no-provider", doc = "```no_run")]
#[cfg_attr(not(feature = "rustls-no-provider"), doc = "```ignore")]
/// use sse_tokio::EventSource;
/// use sse_tokio::rustls::pki_types::{CertificateDer, pem::PemObject};
/// use sse_tokio::rustls::{ClientConfig, RootCertStore};
///
/// let mut roots = RootCertStore::empty();
/// roots.add(CertificateDer::from_pem_file("ca.pem")?)?;
/// let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
/// let source = EventSource::get("https://example.com/events")?.with_tls(&config);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With a fresh token for each attempt:
///
/// ```
/// # use sse_tokio::EventSource;
/// # async fn fresh_token() -> std::io::Result<String> { Ok(String::new()) }
/// let source = EventSource::get("http://127.0.0.1:8888/sse")?.with_prepare(async |mut request| {
///     request.set_header("Authorization", &format!("Bearer {}", fresh_token().await?))?;
///     Ok(request)
/// });
/// # Ok::<(), sse_tokio::proto::http::UrlError>(())
/// ```
///
/// # Panics
/// If it is polled outside of a tokio runtime with I/O and time enabled.
pub type EventSource = sse_async::EventSource<Tokio>;

/// Stays subscribed to an event stream over your own HTTP client. It has the methods of [`sse_async::HttpSource`].
///
/// With reqwest 0.13:
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use sse_tokio::{HttpSource, Request};
///
/// let client = reqwest::Client::new();
/// let request = Request::get("http://127.0.0.1:8888/sse")?;
/// let mut source = HttpSource::new(request, move |request| {
///     let client = client.clone();
///     async move { client.execute(request.try_into()?).await.map(http::Response::from) }
/// });
/// while let Some(event) = source.next().await {
///     println!("{}", event?.data());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// If it is polled outside of a tokio runtime with time enabled.
#[cfg(feature = "http")]
pub type HttpSource = sse_async::HttpSource<Tokio>;

/// Reads events from a byte stream. It has the methods of [`sse_async::EventReader`].
///
/// ```
/// use sse_tokio::EventReader;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let mut reader = EventReader::new("id: 1\ndata: hello\n\n".as_bytes());
/// while let Some(event) = reader.next().await {
///     assert_eq!(event?.data(), "hello");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With a request over a connection of yours:
///
/// ```no_run
/// use sse_tokio::{EventReader, Request};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = tokio::net::TcpStream::connect("127.0.0.1:8888").await?;
/// let request = Request::get("http://127.0.0.1:8888/sse")?;
/// let mut reader = EventReader::open(socket, &request).await?;
/// while let Some(event) = reader.next().await {
///     println!("{}", event?.data());
/// }
/// # Ok(())
/// # }
/// ```
pub type EventReader<S> = sse_async::EventReader<S, Tokio>;

/// Writes events to a byte stream. It has the methods of [`sse_async::EventWriter`].
///
/// ```
/// use sse_tokio::{Event, EventWriter};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let mut out = Vec::new();
/// let mut writer = EventWriter::new(&mut out);
/// writer.send(&Event::new("hello").with_id("1").map_err(std::io::Error::other)?).await?;
/// writer.keep_alive().await?;
/// writer.close().await?;
/// assert_eq!(out, b"id: 1\ndata: hello\n\n:\n");
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub type EventWriter<S> = sse_async::EventWriter<S, Tokio>;

/// Serves event streams over HTTP/1.1. It has the methods of [`sse_async::Server`].
///
/// ```no_run
/// use sse_tokio::{BoxError, Incoming, Response, Server};
///
/// async fn handle(incoming: Incoming) -> Result<(), BoxError> {
///     if incoming.path() != "/sse" {
///         incoming.respond(&Response::new(404), "no such stream\n");
///         return Ok(());
///     }
///     let events = incoming.open(Response::new(200));
///     for count in 0.. {
///         events.send(count.to_string()).await?;
///         tokio::time::sleep(std::time::Duration::from_secs(1)).await;
///     }
///     Ok(())
/// }
///
/// # async fn run() -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8888").await?;
/// let server = Server::new(handle);
/// let handle = server.handle();
/// tokio::spawn(async move {
///     // Or whatever tells the program to stop.
///     tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
///     handle.shutdown();
/// });
/// server.serve(listener).await;
/// # Ok(())
/// # }
/// ```
///
/// Each connection runs as a tokio task.
///
/// # Panics
/// If it is polled outside of a tokio runtime with I/O and time enabled.
pub type Server = sse_async::Server<Tokio>;

/// Fans out events to many subscribers. It has the methods of [`sse_async::Hub`].
///
/// ```
/// use sse_tokio::{Delivery, Hub, HubConfig, Subscription};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let hub = Hub::new(HubConfig::default());
/// let mut ann = hub.subscribe(&Subscription::to(["broadcast", "to/ann"]));
/// hub.publish("to/ann", "psst")?;
/// let Delivery::Event(frame) = ann.recv().await else { panic!("an event") };
/// assert!(frame.bytes().ends_with(b"data: psst\n\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Hub = sse_async::Hub<Tokio>;

/// A [`Hub`] on one of several nodes that share a log, such as that of the crate `sse-redis`. It has the methods of
/// [`sse_async::LogHub`], and those of [`Hub`].
pub type LogHub<L> = sse_async::LogHub<Tokio, L>;

/// An event stream as the body of a response, for axum, hyper. It has the methods of [`sse_async::EventBody`].
///
/// In axum, a handler returns its response:
///
/// ```
/// use axum::response::IntoResponse;
/// use sse_tokio::{Event, EventBody};
///
/// async fn handler() -> impl IntoResponse {
///     let (events, body) = EventBody::channel();
///     tokio::spawn(async move {
///         // Ends when the client leaves.
///         while events.send(&Event::new("still here")).await.is_ok() {
///             tokio::time::sleep(std::time::Duration::from_secs(1)).await;
///         }
///     });
///     body.response()
/// }
/// # let _: axum::Router = axum::Router::new().route("/sse", axum::routing::get(handler));
/// ```
#[cfg(feature = "http")]
pub type EventBody = sse_async::EventBody<Tokio>;

#[cfg(all(doctest, feature = "axum", feature = "json", feature = "reqwest"))]
#[doc = include_str!("../README.md")]
struct Readme;
