// What every adapter must do. Each one includes this file into its own test program, which defines:
//
// - `contract!` makes test functions of what it is given, asynchronous ones where the adapter is; `wait!` awaits there;
// - `Listener`, with `bind("127.0.0.1:0")`, `local_addr` and `accept`;
// - `Recorder`, a writer that keeps what it is given, and takes at most so many bytes a call;
// - `close_handle(&mut reader)` and `elsewhere(f)`, which runs blocking code on another thread.
//
// The other side is always a plain `std::net` socket on a thread: no part of the library tests itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sse_proto::http1::{Request, RequestHeadError, Response, ResponseError};
use sse_proto::source::{Refusal, check_response};
use sse_proto::{End, Event, Item, Limit, Limits, ReceiveError, Receiver};

const EVENT_STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";

/// A server for one connection: reads the head of the request, then does what the script says.
fn serve<T: Send + 'static>(
    script: impl FnOnce(&mut TcpStream, String) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/sse", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_nodelay(true).unwrap();
        let head = read_head(&mut socket);
        script(&mut socket, head)
    });
    (url, server)
}

/// A server that sends this, in pieces of so many bytes, and closes.
fn serve_bytes(response: impl Into<Vec<u8>>, piece: usize) -> String {
    let response = response.into();
    serve(move |socket, _| response.chunks(piece).for_each(|piece| socket.write_all(piece).unwrap())).0
}

fn read_head(socket: &mut TcpStream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::with_capacity(1, socket);
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    head
}

/// A client that sends this request, and gives all that it gets until the server closes.
fn ask(address: std::net::SocketAddr, request: &str) -> JoinHandle<String> {
    let request = request.to_owned();
    thread::spawn(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut response = Vec::new();
        // A reset after the last byte is no matter here.
        let _ = socket.read_to_end(&mut response);
        String::from_utf8(response).unwrap()
    })
}

fn get(url: &str) -> Request {
    Request::get(url).unwrap()
}

