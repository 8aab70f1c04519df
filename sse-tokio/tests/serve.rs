//! The servers, on tokio.

use sse_tokio::{EventSender, Hub, Incoming, Server, ServerHandle};

/// What a handler gives.
type Answered = std::future::Ready<Result<(), sse_tokio::BoxError>>;

macro_rules! handler {
    ([$($captured:ident),*] $incoming:ident => $body:block) => {{
        $(let $captured = $captured.clone();)*
        move |$incoming: Incoming| {
            $(let $captured = $captured.clone();)*
            async move $body
        }
    }};
}

macro_rules! wait {
    ($future:expr) => {
        $future.await
    };
}

fn run(server: Server, listener: TcpListener) {
    listener.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { server.serve(tokio::net::TcpListener::from_std(listener).unwrap()).await });
}

include!("../../sse-proto/tests/adapters/serve.rs");
