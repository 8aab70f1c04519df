//! Event sources over an HTTP client of the user's, on smol: over hyper.

use http::Uri;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::handshake;
use smol_hyper::rt::FuturesIo;
use sse_contract::adapter::AsyncHttpClient;
use sse_smol::{BoxError, Smol};

/// A connection of hyper's for each request.
enum Hyper {}

impl AsyncHttpClient for Hyper {
    type Runtime = Smol;
    type Body = Incoming;
    type Error = BoxError;

    fn block_on<T>(test: impl Future<Output = T>) -> T {
        smol::block_on(test)
    }

    async fn send(mut request: http::Request<Vec<u8>>) -> Result<http::Response<Incoming>, BoxError> {
        let host = request.uri().authority().unwrap().to_string();
        let socket = smol::net::TcpStream::connect(&host).await?;
        let (mut sender, connection) = handshake(FuturesIo::new(socket)).await?;
        smol::spawn(connection).detach();
        request.headers_mut().insert("host", host.parse()?);
        *request.uri_mut() = Uri::try_from(request.uri().path_and_query().unwrap().as_str())?;
        Ok(sender.send_request(request.map(Full::<Bytes>::from)).await?)
    }
}

sse_contract::http_source_suite!(Hyper);
sse_contract::http_source_async_suite!(Hyper);
