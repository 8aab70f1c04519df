// What the event source of every adapter must do. Each one includes this file into its own test program, which defines:
//
// - `contract!` makes test functions of what it is given, asynchronous ones where the adapter is, each `bounded` by so many bytes;
//   `wait!` awaits there;
// - `with_prepare(source, prepare)`, whose hook blocks everywhere.
//
// What is decided, and when, is tested in virtual time by `tests/source`; this is about real sockets and real threads.

use std::sync::Mutex;
use std::time::Instant;

use allocation_counter::measure;
use sse_proto::Event;
use sse_proto::http::Request;
use sse_proto::source::{
    Cause, CloseReason, SourceConfig, EndMarker, Reconnect, Refusal, Signal, SourceError, check_response,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Some time that is short for a test, and long for a socket of this machine.
const SOON: Duration = Duration::from_millis(200);

/// Three attempts, without much delay in between.
fn config() -> SourceConfig {
    let mut config = SourceConfig::default();
    config.backoff.base = Duration::from_millis(10);
    config.backoff.jitter_percent = 0;
    config.max_attempts = Some(3);
    config
}

fn source(url: &str, config: SourceConfig) -> EventSource {
    EventSource::get(url).unwrap().with_config(config)
}

/// What happened, in a few words.
fn tell(signal: Signal) -> String {
    match signal {
        Signal::Opened(head) => format!("open {}", head.status()),
        Signal::Event(event) => event.into_data(),
        Signal::Comment(text) => format!(":{text}"),
        Signal::Reconnecting { cause, attempt, .. } => format!("failure {attempt}: {}", name(&cause)),
        Signal::Closed(CloseReason::Lost { cause, attempts }) => format!("lost after {attempts}: {}", name(&cause)),
        Signal::Closed(reason) => format!("closed: {reason}"),
        other => format!("{other:?}"),
    }
}

/// The cause; an error of the transport without the wording of the system.
fn name(cause: &Cause) -> String {
    match cause {
        Cause::Transport(error) => match error.downcast_ref::<std::io::Error>() {
            Some(error) => format!("{:?}", error.kind()),
            None => error.to_string(),
        },
        other => other.to_string(),
    }
}

/// Asserts what happens, to the end or as far as it is told.
macro_rules! check {
    ($source:expr, $expected:expr) => {{
        let source = &mut $source;
        for expected in $expected {
            assert_eq!(wait!(source.next_signal()).map(tell).as_deref(), Some(expected));
        }
    }};
}

/// Runs a test, in which the client must never hold more memory than this.
fn bounded(most: u64, test: impl FnOnce()) {
    let held = measure(test).bytes_max;
    assert!(held <= most, "{held} bytes were held");
}

contract! { 512 * 1024;
    fn nobody_listens() {
        let mut source = source(&nowhere(), config());
        check!(source, [
            "failure 1: ConnectionRefused",
            "failure 2: ConnectionRefused",
            "lost after 3: ConnectionRefused",
        ]);
        assert!(wait!(source.next_signal()).is_none());
        assert!(source.close_handle().is_closed());
    }

    fn a_connection_that_is_never_made_is_given_up() {
        let full = Full::new();
        let mut config = config();
        config.timeouts.connect = Some(SOON);
        config.max_attempts = Some(2);
        let mut source = source(&full.url, config);
        check!(source, ["failure 1: timed out while connecting", "lost after 2: timed out while connecting"]);
    }

    fn a_response_that_never_comes_is_given_up() {
        for head in ["", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 103 Early Hints\r\n\r\n"] {
            let server = Server::new(move |_, socket| {
                send(socket, head);
                vanish(socket);
            });
            let mut config = config();
            config.timeouts.response = Some(SOON);
            config.max_attempts = Some(2);
            let mut source = source(&server.url, config);
            check!(source, ["failure 1: timed out waiting for the response", "lost after 2: timed out waiting for the response"]);
            assert_eq!(server.requests(), 2);
        }
    }

    fn a_head_that_drips_is_too_late() {
        let server = Server::new(|_, socket| {
            send(socket, "HTTP/1.1 200 OK\r\nX: ");
            drip(socket, "x");
        });
        let mut config = config();
        config.timeouts.response = Some(SOON);
        config.max_attempts = Some(1);
        check!(source(&server.url, config), ["lost after 1: timed out waiting for the response"]);
    }

    fn framing_that_servers_really_send_is_read() {
        for (version, headers) in [
            ("1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            ("1.1", "Content-Length: 1\r\nTransfer-Encoding: identity, chunked"),
            ("1.0", "Transfer-Encoding: chunked"),
        ] {
            let server = Server::new(move |_, socket| send(socket, &format!(
                "HTTP/{version} 200 OK\r\nContent-Type: text/event-stream\r\n{headers}\r\n\r\n 9 \r\ndata: x\n\n\r\n0\r\n\r\n"
            )));
            check!(source(&server.url, config()), ["open 200", "x", "failure 1: the stream ended"]);
        }
    }

    fn a_retry_after_date_is_compared_with_the_clock_of_the_system() {
        let server = Server::answering("HTTP/1.1 429 x\r\nRetry-After: Mon Nov  6 08:49:37 2400\r\n\r\n");
        let mut config = config();
        config.set_retry_status(sse_proto::source::is_transient);
        config.backoff.retry_max = Duration::from_secs(1234);
        let signal = wait!(source(&server.url, config).next_signal());
        assert!(matches!(signal, Some(Signal::Reconnecting { delay, .. }) if delay.as_secs() == 1234), "{signal:?}");
    }

    fn requests_name_the_library_unless_the_user_names_another() {
        let ours = format!("{}/{}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        for (named, expected) in [(None, &*ours), (Some("ticker/1.0"), "ticker/1.0")] {
            let there = Server::answering(EVENT_STREAM);
            let url = there.url.clone();
            let here = Server::new(move |_, socket| {
                send(socket, &format!("HTTP/1.1 307 x\r\nLocation: {url}\r\n\r\n"));
            });
            let mut request = Request::get(&here.url).unwrap();
            if let Some(name) = named {
                request = request.with_header("User-Agent", name).unwrap();
            }
            let prepare = |mut request: Request| {
                request.set_header("Authorization", "Bearer x")?;
                Ok(request)
            };
            let mut source = with_prepare(EventSource::new(request).with_config(config()), prepare);
            check!(source, ["open 200"]);
            for (server, secrets) in [(here, 1), (there, 0)] {
                let head = server.heads.recv().unwrap();
                assert!(head.contains(&format!("User-Agent: {expected}\r\n")), "{head}");
                assert_eq!(head.matches("User-Agent").count(), 1, "{head}");
                assert_eq!(head.matches("Bearer x").count(), secrets, "{head}");
            }
        }
    }

    fn an_id_that_is_too_long_for_servers_is_kept_and_not_sent() {
        let server = Server::new(|number, socket| match number {
            0 => send(socket, &format!("{EVENT_STREAM}id: {}\ndata: one\n\n", "k".repeat(20_000))),
            _ => send(socket, &format!("{EVENT_STREAM}data: two\n\n")),
        });
        let mut source = source(&server.url, config());
        check!(source, [
            "open 200", "one", "failure 1: the stream ended",
            "IdNotSent(TooLong { length: 20000, limit: 4096 })", "open 200", "two",
        ]);
        assert_eq!(source.last_event_id().len(), 20_000);
        assert!(server.heads.try_iter().all(|head| !head.to_lowercase().contains("last-event-id")));
    }

    fn a_head_without_end_is_refused() {
        for (head, part) in [("HTTP/1.1 200 OK\r\nX: ", "x"), ("HTTP/1.1 200 OK\r\n", "X: y\r\n"), ("", "HTTP/1.1 103 x\r\n\r\n")] {
            let server = Server::new(move |_, socket| {
                send(socket, head);
                send_endlessly(socket, part);
            });
            let mut source = source(&server.url, config());
            for expected in ["failure 1: ", "failure 2: ", "lost after 3: "] {
                let signal = wait!(source.next_signal()).unwrap();
                assert!(matches!(&signal,
                    Signal::Reconnecting { cause: Cause::Http(_), .. } | Signal::Closed(CloseReason::Lost { cause: Cause::Http(_), .. })
                ), "{signal:?}");
                assert!(tell(signal).starts_with(expected));
            }
            assert_eq!(server.requests(), 3);
        }
    }

    fn redirects_without_end_are_refused() {
        let server = Server::new(|number, socket| {
            send(socket, &format!("HTTP/1.1 302 Found\r\nLocation: /{number}\r\nContent-Length: 0\r\n\r\n"));
        });
        let mut source = source(&server.url, SourceConfig::default());
        check!(source, ["closed: not an event stream: more than 20 redirects"]);
        assert_eq!(server.requests(), 21);
    }

    fn a_refused_response_without_end_is_cut_off() {
        let server = Server::new(|_, socket| {
            send(socket, "HTTP/1.1 403 Forbidden\r\n\r\n");
            send_endlessly(socket, "no entry ");
        });
        let mut source = source(&server.url, SourceConfig::default());
        check!(source, ["closed: not an event stream: the server answered with status 403"]);
        assert_eq!(source.machine().refused_body().len(), SourceConfig::default().refusal_bytes);
        assert!(source.machine().refused_body().starts_with(b"no entry no"));
        assert_eq!(server.requests(), 1);
    }

    fn a_response_without_a_media_type_is_read_on_request() {
        let server = Server::answering("HTTP/1.1 200 OK\r\n\r\ndata: x\n\n");
        let mut source_of_default = source(&server.url, SourceConfig::default());
        check!(source_of_default, ["closed: not an event stream: the response has no media type"]);
        let (mut config, forgiven) = (config(), String::new());
        config.max_attempts = Some(1);
        config.set_check(move |head| match check_response(head) {
            Err(Refusal::MediaType(found)) if found == forgiven => Ok(()),
            verdict => verdict,
        });
        check!(source(&server.url, config), ["open 200", "x", "lost after 1: the stream ended"]);
    }

    fn a_server_that_answers_and_closes_is_asked_less_and_less() {
        let server = Server::answering(EVENT_STREAM);
        let mut config = config();
        config.max_attempts = Some(6);
        let mut source = source(&server.url, config);
        let (start, mut delays) = (Instant::now(), Vec::new());
        while let Some(signal) = wait!(source.next_signal()) {
            match signal {
                Signal::Reconnecting { cause: Cause::Ended, delay, .. } => delays.push(delay),
                Signal::Opened(_) => {}
                other => assert_eq!(tell(other), "lost after 6: the stream ended"),
            }
        }
        assert_eq!(delays, [10, 20, 40, 80, 160].map(Duration::from_millis));
        assert!(start.elapsed() >= delays.iter().sum());
        assert_eq!(server.requests(), 6);
    }

    fn a_reset_inside_an_event_loses_only_that() {
        let (go, may_go) = mpsc::channel();
        let may_go = Mutex::new(may_go);
        let server = Server::new(move |number, socket| match number {
            0 => {
                send(socket, &format!("{EVENT_STREAM}id: 1\ndata: one\n\nid: 2\ndata: half"));
                may_go.lock().unwrap().recv().unwrap();
                reset(socket);
            }
            _ => {
                send(socket, &format!("{EVENT_STREAM}data: two\n\n"));
                vanish(socket);
            }
        });
        let mut source = source(&server.url, config());
        check!(source, ["open 200", "one"]);
        go.send(()).unwrap();
        check!(source, ["failure 1: ConnectionReset", "open 200", "two"]);
        assert_eq!(source.last_event_id(), "1");
        let heads: Vec<_> = server.heads.try_iter().map(|head| head.to_lowercase()).collect();
        assert!(!heads[0].contains("last-event-id"), "{}", heads[0]);
        assert!(heads[1].contains("last-event-id: 1\r\n"), "{}", heads[1]);
    }

    fn a_peer_that_vanishes_is_noticed_by_its_silence() {
        let (closed_in, closed) = mpsc::channel();
        let server = Server::new(move |_, socket| {
            send(socket, &format!("{EVENT_STREAM}data: last\n\n:"));
            let _ = closed_in.send(vanish(socket));
        });
        let mut config = config();
        config.timeouts.silence = Some(SOON);
        config.max_attempts = Some(2);
        let mut source = source(&server.url, config);
        check!(source, [
            "open 200", "last", "failure 1: timed out waiting for data",
            "open 200", "last", "lost after 2: timed out waiting for data",
        ]);
        assert_eq!([closed.recv(), closed.recv()], [Ok(true); 2], "the socket is not left behind");
    }

    fn while_it_waits_there_is_no_connection() {
        let (closed_in, closed) = mpsc::channel();
        let server = Server::new(move |_, socket| {
            send(socket, EVENT_STREAM);
            let _ = closed_in.send(vanish(socket));
        });
        let mut config = config();
        config.timeouts.silence = Some(SOON);
        config.backoff.base = Duration::from_secs(60);
        let mut source = source(&server.url, config);
        let handle = source.close_handle();
        let watching = thread::spawn(move || {
            let was_closed = closed.recv();
            let still_waits = !handle.is_closed();
            handle.close();
            (was_closed, still_waits)
        });
        assert!(wait!(source.next()).is_none());
        assert_eq!(watching.join().unwrap(), (Ok(true), true));
    }

    fn bytes_that_drip_are_events_in_the_end_and_no_silence() {
        let comment = "x".repeat(300);
        let stream = format!("{EVENT_STREAM}:{comment}\ndata: é\r\n\r\n:");
        let server = Server::new(move |_, socket| drip(socket, &stream));
        let mut config = config();
        // Far more than between two bytes, far less than the whole takes.
        config.timeouts.silence = Some(5 * SOON);
        let start = Instant::now();
        check!(source(&server.url, config), ["open 200", &*format!(":{comment}"), "é"]);
        assert!(start.elapsed() > 5 * SOON);
    }

    fn comments_without_end_are_no_events() {
        let server = Server::new(|_, socket| {
            send(socket, EVENT_STREAM);
            send_endlessly(socket, ":\n");
        });
        let mut config = config();
        config.timeouts.silence = Some(50 * SOON);
        config.timeouts.events = Some(SOON);
        config.max_attempts = Some(2);
        let mut source = source(&server.url, config);
        let error = wait!(source.next()).unwrap().unwrap_err();
        assert!(matches!(&error, SourceError::Closed(CloseReason::Lost { attempts: 2, .. })), "{error}");
        assert_eq!(error.to_string(), "timed out waiting for an event (after 2 attempts)");
        assert!(wait!(source.next()).is_none());
    }

    fn an_event_without_end_is_skipped_once() {
        for line in ["data: x\n", "x"] {
            let server = Server::new(move |_, socket| {
                send(socket, &format!("{EVENT_STREAM}id: 1\ndata: "));
                send_endlessly(socket, line);
            });
            let mut config = config();
            config.limits.event_bytes = 50_000;
            config.timeouts.events = Some(5 * SOON);
            config.max_attempts = Some(1);
            let mut source = source(&server.url, config);
            let error = wait!(source.next()).unwrap().unwrap_err();
            assert!(error.is_recoverable(), "{error}");
            let error = wait!(source.next()).unwrap().unwrap_err();
            assert_eq!(error.to_string(), "timed out waiting for an event");
        }
    }

    fn the_time_for_the_whole_is_kept_whatever_the_server_does() {
        let server = Server::new(|_, socket| {
            send(socket, EVENT_STREAM);
            send_endlessly(socket, "data: x\n\n");
        });
        let mut config = config();
        config.timeouts.total = Some(5 * SOON);
        let mut source = source(&server.url, config);
        let mut count = 0;
        let error = loop {
            match wait!(source.next_ref()).unwrap() {
                Ok(event) => assert_eq!(event.data(), "x"),
                Err(error) => break error,
            }
            count += 1;
        };
        assert!(matches!(error, SourceError::Closed(CloseReason::TimedOut)), "{error}");
        assert!(count > 0);
    }

    fn the_plain_stream_has_no_error_for_a_normal_end() {
        let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\ndata: [DONE]\n\n");
        let mut marked = SourceConfig::default();
        marked.end = EndMarker::Data("[DONE]".into());
        let mut once = SourceConfig::default();
        once.reconnect = Reconnect::Never;
        for (config, events) in [(marked, 1), (once, 2)] {
            let mut source = source(&server.url, config);
            for _ in 0..events {
                wait!(source.next()).unwrap().unwrap();
            }
            assert!(wait!(source.next()).is_none());
            assert_eq!(server.requests(), 1);
        }
        let gone = Server::answering("HTTP/1.1 204 No Content\r\n\r\n");
        assert!(wait!(source(&gone.url, SourceConfig::default()).next()).is_none());
        let refused = Server::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\n\r\nnot here");
        let mut source = source(&refused.url, SourceConfig::default());
        let error = wait!(source.next()).unwrap().unwrap_err();
        assert!(matches!(error, SourceError::Closed(CloseReason::Refused(Refusal::Status(404)))), "{error}");
        assert_eq!(source.machine().refused_body(), b"not here");
        assert!(wait!(source.next()).is_none());
    }

    fn a_marker_without_its_blank_line_counts_at_a_clean_end_only() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
        let cut = "lost after 1: connection closed before the body was complete";
        for (rest, end) in [
            ("\r\ndata: [DONE]", "closed: the end marker was received"),
            ("Content-Length: 12\r\n\r\ndata: [DONE]", "closed: the end marker was received"),
            ("Content-Length: 13\r\n\r\ndata: [DONE]", cut),
            ("Transfer-Encoding: chunked\r\n\r\nc\r\ndata: [DONE]\r\n0\r\n\r\n", "closed: the end marker was received"),
            ("Transfer-Encoding: chunked\r\n\r\nc\r\ndata: [DONE]\r\n", cut),
        ] {
            let server = Server::new(move |_, socket| send(socket, &format!("{head}{rest}")));
            let mut config = config();
            config.max_attempts = Some(1);
            config.end = EndMarker::Data("[DONE]".into());
            check!(source(&server.url, config), ["open 200", end]);
        }
        let named = Server::answering("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: next\ndata: {}\n\nevent: complete\n\n");
        let mut config = config();
        config.end = EndMarker::Name("complete".into());
        check!(source(&named.url, config), ["open 200", "{}", "closed: the end marker was received"]);
    }

    fn a_body_in_which_nothing_is_recognised_shows_it() {
        let json = "{\"error\":{\"message\":\"context too long\"}}";
        let server = Server::new(move |_, socket| send(socket, &format!("{EVENT_STREAM}{json}")));
        let mut config = config();
        config.max_attempts = Some(2);
        let failed = "not an event stream: no line of the body is a field or a comment";
        let mut source = source(&server.url, config);
        check!(source, [
            "open 200", &*format!("failure 1: {failed}"), "open 200", &*format!("lost after 2: {failed}"),
        ]);
        assert_eq!(source.machine().refused_body(), json.as_bytes());
    }

    fn a_name_with_several_addresses_is_tried_through() {
        // The listener has one of the two that this name usually has.
        let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hi\n\n");
        let mut source = source(&server.url.replace("127.0.0.1", "localhost"), config());
        assert_eq!(wait!(source.next()).unwrap().unwrap(), Event::new("hi"));
    }

    fn an_address_with_a_zone_is_connected_to_and_named_without_it() {
        // There are machines without IPv6.
        let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let head = read_head(&mut socket);
            send(&mut socket, &format!("{EVENT_STREAM}data: hi\n\n"));
            head
        });
        // By its number, as systems call the loopback interface by different names; it is 1 on Linux.
        let mut source = source(&format!("http://[::1%251]:{port}/"), config());
        assert_eq!(wait!(source.next()).unwrap().unwrap(), Event::new("hi"));
        let head = server.join().unwrap();
        assert!(head.contains(&format!("Host: [::1]:{port}\r\n")), "{head}");
    }

    fn each_attempt_is_prepared_anew() {
        let server = Server::new(|_, socket| send(socket, EVENT_STREAM));
        let mut number = 0;
        let prepare = move |mut request: Request| {
            number += 1;
            if number == 1 {
                return Err(BoxError::from("no token"));
            }
            request.set_header("Authorization", &format!("Bearer {number}"))?;
            Ok(request)
        };
        let mut source = with_prepare(source(&server.url, config()), prepare);
        check!(source, [
            "failure 1: no token", "open 200", "failure 2: the stream ended", "open 200", "lost after 3: the stream ended",
        ]);
        for token in ["Bearer 2", "Bearer 3"] {
            let head = server.heads.recv().unwrap();
            assert!(head.contains(&format!("Authorization: {token}\r\n")), "{head}");
        }
    }

    fn a_token_stays_at_home_whatever_a_hook_makes_of_the_url() {
        let elsewhere = Server::new(|_, socket| send(socket, EVENT_STREAM));
        let location = elsewhere.url.clone();
        let home = Server::new(move |_, socket| {
            send(socket, &format!("HTTP/1.1 308 Go\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"));
        });
        let prepare = |mut request: Request| {
            request.set_header("Authorization", "Bearer secret")?;
            request.set_url(format!("{}?v=1", request.url()).parse()?);
            Ok(request)
        };
        let mut config = config();
        config.max_attempts = Some(2);
        let mut source = with_prepare(source(&home.url, config), prepare);
        check!(source, ["open 200", "failure 1: the stream ended", "open 200", "lost after 2: the stream ended"]);
        assert!(home.heads.recv().unwrap().contains("Bearer secret"));
        for target in ["GET / ", "GET /?v=1 "] {
            let head = elsewhere.heads.recv().unwrap();
            assert!(head.starts_with(target) && !head.contains("secret"), "{head}");
        }
    }

    fn restarting_leaves_the_stream_for_a_new_one_that_goes_on() {
        let (closed_in, closed) = mpsc::channel();
        let server = Server::new(move |number, socket| {
            send(socket, &format!("{EVENT_STREAM}id: {number}\ndata: {number}\n\ndata: more\n\n"));
            let _ = closed_in.send(vanish(socket));
        });
        let mut source = source(&server.url, config());
        check!(source, ["open 200", "0"]);
        source.restart();
        assert_eq!(closed.recv(), Ok(true), "before the next attempt");
        check!(source, ["open 200", "1", "more"]);
        assert!(server.heads.iter().nth(1).unwrap().to_lowercase().contains("last-event-id: 0\r\n"));
    }

    fn a_handler_can_close_the_source_while_more_events_wait() {
        let server = Server::new(|_, socket| {
            send(socket, &format!("{EVENT_STREAM}data: one\n\ndata: two\n\n"));
            vanish(socket);
        });
        let mut source = source(&server.url, config());
        let (handle, mut seen) = (source.close_handle(), Vec::new());
        wait!(source.listen(|event| {
            seen.push(event.data().to_owned());
            handle.close();
        })).unwrap();
        assert_eq!(seen, ["one"]);
        assert!(wait!(source.next_signal()).is_none(), "it was told already");
    }

    fn closing_ends_whatever_blocks_at_once() {
        let full = Full::new();
        let server = Server::new(|_, socket| {
            send(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n");
            vanish(socket);
        });
        let (closed_in, closed) = mpsc::channel();
        let open = Server::new(move |_, socket| {
            send(socket, EVENT_STREAM);
            let _ = closed_in.send(vanish(socket));
        });
        let busy = Server::new(|_, socket| {
            send(socket, EVENT_STREAM);
            send_endlessly(socket, ":\n");
        });
        for (state, url) in [
            ("connecting", &full.url),
            ("responding", &server.url),
            ("open", &open.url),
            ("open and busy", &busy.url),
            ("waiting", &nowhere()),
        ] {
            let mut times = Vec::new();
            for _ in 0..5 {
                let mut source = source(url, SourceConfig::default());
                let handle = source.close_handle();
                let closing = thread::spawn(move || {
                    // Long enough for what is below to block.
                    thread::sleep(Duration::from_millis(50));
                    let now = Instant::now();
                    handle.close();
                    now
                });
                assert!(wait!(source.next()).is_none(), "{state}");
                times.push(closing.join().unwrap().elapsed());
                // The source is still there; its socket is not.
                assert!(state != "open" || closed.recv() == Ok(true));
            }
            times.sort();
            println!("closed while {state}: {times:?}");
            // The first of five: a busy machine must not fail the test.
            assert!(times[0] < Duration::from_millis(50), "{state}: {times:?}");
        }
    }

    fn dropping_a_source_frees_its_socket() {
        let (closed_in, closed) = mpsc::channel();
        let server = Server::new(move |_, socket| {
            send(socket, &format!("{EVENT_STREAM}data: one\n\ndata: two\n\n"));
            let _ = closed_in.send(vanish(socket));
        });
        for close in [true, false] {
            let mut source = source(&server.url, config());
            let handle = source.close_handle();
            assert_eq!(wait!(source.next()).unwrap().unwrap().data(), "one");
            if close {
                source.close();
                assert_eq!(closed.recv(), Ok(true));
                assert!(wait!(source.next()).is_none(), "an event that was not taken is gone");
            } else {
                drop(source);
                assert_eq!(closed.recv(), Ok(true), "whoever has a handle");
            }
            assert!(handle.is_closed());
        }
    }
}

// The body four times: as the user gave it, for the attempt, for the hook, as bytes to be sent.
contract! { 4 * BODY as u64 + 512 * 1024;
    fn a_request_that_nobody_reads_is_given_up() {
        let server = Server::new(|_, socket| {
            // Not by reading.
            thread::sleep(5 * SOON);
            reset(socket);
        });
        let mut config = config();
        config.reconnect = Reconnect::Always;
        config.timeouts.response = Some(SOON);
        config.max_attempts = Some(2);
        let request = Request::new("POST", &server.url).unwrap().with_body(vec![0; BODY]);
        let mut source = EventSource::new(request).with_config(config);
        check!(source, ["failure 1: timed out waiting for the response", "lost after 2: timed out waiting for the response"]);
    }
}

/// More than the buffers of both sides hold.
const BODY: usize = 16 << 20;
