//! What the event source of an async adapter must do besides: it is a stream, and its futures can be dropped.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use futures_core::{FusedStream, Stream};
use sse_async::EventSource;
use sse_proto::Event;
use sse_proto::source::{CloseReason, Reconnect, SourceConfig, SourceError};

use super::source::{SOON, config, tell};
use crate::adapter::Executor;
use crate::faults::{EVENT_STREAM, FaultServer, send, send_endlessly, vanish};

/// Makes test functions of the suite.
#[macro_export]
macro_rules! source_async_suite {
    ($adapter:ty) => {
        $crate::tests! {
            source_async, $adapter;
            a_next_that_is_dropped_loses_nothing
            a_source_and_its_signals_are_fused_streams
            comments_without_end_let_other_tasks_run
            a_preparation_takes_its_time_and_is_dropped_with_the_source
            sources_can_be_sent_between_threads
        }
    };
}

fn source<R: Executor>(url: &str, config: SourceConfig) -> EventSource<R> {
    EventSource::get(url).unwrap().with_config(config)
}

pub fn a_next_that_is_dropped_loses_nothing<R: Executor>() {
    let (go, may_go) = mpsc::channel();
    let may_go = Mutex::new(may_go);
    let server = FaultServer::new(move |_, socket| {
        may_go.lock().unwrap().recv().unwrap();
        send(socket, &format!("{EVENT_STREAM}data: ha"));
        may_go.lock().unwrap().recv().unwrap();
        send(socket, "lf\n\n");
        vanish(socket);
    });
    R::block_on(async {
        let mut source = source::<R>(&server.url, config());
        for _ in 0..2 {
            for _ in 0..10 {
                let pending = poll_fn(|cx| Poll::Ready(pin!(source.next()).poll(cx).is_pending())).await;
                assert!(pending, "no event yet");
                thread::sleep(Duration::from_millis(5));
            }
            go.send(()).unwrap();
        }
        assert_eq!(source.next().await.unwrap().unwrap(), Event::new("half"));
        assert_eq!(server.requests(), 1);
    });
}

pub fn a_source_and_its_signals_are_fused_streams<R: Executor>() {
    let server = FaultServer::answering(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\ndata: b\n\n",
    );
    let mut config = config();
    config.reconnect = Reconnect::Never;
    R::block_on(async {
        let mut events = Vec::new();
        let mut source = source::<R>(&server.url, config.clone());
        while let Some(event) = poll_fn(|cx| Pin::new(&mut source).poll_next(cx)).await {
            events.push(event.unwrap());
        }
        assert_eq!(events, [Event::new("a"), Event::new("b")]);
        assert!(source.is_terminated());
        assert!(poll_fn(|cx| Pin::new(&mut source).poll_next(cx)).await.is_none());
    });
    R::block_on(async {
        let mut told = Vec::new();
        let mut source = source::<R>(&server.url, config.clone());
        let mut signals = source.signals();
        while let Some(signal) = poll_fn(|cx| Pin::new(&mut signals).poll_next(cx)).await {
            told.push(tell(signal));
        }
        assert_eq!(told, ["open 200", "a", "b", "closed: the stream ended"]);
        assert!(signals.is_terminated());
    });
}

/// A peer that keeps sending must not keep the thread to itself.
pub fn comments_without_end_let_other_tasks_run<R: Executor>() {
    let server = FaultServer::new(|_, socket| {
        send(socket, EVENT_STREAM);
        send_endlessly(socket, ":\n");
    });
    R::block_on(async {
        let mut source = source::<R>(&server.url, config());
        let (mut polls, start) = (0, Instant::now());
        while start.elapsed() < SOON {
            let pending = poll_fn(|cx| Poll::Ready(pin!(source.next()).poll(cx).is_pending())).await;
            assert!(pending);
            polls += 1;
        }
        assert!(polls > 1);
    });
}

pub fn a_preparation_takes_its_time_and_is_dropped_with_the_source<R: Executor>() {
    let server =
        FaultServer::answering("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n");
    R::block_on(async {
        let mut polled = 0;
        let mut source = source::<R>(&server.url, config()).with_prepare(move |request| {
            let mut request = Some(request);
            poll_fn(move |cx| {
                polled += 1;
                cx.waker().wake_by_ref();
                if polled < 5 {
                    Poll::Pending
                } else {
                    Poll::Ready(request.take().ok_or_else(|| "again".into()))
                }
            })
        });
        assert_eq!(source.next().await.unwrap().unwrap(), Event::new("a"));
    });
    let held = Arc::new(());
    R::block_on(async {
        let copy = held.clone();
        let mut config = config();
        config.timeouts.total = Some(SOON);
        let mut source = source::<R>(&server.url, config).with_prepare(move |_| {
            let copy = copy.clone();
            async move {
                std::future::pending::<()>().await;
                drop(copy);
                Err("never".into())
            }
        });
        let error = source.next().await.unwrap().unwrap_err();
        assert!(matches!(error, SourceError::Closed(CloseReason::TimedOut)), "{error}");
        assert_eq!(Arc::strong_count(&held), 2, "that of the hook itself");
    });
    assert_eq!(Arc::strong_count(&held), 1);
}

pub fn sources_can_be_sent_between_threads<R: Executor>() {
    fn sendable<T: Send>(_: &T) {}
    let mut source = source::<R>("http://127.0.0.1/", config());
    sendable(&source.close_handle());
    sendable(&source.next());
    sendable(&source.next_signal());
    sendable(&source.listen(|_| {}));
    sendable(&source.signals());
    sendable(&source);
}
