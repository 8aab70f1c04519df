//! Unblocking another thread.

use std::net::{self, TcpStream};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io, mem};

/// A connection whose blocking reads another thread can end.
///
/// A wrapper, for example for TLS, forwards to the connection inside.
pub trait Shutdown {
    /// Returns a function that shuts the connection down. The function owns a duplicate of the
    /// socket until it is called or dropped.
    ///
    /// # Errors
    /// If the socket cannot be duplicated, for lack of file descriptors.
    fn shutdown_handle(&self) -> io::Result<ShutdownFn>;
}

/// Shuts a connection down, and drops its own duplicate of the socket.
pub type ShutdownFn = Box<dyn FnOnce() + Send>;

impl Shutdown for TcpStream {
    fn shutdown_handle(&self) -> io::Result<ShutdownFn> {
        let socket = self.try_clone()?;
        // An error means that the connection is already closed.
        Ok(Box::new(move || drop(socket.shutdown(net::Shutdown::Both))))
    }
}

#[cfg(unix)]
impl Shutdown for std::os::unix::net::UnixStream {
    fn shutdown_handle(&self) -> io::Result<ShutdownFn> {
        let socket = self.try_clone()?;
        Ok(Box::new(move || drop(socket.shutdown(net::Shutdown::Both))))
    }
}

/// Closes an [`EventReader`](crate::EventReader) or an [`EventSource`](crate::EventSource) at once,
/// from any thread, even while it is blocked.
///
/// The reader or source then ends without an error. Handles can be cloned, and do not keep the
/// connection open.
#[derive(Clone)]
pub struct CloseHandle {
    /// `None` once closed.
    shutdown: Arc<Mutex<Option<ShutdownFn>>>,
}

impl CloseHandle {
    pub(crate) fn new(shutdown: ShutdownFn) -> Self {
        Self { shutdown: Arc::new(Mutex::new(Some(shutdown))) }
    }

    /// Closes the reader or source. Further calls have no effect.
    pub fn close(&self) {
        let shutdown = self.shutdown.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(shutdown) = shutdown {
            shutdown();
        }
    }

    /// Returns whether the reader or source is closed: by a handle, by its own end, or by being
    /// dropped.
    pub fn is_closed(&self) -> bool {
        self.shutdown.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Replaces the function that closing calls. If the handle is already closed, calls the new
    /// function at once.
    pub(crate) fn on_close(&self, shutdown: ShutdownFn) {
        let mut slot = self.shutdown.lock().unwrap_or_else(PoisonError::into_inner);
        let former = match &mut *slot {
            Some(current) => Some(mem::replace(current, shutdown)),
            None => {
                drop(slot);
                return shutdown();
            }
        };
        drop(slot);
        // The old function owns a socket, so it is not dropped under the lock.
        drop(former);
    }
}

impl fmt::Debug for CloseHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloseHandle").field("is_closed", &self.is_closed()).finish()
    }
}

/// A handle that closes when its owner is dropped.
#[derive(Debug)]
pub(crate) struct CloseOnDrop(CloseHandle);

impl Default for CloseOnDrop {
    fn default() -> Self {
        Self(CloseHandle::new(Box::new(|| {})))
    }
}

impl Deref for CloseOnDrop {
    type Target = CloseHandle;

    fn deref(&self) -> &CloseHandle {
        &self.0
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}
