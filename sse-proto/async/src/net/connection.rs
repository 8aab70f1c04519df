//! The connection of an event source.

use std::io;
use std::task::{Context, Poll, ready};

use sse_proto::http::Url;

use crate::Runtime;
use crate::net::tls::MaybeTls;
use crate::net::{BoxFuture, Tls, dial};

/// A connection that can be established repeatedly.
pub(crate) struct Connection<R: Runtime> {
    connecting: Option<BoxFuture<io::Result<MaybeTls<R>>>>,
    io: Option<MaybeTls<R>>,
}

impl<R: Runtime> Default for Connection<R> {
    fn default() -> Self {
        Self { connecting: None, io: None }
    }
}

impl<R: Runtime> Connection<R> {
    pub(crate) fn close(&mut self) {
        *self = Self::default();
    }

    /// Establishes a new connection, which replaces the previous one.
    pub(crate) fn poll_connect(
        &mut self,
        cx: &mut Context<'_>,
        url: &Url,
        tls: &Tls,
    ) -> Poll<io::Result<()>> {
        self.io = None;
        let connecting = self.connecting.get_or_insert_with(|| {
            let (url, tls) = (url.clone(), tls.clone());
            Box::pin(async move { tls.secure(&url, dial::<R>(&url).await?).await })
        });
        let connected = ready!(connecting.as_mut().poll(cx));
        self.connecting = None;
        self.io = Some(connected?);
        Poll::Ready(Ok(()))
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.io()?.poll_write(cx, bytes)
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io()?.poll_read(cx, space)
    }

    fn io(&mut self) -> io::Result<&mut MaybeTls<R>> {
        self.io.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}
