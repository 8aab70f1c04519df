//! The user's HTTP client.

use std::error::Error;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;
use std::{fmt, thread};

use sse_proto::http::{Request, ResponseHead};

use crate::CloseHandle;
use crate::dial::receive;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// The function that sends requests, and the current exchange. Every blocking method returns `None`
/// at its time limit or when the handle is closed.
pub(crate) struct HttpClient {
    work: Arc<Work>,
    exchange: Option<Exchange>,
}

/// Runs an exchange: receives buffers to read into, and sends answers.
type Work = dyn Fn(&Request, &Receiver<Vec<u8>>, &SyncSender<Answer>) + Send + Sync;

/// A request, its response, and the thread that runs both. The thread blocks as long as the user's
/// client does. An abandoned exchange ends when the client returns.
struct Exchange {
    /// Sends buffers to read into.
    asks: SyncSender<Vec<u8>>,
    answers: Receiver<Answer>,
    /// Whether the response has not arrived.
    is_sending: bool,
    /// `None` while the thread has the buffer.
    buffer: Option<Vec<u8>>,
}

enum Answer {
    Head(Result<ResponseHead, BoxError>),
    /// The buffer, and the number of bytes read into it.
    Body(Vec<u8>, Result<usize, BoxError>),
    /// The handle was closed, or the thread has ended.
    Over,
}

impl HttpClient {
    pub(crate) fn new<R: Read, E: Into<BoxError>>(
        send: impl Fn(&Request) -> Result<(ResponseHead, R), E> + Send + Sync + 'static,
    ) -> Self {
        let work = move |request: &Request, asks: &Receiver<Vec<u8>>, answers: &SyncSender<Answer>| {
            let (head, mut body) = match send(request) {
                Ok((head, body)) => (Ok(head), Some(body)),
                Err(error) => (Err(error.into()), None),
            };
            // Fails if the exchange was abandoned.
            let _ = answers.send(Answer::Head(head));
            while let (Some(body), Ok(mut buffer)) = (&mut body, asks.recv()) {
                let read = read(body, &mut buffer);
                let _ = answers.send(Answer::Body(buffer, read));
            }
        };
        Self { work: Arc::new(work), exchange: None }
    }

    /// Abandons the last exchange.
    pub(crate) fn close(&mut self, handle: &CloseHandle) {
        self.exchange = None;
        handle.on_close(Box::new(|| {}));
    }

    /// Abandons the last exchange, and waits for the limit or a close.
    pub(crate) fn wait(&mut self, limit: Option<Duration>, handle: &CloseHandle) {
        self.exchange = None;
        let (wake, woken) = mpsc::sync_channel(1);
        handle.on_close(Box::new(move || {
            let _ = wake.send(());
        }));
        receive(&woken, limit);
    }

    pub(crate) fn is_sending(&self) -> bool {
        self.exchange.as_ref().is_some_and(|exchange| exchange.is_sending)
    }

    pub(crate) fn send(&mut self, request: &Request, handle: &CloseHandle) -> io::Result<()> {
        let (asks, asked) = mpsc::sync_channel(1);
        // Capacity for everything that can be sent while nobody receives: an answer, the end of the
        // thread, and the close.
        let (answer, answers) = mpsc::sync_channel(3);
        let (work, request, over) = (self.work.clone(), request.clone(), OverOnDrop(answer.clone()));
        handle.on_close(Box::new(move || {
            let _ = answer.send(Answer::Over);
        }));
        thread::Builder::new().name("sse-http".into()).spawn(move || work(&request, &asked, &over.0))?;
        self.exchange = Some(Exchange { asks, answers, is_sending: true, buffer: Some(Vec::new()) });
        Ok(())
    }

    /// Waits for the head of the response.
    pub(crate) fn response(
        &mut self,
        limit: Option<Duration>,
        handle: &CloseHandle,
    ) -> Result<Option<ResponseHead>, BoxError> {
        let Some(exchange) = &mut self.exchange else { return over(handle) };
        match receive(&exchange.answers, limit) {
            Some(Answer::Head(head)) => {
                exchange.is_sending = false;
                head.map(Some)
            }
            Some(_) => over(handle),
            None => Ok(None),
        }
    }

    /// Reads some of the body into `space`.
    pub(crate) fn read(
        &mut self,
        space: &mut [u8],
        limit: Option<Duration>,
        handle: &CloseHandle,
    ) -> Result<Option<usize>, BoxError> {
        let Some(exchange) = &mut self.exchange else { return over(handle) };
        if let Some(mut buffer) = exchange.buffer.take() {
            buffer.resize(space.len(), 0);
            exchange.asks.send(buffer)?;
        }
        match receive(&exchange.answers, limit) {
            Some(Answer::Body(buffer, read)) => {
                space.iter_mut().zip(&buffer).for_each(|(to, from)| *to = *from);
                exchange.buffer = Some(buffer);
                read.map(Some)
            }
            Some(_) => over(handle),
            None => Ok(None),
        }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

/// Reports the end of the thread, even if the user's function panics.
struct OverOnDrop(SyncSender<Answer>);

impl Drop for OverOnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(Answer::Over);
    }
}

/// Handles [`Answer::Over`].
fn over<T>(handle: &CloseHandle) -> Result<Option<T>, BoxError> {
    if handle.is_closed() { Ok(None) } else { Err("the http client has panicked".into()) }
}

fn read(body: &mut impl Read, buffer: &mut [u8]) -> Result<usize, BoxError> {
    loop {
        match body.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return Ok(read?),
        }
    }
}
