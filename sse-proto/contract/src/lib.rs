//! The contract of the adapters, and everything else that several tests, fuzz targets or example programs share.
//!
//! This package is never published. It has, by feature:
//!
//! - always: [`reference`](mod@reference), a slow and obvious decoder, and [`cuts`], the layout of a fuzzer's input;
//! - `vectors`: `vector_files`, which reads the conformance data;
//! - `programs`: the common parts of the example programs.

#![forbid(unsafe_code)]

pub mod cuts;
#[cfg(feature = "programs")]
pub mod programs;
pub mod reference;
#[cfg(feature = "vectors")]
pub mod vector_files;
