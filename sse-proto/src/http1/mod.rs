//! HTTP/1.1 as far as event streams need it (RFC 9112): heads and body framing.
//!
//! [`client::Connection`] connects for a subscription, [`server::Connection`] serves a connection.
//! Their building blocks can be used on their own. Each role has a message to send and a decoder to
//! read the other side:
//!
//! | | writes | reads |
//! |---|---|---|
//! | client | [`Request`] (its address: [`Url`]) | [`ResponseDecoder`] returns [`ResponseHead`] and body bytes |
//! | server | [`Response`], then [chunks](append_chunk) | [`RequestDecoder`] returns [`RequestHead`], [`BodyDecoder`] its body |
//!
//! All decoders have the same methods. `decode` consumes bytes from the front of a slice and leaves
//! bytes that belong to something else. `handle_eof` reports that the peer closed the connection.
//! After an error, every further call returns the same error. [`HeadLimits`] bounds heads,
//! [`BodyDecoder::CHUNK_LINE_LIMIT`] bounds chunk lines. Body bytes are lent from the input and
//! never copied.
//!
//! Where RFC 9112 leaves the recipient a choice, this module decides as follows:
//!
//! - A bare LF ends a line in heads and trailers (section 2.2), but not in chunk lines, where
//!   leniency enables request smuggling.
//! - A folded header line (section 5.2) is unfolded in a response and rejected in a request.
//! - Repeated equal `Content-Length` values count as one (section 6.3). `Content-Length` beside
//!   `Transfer-Encoding` is rejected in either direction, as is `Transfer-Encoding` in HTTP/1.0.
//! - `chunked` is the only transfer coding (section 7).
//! - A client that never reuses a connection, such as [`client::Connection`] and
//!   [`Receiver::http1`](crate::Receiver::http1), accepts more; see
//!   [`ResponseDecoder::for_single_use`].
//! - A minor version above 1 counts as HTTP/1.1 (RFC 9110 section 2.5).

mod body;
pub mod client;
mod date;
pub mod dial;
mod framing;
mod head;
mod request_decoder;
mod request_head;
mod response;
mod response_decoder;
mod response_head;
pub mod server;

pub use crate::http::{
    Framing, HeaderError, Request, RequestError, ResponseHead, Scheme, Url, UrlError, Version,
};
pub use body::{BodyDecoder, BodyError, LAST_CHUNK, append_chunk};
pub use head::{HeadError, HeadLimits};
pub use request_decoder::RequestDecoder;
pub use request_head::{RequestHead, RequestHeadError};
pub use response::Response;
pub use response_decoder::{ResponseDecoder, ResponseError, ResponsePart};
