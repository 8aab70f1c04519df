//! Event sources over TLS.
#![cfg(feature = "rustls")]

use smol::block_on;
use sse_smol::{EventSource, rustls};

macro_rules! contract {
    ($(fn $name:ident() $body:block)*) => { $(#[test] fn $name() { block_on(async move $body) })* };
}

macro_rules! wait {
    ($future:expr) => {
        $future.await
    };
}

include!("../../sse-proto/tests/adapters/tls.rs");
