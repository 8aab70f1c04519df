//! Event sources over HTTP clients of the user's, on tokio: over hyper, and over reqwest with HTTP/2.
#![cfg(feature = "http")]

use std::sync::LazyLock;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioExecutor;
use sse_tokio::{EventStream, HttpSource};
use tokio::runtime::Runtime;

/// One runtime for all: hyper's connections are tasks that outlive a call.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    });
    RUNTIME.block_on(future)
}

async fn send(
    request: http::Request<Vec<u8>>,
) -> Result<http::Response<Incoming>, hyper_util::client::legacy::Error> {
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
    client.request(request.map(Full::<Bytes>::from)).await
}

macro_rules! contract {
    ($(fn $name:ident() $body:block)*) => { $(#[test] fn $name() { block_on(async move $body) })* };
}

macro_rules! wait {
    ($future:expr) => {
        $future.await
    };
}

macro_rules! prepare {
    ($request:ident => $body:block) => {
        async |mut $request| $body
    };
}

macro_rules! prepared {
    ($result:expr) => {
        std::future::ready($result)
    };
}

include!("../../sse-proto/tests/adapters/http_source.rs");
include!("../../sse-proto/tests/adapters/http_source_async.rs");
