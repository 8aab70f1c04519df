//! Byte streams that do what a test wants, for every runtime.

use std::io::{Result, Write};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

/// A writer that keeps what it is given. Clones share the log.
#[derive(Clone, Debug)]
pub struct Recorder {
    most: usize,
    is_pending: bool,
    log: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    /// A recorder that takes at most so many bytes a call.
    pub fn new(most: usize) -> Self {
        Self { most, is_pending: false, log: Arc::default() }
    }

    /// Is not ready the first time that it is written to.
    #[must_use]
    pub fn pending_once(self) -> Self {
        Self { is_pending: true, ..self }
    }

    /// The writes so far, and `flush` and `close`.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Adds to the log.
    pub fn push(&self, entry: &[u8]) {
        self.log.lock().unwrap().push(String::from_utf8(entry.to_vec()).unwrap());
    }

    /// Writes, unless this is the first time and the recorder is [not ready](Self::pending_once) then.
    pub fn record(&mut self, cx: &Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        if std::mem::take(&mut self.is_pending) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.write(bytes))
    }
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let taken = bytes.len().min(self.most);
        self.push(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> Result<()> {
        self.push(b"flush");
        Ok(())
    }
}

/// Reads as comments without end.
#[derive(Debug)]
pub struct Endless;

impl Endless {
    /// Fills the space, and returns the number of bytes.
    pub fn fill(space: &mut [u8]) -> usize {
        space.chunks_exact_mut(2).for_each(|comment| comment.copy_from_slice(b":\n"));
        space.len() & !1
    }
}
