//! The state that the senders of a stream share with the task of its connection.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use bytes::Bytes;
use sse_proto::Instant;
use sse_proto::http1::{self, server};

use crate::net::Clock;

/// The stream of one connection or body.
#[derive(Debug)]
pub(crate) struct SharedStream {
    clock: Clock,
    state: Mutex<server::SharedStream<Bytes, Waker>>,
}

impl SharedStream {
    pub(crate) fn new(server: http1::server::Connection<Bytes>, clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::new(server::SharedStream::new(server)) })
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, server::SharedStream<Bytes, Waker>> {
        // The machine is always consistent: it does not panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the stream, and wakes the task that carries the change out.
    pub(crate) fn act<R>(&self, act: impl FnOnce(&mut server::SharedStream<Bytes, Waker>) -> R) -> R {
        let mut state = self.lock();
        let result = act(&mut state);
        release(state, true);
        result
    }
}

/// Releases the lock, and wakes the tasks that can continue. With `wakes_driver`, also wakes the
/// task that does the I/O.
pub(crate) fn release(mut state: MutexGuard<'_, server::SharedStream<Bytes, Waker>>, wakes_driver: bool) {
    let mut woken = Vec::new();
    state.take_woken(&mut woken);
    let driver = if wakes_driver { state.take_driver() } else { None };
    drop(state);
    woken.into_iter().chain(driver).for_each(Waker::wake);
}

/// Registers the task that does the I/O, and releases the lock.
pub(crate) fn wait_as_driver(
    mut state: MutexGuard<'_, server::SharedStream<Bytes, Waker>>,
    cx: &Context<'_>,
) {
    let former = state.set_driver(cx.waker().clone());
    release(state, false);
    // Not dropped under the lock: it may be the last reference to its task, whose drop may call
    // anything.
    mem::drop(former);
}
