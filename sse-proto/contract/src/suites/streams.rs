//! What the event readers and writers of async adapters must do besides: they are streams and sinks, and their futures can be dropped.

use std::future::poll_fn;
use std::io::Write;
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use sse_async::{EventReader, EventWriter};
use sse_proto::Event;
use sse_proto::http::Request;

use super::reader::{EVENT_STREAM, connect, get, serve, serve_bytes};
use crate::adapter::{Buffered, Endless, Executor, ReadError, Recorder};

/// Makes test functions of the suite.
#[macro_export]
macro_rules! streams_suite {
    ($adapter:ty) => {
        $crate::tests! {
            streams, $adapter;
            a_send_that_is_dropped_is_written_whole_by_the_next
            a_next_that_is_dropped_loses_nothing
            a_reader_is_a_fused_stream
            a_writer_is_a_sink_that_writes_when_flushed_or_full
            endless_comments_let_other_tasks_run
            all_types_can_be_sent_between_threads
        }
    };
}

async fn open<R: Executor>(request: &Request) -> Result<EventReader<R::Socket, R>, ReadError> {
    EventReader::open(R::socket(connect(request)), request).await
}

/// Polls a future once, and drops it.
pub(super) fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

pub fn a_send_that_is_dropped_is_written_whole_by_the_next<R: Executor>() {
    let recorder = Recorder::new(usize::MAX);
    let mut writer = EventWriter::<_, R>::new(recorder.clone().pending_once());
    assert!(poll_once(writer.send("one")).is_pending());
    assert!(recorder.log().is_empty());
    R::block_on(writer.send("two")).unwrap();
    assert_eq!(recorder.log(), ["data: one\n\ndata: two\n\n", "flush"]);
}

pub fn a_next_that_is_dropped_loses_nothing<R: Executor>() {
    let (go, may_go) = mpsc::channel();
    let (url, server) = serve(move |socket, _| {
        socket.write_all(format!("{EVENT_STREAM}\r\ndata: ha").as_bytes()).unwrap();
        may_go.recv().unwrap();
        socket.write_all(b"lf\n\n").unwrap();
    });
    R::block_on(async {
        let mut reader = open::<R>(&get(&url)).await.unwrap();
        for _ in 0..10 {
            let polled = poll_fn(|cx| Poll::Ready(pin!(reader.next()).poll(cx).is_pending())).await;
            assert!(polled, "no event yet");
            thread::sleep(Duration::from_millis(5));
        }
        go.send(()).unwrap();
        assert_eq!(reader.next().await.transpose().unwrap(), Some(Event::new("half")));
    });
    server.join().unwrap();
}

pub fn a_reader_is_a_fused_stream<R: Executor>() {
    let url = serve_bytes(format!("{EVENT_STREAM}\r\ndata: a\n\ndata: b\n\n"), 1000);
    R::block_on(async {
        let mut reader = open::<R>(&get(&url)).await.unwrap();
        let mut events = Vec::new();
        while let Some(event) = poll_fn(|cx| Pin::new(&mut reader).poll_next(cx)).await {
            events.push(event.unwrap());
        }
        assert_eq!(events, [Event::new("a"), Event::new("b")]);
        assert!(reader.is_terminated());
        assert!(poll_fn(|cx| Pin::new(&mut reader).poll_next(cx)).await.is_none());
    });
}

pub fn a_writer_is_a_sink_that_writes_when_flushed_or_full<R: Executor>() {
    let recorder = Recorder::new(usize::MAX);
    let mut writer = EventWriter::<_, R>::new(recorder.clone());
    R::block_on(async {
        let feed = async |writer: &mut EventWriter<Recorder, R>, event: Event| {
            poll_fn(|cx| Pin::new(&mut *writer).poll_ready(cx)).await.unwrap();
            Pin::new(&mut *writer).start_send(event).unwrap();
        };
        feed(&mut writer, Event::new("a")).await;
        feed(&mut writer, Event::new("b")).await;
        assert!(recorder.log().is_empty());
        poll_fn(|cx| Pin::new(&mut writer).poll_flush(cx)).await.unwrap();
        assert_eq!(recorder.log(), ["data: a\n\ndata: b\n\n", "flush"]);
        feed(&mut writer, Event::new("x".repeat(100_000))).await;
        assert_eq!(recorder.log().len(), 2);
        feed(&mut writer, Event::new("c")).await;
        assert_eq!(recorder.log().len(), 4, "what was full went out first");
        poll_fn(|cx| Pin::new(&mut writer).poll_close(cx)).await.unwrap();
        assert_eq!(recorder.log()[4..], ["data: c\n\n", "flush", "close"]);
    });
}

/// A peer that sends without end and never completes an event must not keep the thread to itself.
pub fn endless_comments_let_other_tasks_run<R: Executor>() {
    let mut reader = EventReader::<_, R>::new(Endless);
    assert!(poll_once(reader.next()).is_pending());
}

pub fn all_types_can_be_sent_between_threads<R: Executor>() {
    fn sendable<T: Send>(_: &T) {}
    let mut reader = EventReader::<_, R>::new(Endless);
    sendable(&reader.close_handle());
    sendable(&reader.next());
    sendable(&reader);
    let mut writer = EventWriter::<_, R>::new(Recorder::new(0));
    sendable(&writer.send("x"));
    sendable(&writer.close());
    let request = get("http://127.0.0.1/");
    sendable(&EventReader::<_, R>::open(Buffered::new(""), &request));
}
