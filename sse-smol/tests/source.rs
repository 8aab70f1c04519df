//! The contract of event sources, on smol.

use smol::block_on;
use sse_smol::EventSource;

macro_rules! contract {
    ($most:expr; $(fn $name:ident() $body:block)*) => { $(#[test] fn $name() { bounded($most, || block_on(async move $body)) })* };
}

macro_rules! wait {
    ($future:expr) => {
        $future.await
    };
}

fn with_prepare(
    source: EventSource,
    mut prepare: impl FnMut(Request) -> Result<Request, BoxError> + Send + 'static,
) -> EventSource {
    source.with_prepare(move |request| std::future::ready(prepare(request)))
}

include!("../../sse-proto/tests/adapters/faults.rs");
include!("../../sse-proto/tests/adapters/source.rs");
include!("../../sse-proto/tests/adapters/source_async.rs");
