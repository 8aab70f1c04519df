//! Answers to requests, whoever sends them.

use std::io::Write;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use sse_proto::Event;
use sse_proto::http1::Response;
use sse_proto::http1::server::{Closed, Fault};

use super::{GET, LONG, Running, SOON, read_all, read_until, silent, with};
use crate::adapter::{Adapter, EventSender, Incoming};

pub fn requests_are_answered<A: Adapter>() {
    let server = A::server(|incoming| async move {
        match (incoming.method(), incoming.path()) {
            (_, "/sse") => {
                let id = incoming.last_event_id().unwrap_or_default().into_owned();
                let events = incoming.open(Response::new(200).with_header("X-Mine", "yes")?);
                events.send(&Event::new(format!("id {id}")).with_name("hello")?).await?;
                events.comment("so long").await?;
                assert!(events.try_send("last")?);
            }
            ("POST", "/echo") => {
                let body = incoming.body().to_vec();
                incoming.respond(&Response::new(200).with_header("Content-Type", "text/plain")?, body);
            }
            _ => incoming.respond(&Response::new(404), "no such stream\n"),
        }
        Ok(())
    });
    let server = Running::<A>::new(silent(), server);
    let answer = server.ask("GET /sse HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 7\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let (start, date) = head.split_once("Date: ").unwrap();
    let (date, end) = date.split_once("\r\n").unwrap();
    assert!(date.ends_with(" GMT") && date.len() == "Sun, 06 Nov 1994 08:49:37 GMT".len(), "{date}");
    assert_eq!(
        start.to_owned() + end,
        "HTTP/1.1 200 OK\r\nX-Mine: yes\r\ncontent-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\n\
         x-accel-buffering: no\r\nConnection: close\r\nTransfer-Encoding: chunked"
    );
    let chunks = "19\r\nevent: hello\ndata: id 7\n\n\r\n9\r\n:so long\n\r\nc\r\ndata: last\n\n\r\n0\r\n\r\n";
    assert_eq!(body, chunks);

    let old = server.ask("GET /sse?lastEventId=8 HTTP/1.0\r\n\r\n");
    assert!(old.ends_with("\r\n\r\nevent: hello\ndata: id 8\n\n:so long\ndata: last\n\n"), "{old}");
    let head = server.ask("HEAD /sse HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let echo = server.ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert!(echo.ends_with("Content-Length: 5\r\n\r\nhello"), "{echo}");
    let missing = server.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(missing.starts_with("HTTP/1.1 404 ") && missing.ends_with("no such stream\n"), "{missing}");
    let head = server.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 404 ") && head.ends_with("Content-Length: 15\r\n\r\n"), "{head}");
    server.stop();
}

pub fn the_head_is_there_before_the_first_event<A: Adapter>() {
    let (tell, told) = mpsc::channel::<()>();
    let told = Arc::new(Mutex::new(told));
    let server = A::server(with(told.clone(), |told, incoming: A::Incoming| async move {
        let events = incoming.open(Response::new(200));
        let elsewhere = events.clone();
        thread::spawn(move || {
            told.lock().unwrap().recv().unwrap();
            assert!(elsewhere.try_send("now").unwrap());
        });
        events.closed().await;
        Ok(())
    }));
    let server = Running::<A>::new(silent(), server);
    let mut socket = server.connect(GET);
    read_until(&mut socket, "\r\n\r\n");
    tell.send(()).unwrap();
    read_until(&mut socket, "data: now\n\n\r\n");
    drop(socket);
    assert!(matches!(server.closed(), Closed::Left));
    server.stop();
}

pub fn those_who_fail_are_told_apart_and_others_live_on<A: Adapter>() {
    let server = A::server(|incoming| async move {
        match incoming.path() {
            "/error" => return Err("no".into()),
            "/panic" => panic!("as the test wants it"),
            "/silent" => {}
            "/late" => {
                let events = incoming.open(Response::new(200));
                events.send("one").await?;
                // It is there before the stream is cut.
                thread::sleep(Duration::from_millis(50));
                return Err("no".into());
            }
            "/lost" => {
                let events = incoming.open(Response::new(200));
                let lost = events.clone();
                assert!(
                    thread::spawn(move || {
                        let _lost = lost;
                        panic!("as the test wants it")
                    })
                    .join()
                    .is_err()
                );
                events.closed().await;
            }
            _ => incoming.respond(&Response::new(204), ""),
        }
        Ok(())
    });
    let server = Running::<A>::new(silent(), server);
    for path in ["/error", "/panic", "/silent"] {
        let answer = server.ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 500 "), "{path}: {answer}");
        assert!(matches!(server.closed(), Closed::Failed(_)), "{path}");
    }
    for path in ["/late", "/lost"] {
        let answer = server.ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(!answer.ends_with("0\r\n\r\n"), "{path}: {answer}");
        assert!(matches!(server.closed(), Closed::Failed(_)), "{path}");
    }
    assert!(server.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 204 "));
    server.stop();
}

pub fn there_are_no_more_connections_than_there_may_be<A: Adapter>() {
    let server = A::server(|incoming| async move {
        let events = incoming.open(Response::new(200));
        events.closed().await;
        Ok(())
    });
    let mut config = silent();
    config.connections = 3;
    config.retry_after = Duration::from_millis(6500);
    let server = Running::<A>::new(config, server);
    let mut open: Vec<_> = (0..3).map(|_| server.connect(GET)).collect();
    open.iter_mut().for_each(|socket| drop(read_until(socket, "\r\n\r\n")));
    for _ in 0..3 {
        let answer = server.ask(GET);
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: 7\r\n"), "{answer}");
        assert!(matches!(server.closed(), Closed::Busy));
    }
    drop(open.pop());
    assert!(matches!(server.closed(), Closed::Left));
    read_until(&mut server.connect(GET), "HTTP/1.1 200 OK\r\n");
    drop(open);
    server.stop();
}

pub fn hostile_clients_are_answered_and_gone<A: Adapter>() {
    let server = A::server(|incoming| async move {
        let events = incoming.open(Response::new(200));
        events.closed().await;
        Ok(())
    });
    let mut config = silent();
    config.head_timeout = SOON;
    config.body_timeout = SOON;
    let server = Running::<A>::new(config, server);

    let long_id = format!("GET / HTTP/1.1\r\nHost: a\r\nLast-Event-ID: {}\r\n\r\n", "x".repeat(64 * 1024));
    for (request, status) in [
        ("\0\x01\u{7f} garbage\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "400"),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "405"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", "413"),
        ("GET / HTTP/3.7\r\nHost: a\r\n\r\n", "505"),
        (&long_id, "431"),
        // Nothing more comes, then.
        ("GET / HT", "408"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", "408"),
    ] {
        let answer = server.ask(request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer}");
        let closed = server.closed();
        assert!(
            matches!(&closed, Closed::Fault(fault) if fault.status().to_string() == status),
            "{closed:?}"
        );
    }

    // A head that drips.
    let mut socket = server.connect("GET / HTTP/1.1\r\n");
    let start = Instant::now();
    while socket.write_all(b"X").is_ok() && start.elapsed() < SOON + Duration::from_millis(100) {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(read_all(socket).starts_with("HTTP/1.1 408 "));
    assert!(matches!(server.closed(), Closed::Fault(Fault::Slow)));

    // Bytes without end after the request.
    let mut socket = server.connect(GET);
    while socket.write_all(&[b'x'; 1000]).is_ok() {
        assert!(start.elapsed() < LONG, "not in time");
    }
    assert!(matches!(server.closed(), Closed::Fault(Fault::Unasked { .. })));
    server.stop();
}

pub fn a_client_that_shuts_its_side_down_gets_a_plain_answer<A: Adapter>() {
    let server = A::server(|incoming| async move {
        if incoming.path() == "/sse" {
            incoming.open(Response::new(200)).closed().await;
            return Ok(());
        }
        // The end of what the client sends is there before the answer.
        thread::sleep(Duration::from_millis(100));
        incoming.respond(&Response::new(200), "answer\n");
        Ok(())
    });
    let server = Running::<A>::new(silent(), server);
    let socket = server.connect("GET /plain HTTP/1.0\r\n\r\n");
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let answer = read_all(socket);
    assert!(answer.ends_with("\r\n\r\nanswer\n"), "{answer}");
    assert!(matches!(server.closed(), Closed::Finished));
    server.stop();
}
