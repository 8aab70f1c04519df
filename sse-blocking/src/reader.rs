//! Events from a byte stream.

use std::io::{self, Read, Write};
use std::time::Duration;

use sse_proto::http::Request;
use sse_proto::http1::ResponseHead;
use sse_proto::{End, Event, EventRef, Item, Receiver, Want};

use crate::{CloseHandle, ReadError, Shutdown, USER_AGENT};

/// Reads events from a byte stream.
///
/// As an iterator it yields owned events. [`next_ref`](Self::next_ref) lends events without
/// allocating, and [`next_item`](Self::next_item) also returns comments. After
/// [`ReceiveError::Limit`](sse_proto::ReceiveError::Limit) the stream continues. After any other
/// error, and at the end of the stream, the reader drops the connection and returns `None` from
/// then on.
///
/// If the connection has a read timeout, `WouldBlock` and `TimedOut` (depending on the system) are
/// recoverable: the next call waits again.
///
/// The reader reads up to [`Receiver::CAPACITY`] bytes at a time, so a `BufReader` around the
/// stream gains nothing.
#[derive(Debug)]
pub struct EventReader<R> {
    /// `None` once the stream is over.
    io: Option<R>,
    receiver: Receiver,
    handle: Option<CloseHandle>,
}

impl<R: Read> EventReader<R> {
    /// Creates a reader of a bare event stream.
    pub fn new(io: R) -> Self {
        Self::with_receiver(io, Receiver::new())
    }

    /// Creates a reader with a configured receiver, for example with other limits, with a last
    /// event id, or for an HTTP response.
    pub fn with_receiver(io: R, receiver: Receiver) -> Self {
        Self { io: Some(io), receiver, handle: None }
    }

    /// Blocks until the next event, and lends it. Returns `None` at the end of the stream.
    ///
    /// # Errors
    /// If the stream fails, or the peer sends something invalid.
    pub fn next_ref(&mut self) -> Option<Result<EventRef<'_>, ReadError>> {
        Some(self.advance(Receiver::want)?.map(|()| self.receiver.event()))
    }

    /// Like [`next_ref`](Self::next_ref), but also returns comments and blocks without data.
    ///
    /// # Errors
    /// Like [`next_ref`](Self::next_ref).
    pub fn next_item(&mut self) -> Option<Result<Item<'_>, ReadError>> {
        match self.advance(Receiver::want_item)? {
            Ok(()) => self.receiver.item().map(Ok),
            Err(error) => Some(Err(error)),
        }
    }

    /// Returns the byte stream, or `None` once it has been dropped.
    pub fn get_ref(&self) -> Option<&R> {
        self.io.as_ref()
    }

    /// Returns the last event id so far, or an empty string if there is none.
    pub fn last_event_id(&self) -> &str {
        self.receiver.last_event_id()
    }

    /// Returns the last reconnection time that the stream requested.
    pub fn retry(&self) -> Option<Duration> {
        self.receiver.retry()
    }

    /// Returns the head of the HTTP response, if the events are in one.
    pub fn response(&self) -> Option<&ResponseHead> {
        self.receiver.response()
    }

    /// Returns how the stream ended. `None` before its end, and if this side closed it.
    pub fn end(&self) -> Option<End> {
        self.receiver.end()
    }

    /// Returns a handle that closes this reader from another thread, even while it is blocked.
    ///
    /// # Errors
    /// If the socket cannot be duplicated, for lack of file descriptors.
    pub fn close_handle(&mut self) -> io::Result<CloseHandle>
    where
        R: Shutdown,
    {
        if let Some(handle) = &self.handle {
            return Ok(handle.clone());
        }
        let handle = match &self.io {
            Some(io) => CloseHandle::new(io.shutdown_handle()?),
            None => CloseHandle::new(Box::new(|| {})),
        };
        self.handle = Some(handle.clone());
        Ok(handle)
    }

    /// Closes the connection at once without reading the rest, like dropping the reader.
    pub fn close(&mut self) {
        self.io = None;
        // The handle owns a duplicate of the socket, which would keep the connection open.
        if let Some(handle) = &self.handle {
            handle.close();
        }
    }

    /// Reads until the response is accepted.
    fn wait_until_open(&mut self) -> Result<(), ReadError> {
        while !self.receiver.is_open() {
            match self.step(Receiver::want) {
                Some(step) => step?,
                None => break,
            };
        }
        Ok(())
    }

    /// Reads until the receiver has found an item.
    fn advance(&mut self, want: impl Fn(&mut Receiver) -> Wanted + Copy) -> Option<Result<(), ReadError>> {
        while let Some(step) = self.step(want) {
            match step {
                Ok(Want::Event) => return Some(Ok(())),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }

    /// Performs the receiver's next step. Returns `None` if there is no connection.
    fn step(&mut self, want: impl Fn(&mut Receiver) -> Wanted + Copy) -> Option<Result<Want, ReadError>> {
        if self.is_closed() {
            self.close();
        }
        let io = self.io.as_mut()?;
        let want = want(&mut self.receiver);
        match &want {
            Ok(Want::Read) => match io.read(self.receiver.space()) {
                Ok(count) => self.receiver.handle_read(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The connection's read timeout: the next call waits again.
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Some(Err(error.into()));
                }
                // The result of a read that a handle has interrupted is meaningless.
                Err(_) if self.is_closed() => {}
                Err(error) => {
                    self.close();
                    return Some(Err(error.into()));
                }
            },
            _ if self.receiver.is_closed() => self.close(),
            _ => {}
        }
        Some(want.map_err(ReadError::from))
    }

    fn is_closed(&self) -> bool {
        self.handle.as_ref().is_some_and(CloseHandle::is_closed)
    }
}

impl<S: Read + Write> EventReader<S> {
    /// Sends a request over a connection of yours, and returns once the server has answered with an
    /// event stream. A request without a `User-Agent` is sent with the default [`USER_AGENT`].
    ///
    /// There are no timeouts but those of the connection. For a single response with timeouts or
    /// `https`, use an [`EventSource`](crate::EventSource) with
    /// [`Reconnect::Never`](sse_proto::source::Reconnect::Never).
    ///
    /// # Errors
    /// If the connection fails, or [`check_response`](sse_proto::source::check_response) rejects
    /// the response.
    pub fn open(io: S, request: &Request) -> Result<Self, ReadError> {
        Self::open_with(io, request, Receiver::http1(request))
    }

    /// Like [`open`](Self::open), with a receiver made by [`Receiver::http1`], for example with
    /// other limits or a custom check.
    ///
    /// # Errors
    /// Like [`open`](Self::open).
    pub fn open_with(mut io: S, request: &Request, receiver: Receiver) -> Result<Self, ReadError> {
        let mut bytes = Vec::new();
        request.encode_with_user_agent(USER_AGENT, &mut bytes);
        io.write_all(&bytes)?;
        io.flush()?;
        let mut reader = Self::with_receiver(io, receiver);
        reader.wait_until_open()?;
        Ok(reader)
    }
}

type Wanted = Result<Want, sse_proto::ReceiveError>;

impl<R: Read> Iterator for EventReader<R> {
    type Item = Result<Event, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_ref()?.map(EventRef::to_event))
    }
}

impl<R: Read> std::iter::FusedIterator for EventReader<R> {}

impl<R> Drop for EventReader<R> {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.close();
        }
    }
}
