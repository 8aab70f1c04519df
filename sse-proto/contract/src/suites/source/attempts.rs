//! Attempts to connect: requests, refusals, timeouts, redirects.

use std::time::Duration;

use sse_proto::http::Request;
use sse_proto::source::{Cause, CloseReason, Refusal, Signal, SourceConfig, check_response};

use super::{SOON, check, config, source, tell};
use crate::adapter::{Adapter, CloseHandle, Source};
use crate::faults::{EVENT_STREAM, FaultServer, Full, drip, nowhere, send, send_endlessly, vanish};

pub async fn nobody_listens<A: Adapter>() {
    let mut source = source::<A>(&nowhere(), config());
    check(
        &mut source,
        ["failure 1: ConnectionRefused", "failure 2: ConnectionRefused", "lost after 3: ConnectionRefused"],
    )
    .await;
    assert!(source.next_signal().await.is_none());
    assert!(source.close_handle().is_closed());
}

pub async fn a_connection_that_is_never_made_is_given_up<A: Adapter>() {
    let full = Full::start();
    let mut config = config();
    config.timeouts.connect = Some(SOON);
    config.max_attempts = Some(2);
    let mut source = source::<A>(&full.url, config);
    check(&mut source, ["failure 1: timed out while connecting", "lost after 2: timed out while connecting"])
        .await;
}

pub async fn a_response_that_never_comes_is_given_up<A: Adapter>() {
    for head in ["", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 103 Early Hints\r\n\r\n"] {
        let server = FaultServer::new(move |_, socket| {
            send(socket, head);
            vanish(socket);
        });
        let mut config = config();
        config.timeouts.response = Some(SOON);
        config.max_attempts = Some(2);
        let mut source = source::<A>(&server.url, config);
        check(
            &mut source,
            [
                "failure 1: timed out waiting for the response",
                "lost after 2: timed out waiting for the response",
            ],
        )
        .await;
        assert_eq!(server.requests(), 2);
    }
}

pub async fn a_head_that_drips_is_too_late<A: Adapter>() {
    let server = FaultServer::new(|_, socket| {
        send(socket, "HTTP/1.1 200 OK\r\nX: ");
        drip(socket, "x");
    });
    let mut config = config();
    config.timeouts.response = Some(SOON);
    config.max_attempts = Some(1);
    check(&mut source::<A>(&server.url, config), ["lost after 1: timed out waiting for the response"]).await;
}

