//! Closing a client from another task.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

/// Closes an [`EventReader`](crate::EventReader) or an [`EventSource`](crate::EventSource) at once,
/// from any task or thread, even while it waits for an event.
///
/// The reader or source then drops its connection and ends without an error. Handles can be cloned.
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
    /// Closes the reader or source. Further calls have no effect.
    ///
    /// If it is not being polled, it drops its connection when it is polled next.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        let waker = self.shared.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Returns whether the reader or source is closed: by a handle, by its own end, or by being
    /// dropped.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Registers the waker to be woken on close. Call it before `is_closed`, so that no close is
    /// missed.
    pub(crate) fn register(&self, waker: &Waker) {
        let mut slot = self.shared.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_some_and(|registered| registered.will_wake(waker)) {
            return;
        }
        let former = slot.replace(waker.clone());
        drop(slot);
        // Not dropped under the lock: it may be the last reference to its task, whose drop may call
        // anything.
        drop(former);
    }
}

/// A handle that closes when its owner is dropped.
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
