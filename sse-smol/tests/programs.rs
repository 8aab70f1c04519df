//! The example programs, on smol.

sse_contract::programs_suite!("smol");
