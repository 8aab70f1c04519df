//! The user's HTTP client.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::Body;
use sse_proto::http::{Request, ResponseHead};

use crate::BoxError;
use crate::client::body::AnyBody;
use crate::client::chunks::Chunks;
use crate::net::BoxFuture;

type Response = http::Response<Pin<Box<AnyBody>>>;
type Sending = BoxFuture<Result<Response, BoxError>>;

/// The function that sends requests, the pending request, and the body of its response.
pub(crate) struct HttpClient {
    send: Box<dyn FnMut(http::Request<Vec<u8>>) -> Sending + Send>,
    sending: Option<Sending>,
    body: Option<Chunks<AnyBody>>,
}

impl HttpClient {
    pub(crate) fn new<F, R, B, E>(mut send: F) -> Self
    where
        F: FnMut(http::Request<Vec<u8>>) -> R + Send + 'static,
        R: Future<Output = Result<http::Response<B>, E>> + Send + 'static,
        B: Body<Error: Into<BoxError>> + Send + 'static,
        E: Into<BoxError>,
    {
        let send = move |request| -> Sending {
            let sending = send(request);
            Box::pin(async {
                Ok(sending.await.map_err(E::into)?.map(|body| Box::pin(body) as Pin<Box<AnyBody>>))
            })
        };
        Self { send: Box::new(send), sending: None, body: None }
    }

    /// Drops the remains of the last exchange.
    pub(crate) fn disconnect(&mut self) {
        (self.sending, self.body) = (None, None);
    }

    pub(crate) fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    pub(crate) fn send(&mut self, request: &Request) -> Result<(), http::Error> {
        self.disconnect();
        self.sending = Some((self.send)(to_http(request)?));
        Ok(())
    }

    pub(crate) fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<Result<ResponseHead, BoxError>> {
        let Some(sending) = &mut self.sending else { return Poll::Pending };
        let response = ready!(sending.as_mut().poll(cx));
        self.sending = None;
        let (parts, body) = response?.into_parts();
        self.body = Some(Chunks::new(body));
        Poll::Ready(Ok(to_head(&parts)))
    }

    /// Returns the next bytes, or `None` at the end.
    pub(crate) fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<&[u8], BoxError>>> {
        match &mut self.body {
            Some(body) => body.poll_bytes(cx),
            None => Poll::Ready(None),
        }
    }

    /// Consumes `count` of those bytes.
    pub(crate) fn take(&mut self, count: usize) {
        if let Some(body) = &mut self.body {
            body.take(count);
        }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("is_sending", &self.is_sending()).finish_non_exhaustive()
    }
}

/// Fails if `http` is stricter than the request, for example about the length of a URL.
fn to_http(request: &Request) -> Result<http::Request<Vec<u8>>, http::Error> {
    let to = http::Request::builder().method(request.method()).uri(request.url().to_string());
    let to = request.headers_to_send().fold(to, |to, (name, value)| to.header(name, &*value));
    to.body(request.body().to_vec())
}

fn to_head(parts: &http::response::Parts) -> ResponseHead {
    parts.headers.iter().fold(ResponseHead::new(parts.status.as_u16()), |head, (name, value)| {
        head.with_header(name.as_str(), value.as_bytes())
    })
}
