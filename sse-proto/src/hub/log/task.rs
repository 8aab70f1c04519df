//! The task of a node, for drivers whose log answers by futures.

extern crate std;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::time::SystemTime;

use super::{Entry, Follow, Log, LogError, NewEvent, Position, RangeRequest, RangeWant};
use crate::Instant;
use crate::hub::SharedHub;

/// The hub of a driver, as [`NodeTask`] uses it.
pub trait NodeHub {
    /// The bytes of frames.
    type Bytes: From<Vec<u8>> + AsRef<[u8]>;
    /// What wakes a subscriber.
    type Waker;

    /// Calls `act` with the hub, under its lock.
    fn with<T>(&self, act: impl FnOnce(&mut SharedHub<Self::Bytes, Self::Waker>) -> T) -> T;

    /// Reads the clock of the hub.
    fn now(&self) -> Instant;

    /// Returns the waker of the task that is polled with `cx`.
    fn waker(cx: &Context<'_>) -> Self::Waker;

    /// Returns whether this is that waker.
    fn is_waker(waker: &Self::Waker, cx: &Context<'_>) -> bool;

    /// Wakes all of them.
    fn wake(woken: Vec<Self::Waker>);

    /// Returns whether nobody but the task uses the hub any more.
    fn is_abandoned(&self) -> bool;
}

/// The task of one node: follows the log, and reads old events for clients that come back, as
/// [`SharedHub`] says. Closes the hub when it is dropped.
///
/// A driver [polls](Self::poll) it when its waker was woken, and at its [deadline](Self::deadline).
pub struct NodeTask<H: NodeHub, L> {
    hub: H,
    log: Arc<L>,
    tail: Option<Answer<Tail>>,
    pages: Vec<(RangeRequest, Answer<Page>)>,
    deadline: Option<Instant>,
}

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Page = Result<(Vec<Entry>, Option<Position>), LogError>;

/// An answer for the tail.
enum Tail {
    Tip(Result<Option<Position>, LogError>),
    Entries(Result<Vec<Entry>, LogError>),
}

impl<H: NodeHub, L> core::fmt::Debug for NodeTask<H, L> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let pages = self.pages.len();
        f.debug_struct("NodeTask").field("pages", &pages).field("deadline", &self.deadline).finish()
    }
}

impl<H: NodeHub, L: Log> NodeTask<H, L> {
    /// Creates the task of a hub that was created by [`SharedHub::over`].
    pub fn new(hub: H, log: Arc<L>) -> Self {
        Self { hub, log, tail: None, pages: Vec::new(), deadline: None }
    }

    /// Returns the hub.
    pub fn hub(&self) -> &H {
        &self.hub
    }

    /// Returns when to poll again at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Does what can be done now. Ready at the end: the hub is closed, or nobody uses it any more.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A log that always has an answer must not hold up the other tasks of this thread.
        const ROUNDS: usize = 64;
        for _ in 0..ROUNDS {
            self.deadline = None;
            let Some(has_read) = self.poll_tail(cx) else { return Poll::Ready(()) };
            if !(self.poll_pages(cx) || has_read) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Returns whether there was progress, or `None` at the end.
    fn poll_tail(&mut self, cx: &mut Context<'_>) -> Option<bool> {
        let now = self.hub.now();
        let (want, deadline) = self.hub.with(|hub| hub.follow(now));
        if want == Follow::Closed || self.hub.is_abandoned() {
            return None;
        }
        if self.tail.is_none() {
            let log = Arc::clone(&self.log);
            self.tail = match want {
                Follow::Tip => Some(Box::pin(async move { Tail::Tip(log.tip().await) })),
                Follow::Read { after, limit, wait } => {
                    Some(Box::pin(async move { Tail::Entries(log.read(after, limit, wait).await) }))
                }
                Follow::Wait | Follow::Closed => None,
            };
        }
        if let Some(Poll::Ready(answer)) = self.tail.as_mut().map(|tail| tail.as_mut().poll(cx)) {
            self.tail = None;
            self.handle_tail(answer);
            return Some(true);
        }
        let is_due = deadline.is_some_and(|deadline| deadline <= now);
        if is_due {
            self.tail = None;
            self.hub.with(|hub| hub.handle_follow_deadline(now));
        }
        self.wait_until(deadline);
        Some(is_due)
    }

    fn handle_tail(&self, answer: Tail) {
        let (now, mut woken) = (self.hub.now(), Vec::new());
        match answer {
            Tail::Tip(Ok(tip)) => self.hub.with(|hub| hub.handle_tip(tip, &mut woken)),
            Tail::Entries(Ok(entries)) => {
                let wall_clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                self.hub.with(|hub| hub.handle_entries(now, wall_clock, entries, &mut woken));
            }
            Tail::Tip(Err(error)) | Tail::Entries(Err(error)) => {
                #[cfg(feature = "tracing")]
                tracing::debug!(target: "sse", %error, "reading the log");
                self.hub.with(|hub| hub.handle_follow_error(now));
                // Of the user's log, so dropped after the lock is released.
                drop(error);
            }
        }
        H::wake(woken);
    }

    /// Returns whether there was progress.
    fn poll_pages(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        loop {
            let now = self.hub.now();
            let (waker, is_same) = (|| H::waker(cx), |waker: &H::Waker| H::is_waker(waker, cx));
            match self.hub.with(|hub| hub.want_range(now, waker, is_same)) {
                RangeWant::Read(request) => {
                    let log = Arc::clone(&self.log);
                    let reading = async move { log.page(request.after, request.limit).await };
                    self.pages.push((request, Box::pin(reading)));
                }
                RangeWant::Wait(retry_at) => {
                    self.wait_until(retry_at);
                    break;
                }
                RangeWant::Closed => break,
            }
        }
        let mut index = 0;
        while let Some((request, reading)) = self.pages.get_mut(index) {
            let now = self.hub.now();
            let request = *request;
            let answer = match reading.as_mut().poll(cx) {
                Poll::Ready(answer) => answer.ok(),
                Poll::Pending if request.deadline <= now => None,
                Poll::Pending => {
                    self.wait_until(Some(request.deadline));
                    index += 1;
                    continue;
                }
            };
            drop(self.pages.swap_remove(index));
            let mut woken = Vec::new();
            self.hub.with(|hub| hub.handle_range(now, request, answer, &mut woken));
            H::wake(woken);
            progress = true;
        }
        progress
    }

    fn wait_until(&mut self, deadline: Option<Instant>) {
        self.deadline = self.deadline.into_iter().chain(deadline).min();
    }
}

/// Appends an event to the log of this hub: one attempt of an [`Append`](super::Append).
///
/// A node that does not follow its log yet first learns where the log ends. Otherwise it might start
/// behind the event, and those who have subscribed before would miss it.
///
/// # Errors
/// Those of the log.
pub async fn append<H: NodeHub>(hub: &H, log: &impl Log, event: NewEvent<'_>) -> Result<Position, LogError> {
    if hub.with(|hub| hub.needs_tip()) {
        let tip = log.tip().await.map_err(|error| match error {
            // Nothing was appended.
            LogError::Interrupted(cause) => LogError::Unreachable(cause),
            error => error,
        })?;
        let mut woken = Vec::new();
        hub.with(|hub| hub.handle_tip(tip, &mut woken));
        H::wake(woken);
    }
    log.append(event).await
}

impl<H: NodeHub, L> Drop for NodeTask<H, L> {
    fn drop(&mut self) {
        H::wake(self.hub.with(|hub| hub.close()));
    }
}
