//! Event sources over an HTTP client of the user's, on tokio: over hyper.

use std::sync::LazyLock;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use sse_contract::adapter::AsyncHttpClient;
use sse_tokio::Tokio;
use tokio::runtime::{Builder, Runtime};

/// The client of `hyper-util`.
enum Hyper {}

impl AsyncHttpClient for Hyper {
    type Runtime = Tokio;
    type Body = Incoming;
    type Error = Error;

    fn block_on<T>(test: impl Future<Output = T>) -> T {
        // One runtime for all tests: hyper's connections are tasks that outlive a call.
        static RUNTIME: LazyLock<Runtime> =
            LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
        RUNTIME.block_on(test)
    }

    async fn send(request: http::Request<Vec<u8>>) -> Result<http::Response<Incoming>, Error> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        client.request(request.map(Full::<Bytes>::from)).await
    }
}

sse_contract::http_source_suite!(Hyper);
sse_contract::http_source_async_suite!(Hyper);
