//! The async driver of [`sse_proto`], which `sse-tokio` and `sse-smol` share.
//!
//! Programs use one of those two crates. This crate is for adapters to other runtimes: implement
//! [`Runtime`], [`Reads`] and [`Writes`] on a marker type, [`Timer`] on its timer, and name the generic
//! types of this crate by aliases:
//!
//! ```text
//! pub enum Mine {}
//! impl sse_async::Runtime for Mine { /* clock, sockets, tasks */ }
//! impl sse_async::Timer for MyTimer { /* poll */ }
//! impl<S: AsyncRead + ?Sized> sse_async::Reads<S> for Mine { /* poll_read */ }
//! impl<S: AsyncWrite + ?Sized> sse_async::Writes<S> for Mine { /* poll_write, poll_flush, poll_shutdown */ }
//!
//! pub type EventSource = sse_async::EventSource<Mine>;
//! pub type EventReader<S> = sse_async::EventReader<S, Mine>;
//! ```
//!
//! `tests/runtime.rs` has a complete example, which needs no external executor. In the repository, an
//! adapter also passes the suites of `sse-contract`, for which it implements `Executor`:
//! `CONTRIBUTING.md` lists the places.
//!
//! All protocol decisions are in [`proto`]; this crate reads, writes, waits and wakes.
//!
//! # Features
//!
//! - `axum`: `EventBody` as a response of axum, and the extractor `LastEventId`.
//! - `http`: `HttpSource`, `EventBody`, and [`EventStream`] over bodies of `http-body`.
//! - `rustls`: `https` for [`EventSource`], with rustls, its *ring* provider, and the platform's
//!   trust store.
//! - `rustls-no-provider`: the same with the crypto provider that the program installs.
//! - `simdutf8`: faster decoding of text that is not ASCII, with the crate `simdutf8`.

// Names the features of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[cfg(feature = "axum")]
mod axum;
mod client;
mod guard;
mod hub;
mod log_hub;
mod net;
mod runtime;
mod server;
mod span;

use std::io;

/// What [`Runtime::socket_ref`] returns.
pub use socket2::SockRef;
pub use sse_proto as proto;

#[cfg(feature = "axum")]
pub use crate::axum::{LastEventId, Rejection};
#[cfg(feature = "reqwest")]
pub use crate::client::ReqwestError;
#[cfg(feature = "http")]
pub use crate::client::{BodyStream, FromHttpError, HttpSource};
pub use crate::client::{EventReader, EventSource, EventStream, Signals};
pub use crate::hub::{Hub, Subscriber};
pub use crate::log_hub::LogHub;
#[cfg(feature = "rustls-no-provider")]
pub use crate::net::rustls;
pub use crate::net::{CloseHandle, race};
pub use crate::runtime::{ByteStream, Reads, Runtime, Timer, Writes};
#[cfg(feature = "http")]
pub use crate::server::EventBody;
pub use crate::server::{EventSender, EventWriter, Incoming, Server, ServerHandle};

/// The error of a handler: any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An event that is encoded once, for any number of streams.
///
/// Frames are dropped under locks: an owner given to `Bytes::from_owner` must not call a hub or a sender when it is dropped.
pub type Frame = sse_proto::Frame<bytes::Bytes>;

/// Why reading events failed.
pub type ReadError = sse_proto::ReadError<io::Error>;
