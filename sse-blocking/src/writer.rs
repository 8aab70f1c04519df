//! Writes events to a byte stream.

use std::io::{self, Write};

use sse_proto::{AsEvent, Sender};

/// Writes events to a byte stream. Each event is one write, followed by a flush.
///
/// Only [`close`](Self::close) ends the stream cleanly; dropping the writer cuts it. In a chunked
/// HTTP response, the client can tell the two apart.
///
/// ```
/// use sse_blocking::{Event, EventWriter};
///
/// let mut out = Vec::new();
/// let mut writer = EventWriter::new(&mut out);
/// writer.send(&Event::new("hello").with_id("1").map_err(std::io::Error::other)?)?;
/// writer.keep_alive()?;
/// writer.close()?;
/// assert_eq!(out, b"id: 1\ndata: hello\n\n:\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct EventWriter<W> {
    io: W,
    sender: Sender,
}

impl<W: Write> EventWriter<W> {
    /// Creates a writer of a bare event stream.
    pub fn new(io: W) -> Self {
        Self::with_sender(io, Sender::new())
    }

    /// Creates a writer with this sender, which determines the framing. Bytes already pending in
    /// the sender go out with the next write.
    pub fn with_sender(io: W, sender: Sender) -> Self {
        Self { io, sender }
    }

    /// Returns the byte stream.
    pub fn get_ref(&self) -> &W {
        &self.io
    }

    /// Returns the byte stream. Do not write to it in the middle of an event.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.io
    }

    /// Sends an event.
    ///
    /// # Errors
    /// If the stream fails. The event stays pending and is written by the next call that writes.
    pub fn send(&mut self, event: impl AsEvent) -> io::Result<()> {
        self.sender.event(event);
        self.flush()
    }

    /// Sends a comment, which clients ignore.
    ///
    /// # Errors
    /// Like [`send`](Self::send).
    pub fn comment(&mut self, text: &str) -> io::Result<()> {
        self.sender.comment(text);
        self.flush()
    }

    /// Sends the shortest comment, which keeps an idle connection open and detects a broken one.
    ///
    /// # Errors
    /// Like [`send`](Self::send).
    pub fn keep_alive(&mut self) -> io::Result<()> {
        self.sender.keep_alive();
        self.flush()
    }

    /// Writes all pending bytes, and flushes.
    ///
    /// # Errors
    /// If the stream fails; `WriteZero` if it accepts no more bytes. Unwritten bytes stay pending.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.sender.pending().is_empty() {
            match self.io.write(self.sender.pending()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.sender.handle_written(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.io.flush()
    }

    /// Ends the stream cleanly: writes the pending bytes and the end of the HTTP body, and drops
    /// the connection.
    ///
    /// # Errors
    /// If the stream fails.
    pub fn close(mut self) -> io::Result<()> {
        self.sender.finish();
        self.flush()
    }

    /// Drops the connection without ending the stream. The client of a chunked response can detect
    /// the cut.
    pub fn abort(self) {}
}
