//! The programs of the README and the guides, which must compile.

#[doc = include_str!("../../../README.md")]
struct Readme;
