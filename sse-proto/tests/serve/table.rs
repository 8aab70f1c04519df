//! One test for each thing a server promises.

use sse_proto::http1::Response;
use sse_proto::http1::server::{AcceptWant, Acceptor, Closed, Connection, ServerConfig, Want};
use sse_proto::{EventRef, Instant};

use super::world::{Deed, GET, HEAD, Step, World, in_stream, ms, play};
use Deed::{Close, Done, Drain, Event, Finish, Frame, Open, OpenWith, Respond};
use Step::{Cut, End, Pause, Send, StopReading};

fn config() -> ServerConfig {
    ServerConfig::default()
}

#[test]
fn an_event_is_a_chunk_and_the_end_is_told() {
    let handler = [(0, Open), (10, Event("one")), (20, Frame("two")), (30, Finish)];
    let outcome = play(config(), &[Send(GET), Pause(40), End], &handler);
    assert_eq!(outcome.sent, format!("{HEAD}b\r\ndata: one\n\n\r\nb\r\ndata: two\n\n\r\n0\r\n\r\n"));
    assert_eq!((&*outcome.closed, outcome.millis), ("answered", 40));
}

#[test]
fn the_head_goes_out_when_the_stream_is_opened() {
    let mut config = config();
    config.stream.keep_alive = None;
    let outcome = play(config.clone(), &[Send(GET)], &[(0, Open)]);
    assert_eq!((&*outcome.sent, &*outcome.closed), (HEAD, "-"));
}

#[test]
fn what_was_sent_before_a_failure_arrives_and_the_cut_shows() {
    let handler = [(0, Open), (0, Event("one")), (0, Done("no more")), (0, Event("two"))];
    let outcome = play(config(), &[Send(GET), Pause(5), End], &handler);
    assert_eq!(outcome.sent, format!("{HEAD}b\r\ndata: one\n\n\r\n"));
    assert_eq!((&*outcome.closed, outcome.millis), ("no more", 5));
}

#[test]
fn headers_of_the_users_take_precedence() {
    let handler = [(0, OpenWith("Cache-Control", "no-store")), (1, Close)];
    let outcome = play(config(), &[Send(GET)], &handler);
    assert!(outcome.sent.contains("Cache-Control: no-store\r\n") && !outcome.sent.contains("no-cache"));
    assert_eq!(outcome.closed, "closed by the server");
    assert!(!outcome.sent.ends_with("0\r\n\r\n"), "a cut is not an end");
}

#[test]
fn what_each_method_and_version_gets() {
    let handler = [(0, Open), (0, Event("x")), (0, Finish)];
    for (request, line, chunked, body) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n", true, "9\r\ndata: x\n\n\r\n0\r\n\r\n"),
        ("GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", false, "data: x\n\n"),
        ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n", false, ""),
        ("HEAD / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", false, ""),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\n",
            true,
            "9\r\ndata: x\n\n\r\n0\r\n\r\n",
        ),
    ] {
        let (head, rest) = match play(config(), &[Send(request), End], &handler) {
            outcome if request.contains("HEAD") => {
                assert_eq!(outcome.closed, "answered");
                (outcome.sent, String::new())
            }
            // The client has closed its side: streams are not for it.
            _ => {
                let outcome = play(config(), &[Send(request), Pause(1), End], &handler);
                assert_eq!(outcome.closed, "answered");
                let (head, rest) = outcome.sent.split_once("\r\n\r\n").unwrap();
                (head.to_owned() + "\r\n\r\n", rest.to_owned())
            }
        };
        assert!(head.starts_with(line) && head.ends_with("\r\n\r\n"), "{head}");
        assert_eq!(head.contains("Transfer-Encoding: chunked"), chunked, "{request}");
        assert_eq!(rest, body, "{request}");
    }
}

