//! What the servers of all adapters must do with a connection that the program has accepted itself. It is a TCP connection, the only kind
//! that every adapter serves; its client is a plain `std::net` socket on a thread.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, mpsc};
use std::thread;

use sse_proto::Event;
use sse_proto::http1::server::{Closed, Fault, ServerConfig};
use sse_proto::http1::{RequestHeadError, Response};

use super::serve::{GET, LONG, copy, read_all, read_until, silent, soon, with};
use crate::adapter::{Adapter, EventSender, Incoming, Server, ServerHandle};

/// Makes test functions of the suite.
#[macro_export]
macro_rules! serve_connection_suite {
    ($adapter:ty) => {
        $crate::tests! {
            serve_connection, $adapter;
            the_request_and_its_peer_arrive_and_each_event_is_a_chunk
            a_stream_ends_cleanly_or_is_visibly_cut
            old_clients_get_no_chunks_and_head_gets_no_body
            other_answers_are_whole
            a_bad_request_is_answered_and_reported
            a_client_that_sends_no_whole_head_is_reported
            one_connection_too_many_gets_status_503
            a_shutdown_ends_the_stream_and_rejects_later_connections
        }
    };
}

/// Both sides of a new connection, and the address of the client.
fn connection() -> (TcpStream, TcpStream, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(LONG)).unwrap();
    let (accepted, peer) = listener.accept().unwrap();
    (client, accepted, peer)
}

/// Serves a single connection. Returns the result of its client, and why the connection was closed.
fn serve_one<A: Adapter, T: Send>(
    server: A::Server,
    client: impl FnOnce(TcpStream) -> T + Send,
) -> (T, Closed) {
    let (tell, closed) = mpsc::channel();
    let tell = Mutex::new(tell);
    let server = server.with_on_closed(move |_, closed| tell.lock().unwrap().send(copy(closed)).unwrap());
    let (socket, accepted, peer) = connection();
    let result = thread::scope(|scope| {
        let client = scope.spawn(|| client(socket));
        A::serve_connection(&server, accepted, peer);
        client.join().unwrap()
    });
    soon(|| server.handle().connections() == 0);
    (result, closed.recv_timeout(LONG).unwrap())
}

/// A client that sends this request, and returns all that it gets.
fn ask(request: &str) -> impl FnOnce(TcpStream) -> String + Send + '_ {
    |mut socket| {
        // A server that rejects the request may close before it has read all of it.
        let _ = socket.write_all(request.as_bytes());
        read_all(socket)
    }
}

/// A server that sends one event to everybody, and waits for the end of the stream.
fn greeting<A: Adapter>(config: ServerConfig) -> A::Server {
    let greet = |incoming: A::Incoming| async move {
        let events = incoming.open(Response::new(200));
        events.send("hello").await?;
        events.closed().await;
        Ok(())
    };
    A::server(greet).with_config(config)
}

pub fn the_request_and_its_peer_arrive_and_each_event_is_a_chunk<A: Adapter>() {
    let (tell, told) = mpsc::sync_channel(1);
    let server = A::server(with(tell, |tell, incoming: A::Incoming| async move {
        tell.send((incoming.head().clone(), incoming.peer_addr()))?;
        let events = incoming.open(Response::new(200).with_header("Cache-Control", "no-store")?);
        events.send(&Event::new("two\nlines").with_id("42")?).await?;
        events.comment("hi").await?;
        Ok(())
    }));
    let request = "GET /sse?user=a HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 41\r\n\r\n";
    let ((address, answer), closed) = serve_one::<A, _>(server, |socket| {
        let address = socket.local_addr().unwrap();
        (address, ask(request)(socket))
    });
    assert!(matches!(closed, Closed::Finished), "{closed:?}");
    let (head, peer) = told.recv().unwrap();
    assert_eq!(peer, address);
    assert_eq!((head.method(), head.path()), ("GET", "/sse"));
    assert_eq!(head.query_param("user").as_deref(), Some("a"));
    assert_eq!(head.last_event_id(), Some("41"));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase() + "\r\n";
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
    assert_eq!(body, "1e\r\nid: 42\ndata: two\ndata: lines\n\n\r\n4\r\n:hi\n\r\n0\r\n\r\n");
}

