//! How a connection is made to a host of several addresses.

use sse_tokio::Tokio;

sse_contract::dial_suite!(Tokio);
