//! Ending what blocks another thread.

use std::net::{self, TcpStream};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io, mem};

/// A connection whose reads another thread can end.
///
/// Implement it for a wrapper (TLS, say) by asking the connection inside.
pub trait Shutdown {
    /// Something that shuts the connection down when it is called, and holds its own handle of the socket until then.
    ///
    /// # Errors
    /// If no other handle can be had, for want of file descriptors.
    fn shutdown_handle(&self) -> io::Result<ShutdownFn>;
}

/// Shuts a connection down, and drops its own handle of it.
pub type ShutdownFn = Box<dyn FnOnce() + Send>;

impl Shutdown for TcpStream {
    fn shutdown_handle(&self) -> io::Result<ShutdownFn> {
        let socket = self.try_clone()?;
        // An error means that the connection is closed already.
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

/// Closes an [`EventReader`](crate::EventReader) or an [`EventSource`](crate::EventSource) from any thread, at once, even while
/// it is blocked.
///
/// It then ends without an error. Handles can be cloned; a handle does not keep the connection open.
#[derive(Clone)]
pub struct CloseHandle {
    /// `None` once it is closed.
    shutdown: Arc<Mutex<Option<ShutdownFn>>>,
}

impl CloseHandle {
    pub(crate) fn new(shutdown: ShutdownFn) -> Self {
        Self { shutdown: Arc::new(Mutex::new(Some(shutdown))) }
    }

    /// Closes the connection. More calls do nothing.
    pub fn close(&self) {
        let shutdown = self.shutdown.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(shutdown) = shutdown {
            shutdown();
        }
    }

    /// Whether the connection has been closed: by a handle, or because what it closes has ended or is gone.
    pub fn is_closed(&self) -> bool {
        self.shutdown.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// From now on closing does this instead of what it did before. If it is closed already, this is done at once.
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
        // With the socket it has: not while the lock is held.
        drop(former);
    }
}

impl fmt::Debug for CloseHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloseHandle").field("is_closed", &self.is_closed()).finish()
    }
}

/// The handle of what it belongs to.
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
