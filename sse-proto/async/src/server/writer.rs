//! Writes events to a byte stream.

use std::future::poll_fn;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_sink::Sink;
use sse_proto::{AsEvent, Event, Sender};

use crate::Writes;

/// Writes events to a byte stream. Each event is one write, followed by a flush.
///
/// Only [`close`](Self::close) ends the stream cleanly; dropping the writer cuts it. In a chunked
/// HTTP response, the client can tell the two apart.
///
/// If the future of a method is dropped, its bytes stay pending and are written by the next call
/// that writes. As a [`Sink`], the writer buffers events without flushing each, and writes when it
/// is flushed or [full](Sender::is_full).
#[derive(Debug)]
pub struct EventWriter<S, R> {
    io: S,
    sender: Sender,
    runtime: PhantomData<fn() -> R>,
}

impl<S: Unpin, R: Writes<S>> EventWriter<S, R> {
    /// Creates a writer of a bare event stream.
    pub fn new(io: S) -> Self {
        Self::with_sender(io, Sender::new())
    }

    /// Creates a writer with this sender, which determines the framing. Bytes already pending in
    /// the sender go out with the next write.
    pub fn with_sender(io: S, sender: Sender) -> Self {
        Self { io, sender, runtime: PhantomData }
    }

    /// Returns the byte stream.
    pub fn get_ref(&self) -> &S {
        &self.io
    }

    /// Returns the byte stream. Do not write to it in the middle of an event.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.io
    }

    /// Sends an event.
    ///
    /// # Errors
    /// If the stream fails. The event stays pending and is written by the next call that writes.
    pub async fn send(&mut self, event: impl AsEvent) -> io::Result<()> {
        self.sender.event(event);
        self.flush().await
    }

    /// Sends a comment, which clients ignore.
    ///
    /// # Errors
    /// Like [`send`](Self::send).
    pub async fn comment(&mut self, text: &str) -> io::Result<()> {
        self.sender.comment(text);
        self.flush().await
    }

    /// Sends the shortest comment, which keeps an idle connection open and detects a broken one.
    ///
    /// # Errors
    /// Like [`send`](Self::send).
    pub async fn keep_alive(&mut self) -> io::Result<()> {
        self.sender.keep_alive();
        self.flush().await
    }

    /// Writes all pending bytes, and flushes.
    ///
    /// # Errors
    /// If the stream fails; `WriteZero` if it accepts no more bytes. Unwritten bytes stay pending.
    pub async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_write_all(cx)).await
    }

    /// Ends the stream cleanly: writes the pending bytes and the end of the HTTP body, and shuts
    /// the connection down.
    ///
    /// # Errors
    /// If the stream fails.
    pub async fn close(mut self) -> io::Result<()> {
        poll_fn(|cx| Pin::new(&mut self).poll_close(cx)).await
    }

    /// Drops the connection without ending the stream. The client of a chunked response can detect
    /// the cut.
    pub fn abort(self) {}

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.sender.pending().is_empty() {
            match ready!(R::poll_write(Pin::new(&mut self.io), cx, self.sender.pending()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sender.handle_written(count),
            }
        }
        R::poll_flush(Pin::new(&mut self.io), cx)
    }
}

impl<S: Unpin, R: Writes<S>> Sink<Event> for EventWriter<S, R> {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.sender.is_full() { self.poll_write_all(cx) } else { Poll::Ready(Ok(())) }
    }

    fn start_send(mut self: Pin<&mut Self>, event: Event) -> io::Result<()> {
        self.sender.event(&event);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_all(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sender.finish();
        ready!(self.poll_write_all(cx))?;
        R::poll_shutdown(Pin::new(&mut self.io), cx)
    }
}
