//! Event streams over plain HTTP/1.1: the server, one connection at a time.

use std::future::poll_fn;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use sse_proto::Sender;
use sse_proto::http1::{RequestDecoder, RequestHead, Response};

use crate::{AcceptError, EventWriter, Reads, Writes};

/// Reads the head of a request from an accepted connection.
///
/// Set `TCP_NODELAY` on the socket, or the system holds small events back. Of the body of a request nothing is read: where
/// one was sent, closing the connection resets it, and the client may lose what it has not read by then.
///
/// # Errors
/// If the connection fails, or the client sends something else; then it is sent the status that says so.
pub async fn accept<S, R>(mut io: S) -> Result<Exchange<S, R>, AcceptError>
where
    S: Unpin,
    R: Reads<S> + Writes<S>,
{
    let mut decoder = RequestDecoder::new();
    let mut space = [0; 4096];
    loop {
        let count = poll_fn(|cx| R::poll_read(Pin::new(&mut io), cx, &mut space)).await?;
        match decoder.handle_read(space.get(..count).unwrap_or_default()) {
            Ok(Some(request)) => return Ok(Exchange { io, request, runtime: PhantomData }),
            Ok(None) => {}
            Err(error) => {
                // The client is at fault; that it may not even read the answer does not matter.
                let _ = write_all::<S, R>(&mut io, &error.response(now())).await;
                return Err(error.into());
            }
        }
    }
}

/// A request that waits for its answer. Dropping it closes the connection.
#[derive(Debug)]
pub struct Exchange<S, R> {
    io: S,
    request: RequestHead,
    runtime: PhantomData<fn() -> R>,
}

impl<S: Unpin, R: Writes<S>> Exchange<S, R> {
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
    pub async fn open(self, response: Response) -> io::Result<EventWriter<S, R>> {
        let mut writer = EventWriter::with_sender(self.io, Sender::http1(&self.request, dated(response)));
        writer.flush().await?;
        Ok(writer)
    }

    /// Answers with something else, whole, and closes the connection.
    ///
    /// # Errors
    /// If the connection fails.
    pub async fn respond(mut self, response: &Response, body: impl AsRef<[u8]>) -> io::Result<()> {
        let mut bytes = Vec::new();
        dated(response.clone()).encode_whole(self.request.method(), body.as_ref(), &mut bytes);
        write_all::<S, R>(&mut self.io, &bytes).await
    }
}

/// Writes all these bytes, and flushes.
pub(crate) async fn write_all<S: Unpin, R: Writes<S>>(io: &mut S, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = poll_fn(|cx| R::poll_write(Pin::new(&mut *io), cx, bytes)).await?;
        bytes = bytes.get(count..).filter(|_| count > 0).ok_or(io::ErrorKind::WriteZero)?;
    }
    poll_fn(|cx| R::poll_flush(Pin::new(&mut *io), cx)).await
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