#[test]
fn a_refusal_is_the_users_own() {
    let answer = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 5\r\n\r\nnone\n";
    let outcome = play(config(), &[Send(GET), Pause(5), End], &[(3, Respond(404, "none\n"))]);
    assert_eq!((&*outcome.sent, &*outcome.closed, outcome.millis), (answer, "answered", 5));
    let head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    let outcome = play(config(), &[Send(head), Pause(5), End], &[(3, Respond(404, "none\n"))]);
    assert_eq!(outcome.sent, answer.strip_suffix("none\n").unwrap());
    let outcome = play(config(), &[Send(GET)], &[(0, Respond(204, ""))]);
    assert_eq!(outcome.sent, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

#[test]
fn a_client_that_lingers_is_not_waited_for_long() {
    let outcome = play(config(), &[Send(GET)], &[(0, Respond(404, ""))]);
    assert_eq!((&*outcome.closed, outcome.millis), ("answered", 2000));
    let outcome = play(config(), &[Send(GET), Pause(100), Cut], &[(0, Respond(404, ""))]);
    assert_eq!((&*outcome.closed, outcome.millis), ("answered", 100), "nothing was lost");
}

#[test]
fn bad_requests_are_answered() {
    let mut config = config();
    config.head_limits.bytes = 200;
    config.head_limits.headers = 3;
    config.body_bytes = 4;
    let many = "GET / HTTP/1.1\r\nHost: a\r\na: b\r\na: b\r\na: b\r\n\r\n";
    let long: &'static str = format!("GET / HTTP/1.1\r\nLast-Event-ID: {}\r\n", "x".repeat(65_536)).leak();
    let target: &'static str = format!("GET /{} HTTP/1.1\r\n", "x".repeat(300)).leak();
    for (request, status, closed) in [
        ("\x16\x03\x01", 400, "not an http request: it starts with byte 0x16"),
        ("GET /\r\n\r\n", 400, "malformed request line \"GET /\""),
        ("GET / HTTP/1.1\r\n\r\n", 400, "http/1.1 request without a host header"),
        ("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method DELETE is not served"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
            413,
            "request body exceeds the limit of 4 bytes",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef",
            413,
            "request body exceeds the limit of 4 bytes",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx",
            400,
            "invalid byte 0x78 in a chunk size",
        ),
        (target, 414, "request line exceeds the limit of 200 bytes"),
        (long, 431, "head exceeds the limit of 200 bytes"),
        (many, 431, "head exceeds the limit of 3 headers"),
        ("GET / HTTP/2.0\r\n\r\n", 505, "unsupported version HTTP/2.0"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            501,
            "unknown transfer coding \"gzip\"",
        ),
    ] {
        let outcome = play(config.clone(), &[Send(request), Pause(50), End], &[(0, Open)]);
        assert!(outcome.sent.starts_with(&format!("HTTP/1.1 {status} ")), "{request:.40}: {}", outcome.sent);
        assert!(outcome.sent.ends_with(&format!("\r\n\r\n{closed}\n")), "{}", outcome.sent);
        assert!(outcome.sent.contains("Connection: close\r\n"));
        assert_eq!(outcome.sent.contains("allow: GET, HEAD, POST\r\n"), status == 405);
        assert_eq!(outcome.closed, closed);
        assert!(outcome.millis <= 50, "what follows is read, so that the answer arrives: {}", outcome.millis);
    }
}

#[test]
fn a_slow_request_is_answered_in_time_however_busy_it_is() {
    for client in [
        vec![],
        vec![Send("GET / HT")],
        [Send("GET / HTTP/1.1\r\n"), Pause(900)]
            .into_iter()
            .chain([Send("x"), Pause(900)].repeat(30))
            .collect(),
    ] {
        let outcome = play(config(), &client, &[(0, Open)]);
        assert!(outcome.sent.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{}", outcome.sent);
        assert_eq!(
            (&*outcome.closed, outcome.millis),
            ("timed out waiting for the request", 12_000),
            "with the linger"
        );
    }
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
    let outcome = play(config(), &[Pause(9_000), Send(post), Send("123")], &[(0, Open)]);
    assert_eq!((&outcome.sent[9..12], outcome.millis), ("408", 9_000 + 30_000 + 2_000));
}

#[test]
fn one_too_many_is_told_when_to_come_again() {
    let mut config = config();
    config.retry_after = ms(1500);
    let server = Connection::busy(config);
    let outcome = World::new(server, &[Send(GET), Pause(3), End], &[], usize::MAX).drive();
    assert!(
        outcome.sent.starts_with("HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\n"),
        "{}",
        outcome.sent
    );
    assert_eq!((&*outcome.closed, outcome.millis), ("rejected with status 503: too many connections", 3));
}

#[test]
fn a_client_that_leaves_is_noticed_at_once() {
    for (client, closed, millis) in [
        (vec![Send(GET), Pause(700), End], "the client closed the connection", 700),
        (vec![Send(GET), Pause(700), Cut], "cut", 700),
        (vec![End], "the client closed the connection", 0),
        (vec![Send("GET / HT"), Pause(5), End], "connection closed before the head was complete", 5),
    ] {
        let outcome = play(config(), &client, &[(0, Open)]);
        assert_eq!((&*outcome.closed, outcome.millis), (closed, millis));
        assert!(!outcome.sent.contains("0\r\n\r\n"));
    }
}

#[test]
fn a_client_that_leaves_before_it_is_answered_is_noticed_too() {
    let asked = || {
        let mut server: Connection = Connection::new(config(), 0);
        server.space()[..GET.len()].copy_from_slice(GET.as_bytes());
        server.handle_read(Instant::default(), GET.len());
        assert_eq!(server.want(Instant::default()), (Want::Request, None));
        assert!(server.take_request().is_some());
        assert_eq!(server.want(Instant::default()), (Want::Read, None), "its leaving is to be noticed");
        server
    };
    let now = Instant::default();
    let mut left = asked();
    left.handle_read(now, 10);
    assert_eq!(left.want(now).0, Want::Read, "what it sends does not matter");
    left.handle_read(now, 0);
    left.handle_read(now.after(ms(10)), 0);
    assert_eq!(left.want(now), (Want::Wait, Some(now.after(ms(10_000)))), "it may only have closed its side");
    left.handle_deadline(now.after(ms(9_999)));
    assert!(!left.is_closed());
    left.handle_deadline(now.after(ms(10_000)));
    assert_eq!(left.take_closed().unwrap().to_string(), "the client closed the connection");
    left.open(now, Response::new(200));
    assert_eq!((left.want(now).0, left.pending()), (Want::Closed, &b""[..]));
    let mut streamed = asked();
    streamed.handle_read(now, 0);
    streamed.open(now, Response::new(200));
    assert_eq!(
        streamed.take_closed().unwrap().to_string(),
        "the client closed the connection",
        "no stream for such a client"
    );
    let mut failed = asked();
    failed.handle_error(Instant::default(), "reset");
    assert_eq!(failed.take_closed().unwrap().to_string(), "reset");
}

#[test]
fn a_client_that_closes_its_side_still_gets_a_plain_answer() {
    let mut server: Connection = Connection::new(config(), 0);
    let now = Instant::default();
    server.space()[..GET.len()].copy_from_slice(GET.as_bytes());
    server.handle_read(now, GET.len());
    assert!(server.take_request().is_some());
    server.handle_read(now, 0);
    server.respond(now, &Response::new(404), b"none\n");
    assert_eq!(server.want(now).0, Want::Write);
    assert!(server.pending().ends_with(b"\r\n\r\nnone\n"));
    server.handle_written(now, usize::MAX);
    assert_eq!(server.want(now).0, Want::Shutdown);
    server.handle_shutdown(now);
    assert_eq!(server.take_closed().unwrap().to_string(), "answered");
}

/// A thread writes the interim response while another decides what follows it.
#[test]
fn what_follows_an_interim_response_on_its_way_is_whole() {
    const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let now = Instant::default();
    for written in [0, 10, INTERIM.len()] {
        let mut server: Connection = Connection::new(config(), 1);
        server.space()[..POST.len()].copy_from_slice(POST);
        server.handle_read(now, POST.len());
        assert_eq!(server.want(now).0, Want::Write);
        let piece = server.pending_piece(1000);
        assert_eq!(piece.as_ref(), INTERIM);
        server.drain(now);
        let mut sent = piece.as_ref()[..written].to_vec();
        server.handle_written(now, written.max(1));
        sent.extend_from_slice(&piece.as_ref()[written..written.max(1)]);
        sent.extend_from_slice(server.pending());
        assert!(sent.starts_with(&[INTERIM, b"HTTP/1.1 503 Service Unavailable\r\n"].concat()), "{written}");
    }
}

#[test]
fn a_keep_alive_that_something_overtook_is_not_sent() {
    let mut config = config();
    config.stream.set_keep_alive(|mut encoder| encoder.comment("still here"));
    let mut server = sse_proto::Sender::<Vec<u8>>::default().with_config(config.stream, 0);
    let (_, deadline) = server.want(Instant::default());
    let now = deadline.unwrap();
    server.handle_deadline(now);
    assert_eq!(server.want(now).0, sse_proto::sender::Want::KeepAlive);
    server.event("x");
    server.handle_written(usize::MAX);
    server.send_keep_alive(now);
    assert_eq!(server.pending(), b"");
}

#[test]
fn answers_have_a_date_where_there_is_a_wall_clock() {
    let at = |seconds| Instant::from_epoch(std::time::Duration::from_secs(seconds));
    let mut acceptor = Acceptor::new(config(), 7);
    acceptor.set_wall_clock(at(1), std::time::Duration::from_secs(784_111_777));
    let asked = |acceptor: &mut Acceptor, request: &str| {
        let mut server: Connection = acceptor.admit(at(2)).unwrap();
        server.space()[..request.len()].copy_from_slice(request.as_bytes());
        server.handle_read(at(3), request.len());
        server
    };
    let date = "\r\nDate: Sun, 06 Nov 1994 08:49:39 GMT\r\n";
    let head = |server: &Connection| String::from_utf8(server.pending().to_vec()).unwrap();
    let refused = head(&asked(&mut acceptor, "GET\r\n\r\n"));
    assert!(refused.starts_with("HTTP/1.1 400 ") && refused.contains(date), "{refused}");
    let mut answered = asked(&mut acceptor, GET);
    answered.respond(at(3), &Response::new(404), b"");
    assert!(head(&answered).contains(date), "{}", head(&answered));
    let mut opened = asked(&mut acceptor, GET);
    opened.open(at(3), Response::new(200));
    assert!(head(&opened).contains(date), "{}", head(&opened));
    let mut own = asked(&mut acceptor, GET);
    own.open(at(3), Response::new(200).with_header("Date", "mine").unwrap());
    assert!(head(&own).contains("\r\nDate: mine\r\n") && !head(&own).contains("1994"));
    let mut failed = asked(&mut acceptor, GET);
    assert!(failed.handle_done(at(3), Ok(())).is_none());
    assert!(head(&failed).starts_with("HTTP/1.1 500 ") && head(&failed).contains(date));
    acceptor.drain(at(3));
    assert!(head(&acceptor.admit(at(3)).unwrap()).contains(date));
}

#[test]
fn a_chunk_that_is_too_large_is_refused_when_it_is_announced() {
    let mut config = config();
    config.body_bytes = 100;
    let post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (first, rest) in [("65\r", ""), ("FFFFFFFFFFFFFFFF\r\n", ""), ("2\r\nab\r\n", "63\r\n")] {
        let outcome =
            play(config.clone(), &[Send(post), Send(first), Send(rest), Pause(5), End], &[(0, Open)]);
        assert!(outcome.sent.starts_with("HTTP/1.1 413 "), "{first}: {outcome:?}");
        assert_eq!(outcome.closed, "request body exceeds the limit of 100 bytes");
    }
    let exact: &'static str = format!("2\r\nab\r\n62\r\n{}\r\n0\r\n\r\n", "x".repeat(98)).leak();
    let outcome = play(config, &[Send(post), Send(exact), Pause(5), End], &[(0, Respond(200, "ok"))]);
    assert!(outcome.sent.starts_with("HTTP/1.1 200 "), "{outcome:?}");
}

/// Whatever the numbers of a configuration are, nothing overflows.
#[test]
fn extreme_configurations_are_taken() {
    let extremes = [std::time::Duration::ZERO, ms(1), ms(1500), ms(u64::MAX), std::time::Duration::MAX];
    for limit in extremes {
        for bytes in [0, 1, usize::MAX] {
            let mut config = config();
            (config.head_timeout, config.body_timeout, config.linger) = (limit, limit, limit);
            (config.half_closed, config.retry_after) = (limit, limit);
            (config.stream.drain_window, config.drain_timeout) = (limit, limit);
            (config.body_bytes, config.discarded_bytes, config.connections) = (bytes, bytes, bytes);
            (config.head_limits.bytes, config.head_limits.headers) = (bytes.max(300), bytes.max(10));
            let stream = &mut config.stream;
            (stream.high_water, stream.age_jitter_percent) = (bytes, u32::MAX);
            (stream.keep_alive, stream.age, stream.stall) = (Some(limit), Some(limit), Some(limit));
            stream.final_retry = Some((limit, limit));
            stream.padding = Some(bytes);
            for now in [Instant::default(), Instant::from_epoch(std::time::Duration::MAX)] {
                let mut acceptor = Acceptor::new(config.clone(), u64::MAX);
                acceptor.set_wall_clock(now, limit);
                acceptor.handle_error(now);
                for deed in [Open, Respond(404, "none"), Finish, Done("failed"), Drain] {
                    let Some(mut server) = acceptor.admit::<Vec<u8>>(now) else { continue };
                    let _ = server.want(now);
                    let count = GET.len().min(server.space().len());
                    server.space()[..count].copy_from_slice(&GET.as_bytes()[..count]);
                    server.handle_read(now, count);
                    server.handle_read(now, usize::MAX);
                    match deed {
                        Open => {
                            server.open(now, Response::new(200));
                            in_stream(&mut server, |stream| stream.event("x"));
                            server.drain(now);
                            in_stream(&mut server, |stream| stream.finish_with_retry());
                        }
                        Respond(..) => server.respond(now, &Response::new(404), b"none"),
                        Done(error) => drop(server.handle_done(now, Err(error.into()))),
                        Drain => server.drain(now),
                        _ => server.handle_read(now, 0),
                    }
                    for _ in 0..10 {
                        let (want, deadline) = server.want(now);
                        server.handle_deadline(deadline.unwrap_or(now));
                        if want == Want::Write {
                            server.handle_written(now, usize::MAX);
                        }
                        server.handle_shutdown(now);
                    }
                    acceptor.handle_closed(&Closed::Finished);
                }
                acceptor.drain(now);
                let _ = acceptor.want(now);
            }
        }
    }
}

#[test]
fn a_client_that_closes_its_side_still_gets_the_end() {
    let mut server: Connection = Connection::new(config(), 0);
    let now = Instant::default();
    server.space()[..GET.len()].copy_from_slice(GET.as_bytes());
    server.handle_read(now, GET.len());
    server.open(now, Response::new(200));
    server.stream().unwrap().event("last");
    server.stream().unwrap().finish();
    server.handle_read(now, 0);
    assert_eq!(server.want(now).0, Want::Write);
    assert!(server.pending().ends_with(b"0\r\n\r\n"));
    server.handle_written(now, usize::MAX);
    assert_eq!(server.want(now).0, Want::Shutdown);
    server.handle_shutdown(now);
    assert_eq!(server.want(now), (Want::Closed, None));
}

#[test]
fn what_comes_after_the_request_is_dropped_and_bounded() {
    let mut config = config();
    config.discarded_bytes = 1000;
    let flood: &'static str = "x".repeat(800).leak();
    let outcome =
        play(config.clone(), &[Send(GET), Send(flood), Pause(50), End], &[(0, Open), (10, Event("x"))]);
    assert_eq!((&*outcome.closed, outcome.millis), ("the client closed the connection", 50));
    assert!(outcome.sent.ends_with("data: x\n\n\r\n"));
    let outcome = play(config.clone(), &[Send(GET), Pause(20), Send(flood), Send(flood)], &[(0, Open)]);
    assert_eq!(
        (&*outcome.closed, outcome.millis),
        ("bytes after the request exceed the limit of 1000 bytes", 20)
    );
}

#[test]
fn a_body_is_there_when_the_request_is() {
    for request in [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    ] {
        for piece in [1, 3, 4096] {
            let mut server: Connection = Connection::new(config(), 0);
            let now = Instant::default();
            for part in request.as_bytes().chunks(piece) {
                assert_eq!((server.want(now).0, server.request()), (Want::Read, None));
                server.space()[..part.len()].copy_from_slice(part);
                server.handle_read(now, part.len());
            }
            assert_eq!(server.want(now), (Want::Request, None));
            assert_eq!((server.request().unwrap().method(), server.request_body()), ("POST", &b"hello"[..]));
            let (head, body) = server.take_request().unwrap();
            assert_eq!((head.path(), &*body), ("/", &b"hello"[..]));
            server.open(Instant::default(), sse_proto::http1::Response::new(200));
            assert!(server.is_open() && server.request().is_none());
        }
    }
}

#[test]
fn a_client_that_asks_whether_to_go_on_is_told_so() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
    let outcome =
        play(config(), &[Send(head), Pause(10), Send("{}"), Pause(10), End], &[(0, Respond(200, "ok"))]);
    let answer =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    assert_eq!(outcome.sent, answer);
    let old = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    let outcome =
        play(config(), &[Send(old), Pause(10), Send("{}"), Pause(10), End], &[(0, Respond(200, "ok"))]);
    assert!(!outcome.sent.contains("100 Continue"));
}

#[test]
fn an_idle_stream_is_kept_open_and_any_write_moves_that() {
    let mut config = config();
    config.stream.keep_alive = Some(ms(100));
    let handler = [(0, Open), (60, Event("x")), (270, Finish)];
    let outcome = play(config.clone(), &[Send(GET), Pause(300), End], &handler);
    // At 160 and 260, not at 100.
    let comment = "2\r\n:\n\r\n";
    assert_eq!(outcome.sent, format!("{HEAD}9\r\ndata: x\n\n\r\n{comment}{comment}0\r\n\r\n"));
    let name = String::from("ping");
    config.stream.set_keep_alive(move |mut encoder| {
        encoder.event(EventRef::new("").with_name(&name).unwrap());
    });
    let outcome = play(config.clone(), &[Send(GET), Pause(100), Pause(50), End], &[(0, Open)]);
    assert_eq!(outcome.sent, format!("{HEAD}14\r\nevent: ping\ndata: \n\n\r\n"));
}

#[test]
fn a_client_that_reads_nothing_is_cut() {
    let mut config = config();
    config.stream.stall = Some(ms(1000));
    let handler = [(0, Open), (500, Event("x"))];
    let outcome = play(config.clone(), &[Send(GET), Pause(300), StopReading], &handler);
    assert_eq!(
        (&*outcome.sent, &*outcome.closed, outcome.millis),
        (HEAD, "the client stopped reading", 1500)
    );
}

#[test]
fn a_stream_has_an_age_and_says_when_to_come_back() {
    let mut config = config();
    config.stream.keep_alive = None;
    config.stream.age = Some(ms(10_000));
    config.stream.final_retry = Some((ms(1000), ms(5000)));
    let outcome = play(config.clone(), &[Send(GET), Pause(11_000), End], &[(0, Open)]);
    let retry = outcome.sent.strip_prefix(HEAD).unwrap().strip_suffix("\n\n\r\n0\r\n\r\n").unwrap();
    let retry: u64 = retry.strip_prefix("d\r\nretry: ").unwrap().parse().unwrap();
    assert!((1000..5000).contains(&retry), "{retry}");
    assert_eq!((&*outcome.closed, outcome.millis), ("answered", 11_000));
    let mut ends = Vec::new();
    for seed in 0..100 {
        let server = Connection::new(config.clone(), seed);
        let outcome = World::new(server, &[Send(GET)], &[(0, Open)], usize::MAX).drive();
        ends.push(outcome.millis - 2000);
    }
    assert!(ends.iter().all(|end| (9_000..=10_000).contains(end)), "{ends:?}");
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() > 60, "spread: {ends:?}");
}

#[test]
fn a_server_that_stops_ends_its_streams_within_the_window() {
    let mut ends: Vec<u64> = (0..100)
        .map(|seed| {
            let mut config = config();
            config.stream.drain_window = ms(5000);
            let server = Connection::new(config, seed);
            let handler = [(0, Open), (100, Drain)];
            let outcome = World::new(server, &[Send(GET)], &handler, usize::MAX).drive();
            assert!(outcome.sent.ends_with("0\r\n\r\n"), "a clean end");
            outcome.millis - 2000
        })
        .collect();
    assert!(ends.iter().all(|end| (100..5100).contains(end)), "{ends:?}");
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() > 60, "spread: {ends:?}");
}

