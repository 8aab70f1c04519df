//! What the event reader of every adapter must do. The server is a plain `std::net` socket on a thread: no part of the library tests
//! itself.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sse_proto::http1::{Request, ResponseError};
use sse_proto::source::{Refusal, check_response};
use sse_proto::{End, Event, Item, Limit, Limits, ReceiveError, Receiver};

use crate::adapter::{Adapter, CloseHandle, ReadError, Reader};
use crate::faults::{read_head, reset, sees_close};

/// Makes test functions of the suite.
#[macro_export]
macro_rules! reader_suite {
    ($adapter:ty) => {
        $crate::async_tests! {
            reader, $adapter as $crate::adapter::Adapter;
            every_kind_of_body_streams
            the_request_asks_for_an_event_stream
            an_event_is_out_as_soon_as_it_is_complete
            a_response_that_is_no_event_stream_is_refused
            responses_that_browsers_read_are_read
            a_check_of_the_users_accepts_and_refuses
            a_cut_body_is_an_error_and_a_cut_event_is_dropped
            a_clean_end_completes_the_last_event_on_request
            a_body_in_which_nothing_is_recognised_is_an_error_that_shows_it
            an_error_is_reported_whether_there_is_a_handle_or_not
            limits_are_set_with_the_receiver
            an_event_over_the_limit_is_reported_and_the_next_is_read
            events_are_lent_and_comments_are_shown_on_request
            a_blocked_read_is_closed_from_elsewhere_at_once
            dropping_a_reader_closes_its_connection_even_if_a_handle_is_left
            a_reset_is_an_error_of_the_transport
        }
    };
}

pub const EVENT_STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";

/// A server for one connection: reads the head of the request, then does what the script says.
pub fn serve<T: Send + 'static>(
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
pub fn serve_bytes(response: impl Into<Vec<u8>>, piece: usize) -> String {
    let response = response.into();
    serve(move |socket, _| response.chunks(piece).for_each(|piece| socket.write_all(piece).unwrap())).0
}

pub fn get(url: &str) -> Request {
    Request::get(url).unwrap()
}

/// A connection to the server of this request.
pub fn connect(request: &Request) -> TcpStream {
    TcpStream::connect(request.url().authority()).unwrap()
}

async fn open<A: Adapter>(request: &Request) -> Result<A::Reader, ReadError> {
    A::open(connect(request), request).await
}

async fn open_with<A: Adapter>(request: &Request, receiver: Receiver) -> Result<A::Reader, ReadError> {
    A::open_with(connect(request), request, receiver).await
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

async fn next(reader: &mut impl Reader) -> Option<Event> {
    reader.next().await.transpose().unwrap()
}

pub async fn every_kind_of_body_streams<A: Adapter>() {
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
            let mut reader = open::<A>(&get(&serve_bytes(response.clone(), piece))).await.unwrap();
            assert_eq!(reader.response().unwrap().status(), 200);
            let first = Event::new("one").with_id("7").unwrap().with_retry(Duration::from_millis(250));
            assert_eq!(next(&mut reader).await, Some(first));
            assert_eq!(next(&mut reader).await, Some(Event::new("two")));
            assert_eq!(reader.end(), None);
            assert_eq!(next(&mut reader).await, None);
            assert_eq!(next(&mut reader).await, None, "the end stays the end");
            assert_eq!(reader.end(), Some(End::Clean));
            assert_eq!((reader.last_event_id(), reader.retry()), ("7", Some(Duration::from_millis(250))));
        }
    }
}

pub async fn the_request_asks_for_an_event_stream<A: Adapter>() {
    let (url, server) = serve(|socket, head| {
        socket.write_all(format!("{EVENT_STREAM}\r\n").as_bytes()).unwrap();
        head
    });
    let request = get(&url).with_header("Accept", "application/json").unwrap();
    let request = request.with_last_event_id("é7").unwrap();
    let mut reader = open::<A>(&request).await.unwrap();
    assert_eq!(next(&mut reader).await, None);
    assert_eq!(reader.last_event_id(), "é7", "the stream goes on from there");
    let head = server.join().unwrap().to_lowercase();
    let agent = format!("user-agent: {}/{}", A::PACKAGE, env!("CARGO_PKG_VERSION"));
    for line in [
        "get /sse http/1.1",
        "accept: application/json, text/event-stream",
        "last-event-id: é7",
        "host: 127.0.0.1:",
        &agent,
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
}

pub async fn an_event_is_out_as_soon_as_it_is_complete<A: Adapter>() {
    let (go, may_go) = mpsc::channel();
    let (url, server) = serve(move |socket, _| {
        // Inside a chunk that is only partly there, and with a CR at its end.
        socket
            .write_all(
                format!("{EVENT_STREAM}Transfer-Encoding: chunked\r\n\r\n40\r\ndata: first\r\r").as_bytes(),
            )
            .unwrap();
        may_go.recv().unwrap();
        socket.write_all(b"\ndata: second\n\n").unwrap();
        may_go.recv().unwrap();
    });
    let mut reader = open::<A>(&get(&url)).await.unwrap();
    assert_eq!(next(&mut reader).await, Some(Event::new("first")));
    go.send(()).unwrap();
    assert_eq!(next(&mut reader).await, Some(Event::new("second")));
    go.send(()).unwrap();
    server.join().unwrap();
}

pub async fn a_response_that_is_no_event_stream_is_refused<A: Adapter>() {
    for (response, expected) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Refusal::Status(404).into()),
        ("HTTP/1.1 204 No Content\r\n\r\n", Refusal::Status(204).into()),
        ("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", Refusal::Status(302).into()),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>",
            Refusal::MediaType("text/html".into()).into(),
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", Refusal::MediaType(String::new()).into()),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n\x1f",
            Refusal::Coding("gzip".into()).into(),
        ),
        ("HTTP/1.1 200 OK\r\nContent-Ty", ReceiveError::Http(ResponseError::IncompleteHead)),
        ("", ReceiveError::Http(ResponseError::IncompleteHead)),
    ] {
        let error = open::<A>(&get(&serve_bytes(response, 1000))).await.unwrap_err();
        assert_eq!(refusal(&error), &expected);
    }
    let error = open::<A>(&get(&serve_bytes("SSH-2.0-x\r\n", 1000))).await.unwrap_err();
    assert!(matches!(refusal(&error), ReceiveError::Http(_)), "{error}");
}

