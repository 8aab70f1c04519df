//! A hub over a log that several nodes share.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::SystemTime;

use sse_proto::hub::log::{
    self, AppendError, Appending, Log, LogConfig, LogStats, NodeHub, NodeTask, Position,
};
use sse_proto::hub::{HubConfig, SharedHub};
use sse_proto::{AsEvent, Instant};

use crate::hub::{Hub, Shared, wake};

/// A [`Hub`] on one of several nodes that share a [`Log`]: every node delivers every event, with the
/// same id, and a client resumes on any of them.
///
/// It is a `Hub` for all that receive: it dereferences to one. Only publishing differs:
/// [`publish`](Self::publish) blocks until the log has the event.
///
/// While the log cannot be reached, streams stay open with their keep-alives, and publishing fails
/// after [`LogConfig::publish_timeout`]. Then the hub continues where it was. What the log has lost
/// is a [`Gap`](sse_proto::hub::Delivery::Gap) to every subscriber.
///
/// The futures of the log are polled by the threads that publish, and by a thread of the hub; what
/// wakes them is the business of the log.
///
/// ```
/// use sse_blocking::proto::hub::log::{LogConfig, MemoryLog};
/// use sse_blocking::{Delivery, HubConfig, LogHub, Subscription};
///
/// let log = MemoryLog::new(7, 1000);
/// let one = LogHub::new(log.clone(), HubConfig::default(), LogConfig::default())?;
/// let two = LogHub::new(log, HubConfig::default(), LogConfig::default())?;
/// let mut ann = two.replay(&Subscription::to(["news"]));
/// one.publish("news", "hello")?;
/// let Delivery::Event(frame) = ann.recv() else { panic!("an event") };
/// assert!(frame.bytes().ends_with(b"data: hello\n\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LogHub<L> {
    hub: Hub,
    log: Arc<L>,
}

impl<L> Clone for LogHub<L> {
    fn clone(&self) -> Self {
        Self { hub: self.hub.clone(), log: Arc::clone(&self.log) }
    }
}

impl<L> Deref for LogHub<L> {
    type Target = Hub;

    fn deref(&self) -> &Hub {
        &self.hub
    }
}

impl<L: Log> LogHub<L> {
    /// Creates a hub over a log, and the thread that reads the log. The thread ends when the hub is
    /// closed or nobody uses it any more, after the time that a read of the log takes at most.
    ///
    /// # Errors
    /// If the thread cannot be created.
    pub fn new(log: L, config: HubConfig, log_config: LogConfig) -> io::Result<Self> {
        let seed = RandomState::new().hash_one(SystemTime::now());
        let hub = Hub::of(SharedHub::over(seed, config, log_config));
        let this = Self { hub, log: Arc::new(log) };
        let mut task = NodeTask::new(Held(this.hub.shared()), Arc::clone(&this.log));
        thread::Builder::new().name("sse log".to_owned()).spawn(move || {
            let waker = waker();
            while task.poll(&mut Context::from_waker(&waker)).is_pending() {
                park_until(task.hub().now(), task.deadline());
            }
        })?;
        Ok(this)
    }

    /// Publishes an event on a topic, and returns its position once the log has it. The position is
    /// the id of the event on every node.
    ///
    /// # Errors
    /// [`AppendError`]. An event that was [perhaps](AppendError::Failed) published is not published
    /// again.
    pub fn publish(&self, topic: &str, event: impl AsEvent) -> Result<Position, AppendError> {
        self.append(topic, event, None)
    }

    /// Publishes like [`publish`](Self::publish), but only once, however often it is called with this
    /// key: for as long as the log remembers the key. An append whose answer is missing is repeated.
    ///
    /// # Errors
    /// Like [`publish`](Self::publish).
    pub fn publish_once(&self, key: &str, topic: &str, event: impl AsEvent) -> Result<Position, AppendError> {
        self.append(topic, event, Some(key))
    }

    /// Returns the state of this node.
    pub fn log_stats(&self) -> LogStats {
        self.hub.shared().state().log_stats().unwrap_or_default()
    }

    fn append(&self, topic: &str, event: impl AsEvent, key: Option<&str>) -> Result<Position, AppendError> {
        let (shared, seed) = (self.hub.shared(), RandomState::new().hash_one(0));
        // User code, so not called under the lock.
        let event = event.as_event();
        let mut append = shared.state().begin_append(shared.now(), topic, event, key.is_some(), seed)?;
        let mut end = EndAppend { shared: &shared, bytes: append.bytes(), is_published: false };
        let waker = waker();
        loop {
            let hub = Held(Arc::clone(&shared));
            let attempt = log::append(&hub, &*self.log, append.event(topic, key));
            let Some(result) = block_until(attempt, &shared, &waker, append.deadline()) else {
                return Err(append.handle_deadline(true));
            };
            match append.handle_result(shared.now(), result) {
                Appending::Done(result) => {
                    end.is_published = result.is_ok();
                    return result;
                }
                Appending::Retry(at) => thread::sleep(at.since(shared.now())),
            }
        }
    }
}

/// Waits for a future until a deadline.
fn block_until<F: Future>(future: F, shared: &Shared, waker: &Waker, deadline: Instant) -> Option<F::Output> {
    let (mut future, mut cx) = (pin!(future), Context::from_waker(waker));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        let now = shared.now();
        if deadline <= now {
            return None;
        }
        park_until(now, Some(deadline));
    }
}

fn park_until(now: Instant, deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => thread::park_timeout(deadline.since(now)),
        None => thread::park(),
    }
}

/// Returns what wakes this thread.
fn waker() -> Waker {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    Waker::from(Arc::new(Unpark(thread::current())))
}

/// Ends an append when it is dropped: also if the log panics.
struct EndAppend<'s> {
    shared: &'s Shared,
    bytes: usize,
    is_published: bool,
}

impl Drop for EndAppend<'_> {
    fn drop(&mut self) {
        self.shared.state().end_append(self.bytes, self.is_published);
    }
}

/// The hub, as its task uses it.
struct Held(Arc<Shared>);

impl NodeHub for Held {
    type Bytes = Arc<[u8]>;
    type Waker = Thread;

    fn with<T>(&self, act: impl FnOnce(&mut SharedHub<Arc<[u8]>, Thread>) -> T) -> T {
        act(&mut self.0.state())
    }

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn waker(_: &Context<'_>) -> Thread {
        thread::current()
    }

    fn is_waker(waker: &Thread, _: &Context<'_>) -> bool {
        waker.id() == thread::current().id()
    }

    fn wake(woken: Vec<Thread>) {
        wake(woken);
    }

    fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}
