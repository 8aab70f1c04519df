//! The suites: each test once, generic over the adapter.
//!
//! A suite has a macro, which makes test functions of it in a module of its name. So an adapter runs all the tests of a suite
//! with one line, `sse_contract::hub_suite!(Tokio)`, and cannot forget one.
#![allow(missing_docs, reason = "the name of a test says what it tests")]

/// Makes a module of test functions, each of which calls the function of its name in a suite.
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($suite:ident, $adapter:ty; $($(#[$attribute:meta])* $test:ident)*) => {
        mod $suite {
            use super::*;

            $(
                #[test]
                $(#[$attribute])*
                fn $test() {
                    $crate::suites::$suite::$test::<$adapter>();
                }
            )*
        }
    };
}

/// As `tests!`, for functions that are `async`.
#[doc(hidden)]
#[macro_export]
macro_rules! async_tests {
    ($suite:ident, $adapter:ty as $runs:path; $($test:ident)*) => {
        mod $suite {
            use super::*;

            $(
                #[test]
                fn $test() {
                    <$adapter as $runs>::block_on($crate::suites::$suite::$test::<$adapter>());
                }
            )*
        }
    };
}

pub mod churn;
pub mod dial;
pub mod event_stream;
pub mod http_source;
pub mod http_source_async;
pub mod hub;
pub mod programs;
pub mod proxy;
pub mod reader;
pub mod serve;
pub mod serve_connection;
pub mod serve_connection_async;
pub mod source;
pub mod source_async;
pub mod streams;
#[cfg(feature = "tls")]
pub mod tls;
pub mod writer;
