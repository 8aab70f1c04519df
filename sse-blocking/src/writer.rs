//! Events to a byte stream.

use std::io::{self, Write};

use sse_proto::{EventRef, Sender};

/// Writes events to a byte stream: each event is one write, and is flushed.
///
/// Dropping a writer aborts the stream; only [`close`](Self::close) ends it so that the client sees a clean end (where
/// the framing can show it: in a chunked HTTP response).
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
    /// Writes a bare event stream.
    pub fn new(io: W) -> Self {
        Self::with_sender(io, Sender::new())
    }

    /// Writes what this sender frames; what is pending in it goes out with the next write.
    pub fn with_sender(io: W, sender: Sender) -> Self {
        Self { io, sender }
    }

    /// The connection.
    pub fn get_ref(&self) -> &W {
        &self.io
    }

    /// The connection. What is written to it from outside must not fall into the middle of an event.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.io
    }

    /// Sends one event.
    ///
    /// # Errors
    /// If the stream fails. The event is kept, and written by the next call that writes.
    pub fn send<'e>(&mut self, event: impl Into<EventRef<'e>>) -> io::Result<()> {
        self.sender.event(event);
        self.flush()
    }

    /// Sends a comment, which clients ignore.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn comment(&mut self, text: &str) -> io::Result<()> {
        self.sender.comment(text);
        self.flush()
    }

    /// Sends the shortest comment: it keeps an idle connection open, and finds out whether it still is.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn keep_alive(&mut self) -> io::Result<()> {
        self.sender.keep_alive();
        self.flush()
    }

    /// Writes what is pending, and flushes.
    ///
    /// # Errors
    /// If the stream fails; `WriteZero` if it takes no more bytes. What was not written stays pending.
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

    /// Ends the stream cleanly: writes what is pending and the end of the HTTP body, and drops the connection.
    ///
    /// # Errors
    /// If the stream fails.
    pub fn close(mut self) -> io::Result<()> {
        self.sender.finish();
        self.flush()
    }

    /// Drops the connection without ending the stream, so that a client of a chunked response sees that it was cut.
    pub fn abort(self) {}
}