pub fn a_stream_ends_cleanly_or_is_visibly_cut<A: Adapter>() {
    for fails in [false, true] {
        let server = A::server(move |incoming: A::Incoming| async move {
            incoming.open(Response::new(200)).send("x").await?;
            if fails { Err("out of events".into()) } else { Ok(()) }
        });
        let (answer, closed) = serve_one::<A, _>(server, ask(GET));
        assert!(answer.contains("9\r\ndata: x\n\n\r\n"), "{fails}: {answer}");
        assert_eq!(answer.ends_with("\r\n0\r\n\r\n"), !fails, "{fails}: {answer}");
        assert!(matches!(closed, Closed::Finished | Closed::Failed(_)), "{closed:?}");
        assert_eq!(matches!(closed, Closed::Failed(_)), fails, "{closed:?}");
    }
}

pub fn old_clients_get_no_chunks_and_head_gets_no_body<A: Adapter>() {
    for (request, body) in
        [("GET / HTTP/1.0\r\n\r\n", "data: x\n\n"), ("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "")]
    {
        let server = A::server(|incoming: A::Incoming| async move {
            // The stream of a HEAD is over with its head.
            let _ = incoming.open(Response::new(200)).send("x").await;
            Ok(())
        });
        let (answer, _) = serve_one::<A, _>(server, ask(request));
        let (head, got) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(got, body, "{request}");
        assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
    }
}

pub fn other_answers_are_whole<A: Adapter>() {
    for (method, body) in [("GET", "not here\n"), ("HEAD", "")] {
        let server = A::server(|incoming: A::Incoming| async move {
            incoming.respond(&Response::new(404), "not here\n");
            Ok(())
        });
        let request = format!("{method} /x HTTP/1.1\r\nHost: x\r\n\r\n");
        let (answer, closed) = serve_one::<A, _>(server, ask(&request));
        assert!(matches!(closed, Closed::Finished), "{closed:?}");
        let (line, rest) = answer.split_once("\r\nDate: ").unwrap();
        assert_eq!(line, "HTTP/1.1 404 Not Found");
        let (date, rest) = rest.split_once("\r\n").unwrap();
        assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
        assert_eq!(rest, format!("Connection: close\r\nContent-Length: 9\r\n\r\n{body}"));
    }
}

pub fn a_bad_request_is_answered_and_reported<A: Adapter>() {
    let endless = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "a".repeat(70_000));
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\n\r\n", 505),
        ("\x16\x03\x01\x02\x00", 400),
        (&endless, 431),
    ] {
        let (answer, closed) = serve_one::<A, _>(greeting::<A>(silent()), ask(request));
        assert!(matches!(&closed, Closed::Fault(fault) if fault.status() == status), "{closed:?}");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

pub fn a_client_that_sends_no_whole_head_is_reported<A: Adapter>() {
    let ask = |request: &'static str| {
        move |mut socket: TcpStream| {
            socket.write_all(request.as_bytes()).unwrap();
            socket.shutdown(Shutdown::Write).unwrap();
            read_all(socket)
        }
    };
    let (answer, closed) = serve_one::<A, _>(greeting::<A>(silent()), ask("GET / HT"));
    assert!(matches!(&closed, Closed::Fault(Fault::Head(RequestHeadError::IncompleteHead))), "{closed:?}");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let (answer, closed) = serve_one::<A, _>(greeting::<A>(silent()), ask(""));
    assert!(matches!(closed, Closed::Left), "{closed:?}");
    assert_eq!(answer, "");
}

pub fn one_connection_too_many_gets_status_503<A: Adapter>() {
    let mut config = silent();
    config.connections = 1;
    let server = greeting::<A>(config);
    let (mut first, accepted, peer) = connection();
    thread::scope(|scope| {
        scope.spawn(|| A::serve_connection(&server, accepted, peer));
        first.write_all(GET.as_bytes()).unwrap();
        read_until(&mut first, "data: hello\n\n\r\n");
        let (second, accepted, peer) = connection();
        let asking = scope.spawn(|| ask(GET)(second));
        A::serve_connection(&server, accepted, peer);
        let answer = asking.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        drop(first);
    });
    soon(|| server.handle().connections() == 0);
}

pub fn a_shutdown_ends_the_stream_and_rejects_later_connections<A: Adapter>() {
    let server = greeting::<A>(silent());
    let handle = server.handle();
    let (mut client, accepted, peer) = connection();
    thread::scope(|scope| {
        scope.spawn(|| A::serve_connection(&server, accepted, peer));
        client.write_all(GET.as_bytes()).unwrap();
        read_until(&mut client, "data: hello\n\n\r\n");
        assert_eq!(handle.connections(), 1);
        handle.shutdown();
        assert_eq!(read_all(client), "0\r\n\r\n");
    });
    let (late, accepted, peer) = connection();
    thread::scope(|scope| {
        let asking = scope.spawn(|| ask(GET)(late));
        A::serve_connection(&server, accepted, peer);
        let answer = asking.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    });
    soon(|| handle.connections() == 0);
}
