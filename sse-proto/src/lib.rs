//! Server-Sent Events as sans-IO state machines.
//!
//! The machines turn bytes into events and events into bytes. They read no clock and no socket, so
//! they run anywhere: under tokio, smol or threads (the crates `sse-tokio`, `sse-smol` and
//! `sse-blocking` do the I/O), in firmware, in a fuzzer.
//!
//! | to | use |
//! |---|---|
//! | decode `text/event-stream` | [`Decoder`]: takes chunks, lends [`EventRef`]s |
//! | encode it | [`Encoder`]: takes [`Event`]s, appends to your buffer |
//! | receive the events of one connection | [`Receiver`]: says when to read, yields events |
//! | send events on one connection | [`Sender`]: holds pending bytes, sends keep-alives |
//! | fan out events to many subscribers, with replay | [`Hub`]: gives the next delivery of each subscriber |
//! | stay subscribed, over any HTTP client | [`source::Session`]: says when to connect and with which request, yields events |
//! | speak HTTP/1.1 without an HTTP library | `http1` (feature `http1`) |
//! | carry binary payloads | [`base64`] |
//! | check and set the headers of an event stream | [`header`] |
//!
//! [`Limits`] bound the memory that a peer's input can occupy. No input causes a panic. Decoding
//! takes time linear in the number of bytes, however the bytes are split into chunks. "The
//! standard" is the HTML Standard of the WHATWG, section "Server-sent events".
//!
//! ```
//! use sse_proto::{Decoder, Encoder, Event};
//!
//! let mut stream = Vec::new();
//! Encoder::new(&mut stream).event(&Event::new("hello").with_name("greeting")?);
//! assert_eq!(stream, b"event: greeting\ndata: hello\n\n");
//!
//! let mut input = &stream[..];
//! let mut decoder = Decoder::new();
//! let event = decoder.decode(&mut input)?.expect("one event");
//! assert_eq!((event.name(), event.data()), ("greeting", "hello"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `CONTRIBUTING.md` in the repository follows an event from the socket to the program and back, file
//! by file.
//!
//! # Features
//!
//! - `std` (default): `std::io::Write` for [`DataWriter`], faster scanning.
//! - `http1`: the module `http1`. Depends on `httparse`.
//! - `serde`: `Serialize` and `Deserialize` for [`Event`], as an object with the fields `event`,
//!   `data`, `id` and `retry` (milliseconds) that are present.
//! - `json`: the module `json`, which deserializes events into your types. Depends on `serde_json`.
//! - `gzip`: reads compressed streams; see
//!   [`SourceConfig::accept_gzip`](source::SourceConfig::accept_gzip). Depends on `flate2`, and
//!   needs `std`.
//! - `bytes`: implements [`Buffer`] for `bytes::BytesMut`.
//! - `tracing`: logs what happens to a source by the crate `tracing`; see
//!   [`SourceConfig::set_on_change`](source::SourceConfig::set_on_change).
//! - `log-suite`: the module `hub::log::suite`, a conformance suite for logs of your own.
//! - `simdutf8`: validates text that is not ASCII several times as fast. Depends on `simdutf8`.
// Names the features of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
#![warn(clippy::std_instead_of_alloc, clippy::std_instead_of_core)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod base64;
mod decode;
mod encode;
mod error;
mod event;
mod field;
mod frame;
pub mod header;
mod hook;
pub mod http;
#[cfg(feature = "http1")]
pub mod http1;
pub mod hub;
#[cfg(feature = "json")]
pub mod json;
mod limits;
pub mod metrics;
mod random;
mod receiver;
mod scan;
pub mod sender;
#[cfg(feature = "serde")]
mod serde_impl;
pub mod source;
mod time;

pub use crate::decode::{Decoder, End, Item};
pub use crate::encode::{Buffer, BufferTooSmall, DataWriter, Encoder};
pub use crate::error::ReadError;
pub use crate::event::{AsEvent, DEFAULT_NAME, Event, EventRef};
pub use crate::field::{EventName, FieldName, InvalidField};
pub use crate::frame::Frame;
pub use crate::hub::Hub;
pub use crate::limits::{Limit, LimitExceeded, Limits};
pub use crate::receiver::{GunzipError, ReceiveError, Receiver, Want};
pub use crate::sender::Sender;

pub use crate::time::Instant;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
