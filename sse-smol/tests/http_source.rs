//! Event sources over HTTP clients of the user's, on smol: over hyper.
#![cfg(feature = "http")]

use http::Uri;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::handshake;
use smol::block_on;
use smol_hyper::rt::FuturesIo;
use sse_smol::{EventStream, HttpSource};

async fn send(
    mut request: http::Request<Vec<u8>>,
) -> Result<http::Response<Incoming>, Box<dyn Error + Send + Sync>> {
    let host = request.uri().authority().unwrap().to_string();
    let socket = smol::net::TcpStream::connect(&host).await?;
    let (mut sender, connection) = handshake(FuturesIo::new(socket)).await?;
    smol::spawn(connection).detach();
    request.headers_mut().insert("host", host.parse()?);
    *request.uri_mut() = Uri::try_from(request.uri().path_and_query().unwrap().as_str())?;
    Ok(sender.send_request(request.map(Full::<Bytes>::from)).await?)
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
