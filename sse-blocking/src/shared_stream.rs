//! The state that the senders of a stream share with the thread that reads its connection.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::{mem, time};

use sse_proto::Instant;
use sse_proto::http1::server::{self, Connection, Want};

use crate::connection::is_timeout;

type Shared = server::SharedStream<Arc<[u8]>, Thread>;

/// The stream of one connection. A thread that appends also writes, unless another thread is
/// writing, which then continues with the new bytes. No thread holds the lock while it writes.
#[derive(Debug)]
pub(crate) struct SharedStream {
    socket: TcpStream,
    /// The epoch of the machine's time.
    epoch: time::Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    shared: Shared,
    is_writing: bool,
}

impl SharedStream {
    /// The maximum length of a write. A longer write to a client that reads slowly would block
    /// until the client looked stalled.
    const LONGEST_WRITE: usize = 16 * 1024;

    pub(crate) fn new(socket: TcpStream, epoch: time::Instant, server: Connection<Arc<[u8]>>) -> Arc<Self> {
        let state = State { shared: Shared::new(server), is_writing: false };
        Arc::new(Self { socket, epoch, state: Mutex::new(state) })
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_epoch(self.epoch.elapsed())
    }

    /// Inspects the stream, or changes it in a way that needs no I/O.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&mut Shared) -> R) -> R {
        look(&mut self.lock().shared)
    }

    /// Changes the stream, and performs the I/O that results.
    pub(crate) fn act<R>(&self, act: impl FnOnce(&mut Shared) -> R) -> R {
        let mut state = self.lock();
        let result = act(&mut state.shared);
        let is_writer = !mem::replace(&mut state.is_writing, true);
        self.perform(state, is_writer);
        result
    }

    /// Collects what is appended, to be written when the result is dropped. If another thread is
    /// writing, that thread writes it.
    pub(crate) fn hold(&self) -> Hold<'_> {
        let is_writer = !mem::replace(&mut self.lock().is_writing, true);
        Hold { stream: self, is_writer }
    }

    /// Performs the I/O after a change. The writer also writes.
    fn perform<'s>(&'s self, mut state: MutexGuard<'s, State>, is_writer: bool) {
        if state.shared.connection().is_closed() {
            // Also ends the reads and writes of other threads. An error means that the connection
            // is already closed.
            let _ = self.socket.shutdown(Shutdown::Both);
        }
        if is_writer {
            state = self.write_all(state);
            state.is_writing = false;
        }
        wake(&mut state.shared);
        if state.shared.connection().is_closed() {
            // The driver waits for nothing else.
            let driver = state.shared.take_driver();
            drop(state);
            driver.iter().for_each(Thread::unpark);
        }
    }

    /// Writes the pending bytes, including those that other threads append meanwhile.
    fn write_all<'s>(&'s self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        loop {
            let server = state.shared.connection();
            match server.want(self.now()).0 {
                Want::Write => {
                    let piece = server.pending_piece(Self::LONGEST_WRITE);
                    drop(state);
                    let bytes = piece.as_ref();
                    let written = (&self.socket).write(bytes.get(..Self::LONGEST_WRITE).unwrap_or(bytes));
                    drop(piece);
                    state = self.lock();
                    self.report(state.shared.connection(), written, |server, now, count| {
                        server.handle_written(now, count);
                    });
                    wake(&mut state.shared);
                }
                Want::Shutdown => {
                    let _ = self.socket.shutdown(Shutdown::Write);
                    server.handle_shutdown(self.now());
                }
                Want::Closed => {
                    let _ = self.socket.shutdown(Shutdown::Both);
                    return state;
                }
                _ => return state,
            }
        }
    }

    /// Reports the result of a read or write.
    pub(crate) fn report(
        &self,
        server: &mut Connection<Arc<[u8]>>,
        done: io::Result<usize>,
        handle: impl FnOnce(&mut Connection<Arc<[u8]>>, Instant, usize),
    ) {
        let now = self.now();
        match done {
            Ok(count) => handle(server, now, count),
            Err(error) if is_timeout(&error) => server.handle_deadline(now),
            Err(error) => server.handle_error(now, error),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The machine is always consistent: it does not panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps appended bytes together until it is dropped.
pub(crate) struct Hold<'s> {
    stream: &'s SharedStream,
    is_writer: bool,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.stream.perform(self.stream.lock(), self.is_writer);
    }
}

fn wake(shared: &mut Shared) {
    let mut woken = Vec::new();
    shared.take_woken(&mut woken);
    woken.iter().for_each(Thread::unpark);
}
