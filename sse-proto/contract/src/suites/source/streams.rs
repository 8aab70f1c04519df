//! Streams: how they are lost, limited and ended.

use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use sse_proto::http::ResponseHead;
use sse_proto::source::{
    Cause, CloseReason, EndMarker, Reconnect, Signal, SourceConfig, SourceError, Verdict,
};

use super::{SOON, check, config, source, tell};
use crate::adapter::{Adapter, CloseHandle, Source};
use crate::faults::{EVENT_STREAM, FaultServer, drip, reset, send, send_endlessly, vanish};

pub async fn a_server_that_answers_and_closes_is_asked_less_and_less<A: Adapter>() {
    let server = FaultServer::answering(EVENT_STREAM);
    let mut config = config();
    config.max_attempts = Some(6);
    let mut source = source::<A>(&server.url, config);
    let (start, mut delays) = (Instant::now(), Vec::new());
    while let Some(signal) = source.next_signal().await {
        match signal {
            Signal::Reconnecting { cause: Cause::Ended, delay, .. } => delays.push(delay),
            Signal::Opened(_) => {}
            other => assert_eq!(tell(other), "lost after 6: the stream ended"),
        }
    }
    assert_eq!(delays, [10, 20, 40, 80, 160].map(Duration::from_millis));
    assert!(start.elapsed() >= delays.iter().sum::<Duration>());
    assert_eq!(server.requests(), 6);
}

