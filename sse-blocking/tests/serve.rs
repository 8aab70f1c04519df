//! The servers, on threads.

use sse_blocking::{EventSender, Hub, Incoming, Server, ServerHandle};

/// What a handler gives.
type Answered = Result<(), sse_blocking::BoxError>;

macro_rules! handler {
    ([$($captured:ident),*] $incoming:ident => $body:block) => {{
        $(let $captured = $captured.clone();)*
        move |$incoming: Incoming| {
            $(let $captured = $captured.clone();)*
            $body
        }
    }};
}

macro_rules! wait {
    ($result:expr) => {
        $result
    };
}

fn run(server: Server, listener: TcpListener) {
    server.serve(listener);
}

include!("../../sse-proto/tests/adapters/serve.rs");
