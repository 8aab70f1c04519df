//! Event streams over plain HTTP/1.1.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use sse_proto::http1::{Request, RequestDecoder, RequestHead, Response, Scheme};
use sse_proto::{Receiver, Sender};

use crate::dial::dial;
use crate::{AcceptError, EventReader, EventWriter, ReadError, USER_AGENT};

/// Sends this request over a new TCP connection, and returns once the server has accepted it with an event stream. It names
/// the [`USER_AGENT`] where the request has none.
///
/// # Errors
/// If the server cannot be reached, or answers with what [`check_response`](sse_proto::source::check_response) refuses. For an
/// `https` URL, `Unsupported`: make the TLS connection yourself, and give it to [`EventReader::open`].
pub fn connect(request: &Request) -> Result<EventReader<TcpStream>, ReadError> {
    connect_with(request, Receiver::http1(request))
}

/// As [`connect`], with a receiver that was made by [`Receiver::http1`], and may have other limits or a check of its own.
///
/// # Errors
/// As [`connect`].
pub fn connect_with(request: &Request, receiver: Receiver) -> Result<EventReader<TcpStream>, ReadError> {
    let url = request.url();
    if url.scheme() != Scheme::Http {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "https needs a tls connection").into());
    }
    let socket = dial(url, None)?;
    EventReader::open_with(socket, request, receiver)
}

impl<S: Read + Write> EventReader<S> {
    /// Sends this request over a connection, and returns once the server has accepted it with an event stream. It names
    /// the [`USER_AGENT`] where the request has none.
    ///
    /// # Errors
    /// If the connection fails, or the server answers with what [`check_response`](sse_proto::source::check_response) refuses.
    pub fn open(io: S, request: &Request) -> Result<Self, ReadError> {
        Self::open_with(io, request, Receiver::http1(request))
    }

    /// As [`open`](Self::open), with a receiver that was made by [`Receiver::http1`], and may have other limits or a check of its own.
    ///
    /// # Errors
    /// As [`open`](Self::open).
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

/// Reads the head of a request from an accepted connection.
///
/// Set `TCP_NODELAY` on the socket, or the system holds small events back. Of the body of a request nothing is read: where
/// one was sent, closing the connection resets it, and the client may lose what it has not read by then.
///
/// # Errors
/// If the connection fails, or the client sends something else; then it is sent the status that says so.
pub fn accept<S: Read + Write>(mut io: S) -> Result<Exchange<S>, AcceptError> {
    let mut decoder = RequestDecoder::new();
    let mut space = [0; 4096];
    loop {
        let count = match io.read(&mut space) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        match decoder.handle_read(space.get(..count).unwrap_or_default()) {
            Ok(Some(request)) => return Ok(Exchange { io, request }),
            Ok(None) => {}
            Err(error) => {
                // The client is at fault; that it may not even read the answer does not matter.
                let _ = io.write_all(&error.response(now())).and_then(|()| io.flush());
                return Err(error.into());
            }
        }
    }
}

/// A request that waits for its answer. Dropping it closes the connection.
#[derive(Debug)]
pub struct Exchange<S> {
    io: S,
    request: RequestHead,
}

impl<S: Write> Exchange<S> {
    /// The connection.
    pub fn get_ref(&self) -> &S {
        &self.io
    }

    /// The request.
    pub fn request(&self) -> &RequestHead {
        &self.request
    }

    /// Answers with an event stream. Its head is sent now, not with the first event.
    ///
    /// The response gets the headers of an event stream where it does not bring its own; see [`Sender::http1`].
    ///
    /// # Errors
    /// If the connection fails.
    pub fn open(self, response: Response) -> io::Result<EventWriter<S>> {
        let mut writer = EventWriter::with_sender(self.io, Sender::http1(&self.request, dated(response)));
        writer.flush()?;
        Ok(writer)
    }

    /// Answers with something else, whole, and closes the connection.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn respond(mut self, response: &Response, body: impl AsRef<[u8]>) -> io::Result<()> {
        let mut bytes = Vec::new();
        dated(response.clone()).encode_whole(self.request.method(), body.as_ref(), &mut bytes);
        self.io.write_all(&bytes)?;
        self.io.flush()
    }
}

fn dated(response: Response) -> Response {
    match now() {
        Some(time) => response.with_date(time),
        None => response,
    }
}

/// What the wall clock says, if it is set.
fn now() -> Option<Duration> {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()
}
