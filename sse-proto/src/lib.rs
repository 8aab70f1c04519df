//! Server-Sent Events as sans-IO state machines.
//!
//! The machines take byte slices and give events, or take events and give bytes. They read no clock and no socket, so
//! they run anywhere: under tokio, smol or threads (the crates `sse-tokio`, `sse-smol` and `sse-blocking` do the reading
//! and writing), in firmware, in a fuzzer.
//!
//! | to | take |
//! |---|---|
//! | decode `text/event-stream` | [`Decoder`]: chunks in, [`EventRef`]s lent |
//! | encode it | [`Encoder`]: [`Event`]s in, bytes appended to your buffer |
//! | receive the events of a connection | [`Receiver`]: says when to read, gives events |
//! | send events on a connection | [`Sender`]: holds what is to be written, keeps the connection open |
//! | send the same to many, and again to those who come back | [`Hub`]: says what comes next for each |
//! | keep a subscription, over any HTTP | [`source::Session`]: says when to connect, with what request, and gives events |
//! | speak HTTP/1.1 without a library | `http1` (feature `http1`) |
//! | carry bytes that are no text | [`base64`] |
//! | check and set the headers of a stream | [`header`] |
//!
//! Everything a peer sends is bounded by [`Limits`], nothing panics, and time is linear in the bytes, however they are
//! cut. "The standard" is the WHATWG's HTML, section "Server-sent events".
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
//! # Features
//!
//! - `std` (default): `std::io::Write` for [`DataWriter`], faster scanning.
//! - `http1`: the module `http1`, by `httparse`.
//! - `serde`: `Serialize` and `Deserialize` for [`Event`]: an object with those of `event`, `data`, `id` and `retry`
//!   (milliseconds) that are present.
//! - `json`: the module `json`, events as values of types of yours, by `serde_json`.
//! - `bytes`: `bytes::BytesMut` is a [`Buffer`].
//! - `simdutf8`: text that is not ASCII is checked several times as fast, by the crate of that name.
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
#[cfg(feature = "http1")]
pub use crate::error::AcceptError;
pub use crate::error::ReadError;
pub use crate::event::{DEFAULT_NAME, Event, EventRef};
pub use crate::field::{FieldName, InvalidField};
pub use crate::frame::Frame;
pub use crate::hub::Hub;
pub use crate::limits::{Limit, LimitExceeded, Limits};
pub use crate::receiver::{ReceiveError, Receiver, Want};
pub use crate::sender::Sender;

pub use crate::time::Instant;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