/// Whether the peer closes within 5 seconds, its data apart.
fn sees_close(socket: &mut TcpStream) -> bool {
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut rest = [0; 1024];
    loop {
        match socket.read(&mut rest) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

fn chunked(body: &str) -> String {
    format!("{EVENT_STREAM}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len())
}

/// Names a failure without its wording.
fn refusal(error: &ReadError) -> &ReceiveError {
    match error {
        ReadError::Receive(error) => error,
        other => panic!("{other:?}"),
    }
}

macro_rules! next {
    ($reader:expr) => {
        wait!($reader.next()).transpose().unwrap()
    };
}

contract! {
    fn every_kind_of_body_streams() {
        let body = "id: 7\nretry: 250\ndata: one\n\ndata: two\r\n\r\n";
        let length = format!("{EVENT_STREAM}Content-Length: {}\r\n\r\n{body}", body.len());
        let until_close = format!("{EVENT_STREAM}\r\n{body}");
        let old = until_close.replace("HTTP/1.1", "HTTP/1.0");
        let interim = format!("HTTP/1.1 103 Early Hints\r\n\r\n{until_close}");
        let whole = chunked(body) + "0\r\n\r\n";
        // Framing against the rules, which servers send.
        let coding = "Transfer-Encoding: chunked\r\n";
        let twice = whole.replace(coding, &coding.repeat(2));
        let old_chunks = whole.replace("HTTP/1.1", "HTTP/1.0");
        let padded = whole.replace("0\r\n\r\n", " 0 \r\n\r\n");
        for response in [whole, length, until_close, old, interim, twice, old_chunks, padded] {
            for piece in [response.len(), 7, 1] {
                let mut reader = wait!(connect(&get(&serve_bytes(response.clone(), piece)))).unwrap();
                assert_eq!(reader.response().unwrap().status(), 200);
                let first = Event::new("one").with_id("7").unwrap().with_retry(Duration::from_millis(250));
                assert_eq!(next!(reader), Some(first));
                assert_eq!(next!(reader), Some(Event::new("two")));
                assert_eq!(reader.end(), None);
                assert_eq!(next!(reader), None);
                assert_eq!(next!(reader), None, "the end stays the end");
                assert_eq!(reader.end(), Some(End::Clean));
                assert_eq!((reader.last_event_id(), reader.retry()), ("7", Some(Duration::from_millis(250))));
            }
        }
    }

    fn the_request_asks_for_an_event_stream() {
        let (url, server) = serve(|socket, head| {
            socket.write_all(format!("{EVENT_STREAM}\r\n").as_bytes()).unwrap();
            head
        });
        let request = get(&url).with_header("Accept", "application/json").unwrap();
        let request = request.with_last_event_id("é7").unwrap();
        let mut reader = wait!(connect(&request)).unwrap();
        assert_eq!(next!(reader), None);
        assert_eq!(reader.last_event_id(), "é7", "the stream goes on from there");
        let head = server.join().unwrap().to_lowercase();
        let agent = format!("user-agent: {}/{}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        for line in ["get /sse http/1.1", "accept: application/json, text/event-stream", "last-event-id: é7", "host: 127.0.0.1:", &agent] {
            assert!(head.contains(line), "{line} in {head}");
        }
    }

    fn an_event_is_out_as_soon_as_it_is_complete() {
        let (go, may_go) = mpsc::channel();
        let (url, server) = serve(move |socket, _| {
            // Inside a chunk that is only partly there, and with a CR at its end.
            socket.write_all(format!("{EVENT_STREAM}Transfer-Encoding: chunked\r\n\r\n40\r\ndata: first\r\r").as_bytes()).unwrap();
            may_go.recv().unwrap();
            socket.write_all(b"\ndata: second\n\n").unwrap();
            may_go.recv().unwrap();
        });
        let mut reader = wait!(connect(&get(&url))).unwrap();
        assert_eq!(next!(reader), Some(Event::new("first")));
        go.send(()).unwrap();
        assert_eq!(next!(reader), Some(Event::new("second")));
        go.send(()).unwrap();
        server.join().unwrap();
    }

    fn a_response_that_is_no_event_stream_is_refused() {
        for (response, expected) in [
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Refusal::Status(404).into()),
            ("HTTP/1.1 204 No Content\r\n\r\n", Refusal::Status(204).into()),
            ("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", Refusal::Status(302).into()),
            ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>", Refusal::MediaType("text/html".into()).into()),
            ("HTTP/1.1 200 OK\r\n\r\n", Refusal::MediaType(String::new()).into()),
            (
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n\x1f",
                Refusal::Coding("gzip".into()).into(),
            ),
            ("HTTP/1.1 200 OK\r\nContent-Ty", ReceiveError::Http(ResponseError::IncompleteHead)),
            ("", ReceiveError::Http(ResponseError::IncompleteHead)),
        ] {
            let error = wait!(connect(&get(&serve_bytes(response, 1000)))).unwrap_err();
            assert_eq!(refusal(&error), &expected);
        }
        let error = wait!(connect(&get(&serve_bytes("SSH-2.0-x\r\n", 1000)))).unwrap_err();
        assert!(matches!(refusal(&error), ReceiveError::Http(_)), "{error}");
    }

    fn responses_that_browsers_read_are_read() {
        for headers in [
            "Content-Type: application/json, text/event-stream; charset=utf-8",
            "Content-Type: application/json\r\nContent-Type: text/event-stream",
            "Content-Type: text/event-stream\r\nContent-Encoding: none",
        ] {
            let response = format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\ndata: x\n\n");
            let mut reader = wait!(connect(&get(&serve_bytes(response, 1000)))).unwrap();
            assert_eq!(next!(reader), Some(Event::new("x")), "{headers}");
        }
    }

    fn a_check_of_the_users_accepts_and_refuses() {
        let without_type = "HTTP/1.1 200 OK\r\n\r\ndata: x\n\n";
        let coded = "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n\x0b";
        for (response, expected) in [
            (without_type, Ok(())),
            (coded, Err(Refusal::Coding("br".into()))),
            ("HTTP/1.1 200 OK\r\nX-Busy: 1\r\n\r\n", Err(Refusal::Other("busy".into()))),
        ] {
            let request = get(&serve_bytes(response, 1000));
            let busy = String::from("x-busy");
            let receiver = Receiver::http1(&request).with_check(move |head| match check_response(head) {
                _ if head.header(&busy).is_some() => Err(Refusal::Other("busy".into())),
                Err(Refusal::MediaType(found)) if found.is_empty() => Ok(()),
                verdict => verdict,
            });
            match (wait!(connect_with(&request, receiver)), expected) {
                (Ok(mut reader), Ok(())) => assert_eq!(next!(reader), Some(Event::new("x"))),
                (Err(error), Err(expected)) => assert_eq!(refusal(&error), &expected.into()),
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
    }

    fn a_cut_body_is_an_error_and_a_cut_event_is_dropped() {
        let mut reader = wait!(connect(&get(&serve_bytes(chunked("data: one\n\nid: 9\ndata: tw"), 1000)))).unwrap();
        assert_eq!(next!(reader), Some(Event::new("one")));
        let error = wait!(reader.next()).unwrap().unwrap_err();
        let cut = ResponseError::IncompleteBody;
        assert_eq!(refusal(&error), &ReceiveError::Http(cut));
        assert!(wait!(reader.next()).is_none());
        assert_eq!(reader.last_event_id(), "");

        let mut reader = wait!(connect(&get(&serve_bytes(chunked("data: half") + "0\r\n\r\n", 1000)))).unwrap();
        assert_eq!(next!(reader), None);
        assert_eq!(reader.end(), Some(End::Truncated));
    }

    fn a_clean_end_completes_the_last_event_on_request() {
        let incomplete = chunked("data: one\n\ndata: two");
        for (response, is_clean) in [(incomplete.clone() + "0\r\n\r\n", true), (incomplete, false)] {
            let request = get(&serve_bytes(response, 1000));
            let receiver = Receiver::http1(&request).with_deliver_incomplete(true);
            let mut reader = wait!(connect_with(&request, receiver)).unwrap();
            assert_eq!(next!(reader), Some(Event::new("one")));
            if is_clean {
                assert_eq!(next!(reader), Some(Event::new("two")));
                assert_eq!(next!(reader), None);
                assert_eq!(reader.end(), Some(End::Clean));
            } else {
                let error = wait!(reader.next()).unwrap().unwrap_err();
                assert_eq!(refusal(&error), &ReceiveError::Http(ResponseError::IncompleteBody));
            }
        }
    }

    fn a_body_in_which_nothing_is_recognised_is_an_error_that_shows_it() {
        let json = "{\"error\":{\"message\":\"context too long\"}}";
        for response in [format!("{EVENT_STREAM}\r\n{json}"), chunked(json) + "0\r\n\r\n"] {
            for piece in [1, 1000] {
                let mut reader = wait!(connect(&get(&serve_bytes(response.clone(), piece)))).unwrap();
                let error = wait!(reader.next()).unwrap().unwrap_err();
                assert_eq!(refusal(&error), &ReceiveError::Unrecognized { beginning: json.into() });
                assert!(wait!(reader.next()).is_none());
            }
        }
    }

    fn an_error_is_reported_whether_there_is_a_handle_or_not() {
        for with_handle in [false, true] {
            let mut reader = wait!(connect(&get(&serve_bytes(chunked("data: one\n\n"), 1000)))).unwrap();
            if with_handle {
                close_handle(&mut reader);
            }
            assert_eq!(next!(reader), Some(Event::new("one")));
            let error = wait!(reader.next()).unwrap().unwrap_err();
            assert_eq!(refusal(&error), &ReceiveError::Http(ResponseError::IncompleteBody));
        }
    }

    fn limits_are_set_with_the_receiver() {
        let request = get(&serve_bytes(format!("{EVENT_STREAM}\r\ndata: long\n\ndata: ok\n\n"), 1000));
        let mut limits = Limits::default();
        limits.event_bytes = 3;
        let mut reader = wait!(connect_with(&request, Receiver::http1(&request).with_limits(limits))).unwrap();
        assert!(wait!(reader.next()).unwrap().unwrap_err().is_recoverable());
        assert_eq!(next!(reader), Some(Event::new("ok")));
    }

    fn an_event_over_the_limit_is_reported_and_the_next_is_read() {
        let (url, server) = serve(|socket, _| socket.write_all(b"id: 1\ndata: too long\n\ndata: ok\n\n").unwrap());
        let mut limits = Limits::default();
        limits.event_bytes = 4;
        let mut socket = TcpStream::connect(url.trim_start_matches("http://").trim_end_matches("/sse")).unwrap();
        socket.write_all(b"\r\n\r\n").unwrap();
        let receiver = Receiver::new().with_limits(limits).with_capacity(3);
        let mut reader = EventReader::with_receiver(adopt(socket), receiver);
        let error = wait!(reader.next()).unwrap().unwrap_err();
        assert!(matches!(refusal(&error), ReceiveError::Limit(error) if error.limit() == Limit::Event && error.max() == 4));
        assert_eq!(next!(reader), Some(Event::new("ok")));
        assert_eq!(reader.last_event_id(), "1");
        assert_eq!(next!(reader), None);
        server.join().unwrap();
    }

    fn events_are_lent_and_comments_are_shown_on_request() {
        let stream = format!("{EVENT_STREAM}\r\n:one\ndata: a\n\n:two\nid: 5\n\ndata: b\ndata: c\n\n");
        let mut reader = wait!(connect(&get(&serve_bytes(stream, 1000)))).unwrap();
        assert!(matches!(wait!(reader.next_item()), Some(Ok(Item::Comment("one")))));
        assert_eq!(wait!(reader.next_ref()).unwrap().unwrap().data(), "a");
        assert!(matches!(wait!(reader.next_item()), Some(Ok(Item::Comment("two")))));
        assert!(matches!(wait!(reader.next_item()), Some(Ok(Item::NoData(block))) if block.id() == Some("5")));
        let event = wait!(reader.next_ref()).unwrap().unwrap();
        assert_eq!((event.data(), event.id(), event.last_event_id()), ("b\nc", None, "5"));
        assert!(wait!(reader.next_item()).is_none());
    }

    fn a_blocked_read_is_closed_from_elsewhere_at_once() {
        let (url, server) = serve(|socket, _| {
            socket.write_all(chunked("data: one\n\n").as_bytes()).unwrap();
            sees_close(socket)
        });
        let mut reader = wait!(connect(&get(&url))).unwrap();
        let handle = close_handle(&mut reader);
        assert_eq!(next!(reader), Some(Event::new("one")));
        assert!(!handle.is_closed());
        let (closed, when) = mpsc::channel();
        elsewhere(move || {
            // Long enough for the read below to block.
            thread::sleep(Duration::from_millis(100));
            closed.send(Instant::now()).unwrap();
            handle.clone().close();
            handle.close();
        });
        assert!(wait!(reader.next()).is_none());
        let took = when.recv().unwrap().elapsed();
        // A few hundred microseconds, usually; but a busy machine must not fail the test.
        assert!(took < Duration::from_millis(500), "{took:?}");
        assert!(wait!(reader.next()).is_none());
        assert_eq!(reader.end(), None, "closed from this side");
        assert!(close_handle(&mut reader).is_closed());
        assert!(server.join().unwrap(), "the server sees the close while the reader is still there");
    }

    fn dropping_a_reader_closes_its_connection_even_if_a_handle_is_left() {
        for close in [true, false] {
            let (url, server) = serve(|socket, _| {
                socket.write_all(chunked("data: one\n\ndata: two\n\n").as_bytes()).unwrap();
                sees_close(socket)
            });
            let mut reader = wait!(connect(&get(&url))).unwrap();
            let handle = close_handle(&mut reader);
            assert_eq!(next!(reader), Some(Event::new("one")));
            if close {
                reader.close();
                assert_eq!(next!(reader), None, "an event that was not taken is gone");
            } else {
                drop(reader);
            }
            assert!(server.join().unwrap());
            assert!(handle.is_closed());
            handle.close();
        }
    }

    fn a_server_that_is_not_there_is_an_error_of_the_transport() {
        let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = wait!(connect(&get(&format!("http://{unused}/")))).unwrap_err();
        assert!(matches!(&error, ReadError::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused), "{error}");
        let error = wait!(connect(&get(&format!("https://{unused}/")))).unwrap_err();
        assert!(matches!(&error, ReadError::Io(error) if error.kind() == std::io::ErrorKind::Unsupported), "{error}");
    }

    fn an_answer_is_open_before_its_first_event_and_each_event_is_a_chunk() {
        let listener = wait!(Listener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (head_is_in, when) = mpsc::channel();
        let client = thread::spawn(move || {
            let mut socket = TcpStream::connect(address).unwrap();
            socket.write_all(b"GET /sse?user=a HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 41\r\n\r\n").unwrap();
            let head = read_head(&mut socket);
            head_is_in.send(()).unwrap();
            let mut body = String::new();
            socket.read_to_string(&mut body).unwrap();
            (head, body)
        });
        let (socket, _) = wait!(listener.accept()).unwrap();
        let exchange = wait!(accept(socket)).unwrap();
        assert_eq!((exchange.request().method(), exchange.request().path()), ("GET", "/sse"));
        assert_eq!(exchange.request().query_param("user").as_deref(), Some("a"));
        assert_eq!(exchange.request().last_event_id(), Some("41"));
        let mut writer = wait!(exchange.open(Response::new(200).with_header("Cache-Control", "no-store").unwrap())).unwrap();
        when.recv_timeout(Duration::from_secs(5)).expect("the head goes out when the stream is opened");
        wait!(writer.send(&Event::new("two\nlines").with_id("42").unwrap())).unwrap();
        wait!(writer.comment("hi")).unwrap();
        wait!(writer.keep_alive()).unwrap();
        wait!(writer.close()).unwrap();
        let (head, body) = client.join().unwrap();
        let head = head.to_lowercase();
        assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
        for line in ["content-type: text/event-stream\r\n", "cache-control: no-store\r\n", "x-accel-buffering: no\r\n", "transfer-encoding: chunked\r\n", "connection: close\r\n"] {
            assert_eq!(head.matches(line).count(), 1, "{line} in {head}");
        }
        assert!(!head.contains("no-cache"), "the user's header wins: {head}");
        assert_eq!(body, "1e\r\nid: 42\ndata: two\ndata: lines\n\n\r\n4\r\n:hi\n\r\n2\r\n:\n\r\n0\r\n\r\n");
    }

    fn a_writer_that_is_not_closed_leaves_the_stream_visibly_cut() {
        let listener = wait!(Listener::bind("127.0.0.1:0")).unwrap();
        for how in ["abort", "drop", "close"] {
            let client = ask(listener.local_addr().unwrap(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            let (socket, _) = wait!(listener.accept()).unwrap();
            let mut writer = wait!(wait!(accept(socket)).unwrap().open(Response::new(200))).unwrap();
            wait!(writer.send("x")).unwrap();
            match how {
                "abort" => writer.abort(),
                "drop" => drop(writer),
                _ => wait!(writer.close()).unwrap(),
            }
            let response = client.join().unwrap();
            assert!(response.contains("9\r\ndata: x\n\n\r\n"), "{how}: {response}");
            assert_eq!(response.ends_with("\r\n0\r\n\r\n"), how == "close", "{how}: {response}");
        }
    }

    fn old_clients_get_no_chunks_and_head_gets_no_body() {
        let listener = wait!(Listener::bind("127.0.0.1:0")).unwrap();
        for (request, body) in [("GET / HTTP/1.0\r\n\r\n", "data: x\n\n"), ("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "")] {
            let client = ask(listener.local_addr().unwrap(), request);
            let (socket, _) = wait!(listener.accept()).unwrap();
            let mut writer = wait!(wait!(accept(socket)).unwrap().open(Response::new(200))).unwrap();
            wait!(writer.send("x")).unwrap();
            wait!(writer.close()).unwrap();
            let response = client.join().unwrap();
            let (head, got) = response.split_once("\r\n\r\n").unwrap();
            assert_eq!(got, body, "{request}");
            assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
        }
    }

    fn other_answers_are_whole() {
        let listener = wait!(Listener::bind("127.0.0.1:0")).unwrap();
        for (method, body) in [("GET", "not here\n"), ("HEAD", "")] {
            let client = ask(listener.local_addr().unwrap(), &format!("{method} /x HTTP/1.1\r\nHost: x\r\n\r\n"));
            let (socket, _) = wait!(listener.accept()).unwrap();
            wait!(wait!(accept(socket)).unwrap().respond(&Response::new(404), "not here\n")).unwrap();
            let response = client.join().unwrap();
            let (line, rest) = response.split_once("\r\nDate: ").unwrap();
            assert_eq!(line, "HTTP/1.1 404 Not Found");
            let (date, rest) = rest.split_once("\r\n").unwrap();
            assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
            assert_eq!(rest, format!("Connection: close\r\nContent-Length: 9\r\n\r\n{body}"));
        }
    }

    fn a_bad_request_is_answered_and_reported() {
        let listener = wait!(Listener::bind("127.0.0.1:0")).unwrap();
        let endless = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "a".repeat(70_000));
        for (request, status) in [
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/3.0\r\n\r\n", 505),
            ("\x16\x03\x01\x02\x00", 400),
            (&endless, 431),
        ] {
            let client = ask(listener.local_addr().unwrap(), request);
            let (socket, _) = wait!(listener.accept()).unwrap();
            let error = wait!(accept(socket)).unwrap_err();
            assert!(matches!(&error, AcceptError::Request(error) if error.status() == status), "{error}");
            let response = client.join().unwrap();
            // Closing with bytes unread may take the answer along; where it arrives, it is this one.
            assert!(response.is_empty() || response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
        }
        let client = thread::spawn({
            let address = listener.local_addr().unwrap();
            move || TcpStream::connect(address).unwrap().shutdown(Shutdown::Write).unwrap()
        });
        let (socket, _) = wait!(listener.accept()).unwrap();
        let error = wait!(accept(socket)).unwrap_err();
        client.join().unwrap();
        assert!(matches!(&error, AcceptError::Request(RequestHeadError::IncompleteHead) | AcceptError::Io(_)), "{error}");
    }

    fn one_event_is_one_write_and_one_flush() {
        let recorder = Recorder::new(usize::MAX);
        let mut writer = EventWriter::new(recorder.clone());
        wait!(writer.send("one")).unwrap();
        wait!(writer.send(&Event::new("two\nlines"))).unwrap();
        wait!(writer.keep_alive()).unwrap();
        assert_eq!(recorder.log(), ["data: one\n\n", "flush", "data: two\ndata: lines\n\n", "flush", ":\n", "flush"]);
    }

    fn partial_writes_lose_nothing() {
        let recorder = Recorder::new(3);
        let mut writer = EventWriter::new(recorder.clone());
        wait!(writer.send("one")).unwrap();
        wait!(writer.send("two")).unwrap();
        wait!(writer.close()).unwrap();
        let bytes: String = recorder.log().into_iter().filter(|write| !["flush", "close"].contains(&&**write)).collect();
        assert_eq!(bytes, "data: one\n\ndata: two\n\n");
        let full = wait!(EventWriter::new(Recorder::new(0)).send("x")).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::WriteZero);
    }
}
