//! Byte streams that do what a test wants, for every runtime.

use std::io::{Result, Write};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

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
        if mem::take(&mut self.is_pending) {
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

/// A connection in memory whose writes reach the client only when they are flushed. Clones share it.
#[derive(Clone, Debug)]
pub struct Buffered(Arc<Mutex<Pipe>>);

#[derive(Debug)]
struct Pipe {
    request: Vec<u8>,
    has_left: bool,
    reader: Option<Waker>,
    buffer: Vec<u8>,
    sent: Vec<u8>,
}

impl Buffered {
    /// A connection on which the client has sent this.
    pub fn new(request: &str) -> Self {
        let request = request.as_bytes().to_vec();
        let pipe = Pipe { request, has_left: false, reader: None, buffer: Vec::new(), sent: Vec::new() };
        Self(Arc::new(Mutex::new(pipe)))
    }

    /// All that was flushed.
    pub fn sent(&self) -> String {
        String::from_utf8(self.pipe().sent.clone()).unwrap()
    }

    /// The client closes its side.
    pub fn leave(&self) {
        let mut pipe = self.pipe();
        pipe.has_left = true;
        pipe.reader.take().into_iter().for_each(Waker::wake);
    }

    /// Whether no clone is left but this.
    pub fn is_dropped(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Reads the request, and waits until the client leaves.
    pub fn read(&self, cx: &Context<'_>, space: &mut [u8]) -> Poll<usize> {
        let mut pipe = self.pipe();
        let count = space.len().min(pipe.request.len());
        if count == 0 && !pipe.has_left {
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        for (to, from) in space.iter_mut().zip(pipe.request.drain(..count)) {
            *to = from;
        }
        Poll::Ready(count)
    }

    /// Keeps the bytes until the next flush.
    pub fn write(&self, bytes: &[u8]) -> usize {
        self.pipe().buffer.extend_from_slice(bytes);
        bytes.len()
    }

    /// Sends what was written.
    pub fn flush(&self) {
        let pipe = &mut *self.pipe();
        pipe.sent.extend(mem::take(&mut pipe.buffer));
    }

    fn pipe(&self) -> MutexGuard<'_, Pipe> {
        self.0.lock().unwrap()
    }
}
