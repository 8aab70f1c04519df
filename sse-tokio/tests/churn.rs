//! Connections that come and go, on tokio.

use sse_tokio::Tokio;

sse_contract::churn_suite!(Tokio);
