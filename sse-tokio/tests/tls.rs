//! Event sources over TLS.
#![cfg(feature = "rustls")]

use sse_tokio::{EventSource, rustls};

macro_rules! contract {
    ($(fn $name:ident() $body:block)*) => { $(#[test] fn $name() { block_on(async move $body) })* };
}

macro_rules! wait {
    ($future:expr) => {
        $future.await
    };
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

include!("../../sse-proto/tests/adapters/tls.rs");
