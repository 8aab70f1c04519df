//! The contract of the adapters, and everything else that several tests, fuzz targets or example programs share.
//!
//! This package is never published. It has, by feature:
//!
//! - always: [`reference`](mod@reference), a slow and obvious decoder, and [`cuts`], the layout of a fuzzer's input;
//! - `vectors`: `vector_files`, which reads the conformance data;
//! - `programs`: the common parts of the example programs;
//! - `adapters`: `adapter`, which says what an adapter is, and `suites`, generic tests, for which the macros `hub_suite!`,
//!   `serve_suite!` and so on make test functions; `tokio`, `smol`, `blocking`: the adapters as the suites see them.
//!
//! A suite is written once, in `async fn`s: a thread that blocks is a future that is ready at once.

#![forbid(unsafe_code)]
#![allow(async_fn_in_trait, reason = "the traits have few implementations, all of them here or in tests")]

#[cfg(feature = "adapters")]
pub mod adapter;
pub mod cuts;
#[cfg(feature = "adapters")]
pub mod faults;
#[cfg(doctest)]
mod guides;
#[cfg(feature = "programs")]
pub mod programs;
pub mod reference;
#[cfg(feature = "adapters")]
pub mod suites;
#[cfg(feature = "vectors")]
pub mod vector_files;
