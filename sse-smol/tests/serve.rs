//! The servers, on smol.

use sse_smol::{EventSender, Hub, Incoming, Server, ServerHandle};

/// What a handler gives.
type Answered = std::future::Ready<Result<(), sse_smol::BoxError>>;

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
    smol::block_on(async { server.serve(smol::net::TcpListener::try_from(listener).unwrap()).await });
}

include!("../../sse-proto/tests/adapters/serve.rs");