pub async fn a_reset_inside_an_event_loses_only_that<A: Adapter>() {
    let (go, may_go) = mpsc::channel();
    let may_go = Mutex::new(may_go);
    let server = FaultServer::new(move |number, socket| match number {
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
    let mut source = source::<A>(&server.url, config());
    check(&mut source, ["open 200", "one"]).await;
    go.send(()).unwrap();
    check(&mut source, ["failure 1: ConnectionReset", "open 200", "two"]).await;
    assert_eq!(source.last_event_id(), "1");
    let heads: Vec<_> = server.heads.try_iter().map(|head| head.to_lowercase()).collect();
    assert!(!heads[0].contains("last-event-id"), "{}", heads[0]);
    assert!(heads[1].contains("last-event-id: 1\r\n"), "{}", heads[1]);
}

pub async fn a_peer_that_vanishes_is_noticed_by_its_silence<A: Adapter>() {
    let (closed_in, closed) = mpsc::channel();
    let server = FaultServer::new(move |_, socket| {
        send(socket, &format!("{EVENT_STREAM}data: last\n\n:"));
        let _ = closed_in.send(vanish(socket));
    });
    let mut config = config();
    config.timeouts.silence = Some(SOON);
    config.max_attempts = Some(2);
    let mut source = source::<A>(&server.url, config);
    check(
        &mut source,
        [
            "open 200",
            "last",
            "failure 1: timed out waiting for data",
            "open 200",
            "last",
            "lost after 2: timed out waiting for data",
        ],
    )
    .await;
    assert_eq!([closed.recv(), closed.recv()], [Ok(true); 2], "the socket is not left behind");
}

pub async fn while_it_waits_there_is_no_connection<A: Adapter>() {
    let (closed_in, closed) = mpsc::channel();
    let server = FaultServer::new(move |_, socket| {
        send(socket, EVENT_STREAM);
        let _ = closed_in.send(vanish(socket));
    });
    let mut config = config();
    config.timeouts.silence = Some(SOON);
    config.backoff.base = Duration::from_secs(60);
    let mut source = source::<A>(&server.url, config);
    let handle = source.close_handle();
    let watching = thread::spawn(move || {
        let was_closed = closed.recv();
        let still_waits = !handle.is_closed();
        handle.close();
        (was_closed, still_waits)
    });
    assert!(source.next().await.is_none());
    assert_eq!(watching.join().unwrap(), (Ok(true), true));
}

pub async fn bytes_that_drip_are_events_in_the_end_and_no_silence<A: Adapter>() {
    let comment = "x".repeat(300);
    let stream = format!("{EVENT_STREAM}:{comment}\ndata: é\r\n\r\n:");
    let server = FaultServer::new(move |_, socket| drip(socket, &stream));
    let mut config = config();
    // Far more than between two bytes, far less than the whole takes.
    config.timeouts.silence = Some(5 * SOON);
    let start = Instant::now();
    check(&mut source::<A>(&server.url, config), ["open 200", &*format!(":{comment}"), "é"]).await;
    assert!(start.elapsed() > 5 * SOON);
}

pub async fn comments_without_end_are_no_events<A: Adapter>() {
    let server = FaultServer::new(|_, socket| {
        send(socket, EVENT_STREAM);
        send_endlessly(socket, ":\n");
    });
    let mut config = config();
    config.timeouts.silence = Some(50 * SOON);
    config.timeouts.events = Some(SOON);
    config.max_attempts = Some(2);
    let mut source = source::<A>(&server.url, config);
    let error = source.next().await.unwrap().unwrap_err();
    assert!(matches!(&error, SourceError::Closed(CloseReason::Lost { attempts: 2, .. })), "{error}");
    assert_eq!(error.to_string(), "timed out waiting for an event (after 2 attempts)");
    assert!(source.next().await.is_none());
}

pub async fn an_event_without_end_is_skipped_once<A: Adapter>() {
    for line in ["data: x\n", "x"] {
        let server = FaultServer::new(move |_, socket| {
            send(socket, &format!("{EVENT_STREAM}id: 1\ndata: "));
            send_endlessly(socket, line);
        });
        let mut config = config();
        config.limits.event_bytes = 50_000;
        config.timeouts.events = Some(5 * SOON);
        config.max_attempts = Some(1);
        let mut source = source::<A>(&server.url, config);
        let error = source.next().await.unwrap().unwrap_err();
        assert!(error.is_recoverable(), "{error}");
        let error = source.next().await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "timed out waiting for an event");
    }
}

pub async fn the_time_for_the_whole_is_kept_whatever_the_server_does<A: Adapter>() {
    let server = FaultServer::new(|_, socket| {
        send(socket, EVENT_STREAM);
        send_endlessly(socket, "data: x\n\n");
    });
    let mut config = config();
    config.timeouts.total = Some(5 * SOON);
    let mut source = source::<A>(&server.url, config);
    let mut count = 0;
    let error = loop {
        match source.next_ref().await.unwrap() {
            Ok(event) => assert_eq!(event.data(), "x"),
            Err(error) => break error,
        }
        count += 1;
    };
    assert!(matches!(error, SourceError::Closed(CloseReason::TimedOut)), "{error}");
    assert!(count > 0);
}

pub async fn the_plain_stream_has_no_error_for_a_normal_end<A: Adapter>() {
    let server = FaultServer::answering(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\ndata: [DONE]\n\n",
    );
    let mut marked = SourceConfig::default();
    marked.end = EndMarker::Data("[DONE]".into());
    let mut once = SourceConfig::default();
    once.reconnect = Reconnect::Never;
    for (config, events) in [(marked, 1), (once, 2)] {
        let mut source = source::<A>(&server.url, config);
        for _ in 0..events {
            source.next().await.unwrap().unwrap();
        }
        assert!(source.next().await.is_none());
        assert_eq!(server.requests(), 1);
    }
    let gone = FaultServer::answering("HTTP/1.1 204 No Content\r\n\r\n");
    assert!(source::<A>(&gone.url, SourceConfig::default()).next().await.is_none());
    let refused = FaultServer::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\n\r\nnot here");
    let mut source = source::<A>(&refused.url, SourceConfig::default());
    let error = source.next().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "not an event stream: the server answered with status 404: not here");
    let SourceError::Closed(CloseReason::Refused(refused)) = error else { panic!("{error}") };
    assert_eq!((refused.status(), &*refused.body, refused.retry_after), (Some(404), &b"not here"[..], None));
    assert_eq!(source.machine().refused_body(), b"not here");
    assert!(source.next().await.is_none());
}

