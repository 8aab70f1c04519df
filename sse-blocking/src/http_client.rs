//! An HTTP client of the user's.

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

/// What sends requests, and the one that is out. Whatever blocks ends at its time limit, and when the handle is closed;
/// it then gives `None`.
pub(crate) struct HttpClient {
    work: Arc<Work>,
    exchange: Option<Exchange>,
}

/// Does an exchange: takes buffers to be read into, and answers.
type Work = dyn Fn(&Request, &Receiver<Vec<u8>>, &SyncSender<Answer>) + Send + Sync;

/// A request, its response, and the thread that does both. It blocks as long as the client of the user's does: it is
/// given up then, and ends when that returns.
struct Exchange {
    /// Buffers to be read into.
    asks: SyncSender<Vec<u8>>,
    answers: Receiver<Answer>,
    /// The response has not come.
    is_sending: bool,
    /// `None` while the thread has it.
    buffer: Option<Vec<u8>>,
}

enum Answer {
    Head(Result<ResponseHead, BoxError>),
    /// What was read, and how many bytes of it.
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
            // Who gave the exchange up takes no answer.
            let _ = answers.send(Answer::Head(head));
            while let (Some(body), Ok(mut buffer)) = (&mut body, asks.recv()) {
                let read = read(body, &mut buffer);
                let _ = answers.send(Answer::Body(buffer, read));
            }
        };
        Self { work: Arc::new(work), exchange: None }
    }

    /// Gives up what is left of the last exchange.
    pub(crate) fn close(&mut self, handle: &CloseHandle) {
        self.exchange = None;
        handle.on_close(Box::new(|| {}));
    }

    /// Gives up what is left of the last exchange, and waits.
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
        // There is room for all that can come while nobody listens: an answer, the end of the thread, and closing.
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

    /// Reads some of the body into the space.
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

/// Tells that the thread has ended, also where the function of the user's panicked.
struct OverOnDrop(SyncSender<Answer>);

impl Drop for OverOnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(Answer::Over);
    }
}

/// After [`Answer::Over`].
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
