//! Events from a body in hand, on tokio.

use sse_tokio::EventStream;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

include!("../../sse-proto/tests/adapters/event_stream.rs");