pub async fn a_marker_without_its_blank_line_counts_at_a_clean_end_only<A: Adapter>() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
    let cut = "lost after 1: connection closed before the body was complete";
    for (rest, end) in [
        ("\r\ndata: [DONE]", "closed: the end marker was received"),
        ("Content-Length: 12\r\n\r\ndata: [DONE]", "closed: the end marker was received"),
        ("Content-Length: 13\r\n\r\ndata: [DONE]", cut),
        (
            "Transfer-Encoding: chunked\r\n\r\nc\r\ndata: [DONE]\r\n0\r\n\r\n",
            "closed: the end marker was received",
        ),
        ("Transfer-Encoding: chunked\r\n\r\nc\r\ndata: [DONE]\r\n", cut),
    ] {
        let server = FaultServer::new(move |_, socket| send(socket, &format!("{head}{rest}")));
        let mut config = config();
        config.max_attempts = Some(1);
        config.end = EndMarker::Data("[DONE]".into());
        check(&mut source::<A>(&server.url, config), ["open 200", end]).await;
    }
    let named = FaultServer::answering(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: next\ndata: {}\n\nevent: complete\n\n",
    );
    let mut config = config();
    config.end = EndMarker::Name("complete".into());
    check(&mut source::<A>(&named.url, config), ["open 200", "{}", "closed: the end marker was received"])
        .await;
}

pub async fn a_body_in_which_nothing_is_recognised_shows_it<A: Adapter>() {
    let json = "{\"error\":{\"message\":\"context too long\"}}";
    let server = FaultServer::new(move |_, socket| send(socket, &format!("{EVENT_STREAM}{json}")));
    let mut config = config();
    config.max_attempts = Some(2);
    let failed = "not an event stream: no line of the body is a field or a comment";
    let mut source = source::<A>(&server.url, config);
    check(
        &mut source,
        ["open 200", &*format!("failure 1: {failed}"), "open 200", &*format!("lost after 2: {failed}")],
    )
    .await;
    assert_eq!(source.machine().refused_body(), json.as_bytes());
}

pub async fn opening_waits_for_the_answer<A: Adapter>() {
    let server = FaultServer::new(|number, socket| match number {
        0 => {}
        _ => send(socket, &format!("{EVENT_STREAM}data: one\n\n")),
    });
    let mut opened = source::<A>(&server.url, config())
        .with_header("X-Key", "7")
        .unwrap()
        .configure(|config| config.max_redirects = 0);
    assert_eq!(opened.open().await.map(ResponseHead::status).unwrap(), 200);
    assert_eq!(opened.machine().request().header("x-key"), Some(&b"7"[..]));
    assert_eq!(opened.open().await.map(ResponseHead::status).unwrap(), 200, "it is open already");
    assert_eq!(opened.next().await.unwrap().unwrap().data(), "one");
    assert_eq!(server.requests(), 2);

    let refused = FaultServer::answering(
        "HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 27\r\n\r\n{\"error\": \"too\nmany today\"}",
    );
    let mut closed = source::<A>(&refused.url, config());
    let error = closed.open().await.map(|_| ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "not an event stream: the server answered with status 429, retry after 7 s: {\"error\": \"too many today\"}"
    );
    assert!(closed.open().await.is_err() && closed.next().await.is_none());
}

pub async fn an_event_can_be_a_failure<A: Adapter>() {
    let server = FaultServer::new(|number, socket| {
        let error = if number == 0 { "overloaded" } else { "unknown model" };
        send(socket, &format!("{EVENT_STREAM}data: one\n\nevent: error\ndata: {error}\n\ndata: two\n\n"));
    });
    let mut config = config();
    config.set_check_event(|event| match (event.name(), event.data()) {
        ("error", "overloaded") => Verdict::Retry,
        ("error", _) => Verdict::Fail,
        _ => Verdict::Deliver,
    });
    let failure = "the server reported a failure by an event \"error\"";
    check(
        &mut source::<A>(&server.url, config),
        [
            "open 200",
            "one",
            &*format!("failure 1: {failure}: overloaded"),
            "open 200",
            "one",
            &*format!("closed: {failure}: unknown model"),
        ],
    )
    .await;
}
