//! The connection of an event source, and the timeouts of sockets.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sse_proto::http::Url;

use crate::dial::{dial, receive, spawn};
use crate::tls::{Io, Tls};
use crate::{CloseHandle, Shutdown};

/// A connection that can be established repeatedly.
///
/// Every blocking method returns `None` at its time limit or when the handle is closed, and
/// otherwise the number of bytes transferred.
#[derive(Default)]
pub(crate) struct Connection {
    io: Option<Box<dyn Io>>,
    /// The current timeouts of the socket.
    limit: Option<Duration>,
}

impl Connection {
    /// Closes the connection, including the handle's duplicate of the socket.
    pub(crate) fn close(&mut self, handle: &CloseHandle) {
        *self = Self::default();
        handle.on_close(Box::new(|| {}));
    }

    /// Closes the connection, and waits for the limit or a close.
    pub(crate) fn wait(
        &mut self,
        limit: Option<Duration>,
        handle: &CloseHandle,
    ) -> io::Result<Option<usize>> {
        *self = Self::default();
        let (wake, woken) = mpsc::sync_channel(1);
        // Replacing the function drops the handle's duplicate of the socket.
        handle.on_close(Box::new(move || {
            let _ = wake.send(());
        }));
        receive(&woken, limit);
        Ok(None)
    }

    /// Establishes a new connection, which replaces the previous one.
    pub(crate) fn connect(
        &mut self,
        url: &Url,
        limit: Option<Duration>,
        tls: &Tls,
        handle: &CloseHandle,
    ) -> io::Result<Option<usize>> {
        *self = Self::default();
        let begin = Instant::now();
        let (done, connected) = mpsc::sync_channel(2);
        let (closed, to) = (done.clone(), url.clone());
        handle.on_close(Box::new(move || {
            let _ = closed.send(None);
        }));
        // A separate thread, because neither a DNS lookup nor a connection attempt can be
        // cancelled.
        spawn(move || done.send(Some(dial(&to, limit))))?;
        let Some(Some(socket)) = receive(&connected, limit) else { return Ok(None) };
        let socket = socket?;
        handle.on_close(socket.shutdown_handle()?);
        let limit = limit.map(|limit| limit.saturating_sub(begin.elapsed()));
        self.io = tls.secure(url, socket, limit)?;
        Ok(self.io.as_ref().map(|_| 0))
    }

    /// Writes some of the bytes.
    pub(crate) fn write(&mut self, bytes: &[u8], limit: Option<Duration>) -> io::Result<Option<usize>> {
        let io = self.io(limit)?;
        let written = io.write(bytes);
        // A failed flush also fails the next call. This call has accepted bytes and must report
        // them.
        let _ = io.flush();
        in_time(written)
    }

    /// Reads some bytes.
    pub(crate) fn read(&mut self, space: &mut [u8], limit: Option<Duration>) -> io::Result<Option<usize>> {
        in_time(self.io(limit)?.read(space))
    }

    fn io(&mut self, limit: Option<Duration>) -> io::Result<&mut (dyn Io + 'static)> {
        let io = self.io.as_deref_mut().ok_or(ErrorKind::NotConnected)?;
        if self.limit != limit {
            set_timeouts(io.socket(), limit)?;
            self.limit = limit;
        }
        Ok(io)
    }
}

fn in_time(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if is_timeout(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns a valid socket timeout: sockets reject zero.
pub(crate) fn timeout(limit: Duration) -> Duration {
    limit.max(Duration::from_millis(1))
}

pub(crate) fn set_timeouts(socket: &TcpStream, limit: Option<Duration>) -> io::Result<()> {
    let limit = limit.map(timeout);
    socket.set_read_timeout(limit)?;
    socket.set_write_timeout(limit)
}

/// Returns whether a call ended at its timeout or was interrupted, and should be repeated. A
/// timeout is `WouldBlock` or `TimedOut`, depending on the system.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
