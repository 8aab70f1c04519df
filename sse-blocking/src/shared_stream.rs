//! What the senders of a stream share with the thread that watches its connection.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::{mem, time};

use sse_proto::Instant;
use sse_proto::http1::server::{self, Connection, Want};

use crate::timeouts::is_timeout;

type Shared = server::SharedStream<Arc<[u8]>, Thread>;

/// The stream of one connection. Whoever appends something writes it, unless another thread is writing: that one goes on with it.
/// Nobody holds the lock while it writes.
#[derive(Debug)]
pub(crate) struct SharedStream {
    socket: TcpStream,
    /// When the machine's time begins.
    epoch: time::Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    shared: Shared,
    is_writing: bool,
}

impl SharedStream {
    /// How much is written at a time: a longer write of a client that reads slowly would take so long that it looks as if nothing
    /// were read.
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

    /// Looks at something, and changes nothing that is to be carried out.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&mut Shared) -> R) -> R {
        look(&mut self.lock().shared)
    }

    /// Appends, decides or reports something, and carries it out.
    pub(crate) fn act<R>(&self, act: impl FnOnce(&mut Shared) -> R) -> R {
        let mut state = self.lock();
        let result = act(&mut state.shared);
        if state.shared.connection().is_closed() {
            // Also ends what another thread is writing or reading. An error means that the connection is closed already.
            let _ = self.socket.shutdown(Shutdown::Both);
        }
        if !mem::replace(&mut state.is_writing, true) {
            state = self.write_all(state);
            state.is_writing = false;
        }
        wake(&mut state.shared);
        if state.shared.connection().is_closed() {
            // It waits for nothing else.
            let driver = state.shared.take_driver();
            drop(state);
            driver.iter().for_each(Thread::unpark);
        }
        result
    }

    /// Writes what is pending, and what other threads append meanwhile.
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

    /// Reports what came of reading or writing.
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
        // The machine is never left half changed: it does not panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(shared: &mut Shared) {
    let mut woken = Vec::new();
    shared.take_woken(&mut woken);
    woken.iter().for_each(Thread::unpark);
}
