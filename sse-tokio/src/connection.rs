//! The connection of an event source.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use sse_proto::http::Url;
use tokio::io::ReadBuf;

use crate::dial::dial;
use crate::tls::{BoxIo, Io, Tls};

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A connection that is made when it is needed, and again.
#[derive(Default)]
pub(crate) struct Connection {
    connecting: Option<BoxFuture<io::Result<BoxIo>>>,
    io: Option<BoxIo>,
}

impl Connection {
    pub(crate) fn close(&mut self) {
        *self = Self::default();
    }

    /// Makes a new connection, in place of the one before.
    pub(crate) fn poll_connect(
        &mut self,
        cx: &mut Context<'_>,
        url: &Url,
        tls: &Tls,
    ) -> Poll<io::Result<()>> {
        self.io = None;
        let connecting = self.connecting.get_or_insert_with(|| {
            let (url, tls) = (url.clone(), tls.clone());
            Box::pin(async move { tls.secure(&url, dial(url.clone()).await?).await })
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
        // What was written may still be on its way. Whether it gets there decides nothing: the peer may have answered without it.
        let _ = self.io()?.poll_flush(cx);
        let mut space = ReadBuf::new(space);
        ready!(self.io()?.poll_read(cx, &mut space))?;
        Poll::Ready(Ok(space.filled().len()))
    }

    fn io(&mut self) -> io::Result<Pin<&mut (dyn Io + 'static)>> {
        self.io.as_mut().map(Pin::as_mut).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}