pub async fn responses_that_browsers_read_are_read<A: Adapter>() {
    for headers in [
        "Content-Type: application/json, text/event-stream; charset=utf-8",
        "Content-Type: application/json\r\nContent-Type: text/event-stream",
        "Content-Type: text/event-stream\r\nContent-Encoding: none",
    ] {
        let response = format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\ndata: x\n\n");
        let mut reader = open::<A>(&get(&serve_bytes(response, 1000))).await.unwrap();
        assert_eq!(next(&mut reader).await, Some(Event::new("x")), "{headers}");
    }
}

pub async fn a_check_of_the_users_accepts_and_refuses<A: Adapter>() {
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
        match (open_with::<A>(&request, receiver).await, expected) {
            (Ok(mut reader), Ok(())) => assert_eq!(next(&mut reader).await, Some(Event::new("x"))),
            (Err(error), Err(expected)) => assert_eq!(refusal(&error), &expected.into()),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }
}

pub async fn a_cut_body_is_an_error_and_a_cut_event_is_dropped<A: Adapter>() {
    let mut reader =
        open::<A>(&get(&serve_bytes(chunked("data: one\n\nid: 9\ndata: tw"), 1000))).await.unwrap();
    assert_eq!(next(&mut reader).await, Some(Event::new("one")));
    let error = reader.next().await.unwrap().unwrap_err();
    let cut = ResponseError::IncompleteBody;
    assert_eq!(refusal(&error), &ReceiveError::Http(cut));
    assert!(reader.next().await.is_none());
    assert_eq!(reader.last_event_id(), "");

    let mut reader = open::<A>(&get(&serve_bytes(chunked("data: half") + "0\r\n\r\n", 1000))).await.unwrap();
    assert_eq!(next(&mut reader).await, None);
    assert_eq!(reader.end(), Some(End::Truncated));
}

pub async fn a_clean_end_completes_the_last_event_on_request<A: Adapter>() {
    let incomplete = chunked("data: one\n\ndata: two");
    for (response, is_clean) in [(incomplete.clone() + "0\r\n\r\n", true), (incomplete, false)] {
        let request = get(&serve_bytes(response, 1000));
        let receiver = Receiver::http1(&request).with_deliver_incomplete(true);
        let mut reader = open_with::<A>(&request, receiver).await.unwrap();
        assert_eq!(next(&mut reader).await, Some(Event::new("one")));
        if is_clean {
            assert_eq!(next(&mut reader).await, Some(Event::new("two")));
            assert_eq!(next(&mut reader).await, None);
            assert_eq!(reader.end(), Some(End::Clean));
        } else {
            let error = reader.next().await.unwrap().unwrap_err();
            assert_eq!(refusal(&error), &ReceiveError::Http(ResponseError::IncompleteBody));
        }
    }
}

pub async fn a_body_in_which_nothing_is_recognised_is_an_error_that_shows_it<A: Adapter>() {
    let json = "{\"error\":{\"message\":\"context too long\"}}";
    for response in [format!("{EVENT_STREAM}\r\n{json}"), chunked(json) + "0\r\n\r\n"] {
        for piece in [1, 1000] {
            let mut reader = open::<A>(&get(&serve_bytes(response.clone(), piece))).await.unwrap();
            let error = reader.next().await.unwrap().unwrap_err();
            assert_eq!(refusal(&error), &ReceiveError::Unrecognized { beginning: json.into() });
            assert!(reader.next().await.is_none());
        }
    }
}

pub async fn an_error_is_reported_whether_there_is_a_handle_or_not<A: Adapter>() {
    for with_handle in [false, true] {
        let mut reader = open::<A>(&get(&serve_bytes(chunked("data: one\n\n"), 1000))).await.unwrap();
        if with_handle {
            reader.close_handle();
        }
        assert_eq!(next(&mut reader).await, Some(Event::new("one")));
        let error = reader.next().await.unwrap().unwrap_err();
        assert_eq!(refusal(&error), &ReceiveError::Http(ResponseError::IncompleteBody));
    }
}

