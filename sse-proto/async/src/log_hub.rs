//! A hub over a log that several nodes share.

use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::SystemTime;

use bytes::Bytes;
use sse_proto::hub::log::{
    self, AppendError, Appending, Log, LogConfig, LogStats, NodeHub, NodeTask, Position,
};
use sse_proto::hub::{HubConfig, SharedHub};
use sse_proto::{AsEvent, Instant};

use crate::Runtime;
use crate::hub::{Hub, Shared, wake};
use crate::net::Alarm;

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
        let (shared, log) = (this.hub.shared(), Arc::clone(&this.log));
        let clock = shared.clock();
        let (mut task, mut alarm) = (NodeTask::new(Held(shared), log), Alarm::<R>::default());
        let task = poll_fn(move |cx| {
            while task.poll(cx).is_pending() {
                ready!(alarm.poll(cx, clock, task.deadline()));
            }
            Poll::Ready(())
        });
        (this, task)
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
        let (shared, seed) = (self.hub.shared(), RandomState::new().hash_one(0));
        // User code, so not called under the lock.
        let event = event.as_event();
        let mut append = shared.state().begin_append(shared.now(), topic, event, key.is_some(), seed)?;
        let mut end = EndAppend { shared: Arc::clone(&shared), bytes: append.bytes(), is_published: false };
        let mut alarm = Alarm::<R>::default();
        loop {
            let deadline = append.deadline();
            let hub = Held(Arc::clone(&shared));
            let attempt = log::append(&hub, &*self.log, append.event(topic, key));
            let result = until(attempt, &mut alarm, &shared, deadline).await;
            let Some(result) = result else { return Err(append.handle_deadline(true)) };
            match append.handle_result(shared.now(), result) {
                Appending::Done(result) => {
                    end.is_published = result.is_ok();
                    return result;
                }
                Appending::Retry(at) => {
                    poll_fn(|cx| alarm.poll(cx, shared.clock(), Some(at))).await;
                }
            }
        }
    }
}

/// Waits for a future until a deadline.
async fn until<R: Runtime, F: Future>(
    future: F,
    alarm: &mut Alarm<R>,
    shared: &Shared,
    deadline: Instant,
) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => alarm.poll(cx, shared.clock(), Some(deadline)).map(|()| None),
    })
    .await
}

/// Ends an append when it is dropped.
struct EndAppend {
    shared: Arc<Shared>,
    bytes: usize,
    is_published: bool,
}

impl Drop for EndAppend {
    fn drop(&mut self) {
        self.shared.state().end_append(self.bytes, self.is_published);
    }
}

/// The hub, as its task uses it.
struct Held(Arc<Shared>);

impl NodeHub for Held {
    type Bytes = Bytes;
    type Waker = Waker;

    fn with<T>(&self, act: impl FnOnce(&mut SharedHub<Bytes, Waker>) -> T) -> T {
        act(&mut self.0.state())
    }

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn waker(cx: &Context<'_>) -> Waker {
        cx.waker().clone()
    }

    fn is_waker(waker: &Waker, cx: &Context<'_>) -> bool {
        waker.will_wake(cx.waker())
    }

    fn wake(woken: Vec<Waker>) {
        wake(woken);
    }

    fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}