#[test]
fn padding_is_of_streams_alone() {
    let mut config = config();
    config.stream.padding = Some(100);
    let outcome = play(config.clone(), &[Send(GET), Pause(1), End], &[(0, Open)]);
    let (_, body) = outcome.sent.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, format!("64\r\n:{}\n\r\n", " ".repeat(98)));
    let outcome = play(config.clone(), &[Send("x\r\n"), Pause(1), End], &[]);
    assert!(outcome.sent.starts_with("HTTP/1.1 400"));
    let outcome = play(config.clone(), &[Send("HEAD / HTTP/1.0\r\n\r\n"), Pause(1), End], &[(0, Open)]);
    assert!(outcome.sent.ends_with("\r\n\r\n"), "{}", outcome.sent);
}

#[test]
fn a_server_that_stops_ends_streams_and_sends_others_away() {
    let mut config = config();
    config.stream.final_retry = Some((ms(5000), ms(5000)));
    config.retry_after = ms(6001);
    config.stream.drain_window = ms(50);
    let farewell = "d\r\nretry: 5000\n\n\r\n0\r\n\r\n";

    let outcome = play(config.clone(), &[Send(GET)], &[(0, Open), (100, Drain)]);
    assert_eq!(outcome.sent, format!("{HEAD}{farewell}"));
    assert!(
        (2100..2150).contains(&outcome.millis) && outcome.closed == "the server is shutting down",
        "{outcome:?}"
    );

    // Told before it is opened, and told again.
    let handler = [(0, Drain), (10, Drain), (20, Open)];
    let outcome = play(config.clone(), &[Send(GET)], &handler);
    assert_eq!(outcome.sent, format!("{HEAD}{farewell}"));
    assert!((2020..2070).contains(&outcome.millis), "{outcome:?}");

    for request in ["", "GET / HT"] {
        let outcome = play(config.clone(), &[Send(request), Pause(10), End], &[(5, Drain)]);
        assert!(outcome.sent.starts_with("HTTP/1.1 503 ") && outcome.sent.contains("retry-after: 7\r\n"));
        assert_eq!((&*outcome.closed, outcome.millis), ("the server is shutting down", 10));
    }
}

