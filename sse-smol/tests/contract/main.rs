//! The contract of the adapters, on smol.

#[cfg(feature = "http")]
mod http_client;

use sse_smol::Smol;

sse_contract::dial_suite!(Smol);
sse_contract::event_stream_suite!(Smol);
sse_contract::hub_suite!(Smol);
sse_contract::reader_suite!(Smol);
sse_contract::serve_suite!(Smol);
sse_contract::serve_connection_suite!(Smol);
sse_contract::serve_connection_async_suite!(Smol);
sse_contract::source_suite!(Smol);
sse_contract::source_async_suite!(Smol);
sse_contract::streams_suite!(Smol);
sse_contract::writer_suite!(Smol);

#[cfg(feature = "rustls")]
sse_contract::tls_suite!(Smol, sse_smol::EventSource::with_tls);
