//! The example programs, on threads.

sse_contract::programs_suite!("blocking");
sse_contract::proxy_suite!("blocking");
