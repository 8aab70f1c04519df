//! The contract of the adapters, on threads.

mod http_client;
mod iterators;
mod socket;
mod waiting;

use sse_contract::adapter::Blocking;

sse_contract::hub_suite!(Blocking);
sse_contract::reader_suite!(Blocking);
sse_contract::serve_suite!(Blocking);
sse_contract::serve_connection_suite!(Blocking);
sse_contract::source_suite!(Blocking);
sse_contract::writer_suite!(Blocking);

#[cfg(feature = "rustls")]
sse_contract::tls_suite!(Blocking, sse_blocking::EventSource::with_tls);
