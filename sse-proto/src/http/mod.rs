//! Requests and responses, independent of the HTTP version.
//!
//! A [`Session`](crate::source::Session) sends these requests and receives these responses. `http1`
//! encodes and parses them. To use another HTTP library, copy [`Request::headers_to_send`] into its
//! request, and its response into a [`ResponseHead`].

pub(crate) mod fields;
mod message;
mod percent;
pub(crate) mod query;
mod reference;
mod request;
mod response_head;
mod url;

pub use self::fields::HeaderError;
pub use self::message::{Framing, Version};
pub use self::request::{Request, RequestError};
pub use self::response_head::ResponseHead;
pub use self::url::{Scheme, Url, UrlError};
