//! The example programs, on threads.

const RUNTIME: &str = "blocking";

include!("../../sse-proto/tests/adapters/programs.rs");
include!("../../sse-proto/tests/adapters/proxy.rs");