#[test]
fn a_handler_that_is_done_has_answered_or_failed() {
    for error in ["", "no"] {
        let outcome = play(config(), &[Send(GET), Pause(10), End], &[(5, Done(error))]);
        let told = if error.is_empty() { "the request was not answered" } else { error };
        assert!(outcome.sent.starts_with("HTTP/1.1 500 "), "{outcome:?}");
        assert_eq!(outcome.closed, told);
    }
    let outcome = play(config(), &[Send(GET), Pause(10), End], &[(0, Open), (5, Done(""))]);
    assert_eq!((outcome.sent, &*outcome.closed), (format!("{HEAD}0\r\n\r\n"), "answered"));
    let outcome = play(config(), &[Send(GET), Pause(10), End], &[(0, Open), (5, Done("no"))]);
    assert_eq!((&*outcome.sent, &*outcome.closed), (HEAD, "no"));
    let handler = [(0, Open), (5, Finish), (5, Done("too late to matter"))];
    let outcome = play(config(), &[Send(GET), Pause(10), End], &handler);
    assert_eq!((outcome.sent, &*outcome.closed), (format!("{HEAD}0\r\n\r\n"), "answered"));
}

#[test]
fn accepting_pauses_longer_with_each_failure() {
    let mut acceptor = Acceptor::new(config(), 7);
    let mut now = Instant::default();
    for pause in [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
        assert_eq!(acceptor.want(now), (AcceptWant::Accept, None));
        acceptor.handle_error(now);
        assert_eq!(acceptor.want(now), (AcceptWant::Pause, Some(now.after(ms(pause)))));
        now = now.after(ms(pause));
    }
    assert!(acceptor.admit::<Vec<u8>>(now).is_some());
    acceptor.handle_error(now);
    assert_eq!(acceptor.want(now), (AcceptWant::Pause, Some(now.after(ms(5)))));
}

