//! Streams: how they are lost and closed, and what is done before each.

use std::io::Write;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sse_proto::http::{Request, Url};
use sse_proto::source::{Cause, CloseReason, Signal, SourceError, Timeout};

use super::{Script, config, events, respond, serve, source, until_close};
use crate::adapter::{BoxError, CloseHandle, HttpClient, Source};
use crate::faults::{EVENT_STREAM, sees_close};

pub async fn failures_of_the_client_are_transient<C: HttpClient>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let mut config = config();
    config.max_attempts = Some(3);
    let mut source = source::<C>(&url, config);
    for expected in 1..=2 {
        match source.next_signal().await {
            Some(Signal::Reconnecting { cause: Cause::Transport(_), attempt, .. }) => {
                assert_eq!(attempt, expected);
            }
            other => panic!("{other:?}"),
        }
    }
    match source.next_signal().await {
        Some(Signal::Closed(CloseReason::Lost { cause: Cause::Transport(_), attempts: 3 })) => {}
        other => panic!("{other:?}"),
    }
}

pub async fn a_body_that_is_cut_gives_its_events_first<C: HttpClient>() {
    let chunk = "data: whole\n\ndata: half";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let response = respond(format!("{head}{:x}\r\n{chunk}\r\n5\r\nda", chunk.len()));
    let mut config = config();
    config.max_attempts = Some(1);
    let mut source = source::<C>(&serve([response]).0, config);
    match source.next_signal().await {
        Some(Signal::Opened(head)) => {
            assert_eq!(head.header("content-type"), Some(&b"text/event-stream"[..]));
        }
        other => panic!("{other:?}"),
    }
    match source.next_signal().await {
        Some(Signal::Event(event)) => assert_eq!(event.data(), "whole"),
        other => panic!("{other:?}"),
    }
    match source.next_signal().await {
        Some(Signal::Closed(CloseReason::Lost { cause: Cause::Transport(_), .. })) => {}
        other => panic!("{other:?}"),
    }
    assert!(source.next_signal().await.is_none());
}

pub async fn a_last_event_without_its_blank_line_counts_at_a_clean_end_only<C: HttpClient>() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: ";
    for (length, deliver, is_finished) in [(22, false, true), (22, true, true), (23, true, false)] {
        let mut config = config();
        config.max_attempts = Some(1);
        config.deliver_incomplete = deliver;
        let response = format!("{head}{length}\r\n\r\nevent: bye\ndata: here\n");
        let mut source = source::<C>(&serve([respond(response)]).0, config);
        assert!(matches!(source.next_signal().await, Some(Signal::Opened(_))));
        if deliver && is_finished {
            assert!(
                matches!(source.next_signal().await, Some(Signal::Event(event)) if event.data() == "here")
            );
        }
        match source.next_signal().await {
            Some(Signal::Closed(CloseReason::Finished)) if is_finished => {}
            Some(Signal::Closed(CloseReason::Lost { cause: Cause::Transport(_), .. })) if !is_finished => {}
            other => panic!("{length}, {deliver}: {other:?}"),
        }
    }
}

pub async fn a_body_in_which_nothing_is_recognised_shows_it<C: HttpClient>() {
    let mut config = config();
    config.max_attempts = Some(1);
    let mut source = source::<C>(&serve([events("{\"error\":1}")]).0, config);
    match source.next().await {
        Some(Err(SourceError::Closed(CloseReason::Lost { cause: Cause::Unrecognized, .. }))) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(source.machine().refused_body(), b"{\"error\":1}");
}

pub async fn silence_times_out<C: HttpClient>() {
    for (before, timeout) in [("", Timeout::Response), (EVENT_STREAM, Timeout::Silence)] {
        let (url, _requests) = serve([until_close(before)]);
        let mut config = config();
        config.timeouts.response = Some(Duration::from_millis(if before.is_empty() { 50 } else { 60_000 }));
        config.timeouts.silence = Some(Duration::from_millis(50));
        config.max_attempts = Some(1);
        match source::<C>(&url, config).next().await {
            Some(Err(SourceError::Closed(CloseReason::Lost { cause: Cause::Timeout(found), .. }))) => {
                assert_eq!(found, timeout);
            }
            other => panic!("{other:?}"),
        }
    }
}

pub async fn a_limit_does_not_end_it<C: HttpClient>() {
    let mut config = config();
    config.limits.event_bytes = 8;
    let mut source = source::<C>(&serve([events("data: far too long\n\nevent: bye\ndata: x\n\n")]).0, config);
    assert!(source.next().await.unwrap().unwrap_err().is_recoverable());
    assert_eq!(source.next().await.unwrap().unwrap().data(), "x");
}

pub async fn closing_from_elsewhere_ends_what_waits<C: HttpClient>() {
    for before in ["", EVENT_STREAM] {
        let mut source = source::<C>(&serve([until_close(before)]).0, config());
        let handle = source.close_handle();
        let closer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            handle.close();
            Instant::now()
        });
        assert!(source.next().await.is_none());
        let took = closer.join().unwrap().elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

pub async fn closing_ends_the_wait_for_the_next_attempt<C: HttpClient>() {
    let mut config = config();
    config.backoff.base = Duration::from_secs(3600);
    let mut source = source::<C>(&serve([events("data: one\n\n")]).0, config);
    assert!(source.next().await.is_some());
    let handle = source.close_handle();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        handle.close();
    });
    assert!(source.next().await.is_none());
}

pub async fn a_restart_asks_again_at_once<C: HttpClient>() {
    let one: Script = Box::new(|socket| {
        socket.write_all(format!("{EVENT_STREAM}id: 1\ndata: one\n\n").as_bytes()).unwrap();
        sees_close(socket);
    });
    let (url, requests) = serve([one, events("event: bye\ndata: two\n\n")]);
    let mut source = source::<C>(&url, config());
    assert_eq!(source.next().await.unwrap().unwrap().data(), "one");
    source.restart();
    assert_eq!(source.next().await.unwrap().unwrap().data(), "two");
    assert!(requests.iter().nth(1).unwrap().contains("last-event-id: 1"));
}

pub async fn every_attempt_is_prepared<C: HttpClient>() {
    let (url, requests) = serve([events("data: a\n\n"), events("data: b\n\n")]);
    let tokens = AtomicU32::new(0);
    let mut source = source::<C>(&url, config()).with_prepare(move |request| {
        let token = tokens.fetch_add(1, Ordering::Relaxed);

        with_token(request, token)
    });
    let mut seen = String::new();
    let handle = source.close_handle();
    source
        .listen(|event| {
            seen += event.data();
            if seen == "ab" {
                handle.close();
            }
        })
        .await
        .unwrap();
    assert_eq!(seen, "ab");
    assert!(requests.recv().unwrap().starts_with("get /sse?token=0 "));
    assert!(requests.recv().unwrap().starts_with("get /sse?token=2 "));
}

/// There is none for the second attempt.
fn with_token(mut request: Request, token: u32) -> Result<Request, BoxError> {
    if token == 1 {
        return Err("no token today".into());
    }
    let url = format!("{}?token={token}", request.url());
    request.set_url(Url::parse(&url)?);
    Ok(request)
}
