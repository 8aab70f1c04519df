//! The example programs, on tokio.

const RUNTIME: &str = "tokio";

include!("../../sse-proto/tests/adapters/programs.rs");
include!("../../sse-proto/tests/adapters/proxy.rs");
