// What an event source over an HTTP client of the user's must do, in every asynchronous adapter. Each one includes this file into
// its own test program, which defines `block_on`, and `send`: hyper's client on a new connection.
//
// The server is always plain `std::net` sockets on a thread.

use std::future::{Future, poll_fn};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use futures_core::{FusedStream, Stream};
use sse_proto::Event;
use sse_proto::http::{Request, Url};
use sse_proto::source::{
    Backoff, Cause, Closed, Config, EndMarker, Refusal, Signal, SourceError, Timeout, is_transient,
};

const EVENT_STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

type Script = Box<dyn FnOnce(&mut TcpStream) + Send>;

/// A server that does one script after the other, each on a connection of its own. Gives its URL, and the requests as they come.
fn serve(scripts: impl IntoIterator<Item = Script>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/sse", listener.local_addr().unwrap());
    let (seen, requests) = mpsc::channel();
    let scripts: Vec<Script> = scripts.into_iter().collect();
    thread::spawn(move || {
        for script in scripts {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = seen.send(read_request(&mut socket).to_lowercase());
            script(&mut socket);
        }
    });
    (url, requests)
}

fn read_request(socket: &mut TcpStream) -> String {
    let mut reader = BufReader::with_capacity(1, socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

fn respond(response: impl Into<String>) -> Script {
    let response = response.into();
    Box::new(move |socket| socket.write_all(response.as_bytes()).unwrap())
}

fn events(body: &str) -> Script {
    respond(format!("{EVENT_STREAM}{body}"))
}

/// Whether the peer closes within 5 seconds.
fn sees_close(socket: &mut TcpStream) -> bool {
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    match socket.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

fn get(url: &str) -> Request {
    Request::get(url).unwrap()
}

/// Waits as little as may be, and ends with an event called `bye`.
fn config() -> Config {
    let mut config = Config::default();
    config.backoff.base = Backoff::FLOOR;
    config.backoff.factor = 1;
    config.end = EndMarker::Name("bye".into());
    config
}

fn source(url: &str, config: Config) -> HttpSource {
    HttpSource::new(get(url), send).with_config(config)
}

#[test]
fn it_connects_again_with_the_last_event_id() {
    let (url, requests) = serve([
        events("id: é1\ndata: one\n\ndata: lo"),
        respond("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\n\r\n"),
        events("data: two\n\nevent: bye\ndata\n\ndata: beyond\n\n"),
    ]);
    let request = get(&url).with_header("X-Mine", "1").unwrap();
    let mut config = config();
    config.retry_status = is_transient;
    let mut source = HttpSource::new(request, send).with_config(config);
    block_on(async {
        assert_eq!(source.next().await.unwrap().unwrap(), Event::new("one").with_id("é1").unwrap());
        assert_eq!(source.machine().response().unwrap().status(), 200);
        assert!(source.machine().is_open());
        assert_eq!(source.next_ref().await.unwrap().unwrap().data(), "two");
        assert_eq!(source.next().await.unwrap().unwrap().name(), "bye");
        assert!(source.next().await.is_none());
        assert!(source.next().await.is_none(), "the end stays the end");
    });
    assert_eq!(source.last_event_id(), "é1");
    assert!(source.is_terminated() && source.close_handle().is_closed());
    let first = requests.recv().unwrap();
    for line in [
        "get /sse http/1.1",
        "accept: text/event-stream",
        "cache-control: no-cache",
        "x-mine: 1",
        "host: 127.0.0.1:",
    ] {
        assert!(first.contains(line), "{line} in {first}");
    }
    assert!(!first.contains("last-event-id"), "{first}");
    for request in requests {
        assert!(request.contains("last-event-id: é1\r\n"), "{request}");
    }
}

#[test]
fn it_follows_redirects_without_what_is_not_meant_for_others() {
    let (there, elsewhere) = serve([events("event: bye\ndata: here\n\n")]);
    let (url, requests) = serve([
        respond("HTTP/1.1 307 Go\r\nLocation: /next\r\nContent-Length: 4\r\n\r\ngone"),
        respond(format!("HTTP/1.1 302 Go\r\nLocation: {there}#top\r\n\r\n")),
    ]);
    let request = Request::new("POST", &url).unwrap().with_body("question");
    let mut source =
        HttpSource::new(request, send).with_config(config()).with_prepare(async |mut request| {
            request.set_header("Authorization", "Bearer fresh")?;
            Ok(request)
        });
    assert_eq!(block_on(source.next()).unwrap().unwrap().data(), "here");
    for path in ["/sse", "/next"] {
        let request = requests.recv().unwrap();
        assert!(request.starts_with(&format!("post {path} ")), "{request}");
        assert!(
            request.contains("authorization: bearer fresh") && request.ends_with("question"),
            "{request}"
        );
    }
    let request = elsewhere.recv().unwrap();
    assert!(request.starts_with("get /sse ") && !request.contains("fresh"), "{request}");
}

#[test]
fn a_refused_response_says_why() {
    let (url, _requests) =
        serve([respond("HTTP/1.1 401 No\r\nContent-Length: 11\r\nX-Why: a\r\n\r\nbad api key")]);
    let mut source = source(&url, config());
    match block_on(source.next()) {
        Some(Err(SourceError::Closed(Closed::Refused(Refusal::Status(401))))) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(source.machine().refused_body(), b"bad api key");
    assert_eq!(source.machine().response().unwrap().header("x-why"), Some(&b"a"[..]));
    assert!(block_on(source.next()).is_none());
}

#[test]
fn status_204_stops_it() {
    let (url, _requests) = serve([respond("HTTP/1.1 204 Enough\r\n\r\n")]);
    let mut source = source(&url, config());
    assert!(matches!(block_on(source.next_signal()), Some(Signal::Closed(Closed::Stopped))));
    assert!(block_on(source.next_signal()).is_none());
}

#[test]
fn failures_of_the_client_are_transient() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let mut config = config();
    config.max_attempts = Some(3);
    let mut source = source(&url, config);
    block_on(async {
        for expected in 1..=2 {
            match source.next_signal().await {
                Some(Signal::Reconnecting { cause: Cause::Transport(_), attempt, .. }) => {
                    assert_eq!(attempt, expected);
                }
                other => panic!("{other:?}"),
            }
        }
        match source.next_signal().await {
            Some(Signal::Closed(Closed::Lost { cause: Cause::Transport(_), attempts: 3 })) => {}
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_body_that_is_cut_gives_its_events_first() {
    let chunk = "data: whole\n\ndata: half";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (url, _requests) = serve([respond(format!("{head}{:x}\r\n{chunk}\r\n5\r\nda", chunk.len()))]);
    let mut config = config();
    config.max_attempts = Some(1);
    let mut source = source(&url, config);
    let signals = block_on(async {
        let mut signals = Vec::new();
        let mut all = source.signals();
        while let Some(signal) = poll_fn(|cx| Pin::new(&mut all).poll_next(cx)).await {
            signals.push(signal);
        }
        assert!(all.is_terminated());
        signals
    });
    match &signals[..] {
        [
            Signal::Opened(head),
            Signal::Event(event),
            Signal::Closed(Closed::Lost { cause: Cause::Transport(_), .. }),
        ] => {
            assert_eq!(
                (head.header("content-type"), event.data()),
                (Some(&b"text/event-stream"[..]), "whole")
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn silence_times_out() {
    let silent = |before: &'static str| -> Script {
        Box::new(move |socket| {
            socket.write_all(before.as_bytes()).unwrap();
            assert!(sees_close(socket));
        })
    };
    for (before, timeout) in [("", Timeout::Response), (EVENT_STREAM, Timeout::Silence)] {
        let (url, _requests) = serve([silent(before)]);
        let mut config = config();
        config.timeouts.response = Some(Duration::from_millis(if before.is_empty() { 50 } else { 60_000 }));
        config.timeouts.silence = Some(Duration::from_millis(50));
        config.max_attempts = Some(1);
        match block_on(source(&url, config).next()) {
            Some(Err(SourceError::Closed(Closed::Lost { cause: Cause::Timeout(found), .. }))) => {
                assert_eq!(found, timeout);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_limit_does_not_end_it() {
    let (url, _requests) = serve([events("data: far too long\n\nevent: bye\ndata: x\n\n")]);
    let mut config = config();
    config.limits.event_bytes = 8;
    let mut source = source(&url, config);
    assert!(block_on(source.next()).unwrap().unwrap_err().is_recoverable());
    assert_eq!(block_on(source.next()).unwrap().unwrap().data(), "x");
}

#[test]
fn closing_ends_what_waits_and_frees_the_socket() {
    let (closed, is_closed) = mpsc::channel();
    let waiting = move |socket: &mut TcpStream| {
        socket.write_all(format!("{EVENT_STREAM}data: one\n\n").as_bytes()).unwrap();
        closed.send(sees_close(socket)).unwrap();
    };
    let (url, _requests) = serve([Box::new(waiting) as Script]);
    let mut source = source(&url, config());
    assert!(block_on(source.next()).is_some());
    let handle = source.close_handle();
    let closer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        handle.close();
        Instant::now()
    });
    assert!(matches!(block_on(source.next_signal()), Some(Signal::Closed(Closed::ByCaller))));
    let took = closer.join().unwrap().elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(is_closed.recv().unwrap());
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
fn a_restart_asks_again_at_once() {
    let waiting: Script = Box::new(|socket| {
        socket.write_all(format!("{EVENT_STREAM}id: 1\ndata: one\n\n").as_bytes()).unwrap();
        assert!(sees_close(socket));
    });
    let (url, requests) = serve([waiting, events("event: bye\ndata: two\n\n")]);
    let mut source = source(&url, config());
    assert_eq!(block_on(source.next()).unwrap().unwrap().data(), "one");
    source.restart();
    assert_eq!(block_on(source.next()).unwrap().unwrap().data(), "two");
    assert!(requests.iter().nth(1).unwrap().contains("last-event-id: 1"));
}

#[test]
fn a_url_that_the_client_cannot_take_is_not_tried_again() {
    let mut source = source("http://127.0.0.1:1/`", config());
    match block_on(source.next()) {
        Some(Err(SourceError::Closed(Closed::Unsupported(error)))) => assert!(error.is::<http::Error>()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_attempt_is_prepared() {
    let (url, requests) = serve([events("data: a\n\n"), events("data: b\n\n")]);
    let mut tokens = 0;
    let config = config();
    let mut source = source(&url, config).with_prepare(move |mut request: Request| {
        tokens += 1;
        async move {
            if tokens == 2 {
                return Err("no token today".into());
            }
            let url = format!("{}?token={tokens}", request.url());
            request.set_url(Url::parse(&url)?);
            Ok(request)
        }
    });
    let mut seen = String::new();
    let handle = source.close_handle();
    block_on(source.listen(|event| {
        seen += event.data();
        if seen == "ab" {
            handle.close();
        }
    }))
    .unwrap();
    assert_eq!(seen, "ab");
    assert!(requests.recv().unwrap().starts_with("get /sse?token=1 "));
    assert!(requests.recv().unwrap().starts_with("get /sse?token=3 "));
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
fn it_reads_the_body_of_a_response_in_hand() {
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
