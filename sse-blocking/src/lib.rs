//! Server-Sent Events over blocking `std::io` and `std::net`.
//!
//! [`EventSource`] keeps a subscription: it connects, and connects again with the last event id whenever the stream is lost.
//! [`EventReader`] reads events from anything that is [`Read`](std::io::Read): a file, a socket, a response body.
//! [`EventWriter`] writes them to anything that is [`Write`](std::io::Write). [`connect`] asks a server for a stream over
//! plain HTTP/1.1, and [`accept`] answers such a request on an accepted socket. [`Server`] serves
//! streams on a listener, and [`Hub`] sends one stream to many. The decisions are those of [`proto`]; this
//! crate does the reading and writing. `sse-tokio` and `sse-smol` are the same for their runtimes, with the same names.
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
//! use sse_blocking::{Event, Request, Response, accept, connect};
//!
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let url = format!("http://{}/sse", listener.local_addr()?);
//! let server = std::thread::spawn(move || {
//!     let (socket, _) = listener.accept()?;
//!     let mut writer = accept(socket).map_err(std::io::Error::other)?.open(Response::new(200))?;
//!     writer.send("hello")?;
//!     writer.close()
//! });
//!
//! let reader = connect(&Request::get(&url)?)?;
//! let events: Vec<Event> = reader.collect::<Result<_, _>>()?;
//! assert_eq!(events, [Event::new("hello")]);
//! server.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to read events | take |
//! |---|---|
//! | from a server, for as long as it takes | [`EventSource`]; over an HTTP client of yours [`HttpSource`] |
//! | from one response, a socket, a body | [`connect`], [`EventReader`] |
//!
//! | to send events | take |
//! |---|---|
//! | from a server of your own, with limits and a clean stop | [`Server`] |
//! | the same to many, and again to those who come back | [`Hub`] |
//! | on one accepted socket, into any byte stream | [`accept`], [`EventWriter`] |
//!
//! # Features
//!
//! - `simdutf8` (the only one on by default): text that is not ASCII is decoded up to five times as fast, by the crate of that
//!   name.
//! - `rustls`: `https` for [`EventSource`], by rustls with the provider *ring*; trusts what the platform trusts.
//! - `rustls-no-provider`: the same with the provider that your program installs.
//! - `tracing`: logs what happens to sources and connections by the crate of that name, in the spans of requests.
//! - `json`: events as values of your types, both ways: `next_json`, `Event::json`, `Event::from_json`.

#![forbid(unsafe_code)]
#![warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod close;
mod connection;
mod connection_task;
mod dial;
mod event_sender;
mod guard;
mod http;
mod http_client;
mod http_source;
mod hub;
mod incoming;
mod reader;
mod server;
mod shared_stream;
mod source;
mod timeouts;
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
    AfterGap, Delivery, Gap, HubConfig, Id, Lag, PublishError, Published, Resume, SubscribeError,
    Subscription,
};
pub use sse_proto::sender::{Ended, StreamConfig};
pub use sse_proto::source::{CloseReason, EndMarker, Reconnect, Signal, SourceConfig, SourceError};
pub use sse_proto::{Event, EventRef, Item};

pub use crate::close::{CloseHandle, Shutdown, ShutdownFn};
pub use crate::event_sender::EventSender;
pub use crate::http::{Exchange, accept, connect, connect_with};
pub use crate::http_source::HttpSource;
pub use crate::hub::{Hub, Subscriber};
pub use crate::incoming::Incoming;
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

/// Why a request could not be accepted.
pub type AcceptError = sse_proto::AcceptError<io::Error>;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
