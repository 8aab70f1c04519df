//! Addresses, prepared requests, and closing.

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sse_proto::Event;
use sse_proto::http::Request;
use sse_proto::source::{Reconnect, SourceConfig};

use super::{BODY, SOON, check, config, source};
use crate::adapter::{Adapter, BoxError, CloseHandle, Source};
use crate::faults::{
    EVENT_STREAM, FaultServer, Full, nowhere, read_head, reset, send, send_endlessly, vanish,
};

pub async fn a_name_with_several_addresses_is_tried_through<A: Adapter>() {
    // The listener has one of the two that this name usually has.
    let server =
        FaultServer::answering("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hi\n\n");
    let mut source = source::<A>(&server.url.replace("127.0.0.1", "localhost"), config());
    assert_eq!(source.next().await.unwrap().unwrap(), Event::new("hi"));
}

pub async fn an_address_with_a_zone_is_connected_to_and_named_without_it<A: Adapter>() {
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
    let mut source = source::<A>(&format!("http://[::1%251]:{port}/"), config());
    assert_eq!(source.next().await.unwrap().unwrap(), Event::new("hi"));
    let head = server.join().unwrap();
    assert!(head.contains(&format!("Host: [::1]:{port}\r\n")), "{head}");
}

pub async fn each_attempt_is_prepared_anew<A: Adapter>() {
    let server = FaultServer::new(|_, socket| send(socket, EVENT_STREAM));
    let mut number = 0;
    let prepare = move |mut request: Request| {
        number += 1;
        if number == 1 {
            return Err(BoxError::from("no token"));
        }
        request.set_header("Authorization", &format!("Bearer {number}"))?;
        Ok(request)
    };
    let mut source = source::<A>(&server.url, config()).with_prepare(prepare);
    check(
        &mut source,
        [
            "failure 1: no token",
            "open 200",
            "failure 2: the stream ended",
            "open 200",
            "lost after 3: the stream ended",
        ],
    )
    .await;
    for token in ["Bearer 2", "Bearer 3"] {
        let head = server.heads.recv().unwrap();
        assert!(head.contains(&format!("Authorization: {token}\r\n")), "{head}");
    }
}

pub async fn a_token_stays_at_home_whatever_a_hook_makes_of_the_url<A: Adapter>() {
    let elsewhere = FaultServer::new(|_, socket| send(socket, EVENT_STREAM));
    let location = elsewhere.url.clone();
    let home = FaultServer::new(move |_, socket| {
        send(socket, &format!("HTTP/1.1 308 Go\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"));
    });
    let prepare = |mut request: Request| {
        request.set_header("Authorization", "Bearer secret")?;
        request.set_url(format!("{}?v=1", request.url()).parse()?);
        Ok(request)
    };
    let mut config = config();
    config.max_attempts = Some(2);
    let mut source = source::<A>(&home.url, config).with_prepare(prepare);
    check(
        &mut source,
        ["open 200", "failure 1: the stream ended", "open 200", "lost after 2: the stream ended"],
    )
    .await;
    assert!(home.heads.recv().unwrap().contains("Bearer secret"));
    for target in ["GET / ", "GET /?v=1 "] {
        let head = elsewhere.heads.recv().unwrap();
        assert!(head.starts_with(target) && !head.contains("secret"), "{head}");
    }
}

pub async fn restarting_leaves_the_stream_for_a_new_one_that_goes_on<A: Adapter>() {
    let (closed_in, closed) = mpsc::channel();
    let server = FaultServer::new(move |number, socket| {
        send(socket, &format!("{EVENT_STREAM}id: {number}\ndata: {number}\n\ndata: more\n\n"));
        let _ = closed_in.send(vanish(socket));
    });
    let mut source = source::<A>(&server.url, config());
    check(&mut source, ["open 200", "0"]).await;
    source.restart();
    assert_eq!(closed.recv(), Ok(true), "before the next attempt");
    check(&mut source, ["open 200", "1", "more"]).await;
    assert!(server.heads.iter().nth(1).unwrap().to_lowercase().contains("last-event-id: 0\r\n"));
}

pub async fn a_handler_can_close_the_source_while_more_events_wait<A: Adapter>() {
    let server = FaultServer::new(|_, socket| {
        send(socket, &format!("{EVENT_STREAM}data: one\n\ndata: two\n\n"));
        vanish(socket);
    });
    let mut source = source::<A>(&server.url, config());
    let (handle, mut seen) = (source.close_handle(), Vec::new());
    source
        .listen(|event| {
            seen.push(event.data().to_owned());
            handle.close();
        })
        .await
        .unwrap();
    assert_eq!(seen, ["one"]);
    assert!(source.next_signal().await.is_none(), "it was told already");
}

pub async fn closing_ends_whatever_blocks_at_once<A: Adapter>() {
    let full = Full::start();
    let server = FaultServer::new(|_, socket| {
        send(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n");
        vanish(socket);
    });
    let (closed_in, closed) = mpsc::channel();
    let open = FaultServer::new(move |_, socket| {
        send(socket, EVENT_STREAM);
        let _ = closed_in.send(vanish(socket));
    });
    let busy = FaultServer::new(|_, socket| {
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
            let mut source = source::<A>(url, SourceConfig::default());
            let handle = source.close_handle();
            let closing = thread::spawn(move || {
                // Long enough for what is below to block.
                thread::sleep(Duration::from_millis(50));
                let now = Instant::now();
                handle.close();
                now
            });
            assert!(source.next().await.is_none(), "{state}");
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

pub async fn dropping_a_source_frees_its_socket<A: Adapter>() {
    let (closed_in, closed) = mpsc::channel();
    let server = FaultServer::new(move |_, socket| {
        send(socket, &format!("{EVENT_STREAM}data: one\n\ndata: two\n\n"));
        let _ = closed_in.send(vanish(socket));
    });
    for close in [true, false] {
        let mut source = source::<A>(&server.url, config());
        let handle = source.close_handle();
        assert_eq!(source.next().await.unwrap().unwrap().data(), "one");
        if close {
            source.close();
            assert_eq!(closed.recv(), Ok(true));
            assert!(source.next().await.is_none(), "an event that was not taken is gone");
        } else {
            drop(source);
            assert_eq!(closed.recv(), Ok(true), "whoever has a handle");
        }
        assert!(handle.is_closed());
    }
}

pub async fn a_request_that_nobody_reads_is_given_up<A: Adapter>() {
    let server = FaultServer::new(|_, socket| {
        // Not by reading.
        thread::sleep(5 * SOON);
        reset(socket);
    });
    let mut config = config();
    config.reconnect = Reconnect::Always;
    config.timeouts.response = Some(SOON);
    config.max_attempts = Some(2);
    let request = Request::new("POST", &server.url).unwrap().with_body(vec![0; BODY]);
    let mut source = A::source(request).with_config(config);
    check(
        &mut source,
        ["failure 1: timed out waiting for the response", "lost after 2: timed out waiting for the response"],
    )
    .await;
}
