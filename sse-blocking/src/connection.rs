//! The connection of an event source.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use sse_proto::http::Url;

use crate::{CloseHandle, Shutdown};

/// A connection that is made when it is needed, and again. Whatever blocks ends at its time limit, and when the handle is closed.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    io: Option<TcpStream>,
    /// The timeouts of the socket.
    limit: Option<Duration>,
}

impl Connection {
    /// Closes it, and waits.
    pub(crate) fn wait(&mut self, limit: Option<Duration>, handle: &CloseHandle) {
        *self = Self::default();
        let (wake, woken) = mpsc::channel();
        // The handle lets go of its socket too.
        handle.on_close(Box::new(move || drop(wake.send(()))));
        receive(&woken, limit);
    }

    /// Makes a new connection, in place of the one before. `None` if there was none in time.
    pub(crate) fn connect(
        &mut self,
        url: &Url,
        limit: Option<Duration>,
        handle: &CloseHandle,
    ) -> io::Result<Option<()>> {
        *self = Self::default();
        let (done, connected) = mpsc::channel();
        let (closed, url) = (done.clone(), url.clone());
        handle.on_close(Box::new(move || drop(closed.send(None))));
        // Nothing else ends the look-up of a name, or an attempt to connect, before its time.
        thread::Builder::new()
            .name("sse-connect".into())
            .spawn(move || drop(done.send(Some(connect(&url, limit)))))?;
        let Some(Some(socket)) = receive(&connected, limit) else { return Ok(None) };
        let socket = socket?;
        handle.on_close(socket.shutdown_handle()?);
        self.io = Some(socket);
        Ok(Some(()))
    }

    /// Writes some of the bytes. `None` if there was no time.
    pub(crate) fn write(&mut self, bytes: &[u8], limit: Option<Duration>) -> io::Result<Option<usize>> {
        let io = self.io(limit)?;
        in_time(io.write(bytes).and_then(|count| io.flush().map(|()| count)))
    }

    /// Reads some bytes. `None` if there were none in time.
    pub(crate) fn read(&mut self, space: &mut [u8], limit: Option<Duration>) -> io::Result<Option<usize>> {
        in_time(self.io(limit)?.read(space))
    }

    fn io(&mut self, limit: Option<Duration>) -> io::Result<&mut TcpStream> {
        let io = self.io.as_mut().ok_or(ErrorKind::NotConnected)?;
        if self.limit != limit {
            // No time at all is not a timeout that a socket takes.
            let timeout = limit.map(|limit| limit.max(Duration::from_millis(1)));
            io.set_read_timeout(timeout)?;
            io.set_write_timeout(timeout)?;
            self.limit = limit;
        }
        Ok(io)
    }
}

fn in_time(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        // Which of the first two a timeout is depends on the system.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn receive<T>(receiver: &Receiver<T>, limit: Option<Duration>) -> Option<T> {
    match limit {
        Some(limit) => receiver.recv_timeout(limit).ok(),
        None => receiver.recv().ok(),
    }
}

/// Tries all addresses of the host in turn. Each has an equal share of the time: one that does not answer must not keep the
/// others from being tried.
fn connect(url: &Url, limit: Option<Duration>) -> io::Result<TcpStream> {
    let addresses = (url.host(), url.port()).to_socket_addrs()?;
    let share = limit.zip(u32::try_from(addresses.len()).ok()).map(|(limit, count)| limit / count.max(1));
    let mut result = Err(ErrorKind::AddrNotAvailable.into());
    for address in addresses {
        result = match share {
            Some(share) => TcpStream::connect_timeout(&address, share.max(Duration::from_millis(1))),
            None => TcpStream::connect(address),
        };
        if let Ok(socket) = &result {
            socket.set_nodelay(true)?;
            break;
        }
    }
    result
}
