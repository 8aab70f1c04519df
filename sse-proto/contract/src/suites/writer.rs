//! What the event writer of every adapter must do, and the answer that it is the body of. The client is a plain `std::net` socket on
//! a thread.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sse_proto::Event;
use sse_proto::http1::{RequestHeadError, Response};

use crate::adapter::{AcceptError, Adapter, Exchange, Recorder, Writer};
use crate::faults::read_head;

/// Makes test functions of the suite.
#[macro_export]
macro_rules! writer_suite {
    ($adapter:ty) => {
        $crate::async_tests! {
            writer, $adapter as $crate::adapter::Adapter;
            an_answer_is_open_before_its_first_event_and_each_event_is_a_chunk
            a_writer_that_is_not_closed_leaves_the_stream_visibly_cut
            old_clients_get_no_chunks_and_head_gets_no_body
            other_answers_are_whole
            a_bad_request_is_answered_and_reported
            one_event_is_one_write_and_one_flush
            partial_writes_lose_nothing
        }
    };
}

/// A client that sends this request, and gives all that it gets until the server closes.
fn ask(address: SocketAddr, request: &str) -> JoinHandle<String> {
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

pub async fn an_answer_is_open_before_its_first_event_and_each_event_is_a_chunk<A: Adapter>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
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
    let (socket, _) = listener.accept().unwrap();
    let exchange = A::accept(socket).await.unwrap();
    assert_eq!((exchange.request().method(), exchange.request().path()), ("GET", "/sse"));
    assert_eq!(exchange.request().query_param("user").as_deref(), Some("a"));
    assert_eq!(exchange.request().last_event_id(), Some("41"));
    let mut writer =
        exchange.open(Response::new(200).with_header("Cache-Control", "no-store").unwrap()).await.unwrap();
    when.recv_timeout(Duration::from_secs(5)).expect("the head goes out when the stream is opened");
    writer.send(&Event::new("two\nlines").with_id("42").unwrap()).await.unwrap();
    writer.comment("hi").await.unwrap();
    writer.keep_alive().await.unwrap();
    writer.close().await.unwrap();
    let (head, body) = client.join().unwrap();
    let head = head.to_lowercase();
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    for line in [
        "content-type: text/event-stream\r\n",
        "cache-control: no-store\r\n",
        "x-accel-buffering: no\r\n",
        "transfer-encoding: chunked\r\n",
        "connection: close\r\n",
    ] {
        assert_eq!(head.matches(line).count(), 1, "{line} in {head}");
    }
    assert!(!head.contains("no-cache"), "the user's header wins: {head}");
    assert_eq!(body, "1e\r\nid: 42\ndata: two\ndata: lines\n\n\r\n4\r\n:hi\n\r\n2\r\n:\n\r\n0\r\n\r\n");
}

pub async fn a_writer_that_is_not_closed_leaves_the_stream_visibly_cut<A: Adapter>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for how in ["abort", "drop", "close"] {
        let client = ask(listener.local_addr().unwrap(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        let (socket, _) = listener.accept().unwrap();
        let mut writer = A::accept(socket).await.unwrap().open(Response::new(200)).await.unwrap();
        writer.send("x").await.unwrap();
        match how {
            "abort" => writer.abort(),
            "drop" => drop(writer),
            _ => writer.close().await.unwrap(),
        }
        let response = client.join().unwrap();
        assert!(response.contains("9\r\ndata: x\n\n\r\n"), "{how}: {response}");
        assert_eq!(response.ends_with("\r\n0\r\n\r\n"), how == "close", "{how}: {response}");
    }
}

pub async fn old_clients_get_no_chunks_and_head_gets_no_body<A: Adapter>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for (request, body) in
        [("GET / HTTP/1.0\r\n\r\n", "data: x\n\n"), ("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "")]
    {
        let client = ask(listener.local_addr().unwrap(), request);
        let (socket, _) = listener.accept().unwrap();
        let mut writer = A::accept(socket).await.unwrap().open(Response::new(200)).await.unwrap();
        writer.send("x").await.unwrap();
        writer.close().await.unwrap();
        let response = client.join().unwrap();
        let (head, got) = response.split_once("\r\n\r\n").unwrap();
        assert_eq!(got, body, "{request}");
        assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
    }
}

pub async fn other_answers_are_whole<A: Adapter>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for (method, body) in [("GET", "not here\n"), ("HEAD", "")] {
        let client = ask(listener.local_addr().unwrap(), &format!("{method} /x HTTP/1.1\r\nHost: x\r\n\r\n"));
        let (socket, _) = listener.accept().unwrap();
        A::accept(socket).await.unwrap().respond(&Response::new(404), "not here\n").await.unwrap();
        let response = client.join().unwrap();
        let (line, rest) = response.split_once("\r\nDate: ").unwrap();
        assert_eq!(line, "HTTP/1.1 404 Not Found");
        let (date, rest) = rest.split_once("\r\n").unwrap();
        assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
        assert_eq!(rest, format!("Connection: close\r\nContent-Length: 9\r\n\r\n{body}"));
    }
}

pub async fn a_bad_request_is_answered_and_reported<A: Adapter>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endless = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "a".repeat(70_000));
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\n\r\n", 505),
        ("\x16\x03\x01\x02\x00", 400),
        (&endless, 431),
    ] {
        let client = ask(listener.local_addr().unwrap(), request);
        let (socket, _) = listener.accept().unwrap();
        let error = A::accept(socket).await.unwrap_err();
        assert!(matches!(&error, AcceptError::Request(error) if error.status() == status), "{error}");
        let response = client.join().unwrap();
        // Closing with bytes unread may take the answer along; where it arrives, it is this one.
        assert!(response.is_empty() || response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    }
    let client = thread::spawn({
        let address = listener.local_addr().unwrap();
        move || TcpStream::connect(address).unwrap().shutdown(Shutdown::Write).unwrap()
    });
    let (socket, _) = listener.accept().unwrap();
    let error = A::accept(socket).await.unwrap_err();
    client.join().unwrap();
    assert!(
        matches!(&error, AcceptError::Request(RequestHeadError::IncompleteHead) | AcceptError::Io(_)),
        "{error}"
    );
}

pub async fn one_event_is_one_write_and_one_flush<A: Adapter>() {
    let recorder = Recorder::new(usize::MAX);
    let mut writer = A::writer(recorder.clone());
    writer.send("one").await.unwrap();
    writer.send(&Event::new("two\nlines")).await.unwrap();
    writer.keep_alive().await.unwrap();
    assert_eq!(
        recorder.log(),
        ["data: one\n\n", "flush", "data: two\ndata: lines\n\n", "flush", ":\n", "flush"]
    );
}

pub async fn partial_writes_lose_nothing<A: Adapter>() {
    let recorder = Recorder::new(3);
    let mut writer = A::writer(recorder.clone());
    writer.send("one").await.unwrap();
    writer.send("two").await.unwrap();
    writer.close().await.unwrap();
    let bytes: String =
        recorder.log().into_iter().filter(|write| !["flush", "close"].contains(&&**write)).collect();
    assert_eq!(bytes, "data: one\n\ndata: two\n\n");
    let full = A::writer(Recorder::new(0)).send("x").await.unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::WriteZero);
}
