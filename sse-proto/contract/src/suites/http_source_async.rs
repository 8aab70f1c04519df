//! What an event source over an HTTP client of the user's must do besides under an async runtime.

use std::future::poll_fn;
use std::io::Write;
use std::net::TcpStream;
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures_core::{FusedStream, Stream};
use sse_async::{EventStream, HttpSource};
use sse_proto::Event;
use sse_proto::source::{Cause, CloseReason, Signal, SourceConfig, SourceError, Timeout};

use super::http_source::{Script, config, events, get, serve};
use crate::adapter::AsyncHttpClient;
use crate::faults::{EVENT_STREAM, sees_close};

/// Makes test functions of the suite.
#[macro_export]
macro_rules! http_source_async_suite {
    ($adapter:ty) => {
        $crate::tests! {
            http_source_async, $adapter;
            closing_frees_the_socket
            a_client_that_never_wakes_times_out
            a_next_that_is_dropped_loses_nothing
            its_events_and_its_signals_are_fused_streams
            a_url_that_the_client_cannot_take_is_not_tried_again
            it_can_be_sent_between_threads
            the_body_of_a_response_in_hand_is_read
        }
    };
}

fn source<C: AsyncHttpClient>(url: &str, config: SourceConfig) -> HttpSource<C::Runtime> {
    HttpSource::new(get(url), C::send).with_config(config)
}

pub fn closing_frees_the_socket<C: AsyncHttpClient>() {
    let (closed, is_closed) = mpsc::channel();
    let waiting = move |socket: &mut TcpStream| {
        socket.write_all(format!("{EVENT_STREAM}data: one\n\n").as_bytes()).unwrap();
        closed.send(sees_close(socket)).unwrap();
    };
    let (url, _requests) = serve([Box::new(waiting) as Script]);
    let mut source = source::<C>(&url, config());
    assert!(C::block_on(source.next()).is_some());
    source.close();
    assert!(is_closed.recv().unwrap());
    assert!(source.is_terminated());
    assert!(matches!(C::block_on(source.next_signal()), Some(Signal::Closed(CloseReason::ByCaller))));
}

pub fn a_client_that_never_wakes_times_out<C: AsyncHttpClient>() {
    let never = |_| std::future::pending::<Result<http::Response<String>, std::io::Error>>();
    let mut config = config();
    (config.timeouts.connect, config.timeouts.response) = (None, Some(Duration::from_millis(20)));
    config.max_attempts = Some(2);
    let source = HttpSource::<C::Runtime>::new(get("http://127.0.0.1:1/"), never);
    let mut source = source.with_config(config);
    match C::block_on(source.next()) {
        Some(Err(SourceError::Closed(CloseReason::Lost {
            cause: Cause::Timeout(Timeout::Response),
            ..
        }))) => {}
        other => panic!("{other:?}"),
    }
}

pub fn a_next_that_is_dropped_loses_nothing<C: AsyncHttpClient>() {
    let slowly: Script = Box::new(|socket| {
        for byte in format!("{EVENT_STREAM}event: bye\ndata: slow\n\n").bytes() {
            socket.write_all(&[byte]).unwrap();
            thread::sleep(Duration::from_millis(1));
        }
    });
    let (url, _requests) = serve([slowly]);
    let mut source = source::<C>(&url, config());
    C::block_on(async {
        // Each future is polled once, and dropped.
        let event = poll_fn(|cx| pin!(source.next()).poll(cx)).await;
        assert_eq!(event.unwrap().unwrap().data(), "slow");
    });
}

pub fn its_events_and_its_signals_are_fused_streams<C: AsyncHttpClient>() {
    let (url, _requests) = serve([events("data: one\n\nevent: bye\ndata: two\n\n")]);
    let mut source = source::<C>(&url, config());
    C::block_on(async {
        let event = poll_fn(|cx| Pin::new(&mut source).poll_next(cx)).await;
        assert_eq!(event.unwrap().unwrap().data(), "one");
        let mut signals = source.signals();
        assert!(!signals.is_terminated());
        let signal = poll_fn(|cx| Pin::new(&mut signals).poll_next(cx)).await;
        assert!(matches!(signal, Some(Signal::Event(event)) if event.data() == "two"));
        let signal = poll_fn(|cx| Pin::new(&mut signals).poll_next(cx)).await;
        assert!(matches!(signal, Some(Signal::Closed(CloseReason::Finished))));
        assert!(signals.is_terminated());
        assert!(poll_fn(|cx| Pin::new(&mut source).poll_next(cx)).await.is_none());
    });
}

pub fn a_url_that_the_client_cannot_take_is_not_tried_again<C: AsyncHttpClient>() {
    // The `http` crate has a limit of 64 KiB.
    let mut source = source::<C>(&format!("http://127.0.0.1:1/{}", "a".repeat(64 * 1024)), config());
    match C::block_on(source.next()) {
        Some(Err(SourceError::Closed(CloseReason::Unsupported(error)))) => assert!(error.is::<http::Error>()),
        other => panic!("{other:?}"),
    }
}

pub fn it_can_be_sent_between_threads<C: AsyncHttpClient>() {
    fn sendable<T: Send + Unpin>(_: &T) {}
    fn sendable_future<T: Send>(_: &T) {}
    let mut source = source::<C>("http://127.0.0.1:1/", config());
    sendable(&source);
    sendable(&source.signals());
    sendable_future(&source.next());
    sendable(&source.close_handle());
    let debug = format!("{source:?}");
    assert!(debug.contains("HttpSource"), "{debug}");
}

pub fn the_body_of_a_response_in_hand_is_read<C: AsyncHttpClient>() {
    let (url, _requests) = serve([events("data: one\n\ndata: two\n\n")]);
    C::block_on(async {
        let request = http::Request::get(&url).body(Vec::new()).unwrap();
        let mut events = EventStream::from_body(C::send(request).await.unwrap().into_body());
        for expected in [Some("one"), Some("two"), None] {
            let event = events.next().await.transpose().unwrap();
            assert_eq!(event.as_ref().map(Event::data), expected);
        }
    });
}
