//! How a connection is made to a host of several addresses.

#![allow(dead_code)]

macro_rules! wait {
    ($future:expr) => {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on($future)
    };
}

async fn race(addresses: &[SocketAddr]) -> std::io::Result<tokio::net::TcpStream> {
    sse_async::race::<sse_tokio::Tokio>(addresses).await
}

include!("../../sse-proto/tests/adapters/dial.rs");
