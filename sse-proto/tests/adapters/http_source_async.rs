// What an event source over an HTTP client of the user's must do beyond that, in the asynchronous adapters. Included
// like it; needs `block_on`.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};

use futures_core::{FusedStream, Stream};

#[test]
fn closing_frees_the_socket() {
    let (closed, is_closed) = mpsc::channel();
    let waiting = move |socket: &mut TcpStream| {
        socket.write_all(format!("{EVENT_STREAM}data: one\n\n").as_bytes()).unwrap();
        closed.send(sees_close(socket)).unwrap();
    };
    let (url, _requests) = serve([Box::new(waiting) as Script]);
    let mut source = source(&url, config());
    assert!(block_on(source.next()).is_some());
    source.close();
    assert!(is_closed.recv().unwrap());
    assert!(source.is_terminated());
    assert!(matches!(block_on(source.next_signal()), Some(Signal::Closed(CloseReason::ByCaller))));
}

#[test]
fn a_client_that_never_wakes_times_out() {
    let never = |_| std::future::pending::<Result<http::Response<String>, std::io::Error>>();
    let mut config = config();
    (config.timeouts.connect, config.timeouts.response) = (None, Some(Duration::from_millis(20)));
    config.max_attempts = Some(2);
    let mut source = HttpSource::new(get("http://127.0.0.1:1/"), never).with_config(config);
    match block_on(source.next()) {
        Some(Err(SourceError::Closed(CloseReason::Lost { cause: Cause::Timeout(Timeout::Response), .. }))) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_next_that_is_dropped_loses_nothing() {
    let slowly: Script = Box::new(|socket| {
        for byte in format!("{EVENT_STREAM}event: bye\ndata: slow\n\n").bytes() {
            socket.write_all(&[byte]).unwrap();
            thread::sleep(Duration::from_millis(1));
        }
    });
    let (url, _requests) = serve([slowly]);
    let mut source = source(&url, config());
    block_on(async {
        // Each future is polled once, and dropped.
        let event = poll_fn(|cx| pin!(source.next()).poll(cx)).await;
        assert_eq!(event.unwrap().unwrap().data(), "slow");
    });
}

#[test]
fn its_events_and_its_signals_are_fused_streams() {
    let (url, _requests) = serve([events("data: one\n\nevent: bye\ndata: two\n\n")]);
    let mut source = source(&url, config());
    block_on(async {
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

#[test]
fn a_url_that_the_client_cannot_take_is_not_tried_again() {
    // The `http` crate has a limit of 64 KiB.
    let mut source = source(&format!("http://127.0.0.1:1/{}", "a".repeat(64 * 1024)), config());
    match block_on(source.next()) {
        Some(Err(SourceError::Closed(CloseReason::Unsupported(error)))) => assert!(error.is::<http::Error>()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_can_be_sent_between_threads() {
    fn sendable<T: Send + Unpin>(_: &T) {}
    fn sendable_future<T: Send>(_: &T) {}
    let mut source = source("http://127.0.0.1:1/", config());
    sendable(&source);
    sendable(&source.signals());
    sendable_future(&source.next());
    sendable(&source.close_handle());
    let debug = format!("{source:?}");
    assert!(debug.contains("HttpSource"), "{debug}");
}

#[test]
fn the_body_of_a_response_in_hand_is_read() {
    let (url, _requests) = serve([events("data: one\n\ndata: two\n\n")]);
    block_on(async {
        let request = http::Request::get(&url).body(Vec::new()).unwrap();
        let mut events = EventStream::from_body(send(request).await.unwrap().into_body());
        for expected in [Some("one"), Some("two"), None] {
            let event = events.next().await.transpose().unwrap();
            assert_eq!(event.as_ref().map(Event::data), expected);
        }
    });
}