#[test]
fn those_beyond_the_limit_are_few_and_do_not_count_for_it() {
    let mut config = config();
    config.connections = 2;
    let mut acceptor = Acceptor::new(config.clone(), 7);
    let now = Instant::default();
    let mut admitted = || acceptor.admit::<Vec<u8>>(now);
    assert!((0..2).all(|_| admitted().is_some_and(|server| server.pending().is_empty())));
    let mut busy: Vec<_> = (0..1024).map(|_| admitted().unwrap()).collect();
    assert!(busy.iter().all(|server| server.pending().starts_with(b"HTTP/1.1 503 ")));
    assert!(admitted().is_none(), "dropped without a word");
    assert_eq!(acceptor.connections(), 1026);

    let mut sent_away = busy.pop().unwrap();
    sent_away.close();
    acceptor.handle_closed(&sent_away.take_closed().unwrap());
    assert!(acceptor.admit::<Vec<u8>>(now).unwrap().pending().starts_with(b"HTTP/1.1 503 "));
    acceptor.handle_closed(&Closed::Left);
    assert!(acceptor.admit::<Vec<u8>>(now).unwrap().pending().is_empty());
}

#[test]
fn a_drain_ends_with_the_last_one_or_its_time() {
    let mut config = config();
    config.drain_timeout = ms(100);
    let now = Instant::default();
    let mut acceptor = Acceptor::new(config.clone(), 7);
    let _server = acceptor.admit::<Vec<u8>>(now).unwrap();
    acceptor.drain(now);
    acceptor.drain(now.after(ms(50)));
    assert!(acceptor.is_draining());
    assert_eq!(acceptor.want(now), (AcceptWant::Drain, Some(now.after(ms(100)))));
    let mut late = acceptor.admit::<Vec<u8>>(now).unwrap();
    assert!(late.want(now).0 == Want::Write && late.pending().starts_with(b"HTTP/1.1 503 "));
    assert_eq!(acceptor.want(now.after(ms(100))), (AcceptWant::Closed, None));

    acceptor.handle_closed(&Closed::Finished);
    acceptor.handle_closed(&Closed::Draining);
    assert_eq!(acceptor.want(now), (AcceptWant::Closed, None));
    acceptor.handle_closed(&Closed::Draining);
    assert_eq!(acceptor.connections(), 0, "more than there were");

    let mut acceptor = Acceptor::new(config.clone(), 7);
    let _server = acceptor.admit::<Vec<u8>>(now).unwrap();
    acceptor.close();
    assert_eq!(acceptor.want(now), (AcceptWant::Closed, None));
}

