//! The receiving side: clients and event readers.

#[cfg(feature = "http")]
pub(crate) mod body;
mod chunks;
#[cfg(feature = "http")]
mod from_http;
#[cfg(feature = "http")]
mod http_client;
#[cfg(feature = "http")]
mod http_source;
mod reader;
#[cfg(feature = "reqwest")]
mod reqwest;
mod source;
mod stream;

#[cfg(feature = "http")]
pub use body::BodyStream;
#[cfg(feature = "http")]
pub use from_http::FromHttpError;
#[cfg(feature = "http")]
pub use http_source::HttpSource;
pub use reader::EventReader;
#[cfg(feature = "reqwest")]
pub use reqwest::ReqwestError;
pub use source::{EventSource, Signals};
pub use stream::EventStream;
