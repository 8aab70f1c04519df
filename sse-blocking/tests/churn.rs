//! Connections that come and go, on threads.

use sse_blocking::{Hub, Incoming, Server};

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

include!("../../sse-proto/tests/adapters/churn.rs");