pub async fn limits_are_set_with_the_receiver<A: Adapter>() {
    let request = get(&serve_bytes(format!("{EVENT_STREAM}\r\ndata: long\n\ndata: ok\n\n"), 1000));
    let mut limits = Limits::default();
    limits.event_bytes = 3;
    let mut reader = open_with::<A>(&request, Receiver::http1(&request).with_limits(limits)).await.unwrap();
    assert!(reader.next().await.unwrap().unwrap_err().is_recoverable());
    assert_eq!(next(&mut reader).await, Some(Event::new("ok")));
}

pub async fn an_event_over_the_limit_is_reported_and_the_next_is_read<A: Adapter>() {
    let (url, server) =
        serve(|socket, _| socket.write_all(b"id: 1\ndata: too long\n\ndata: ok\n\n").unwrap());
    let mut limits = Limits::default();
    limits.event_bytes = 4;
    let mut socket = TcpStream::connect(url.trim_start_matches("http://").trim_end_matches("/sse")).unwrap();
    socket.write_all(b"\r\n\r\n").unwrap();
    let receiver = Receiver::new().with_limits(limits).with_capacity(3);
    let mut reader = A::reader(socket, receiver);
    let error = reader.next().await.unwrap().unwrap_err();
    assert!(
        matches!(refusal(&error), ReceiveError::Limit(error) if error.limit() == Limit::Event && error.max() == 4)
    );
    assert_eq!(next(&mut reader).await, Some(Event::new("ok")));
    assert_eq!(reader.last_event_id(), "1");
    assert_eq!(next(&mut reader).await, None);
    server.join().unwrap();
}

pub async fn events_are_lent_and_comments_are_shown_on_request<A: Adapter>() {
    let stream = format!("{EVENT_STREAM}\r\n:one\ndata: a\n\n:two\nid: 5\n\ndata: b\ndata: c\n\n");
    let mut reader = open::<A>(&get(&serve_bytes(stream, 1000))).await.unwrap();
    assert!(matches!(reader.next_item().await, Some(Ok(Item::Comment("one")))));
    assert_eq!(reader.next_ref().await.unwrap().unwrap().data(), "a");
    assert!(matches!(reader.next_item().await, Some(Ok(Item::Comment("two")))));
    assert!(matches!(reader.next_item().await, Some(Ok(Item::NoData(block))) if block.id() == Some("5")));
    let event = reader.next_ref().await.unwrap().unwrap();
    assert_eq!((event.data(), event.id(), event.last_event_id()), ("b\nc", None, "5"));
    assert!(reader.next_item().await.is_none());
}

pub async fn a_blocked_read_is_closed_from_elsewhere_at_once<A: Adapter>() {
    let (url, server) = serve(|socket, _| {
        socket.write_all(chunked("data: one\n\n").as_bytes()).unwrap();
        sees_close(socket)
    });
    let mut reader = open::<A>(&get(&url)).await.unwrap();
    let handle = reader.close_handle();
    assert_eq!(next(&mut reader).await, Some(Event::new("one")));
    assert!(!handle.is_closed());
    let (closed, when) = mpsc::channel();
    thread::spawn(move || {
        // Long enough for the read below to block.
        thread::sleep(Duration::from_millis(100));
        closed.send(Instant::now()).unwrap();
        handle.clone().close();
        handle.close();
    });
    assert!(reader.next().await.is_none());
    let took = when.recv().unwrap().elapsed();
    // A few hundred microseconds, usually; but a busy machine must not fail the test.
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert!(reader.next().await.is_none());
    assert_eq!(reader.end(), None, "closed from this side");
    assert!(reader.close_handle().is_closed());
    assert!(server.join().unwrap(), "the server sees the close while the reader is still there");
}

pub async fn dropping_a_reader_closes_its_connection_even_if_a_handle_is_left<A: Adapter>() {
    for close in [true, false] {
        let (url, server) = serve(|socket, _| {
            socket.write_all(chunked("data: one\n\ndata: two\n\n").as_bytes()).unwrap();
            sees_close(socket)
        });
        let mut reader = open::<A>(&get(&url)).await.unwrap();
        let handle = reader.close_handle();
        assert_eq!(next(&mut reader).await, Some(Event::new("one")));
        if close {
            reader.close();
            assert_eq!(next(&mut reader).await, None, "an event that was not taken is gone");
        } else {
            drop(reader);
        }
        assert!(server.join().unwrap());
        assert!(handle.is_closed());
        handle.close();
    }
}

pub async fn a_reset_is_an_error_of_the_transport<A: Adapter>() {
    let (url, _server) = serve(|socket, _| reset(socket));
    let error = open::<A>(&get(&url)).await.unwrap_err();
    assert!(
        matches!(&error, ReadError::Io(error) if error.kind() == std::io::ErrorKind::ConnectionReset),
        "{error}"
    );
}
