//! A hub over a log that several nodes share.

use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use sse_proto::hub::HubConfig;
use sse_proto::hub::log::{
    Append, AppendError, Appending, Entry, Follow, Log, LogConfig, LogError, LogStats, NewEvent, Position,
    RangeRequest, RangeWant,
};
use sse_proto::{AsEvent, Frame, Instant};

use crate::Runtime;
use crate::hub::{Hub, Shared, wake};
use crate::net::{Alarm, BoxFuture};

/// A [`Hub`] on one of several nodes that share a [`Log`]: every node delivers every event, with the
/// same id, and a client resumes on any of them.
///
/// It is a `Hub` for all that receive: it dereferences to one. Only publishing differs:
/// [`publish`](Self::publish) waits until the log has the event.
///
/// While the log cannot be reached, streams stay open with their keep-alives, and publishing fails
/// after [`LogConfig::publish_timeout`]. Then the hub continues where it was. What the log has lost
/// is a [`Gap`](sse_proto::hub::Delivery::Gap) to every subscriber.
#[derive(Debug)]
pub struct LogHub<R: Runtime, L> {
    hub: Hub<R>,
    log: Arc<L>,
}

impl<R: Runtime, L> Clone for LogHub<R, L> {
    fn clone(&self) -> Self {
        Self { hub: self.hub.clone(), log: Arc::clone(&self.log) }
    }
}

impl<R: Runtime, L> Deref for LogHub<R, L> {
    type Target = Hub<R>;

    fn deref(&self) -> &Hub<R> {
        &self.hub
    }
}

impl<R: Runtime, L: Log> LogHub<R, L> {
    /// Creates a hub over a log, and the task that reads the log: spawn it. The task ends when the
    /// hub is closed or nobody uses it any more; if it is dropped, the hub is closed.
    pub fn new(
        log: L,
        config: HubConfig,
        log_config: LogConfig,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let seed = RandomState::new().hash_one(SystemTime::now());
        let hub = Hub::over(seed, config, log_config);
        let this = Self { hub, log: Arc::new(log) };
        let task = Task::<R, L> {
            shared: this.hub.shared(),
            log: Arc::clone(&this.log),
            tail: None,
            tail_alarm: Alarm::default(),
            ranges: Vec::new(),
            retry_alarm: Alarm::default(),
        };
        (this, task.run())
    }

    /// Publishes an event on a topic, and returns its position once the log has it. The position is
    /// the id of the event on every node.
    ///
    /// If the future is dropped, the event may be published all the same.
    ///
    /// # Errors
    /// [`AppendError`]. An event that was [perhaps](AppendError::Failed) published is not published
    /// again.
    pub async fn publish(&self, topic: &str, event: impl AsEvent) -> Result<Position, AppendError> {
        self.append(topic, event, None).await
    }

    /// Publishes like [`publish`](Self::publish), but only once, however often it is called with this
    /// key: for as long as the log remembers the key. An append whose answer is missing is repeated.
    ///
    /// # Errors
    /// Like [`publish`](Self::publish).
    pub async fn publish_once(
        &self,
        key: &str,
        topic: &str,
        event: impl AsEvent,
    ) -> Result<Position, AppendError> {
        self.append(topic, event, Some(key)).await
    }

    /// Returns the state of this node.
    pub fn log_stats(&self) -> LogStats {
        self.hub.shared().state().log_stats().unwrap_or_default()
    }

    async fn append(
        &self,
        topic: &str,
        event: impl AsEvent,
        key: Option<&str>,
    ) -> Result<Position, AppendError> {
        let frame = match event.as_event() {
            event if event.id().is_some() => return Err(AppendError::HasId),
            event => Frame::event(event),
        };
        let shared = self.hub.shared();
        let data = frame.bytes();
        let config = shared.state().begin_append(topic, data.len())?;
        let _ended = EndAppend(Arc::clone(&shared), data.len());
        let seed = RandomState::new().hash_one(0);
        let mut append = Append::new(shared.now(), &config, key.is_some(), seed);
        let mut alarm = Alarm::<R>::default();
        loop {
            let attempt = pin!(self.log.append(NewEvent { topic, data, key }));
            let result = until(attempt, &mut alarm, &shared, append.deadline()).await;
            let Some(result) = result else { return Err(append.handle_deadline(true)) };
            match append.handle_result(shared.now(), &config, result) {
                Appending::Done(result) => return result,
                Appending::Retry(at) => {
                    poll_fn(|cx| alarm.poll(cx, shared.clock(), Some(at))).await;
                }
            }
        }
    }
}

/// Waits for a future until a deadline.
async fn until<R: Runtime, F: Future>(
    mut future: Pin<&mut F>,
    alarm: &mut Alarm<R>,
    shared: &Shared,
    deadline: Instant,
) -> Option<F::Output> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => alarm.poll(cx, shared.clock(), Some(deadline)).map(|()| None),
    })
    .await
}

