// What the asynchronous adapters must do beyond the contract. Included like it; needs `block_on` and `PendingOnce`, a
// writer that is not ready the first time.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_send_that_is_dropped_is_written_whole_by_the_next() {
    let recorder = Recorder::new(usize::MAX);
    let mut writer = EventWriter::new(PendingOnce { ready: false, inner: recorder.clone() });
    assert!(poll_once(writer.send("one")).is_pending());
    assert!(recorder.log().is_empty());
    block_on(writer.send("two")).unwrap();
    assert_eq!(recorder.log(), ["data: one\n\ndata: two\n\n", "flush"]);
}

#[test]
fn a_next_that_is_dropped_loses_nothing() {
    let (go, may_go) = mpsc::channel();
    let (url, server) = serve(move |socket, _| {
        socket.write_all(format!("{EVENT_STREAM}\r\ndata: ha").as_bytes()).unwrap();
        may_go.recv().unwrap();
        socket.write_all(b"lf\n\n").unwrap();
    });
    block_on(async {
        let mut reader = connect(&get(&url)).await.unwrap();
        for _ in 0..10 {
            let polled = poll_fn(|cx| Poll::Ready(pin!(reader.next()).poll(cx).is_pending())).await;
            assert!(polled, "no event yet");
            thread::sleep(Duration::from_millis(5));
        }
        go.send(()).unwrap();
        assert_eq!(next!(reader), Some(Event::new("half")));
    });
    server.join().unwrap();
}

#[test]
fn a_reader_is_a_fused_stream() {
    let url = serve_bytes(format!("{EVENT_STREAM}\r\ndata: a\n\ndata: b\n\n"), 1000);
    block_on(async {
        let mut reader = connect(&get(&url)).await.unwrap();
        let mut events = Vec::new();
        while let Some(event) = poll_fn(|cx| Pin::new(&mut reader).poll_next(cx)).await {
            events.push(event.unwrap());
        }
        assert_eq!(events, [Event::new("a"), Event::new("b")]);
        assert!(reader.is_terminated());
        assert!(poll_fn(|cx| Pin::new(&mut reader).poll_next(cx)).await.is_none());
    });
}

#[test]
fn a_writer_is_a_sink_that_writes_when_flushed_or_full() {
    let recorder = Recorder::new(usize::MAX);
    let mut writer = EventWriter::new(recorder.clone());
    block_on(async {
        let feed = async |writer: &mut EventWriter<Recorder>, event: Event| {
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
#[test]
fn endless_comments_let_other_tasks_run() {
    let mut reader = EventReader::new(Endless);
    assert!(poll_once(reader.next()).is_pending());
}

#[test]
fn all_types_can_be_sent_between_threads() {
    fn sendable<T: Send>(_: &T) {}
    let mut reader = EventReader::new(Endless);
    sendable(&reader.close_handle());
    sendable(&reader.next());
    sendable(&reader);
    let mut writer = EventWriter::new(Recorder::new(0));
    sendable(&writer.send("x"));
    sendable(&writer.close());
    let request = get("http://127.0.0.1/");
    sendable(&connect(&request));
}
