//! Programs for web frameworks are in `examples`; `tests/frameworks.rs` speaks to each of them.
