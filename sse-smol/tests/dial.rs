//! How a connection is made to a host of several addresses.

#![allow(dead_code)]

macro_rules! wait {
    ($future:expr) => {
        smol::block_on($future)
    };
}

async fn race(addresses: &[SocketAddr]) -> std::io::Result<smol::net::TcpStream> {
    sse_async::race::<sse_smol::Smol>(addresses).await
}

include!("../../sse-proto/tests/adapters/dial.rs");
