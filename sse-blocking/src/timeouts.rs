//! The timeouts of sockets.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::time::Duration;

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
