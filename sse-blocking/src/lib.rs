//! Server-Sent Events over blocking `std::io` and `std::net`.
//!
//! [`EventSource`] keeps a subscription: it connects, and reconnects with the last event id whenever
//! the stream is lost. [`Server`] serves streams on a listener or on connections that you accept,
//! and [`Hub`] sends one stream to many clients. [`EventReader`] reads events from anything that is
//! [`Read`](std::io::Read): a file, a socket, a response body. [`EventWriter`] writes them to
//! anything that is [`Write`](std::io::Write). All protocol decisions are made in [`proto`].
//! `sse-tokio` and `sse-smol` have the same names for their runtimes.
//!
//! ```
//! use sse_blocking::EventReader;
//!
//! let stream = "event: greeting\nid: 1\ndata: hello\n\n".as_bytes();
//! let mut reader = EventReader::new(stream);
//! while let Some(event) = reader.next_ref() {
//!     let event = event?;
//!     assert_eq!((event.name(), event.data()), ("greeting", "hello"));
//! }
//! assert_eq!(reader.last_event_id(), "1");
//! # Ok::<(), sse_blocking::ReadError>(())
//! ```
//!
//! A server and its client, over a real socket:
//!
//! ```
//! use sse_blocking::{Event, EventSource, Incoming, Response, Server};
//!
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let url = format!("http://{}/sse", listener.local_addr()?);
//! let server = Server::new(|incoming: Incoming| {
//!     incoming.open(Response::new(200)).send("hello")?;
//!     Ok(())
//! });
//! std::thread::spawn(|| server.serve(listener));
//!
//! let mut source = EventSource::get(&url)?;
//! assert_eq!(source.next().transpose()?, Some(Event::new("hello")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to read events | take |
//! |---|---|
//! | from a server, for as long as it takes | [`EventSource`]; over an HTTP client of yours [`HttpSource`] |
//! | from one response | [`EventSource`] with [`Reconnect::Never`] |
//! | from a byte stream, or one response over a connection of yours | [`EventReader`] |
//!
//! | to send events | take |
//! |---|---|
//! | from a server of your own, with limits and a clean stop | [`Server`] |
//! | the same to many, and again to those who come back | [`Hub`] |
//! | the same from several servers | [`LogHub`] |
//! | on a connection that you accept | [`Server::serve_connection`] |
//! | into any byte stream | [`EventWriter`] |
//!
//! # Features
//!
//! - `simdutf8` (the only one on by default): text that is not ASCII is decoded up to five times as fast, by the crate of that
//!   name.
//! - `rustls`: `https` for [`EventSource`], by rustls with the provider *ring*; trusts what the platform trusts.
//! - `rustls-no-provider`: the same with the provider that your program installs.
//! - `tracing`: logs what happens to sources and connections by the crate of that name, in the spans of requests.
//! - `gzip`: sources with `SourceConfig::accept_gzip` read compressed streams.
//! - `redis`: the module `redis`, a log for [`LogHub`] in Redis or Valkey. Needs Rust 1.88.
//! - `json`: events as values of your types, both ways: `next_json`, `Event::json`, `Event::from_json`.

// Names the features of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod close;
mod connection;
mod connection_task;
mod dial;
mod event_sender;
mod guard;
mod http_client;
mod http_source;
mod hub;
mod incoming;
mod log_hub;
mod reader;
mod server;
mod shared_stream;
mod source;
mod tls;
mod writer;

use std::io;

#[cfg(feature = "rustls-no-provider")]
pub use rustls;
pub use sse_proto as proto;
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

pub use crate::close::{CloseHandle, Shutdown, ShutdownFn};
pub use crate::event_sender::EventSender;
pub use crate::http_source::HttpSource;
pub use crate::hub::{Hub, Subscriber};
pub use crate::incoming::Incoming;
pub use crate::log_hub::LogHub;
pub use crate::reader::EventReader;
pub use crate::server::{Server, ServerHandle};
pub use crate::source::{EventSource, Signals};
pub use crate::writer::EventWriter;

/// The default `User-Agent` of requests: the name and version of this crate. A program that
/// identifies itself may append it to its own name (RFC 9110 section 10.1.5).
///
/// ```
/// use sse_blocking::{EventSource, Request};
///
/// let agent = format!("ticker/1.0 {}", sse_blocking::USER_AGENT);
/// let request = Request::get("http://127.0.0.1:8888/sse")?.with_header("User-Agent", &agent)?;
/// let source = EventSource::new(request);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The error of a handler: any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An event that is encoded once, for any number of streams.
pub type Frame = sse_proto::Frame<std::sync::Arc<[u8]>>;

/// Why reading events failed.
pub type ReadError = sse_proto::ReadError<io::Error>;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
