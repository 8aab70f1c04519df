//! Closing from another task.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

/// Closes an [`EventReader`](crate::EventReader) or an [`EventSource`](crate::EventSource) from any task or thread, at once, even
/// while it waits for an event.
///
/// It then drops its connection and ends without an error. Handles can be cloned.
#[derive(Clone, Debug, Default)]
pub struct CloseHandle {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    closed: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl CloseHandle {
    /// Closes the connection. More calls do nothing.
    ///
    /// What nobody is polling drops its connection when it is polled next.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        let waker = self.shared.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether the connection has been closed: by a handle, or because what it closes has ended or is gone.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Wakes this task when it is closed. To be called before `is_closed` is asked.
    pub(crate) fn register(&self, waker: &Waker) {
        let mut slot = self.shared.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_some_and(|registered| registered.will_wake(waker)) {
            return;
        }
        let former = slot.replace(waker.clone());
        drop(slot);
        // It may be the last of its task, whose drop may call anything: not while the lock is held.
        drop(former);
    }
}

/// The handle of what it belongs to.
#[derive(Debug, Default)]
pub(crate) struct CloseOnDrop(CloseHandle);

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