pub async fn framing_that_servers_really_send_is_read<A: Adapter>() {
    for (version, headers) in [
        ("1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        ("1.1", "Content-Length: 1\r\nTransfer-Encoding: identity, chunked"),
        ("1.0", "Transfer-Encoding: chunked"),
    ] {
        let server = FaultServer::new(move |_, socket| {
            send(
                socket,
                &format!(
                    "HTTP/{version} 200 OK\r\nContent-Type: text/event-stream\r\n{headers}\r\n\r\n 9 \r\ndata: x\n\n\r\n0\r\n\r\n"
                ),
            )
        });
        check(&mut source::<A>(&server.url, config()), ["open 200", "x", "failure 1: the stream ended"])
            .await;
    }
}

pub async fn a_retry_after_date_is_compared_with_the_clock_of_the_system<A: Adapter>() {
    let server = FaultServer::answering("HTTP/1.1 429 x\r\nRetry-After: Mon Nov  6 08:49:37 2400\r\n\r\n");
    let mut config = config();
    config.set_retry_status(sse_proto::source::is_transient);
    config.backoff.retry_max = Duration::from_secs(1234);
    let signal = source::<A>(&server.url, config).next_signal().await;
    assert!(
        matches!(signal, Some(Signal::Reconnecting { delay, .. }) if delay.as_secs() == 1234),
        "{signal:?}"
    );
}

pub async fn requests_name_the_library_unless_the_user_names_another<A: Adapter>() {
    let ours = format!("{}/{}", A::PACKAGE, env!("CARGO_PKG_VERSION"));
    for (named, expected) in [(None, &*ours), (Some("ticker/1.0"), "ticker/1.0")] {
        let there = FaultServer::answering(EVENT_STREAM);
        let url = there.url.clone();
        let here = FaultServer::new(move |_, socket| {
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
        let mut source = A::source(request).with_config(config()).with_prepare(prepare);
        check(&mut source, ["open 200"]).await;
        for (server, secrets) in [(here, 1), (there, 0)] {
            let head = server.heads.recv().unwrap();
            assert!(head.contains(&format!("User-Agent: {expected}\r\n")), "{head}");
            assert_eq!(head.matches("User-Agent").count(), 1, "{head}");
            assert_eq!(head.matches("Bearer x").count(), secrets, "{head}");
        }
    }
}

pub async fn an_id_that_is_too_long_for_servers_is_kept_and_not_sent<A: Adapter>() {
    let server = FaultServer::new(|number, socket| match number {
        0 => send(socket, &format!("{EVENT_STREAM}id: {}\ndata: one\n\n", "k".repeat(20_000))),
        _ => send(socket, &format!("{EVENT_STREAM}data: two\n\n")),
    });
    let mut source = source::<A>(&server.url, config());
    check(
        &mut source,
        [
            "open 200",
            "one",
            "failure 1: the stream ended",
            "IdNotSent(TooLong { length: 20000, limit: 4096 })",
            "open 200",
            "two",
        ],
    )
    .await;
    assert_eq!(source.last_event_id().len(), 20_000);
    assert!(server.heads.try_iter().all(|head| !head.to_lowercase().contains("last-event-id")));
}

pub async fn a_head_without_end_is_refused<A: Adapter>() {
    for (head, part) in
        [("HTTP/1.1 200 OK\r\nX: ", "x"), ("HTTP/1.1 200 OK\r\n", "X: y\r\n"), ("", "HTTP/1.1 103 x\r\n\r\n")]
    {
        let server = FaultServer::new(move |_, socket| {
            send(socket, head);
            send_endlessly(socket, part);
        });
        let mut source = source::<A>(&server.url, config());
        for expected in ["failure 1: ", "failure 2: ", "lost after 3: "] {
            let signal = source.next_signal().await.unwrap();
            assert!(
                matches!(
                    &signal,
                    Signal::Reconnecting { cause: Cause::Http(_), .. }
                        | Signal::Closed(CloseReason::Lost { cause: Cause::Http(_), .. })
                ),
                "{signal:?}"
            );
            assert!(tell(signal).starts_with(expected));
        }
        assert_eq!(server.requests(), 3);
    }
}

pub async fn redirects_without_end_are_refused<A: Adapter>() {
    let server = FaultServer::new(|number, socket| {
        send(socket, &format!("HTTP/1.1 302 Found\r\nLocation: /{number}\r\nContent-Length: 0\r\n\r\n"));
    });
    let mut source = source::<A>(&server.url, SourceConfig::default());
    check(&mut source, ["closed: not an event stream: more than 20 redirects"]).await;
    assert_eq!(server.requests(), 21);
}

pub async fn a_refused_response_without_end_is_cut_off<A: Adapter>() {
    let server = FaultServer::new(|_, socket| {
        send(socket, "HTTP/1.1 403 Forbidden\r\n\r\n");
        send_endlessly(socket, "no entry ");
    });
    let mut source = source::<A>(&server.url, SourceConfig::default());
    let beginning = "no entry ".repeat(29);
    let (text, shown) =
        ("closed: not an event stream: the server answered with status 403", &beginning[..256]);
    check(&mut source, [&*format!("{text}: {shown} and 7936 more bytes")]).await;
    assert_eq!(source.machine().refused_body().len(), SourceConfig::default().refusal_bytes);
    assert!(source.machine().refused_body().starts_with(b"no entry no"));
    assert_eq!(server.requests(), 1);
}

pub async fn a_response_without_a_media_type_is_read_on_request<A: Adapter>() {
    let server = FaultServer::answering("HTTP/1.1 200 OK\r\n\r\ndata: x\n\n");
    let mut source_of_default = source::<A>(&server.url, SourceConfig::default());
    check(&mut source_of_default, ["closed: not an event stream: the response has no media type: data: x"])
        .await;
    let (mut config, forgiven) = (config(), String::new());
    config.max_attempts = Some(1);
    config.set_check(move |head| match check_response(head) {
        Err(Refusal::MediaType(found)) if found == forgiven => Ok(()),
        verdict => verdict,
    });
    check(&mut source::<A>(&server.url, config), ["open 200", "x", "lost after 1: the stream ended"]).await;
}
