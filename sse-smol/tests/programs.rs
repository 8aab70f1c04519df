//! The example programs, on smol.

const RUNTIME: &str = "smol";

include!("../../sse-proto/tests/adapters/programs.rs");
