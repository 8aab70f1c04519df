//! The timeouts of sockets.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::time::Duration;

/// A timeout that a socket takes: it does not take no time at all.
pub(crate) fn timeout(limit: Duration) -> Duration {
    limit.max(Duration::from_millis(1))
}

pub(crate) fn set_timeouts(socket: &TcpStream, limit: Option<Duration>) -> io::Result<()> {
    let limit = limit.map(timeout);
    socket.set_read_timeout(limit)?;
    socket.set_write_timeout(limit)
}

/// Whether a call ended because of its timeout, and is to be made again; which of the first two that is depends on the system.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
