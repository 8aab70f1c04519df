// What an event source over an HTTP client of the user's must do, in every adapter. Each one includes this file into
// its own test program, which defines:
//
// - `contract!` makes test functions of what it is given, asynchronous ones where the adapter is; `wait!` awaits there;
// - `prepare!(request => block)` makes what changes the request of each attempt, and `prepared!` its result;
// - `send`: sends a request with some HTTP client.
//
// The server is always plain `std::net` sockets on threads.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sse_proto::Event;
use sse_proto::http::{Request, Url};
use sse_proto::source::{
    Backoff, Cause, CloseReason, SourceConfig, EndMarker, RedirectError, Refusal, Signal, SourceError, Timeout, check_response,
    is_transient,
};

const EVENT_STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

type Script = Box<dyn FnOnce(&mut TcpStream) + Send>;

/// A server that does these scripts, each on a connection of its own. Gives its URL, and the requests as they come.
fn serve(scripts: impl IntoIterator<Item = Script>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/sse", listener.local_addr().unwrap());
    let (seen, requests) = mpsc::channel();
    let scripts: Vec<Script> = scripts.into_iter().collect();
    thread::spawn(move || {
        for script in scripts {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = seen.send(read_request(&mut socket).to_lowercase());
            thread::spawn(move || script(&mut socket));
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

/// Sends this, and nothing more.
fn until_close(before: &'static str) -> Script {
    Box::new(move |socket| {
        socket.write_all(before.as_bytes()).unwrap();
        sees_close(socket);
    })
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
fn config() -> SourceConfig {
    let mut config = SourceConfig::default();
    config.backoff.base = Backoff::FLOOR;
    config.backoff.factor = 1;
    config.end = EndMarker::Name("bye".into());
    config
}

fn source(url: &str, config: SourceConfig) -> HttpSource {
    HttpSource::new(get(url), send).with_config(config)
}

contract! {
    fn it_connects_again_with_the_last_event_id() {
        let (url, requests) = serve([
            events("id: é1\ndata: one\n\ndata: lo"),
            respond("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\n\r\n"),
            events("data: two\n\nevent: bye\ndata\n\ndata: beyond\n\n"),
        ]);
        let request = get(&url).with_header("X-Mine", "1").unwrap();
        let mut config = config();
        config.set_retry_status(is_transient);
        let mut source = HttpSource::new(request, send).with_config(config);
        assert_eq!(wait!(source.next()).unwrap().unwrap(), Event::new("one").with_id("é1").unwrap());
        assert_eq!(source.machine().response().unwrap().status(), 200);
        assert!(source.machine().is_open());
        assert_eq!(wait!(source.next_ref()).unwrap().unwrap().data(), "two");
        assert_eq!(wait!(source.next()).unwrap().unwrap().name(), "bye");
        assert!(wait!(source.next()).is_none());
        assert!(wait!(source.next()).is_none(), "the end stays the end");
        assert_eq!(source.last_event_id(), "é1");
        assert!(source.close_handle().is_closed());
        let first = requests.recv().unwrap();
        let lines = ["get /sse http/1.1", "accept: text/event-stream", "cache-control: no-cache", "x-mine: 1"];
        for line in lines.into_iter().chain(["host: 127.0.0.1:"]) {
            assert!(first.contains(line), "{line} in {first}");
        }
        assert!(!first.contains("last-event-id"), "{first}");
        for request in requests {
            assert!(request.contains("last-event-id: é1\r\n"), "{request}");
        }
    }

    fn a_retry_after_date_is_compared_with_the_clock_of_the_system() {
        let (url, _) = serve([respond("HTTP/1.1 429 x\r\nRetry-After: Mon Nov  6 08:49:37 2400\r\n\r\n")]);
        let mut config = config();
        config.set_retry_status(is_transient);
        config.backoff.retry_max = Duration::from_secs(1234);
        config.backoff.jitter_percent = 0;
        let signal = wait!(source(&url, config).next_signal());
        assert!(matches!(signal, Some(Signal::Reconnecting { delay, .. }) if delay.as_secs() == 1234), "{signal:?}");
    }

    fn it_follows_redirects_without_what_is_not_meant_for_others() {
        let (there, elsewhere) = serve([events("event: bye\ndata: here\n\n")]);
        let (url, requests) = serve([
            respond("HTTP/1.1 307 Go\r\nLocation: /next\r\nContent-Length: 4\r\n\r\ngone"),
            respond(format!("HTTP/1.1 302 Go\r\nLocation: {there}#top\r\nContent-Length: 0\r\n\r\n")),
        ]);
        let request = Request::new("POST", &url).unwrap().with_body("question");
        let source = HttpSource::new(request, send).with_config(config());
        let mut source = source.with_prepare(prepare!(request => {
            request.set_header("Authorization", "Bearer fresh")?;
            Ok(request)
        }));
        assert_eq!(wait!(source.next()).unwrap().unwrap().data(), "here");
        for path in ["/sse", "/next"] {
            let request = requests.recv().unwrap();
            assert!(request.starts_with(&format!("post {path} ")), "{request}");
            assert!(request.contains("authorization: bearer fresh") && request.ends_with("question"), "{request}");
        }
        let request = elsewhere.recv().unwrap();
        assert!(request.starts_with("get /sse ") && !request.contains("fresh"), "{request}");
    }

    fn a_body_goes_along_with_a_redirect_unless_it_is_vetoed() {
        for is_vetoed in [false, true] {
            let (there, elsewhere) = serve([events("event: bye\ndata: here\n\n")]);
            let redirect = format!("HTTP/1.1 307 Go\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n");
            let (url, _requests) = serve([respond(redirect)]);
            let mut config = config();
            let allowed = get(&there).url().port();
            config.set_check_redirect(move |_, to| match to.port() {
                port if port == allowed && !is_vetoed => Ok(()),
                port => Err(format!("not to port {port}").into()),
            });
            let request = Request::new("POST", &url).unwrap().with_body("question");
            let mut source = HttpSource::new(request, send).with_config(config);
            match wait!(source.next()) {
                Some(Ok(event)) if !is_vetoed => assert_eq!(event.data(), "here"),
                Some(Err(SourceError::Closed(CloseReason::Refused(Refusal::Redirect(RedirectError::Vetoed(reason)))))) => {
                    assert_eq!(reason, format!("not to port {allowed}"));
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(elsewhere.try_recv().is_ok_and(|request| request.ends_with("question")), !is_vetoed);
        }
    }

    fn a_refused_response_says_why() {
        let response = "HTTP/1.1 401 No\r\nContent-Length: 11\r\nX-Why: a\r\n\r\nbad api key";
        let mut source = source(&serve([respond(response)]).0, config());
        match wait!(source.next()) {
            Some(Err(SourceError::Closed(CloseReason::Refused(Refusal::Status(401))))) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(source.machine().refused_body(), b"bad api key");
        assert_eq!(source.machine().response().unwrap().header("x-why"), Some(&b"a"[..]));
        assert!(wait!(source.next()).is_none());
    }

    fn a_response_without_a_media_type_is_read_on_request() {
        let response = "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\nevent: bye\ndata: here\n\n\n";
        let mut refused = source(&serve([respond(response)]).0, config());
        match wait!(refused.next()) {
            Some(Err(SourceError::Closed(CloseReason::Refused(Refusal::MediaType(found))))) => assert_eq!(found, ""),
            other => panic!("{other:?}"),
        }
        let (mut config, forgiven) = (config(), String::new());
        config.set_check(move |head| match check_response(head) {
            Err(Refusal::MediaType(found)) if found == forgiven => Ok(()),
            verdict => verdict,
        });
        let mut accepted = source(&serve([respond(response)]).0, config);
        assert_eq!(wait!(accepted.next()).unwrap().unwrap().data(), "here");
        assert!(wait!(accepted.next()).is_none());
    }

    fn status_204_stops_it() {
        let mut source = source(&serve([respond("HTTP/1.1 204 Enough\r\n\r\n")]).0, config());
        assert!(matches!(wait!(source.next_signal()), Some(Signal::Closed(CloseReason::Stopped))));
        assert!(wait!(source.next_signal()).is_none());
    }

    fn failures_of_the_client_are_transient() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let mut config = config();
        config.max_attempts = Some(3);
        let mut source = source(&url, config);
        for expected in 1..=2 {
            match wait!(source.next_signal()) {
                Some(Signal::Reconnecting { cause: Cause::Transport(_), attempt, .. }) => {
                    assert_eq!(attempt, expected);
                }
                other => panic!("{other:?}"),
            }
        }
        match wait!(source.next_signal()) {
            Some(Signal::Closed(CloseReason::Lost { cause: Cause::Transport(_), attempts: 3 })) => {}
            other => panic!("{other:?}"),
        }
    }

    fn a_body_that_is_cut_gives_its_events_first() {
        let chunk = "data: whole\n\ndata: half";
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let response = respond(format!("{head}{:x}\r\n{chunk}\r\n5\r\nda", chunk.len()));
        let mut config = config();
        config.max_attempts = Some(1);
        let mut source = source(&serve([response]).0, config);
        match wait!(source.next_signal()) {
            Some(Signal::Opened(head)) => {
                assert_eq!(head.header("content-type"), Some(&b"text/event-stream"[..]));
            }
            other => panic!("{other:?}"),
        }
        match wait!(source.next_signal()) {
            Some(Signal::Event(event)) => assert_eq!(event.data(), "whole"),
            other => panic!("{other:?}"),
        }
        match wait!(source.next_signal()) {
            Some(Signal::Closed(CloseReason::Lost { cause: Cause::Transport(_), .. })) => {}
            other => panic!("{other:?}"),
        }
        assert!(wait!(source.next_signal()).is_none());
    }

    fn a_last_event_without_its_blank_line_counts_at_a_clean_end_only() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: ";
        for (length, deliver, is_finished) in [(22, false, true), (22, true, true), (23, true, false)] {
            let mut config = config();
            config.max_attempts = Some(1);
            config.deliver_incomplete = deliver;
            let response = format!("{head}{length}\r\n\r\nevent: bye\ndata: here\n");
            let mut source = source(&serve([respond(response)]).0, config);
            assert!(matches!(wait!(source.next_signal()), Some(Signal::Opened(_))));
            if deliver && is_finished {
                assert!(matches!(wait!(source.next_signal()), Some(Signal::Event(event)) if event.data() == "here"));
            }
            match wait!(source.next_signal()) {
                Some(Signal::Closed(CloseReason::Finished)) if is_finished => {}
                Some(Signal::Closed(CloseReason::Lost { cause: Cause::Transport(_), .. })) if !is_finished => {}
                other => panic!("{length}, {deliver}: {other:?}"),
            }
        }
    }

    fn a_body_in_which_nothing_is_recognised_shows_it() {
        let mut config = config();
        config.max_attempts = Some(1);
        let mut source = source(&serve([events("{\"error\":1}")]).0, config);
        match wait!(source.next()) {
            Some(Err(SourceError::Closed(CloseReason::Lost { cause: Cause::Unrecognized, .. }))) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(source.machine().refused_body(), b"{\"error\":1}");
    }

    fn silence_times_out() {
        for (before, timeout) in [("", Timeout::Response), (EVENT_STREAM, Timeout::Silence)] {
            let (url, _requests) = serve([until_close(before)]);
            let mut config = config();
            config.timeouts.response = Some(Duration::from_millis(if before.is_empty() { 50 } else { 60_000 }));
            config.timeouts.silence = Some(Duration::from_millis(50));
            config.max_attempts = Some(1);
            match wait!(source(&url, config).next()) {
                Some(Err(SourceError::Closed(CloseReason::Lost { cause: Cause::Timeout(found), .. }))) => {
                    assert_eq!(found, timeout);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn a_limit_does_not_end_it() {
        let mut config = config();
        config.limits.event_bytes = 8;
        let mut source = source(&serve([events("data: far too long\n\nevent: bye\ndata: x\n\n")]).0, config);
        assert!(wait!(source.next()).unwrap().unwrap_err().is_recoverable());
        assert_eq!(wait!(source.next()).unwrap().unwrap().data(), "x");
    }

    fn closing_from_elsewhere_ends_what_waits() {
        for before in ["", EVENT_STREAM] {
            let mut source = source(&serve([until_close(before)]).0, config());
            let handle = source.close_handle();
            let closer = thread::spawn(move || {
                thread::sleep(Duration::from_millis(50));
                handle.close();
                Instant::now()
            });
            assert!(wait!(source.next()).is_none());
            let took = closer.join().unwrap().elapsed();
            assert!(took < Duration::from_secs(1), "{took:?}");
        }
    }

    fn closing_ends_the_wait_for_the_next_attempt() {
        let mut config = config();
        config.backoff.base = Duration::from_secs(3600);
        let mut source = source(&serve([events("data: one\n\n")]).0, config);
        assert!(wait!(source.next()).is_some());
        let handle = source.close_handle();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            handle.close();
        });
        assert!(wait!(source.next()).is_none());
    }

    fn a_restart_asks_again_at_once() {
        let one: Script = Box::new(|socket| {
            socket.write_all(format!("{EVENT_STREAM}id: 1\ndata: one\n\n").as_bytes()).unwrap();
            sees_close(socket);
        });
        let (url, requests) = serve([one, events("event: bye\ndata: two\n\n")]);
        let mut source = source(&url, config());
        assert_eq!(wait!(source.next()).unwrap().unwrap().data(), "one");
        source.restart();
        assert_eq!(wait!(source.next()).unwrap().unwrap().data(), "two");
        assert!(requests.iter().nth(1).unwrap().contains("last-event-id: 1"));
    }

    fn every_attempt_is_prepared() {
        let (url, requests) = serve([events("data: a\n\n"), events("data: b\n\n")]);
        let tokens = AtomicU32::new(0);
        let mut source = source(&url, config()).with_prepare(move |request| {
            let token = tokens.fetch_add(1, Ordering::Relaxed);
            let prepared = with_token(request, token);
            prepared!(prepared)
        });
        let mut seen = String::new();
        let handle = source.close_handle();
        wait!(source.listen(|event| {
            seen += event.data();
            if seen == "ab" {
                handle.close();
            }
        }))
        .unwrap();
        assert_eq!(seen, "ab");
        assert!(requests.recv().unwrap().starts_with("get /sse?token=0 "));
        assert!(requests.recv().unwrap().starts_with("get /sse?token=2 "));
    }
}

/// There is none for the second attempt.
fn with_token(mut request: Request, token: u32) -> Result<Request, Box<dyn Error + Send + Sync>> {
    if token == 1 {
        return Err("no token today".into());
    }
    let url = format!("{}?token={token}", request.url());
    request.set_url(Url::parse(&url)?);
    Ok(request)
}
