//! HTTP/1.1 as far as event streams need it (RFC 9112): heads, body framing, and the URLs they start from.
//!
//! [`client::Connection`] makes the connections of a subscription, [`server::Connection`] serves one. The parts that they are made of serve other
//! uses too: two directions, each with a message to send and a machine to read the answer:
//!
//! | | writes | reads |
//! |---|---|---|
//! | client | [`Request`] (its address: [`Url`]) | [`ResponseDecoder`] gives [`ResponseHead`] and body bytes |
//! | server | [`Response`], then [`chunk`]s | [`RequestDecoder`] gives [`RequestHead`]; [`BodyDecoder`] its body |
//!
//! The machines take bytes and give values. All of them have the same verbs: `decode` takes from the front of a slice
//! and leaves what it does not need, `handle_eof` is told that the peer closed, and once an error was
//! returned every further call returns it again. Heads are bounded by [`HeadLimits`], chunk lines by
//! [`BodyDecoder::CHUNK_LINE_LIMIT`]; body bytes are lent from the input and never copied.
//!
//! Where RFC 9112 lets a recipient choose, the choice is:
//!
//! - In heads and trailers a bare LF ends a line (section 2.2), in chunk lines it does not: there, leniency is how requests
//!   are smuggled.
//! - A folded header line (section 5.2) is unfolded in a response and refused in a request.
//! - Repeated equal `Content-Length` values are one value (section 6.3); `Content-Length` beside
//!   `Transfer-Encoding` is refused, in either direction, as is `Transfer-Encoding` in HTTP/1.0.
//! - `chunked` is the only transfer coding (section 7).
//! - A client that never uses a connection again, as [`client::Connection`] and [`Receiver::http1`](crate::Receiver::http1), accepts more:
//!   see [`ResponseDecoder::for_single_use`].
//! - A minor version above 1 counts as HTTP/1.1 (RFC 9110 section 2.5).

mod body;
pub mod chunk;
pub mod client;
mod date;
pub mod dial;
mod framing;
mod head;
mod parse;
mod request_decoder;
mod request_head;
mod response;
mod response_decoder;
mod response_head;
mod sending;
pub mod server;

pub use crate::http::{
    Framing, HeaderError, Request, RequestError, ResponseHead, Scheme, Url, UrlError, Version,
};
pub use body::{BodyDecoder, BodyError};
pub use head::{HeadError, HeadLimits};
pub use request_decoder::RequestDecoder;
pub use request_head::{RequestHead, RequestHeadError};
pub use response::Response;
pub use response_decoder::{ResponseDecoder, ResponseError, ResponsePart};
