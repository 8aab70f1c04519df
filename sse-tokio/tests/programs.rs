//! The example programs, on tokio.

sse_contract::programs_suite!("tokio");
sse_contract::proxy_suite!("tokio");
