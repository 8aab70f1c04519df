//! Event sources over TLS.
#![cfg(feature = "rustls")]

use sse_blocking::{EventSource, rustls};

macro_rules! contract {
    ($(fn $name:ident() $body:block)*) => { $(#[test] fn $name() $body)* };
}

macro_rules! wait {
    ($result:expr) => {
        $result
    };
}

include!("../../sse-proto/tests/adapters/tls.rs");
