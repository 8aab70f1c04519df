//! The contract of the adapters, on tokio.

#[cfg(feature = "http")]
mod http_client;
mod tasks;
#[cfg(unix)]
mod unix;

use sse_tokio::Tokio;

sse_contract::dial_suite!(Tokio);
sse_contract::event_stream_suite!(Tokio);
sse_contract::hub_suite!(Tokio);
sse_contract::reader_suite!(Tokio);
sse_contract::serve_suite!(Tokio);
sse_contract::serve_connection_suite!(Tokio);
sse_contract::serve_connection_async_suite!(Tokio);
sse_contract::source_suite!(Tokio);
sse_contract::source_async_suite!(Tokio);
sse_contract::streams_suite!(Tokio);
sse_contract::writer_suite!(Tokio);

#[cfg(feature = "rustls")]
sse_contract::tls_suite!(Tokio, sse_tokio::EventSource::with_tls);
