//! Bodies of `http-body` as streams of bytes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use http_body::Body;

use crate::{BoxError, EventStream};

/// The data of an HTTP body as a stream of chunks, without trailers.
pub struct BodyStream<B> {
    body: Pin<Box<B>>,
}

impl<B: Body> BodyStream<B> {
    /// Creates a stream of the data of `body`.
    pub fn new(body: B) -> Self {
        Self { body: Box::pin(body) }
    }
}

impl<B: Body> Stream for BodyStream<B> {
    type Item = Result<Bytes, B::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        poll_data(self.body.as_mut(), cx)
    }
}

/// Returns the data of the next frame, which is empty for trailers.
fn poll_data<B: Body>(body: Pin<&mut B>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
    let frame = ready!(body.poll_frame(cx));
    Poll::Ready(frame.map(|frame| {
        let data = frame?.into_data();
        // Free of cost if the data is `Bytes`, which it nearly always is.
        Ok(data.map(|mut data| data.copy_to_bytes(data.remaining())).unwrap_or_default())
    }))
}

/// A body of any type, as a stream of its data.
pub(crate) type AnyBody = dyn DynBody + Send;

/// A [`Body`] without its types.
pub(crate) trait DynBody {
    fn poll_bytes(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>>;
}

impl<B: Body<Error: Into<BoxError>>> DynBody for B {
    fn poll_bytes(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        poll_data(self, cx).map_err(Into::into)
    }
}

impl Stream for AnyBody {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_bytes(cx)
    }
}

impl<B> fmt::Debug for BodyStream<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyStream").finish_non_exhaustive()
    }
}

impl<B: Body> EventStream<BodyStream<B>> {
    /// Reads the events of an HTTP body, such as that of a response of hyper, reqwest or tower.
    pub fn from_body(body: B) -> Self {
        Self::new(BodyStream::new(body))
    }
}