#[test]
fn a_connection_costs_little_when_it_is_idle() {
    // With the default configuration, on 64 bits; what is allocated besides is counted in `allocations`.
    assert!(
        size_of::<Connection<std::sync::Arc<[u8]>>>() <= 512,
        "{}",
        size_of::<Connection<std::sync::Arc<[u8]>>>()
    );
}

/// A body has no connection to shut down: what was sent is taken, then it says how it ended.
#[test]
fn a_bare_stream_is_over_when_all_of_it_was_taken() {
    let (start, delay) = (Instant::default(), ms(100));
    for (result, end) in [(Ok(()), "answered"), (Err("out of events".into()), "out of events")] {
        let fails = result.is_err();
        let mut server: Connection = Connection::bare(sse_proto::sender::StreamConfig::default(), 1);
        server.stream().unwrap().event("last words");
        assert!(server.handle_done(start, result).is_none());
        assert_eq!(server.want(Instant::default()).0, Want::Write);
        assert_eq!(server.pending(), b"data: last words\n\n");
        server.handle_written(Instant::default(), usize::MAX);
        if fails {
            // What stands before the failure is sent first.
            assert_eq!(server.want(start), (Want::Wait, Some(start.after(delay))));
            server.handle_deadline(start.after(delay));
        }
        assert_eq!(server.want(start.after(delay)), (Want::Closed, None));
        assert!(server.take_closed().unwrap().to_string().contains(end));
    }
}