/// Ends an append when it is dropped.
struct EndAppend(Arc<Shared>, usize);

impl Drop for EndAppend {
    fn drop(&mut self) {
        let Self(shared, bytes) = self;
        shared.state().end_append(*bytes);
    }
}

/// The task of a node: reads the tail, and old events for clients that come back.
struct Task<R: Runtime, L> {
    shared: Arc<Shared>,
    log: Arc<L>,
    tail: Option<BoxFuture<Tail>>,
    tail_alarm: Alarm<R>,
    ranges: Vec<Range<R>>,
    retry_alarm: Alarm<R>,
}

/// An answer for the tail.
enum Tail {
    Tip(Result<Option<Position>, LogError>),
    Entries(Result<Vec<Entry>, LogError>),
}

type Page = Result<(Vec<Entry>, Option<Position>), LogError>;

struct Range<R: Runtime> {
    request: RangeRequest,
    reading: BoxFuture<Page>,
    alarm: Alarm<R>,
}

impl<R: Runtime, L: Log> Task<R, L> {
    async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Some(tail) = self.poll_tail(cx) else { return Poll::Ready(()) };
            let ranges = self.poll_ranges(cx);
            if !(tail || ranges) {
                return Poll::Pending;
            }
        }
    }

    /// Returns whether there was progress, or `None` at the end.
    fn poll_tail(&mut self, cx: &mut Context<'_>) -> Option<bool> {
        let (want, deadline) = self.shared.state().follow(self.shared.now());
        // This task is the last user.
        if want == Follow::Closed || Arc::strong_count(&self.shared) == 1 {
            return None;
        }
        if self.tail.is_none() {
            let log = Arc::clone(&self.log);
            self.tail = match want {
                Follow::Tip => Some(Box::pin(async move { Tail::Tip(log.tip().await) })),
                Follow::Read { after, limit, wait } => {
                    Some(Box::pin(async move { Tail::Entries(log.read(after, limit, wait).await) }))
                }
                _ => None,
            };
        }
        if let Some(Poll::Ready(answer)) = self.tail.as_mut().map(|tail| tail.as_mut().poll(cx)) {
            self.tail = None;
            self.handle_tail(answer);
            return Some(true);
        }
        let is_due = self.tail_alarm.poll(cx, self.shared.clock(), deadline).is_ready();
        if is_due {
            self.tail = None;
            self.shared.state().handle_follow_deadline(self.shared.now());
        }
        Some(is_due)
    }

    fn handle_tail(&self, answer: Tail) {
        let (now, mut woken) = (self.shared.now(), Vec::new());
        let mut state = self.shared.state();
        match answer {
            Tail::Tip(Ok(tip)) => state.handle_tip(tip, &mut woken),
            Tail::Entries(Ok(entries)) => {
                let wall_clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                state.handle_entries(now, wall_clock, entries, &mut woken);
            }
            Tail::Tip(Err(error)) | Tail::Entries(Err(error)) => {
                state.handle_follow_error(now);
                drop(state);
                // Owns errors of the user's log.
                drop(error);
            }
        }
        wake(woken);
    }

    /// Returns whether there was progress.
    fn poll_ranges(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        loop {
            let is_same = |waker: &Waker| waker.will_wake(cx.waker());
            let want = self.shared.state().want_range(self.shared.now(), || cx.waker().clone(), is_same);
            match want {
                RangeWant::Read(request) => {
                    let log = Arc::clone(&self.log);
                    let reading = async move { log.page(request.after, request.limit).await };
                    self.ranges.push(Range { request, reading: Box::pin(reading), alarm: Alarm::default() });
                    progress = true;
                }
                RangeWant::Wait(at) => {
                    progress |= self.retry_alarm.poll(cx, self.shared.clock(), at).is_ready();
                    break;
                }
                _ => break,
            }
        }
        let shared = &self.shared;
        self.ranges.retain_mut(|range| {
            let page = match range.reading.as_mut().poll(cx) {
                Poll::Ready(page) => page,
                Poll::Pending => {
                    let deadline = Some(range.request.deadline);
                    if range.alarm.poll(cx, shared.clock(), deadline).is_pending() {
                        return true;
                    }
                    Err(LogError::Interrupted("no answer in time".into()))
                }
            };
            let mut woken = Vec::new();
            shared.state().handle_range(shared.now(), range.request, page, &mut woken);
            wake(woken);
            progress = true;
            false
        });
        progress
    }
}

impl<R: Runtime, L> Drop for Task<R, L> {
    fn drop(&mut self) {
        let woken = self.shared.state().close();
        wake(woken);
    }
}
