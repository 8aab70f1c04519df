//! Requests and responses, redirects among them.

use std::time::Duration;

use sse_proto::Event;
use sse_proto::http::Request;
use sse_proto::source::{
    CloseReason, RedirectError, Refusal, Signal, SourceError, check_response, is_transient,
};

use super::{config, events, get, respond, serve, source};
use crate::adapter::{CloseHandle, HttpClient, Source};

pub async fn it_connects_again_with_the_last_event_id<C: HttpClient>() {
    let (url, requests) = serve([
        events("id: é1\ndata: one\n\ndata: lo"),
        respond("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\n\r\n"),
        events("data: two\n\nevent: bye\ndata\n\ndata: beyond\n\n"),
    ]);
    let request = get(&url).with_header("X-Mine", "1").unwrap();
    let mut config = config();
    config.set_retry_status(is_transient);
    let mut source = C::source(request).with_config(config);
    assert_eq!(source.next().await.unwrap().unwrap(), Event::new("one").with_id("é1").unwrap());
    assert_eq!(source.machine().response().unwrap().status(), 200);
    assert!(source.machine().is_open());
    assert_eq!(source.next_ref().await.unwrap().unwrap().data(), "two");
    assert_eq!(source.next().await.unwrap().unwrap().name(), "bye");
    assert!(source.next().await.is_none());
    assert!(source.next().await.is_none(), "the end stays the end");
    assert_eq!(source.last_event_id(), "é1");
    assert!(source.close_handle().is_closed());
    let first = requests.recv().unwrap();
    let lines = ["get /sse http/1.1", "accept: text/event-stream", "cache-control: no-cache", "x-mine: 1"];
    for line in lines.into_iter().chain(["host: 127.0.0.1:"]) {
        assert!(first.contains(line), "{line} in {first}");
    }
    assert!(!first.contains("last-event-id"), "{first}");
    for request in requests {
        assert!(request.contains("last-event-id: é1\r\n"), "{request}");
    }
}

pub async fn a_retry_after_date_is_compared_with_the_clock_of_the_system<C: HttpClient>() {
    let (url, _) = serve([respond("HTTP/1.1 429 x\r\nRetry-After: Mon Nov  6 08:49:37 2400\r\n\r\n")]);
    let mut config = config();
    config.set_retry_status(is_transient);
    config.backoff.retry_max = Duration::from_secs(1234);
    config.backoff.jitter_percent = 0;
    let signal = source::<C>(&url, config).next_signal().await;
    assert!(
        matches!(signal, Some(Signal::Reconnecting { delay, .. }) if delay.as_secs() == 1234),
        "{signal:?}"
    );
}

pub async fn it_follows_redirects_without_what_is_not_meant_for_others<C: HttpClient>() {
    let (there, elsewhere) = serve([events("event: bye\ndata: here\n\n")]);
    let (url, requests) = serve([
        respond("HTTP/1.1 307 Go\r\nLocation: /next\r\nContent-Length: 4\r\n\r\ngone"),
        respond(format!("HTTP/1.1 302 Go\r\nLocation: {there}#top\r\nContent-Length: 0\r\n\r\n")),
    ]);
    let request = Request::new("POST", &url).unwrap().with_body("question");
    let source = C::source(request).with_config(config());
    let mut source = source.with_prepare(|mut request| {
        request.set_header("Authorization", "Bearer fresh")?;
        Ok(request)
    });
    assert_eq!(source.next().await.unwrap().unwrap().data(), "here");
    for path in ["/sse", "/next"] {
        let request = requests.recv().unwrap();
        assert!(request.starts_with(&format!("post {path} ")), "{request}");
        assert!(
            request.contains("authorization: bearer fresh") && request.ends_with("question"),
            "{request}"
        );
    }
    let request = elsewhere.recv().unwrap();
    assert!(request.starts_with("get /sse ") && !request.contains("fresh"), "{request}");
}

pub async fn a_body_goes_along_with_a_redirect_unless_it_is_vetoed<C: HttpClient>() {
    for is_vetoed in [false, true] {
        let (there, elsewhere) = serve([events("event: bye\ndata: here\n\n")]);
        let redirect = format!("HTTP/1.1 307 Go\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n");
        let (url, _requests) = serve([respond(redirect)]);
        let mut config = config();
        let allowed = get(&there).url().port();
        config.set_check_redirect(move |_, to| match to.port() {
            port if port == allowed && !is_vetoed => Ok(()),
            port => Err(format!("not to port {port}").into()),
        });
        let request = Request::new("POST", &url).unwrap().with_body("question");
        let mut source = C::source(request).with_config(config);
        match source.next().await {
            Some(Ok(event)) if !is_vetoed => assert_eq!(event.data(), "here"),
            Some(Err(SourceError::Closed(CloseReason::Refused(refused)))) => {
                let reason = format!("not to port {allowed}").into();
                assert_eq!(refused.refusal, Refusal::Redirect(RedirectError::Vetoed(reason)));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(elsewhere.try_recv().is_ok_and(|request| request.ends_with("question")), !is_vetoed);
    }
}

pub async fn a_refused_response_says_why<C: HttpClient>() {
    let response = "HTTP/1.1 401 No\r\nContent-Length: 11\r\nX-Why: a\r\n\r\nbad api key";
    let mut source = source::<C>(&serve([respond(response)]).0, config());
    match source.next().await {
        Some(Err(SourceError::Closed(CloseReason::Refused(refused)))) => {
            assert_eq!(refused.status(), Some(401))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(source.machine().refused_body(), b"bad api key");
    assert_eq!(source.machine().response().unwrap().header("x-why"), Some(&b"a"[..]));
    assert!(source.next().await.is_none());
}

pub async fn a_response_without_a_media_type_is_read_on_request<C: HttpClient>() {
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\nevent: bye\ndata: here\n\n\n";
    let mut refused = source::<C>(&serve([respond(response)]).0, config());
    match refused.next().await {
        Some(Err(SourceError::Closed(CloseReason::Refused(refused)))) => {
            assert_eq!(refused.refusal, Refusal::MediaType(String::new()));
        }
        other => panic!("{other:?}"),
    }
    let (mut config, forgiven) = (config(), String::new());
    config.set_check(move |head| match check_response(head) {
        Err(Refusal::MediaType(found)) if found == forgiven => Ok(()),
        verdict => verdict,
    });
    let mut accepted = source::<C>(&serve([respond(response)]).0, config);
    assert_eq!(accepted.next().await.unwrap().unwrap().data(), "here");
    assert!(accepted.next().await.is_none());
}

pub async fn status_204_stops_it<C: HttpClient>() {
    let mut source = source::<C>(&serve([respond("HTTP/1.1 204 Enough\r\n\r\n")]).0, config());
    assert!(matches!(source.next_signal().await, Some(Signal::Closed(CloseReason::Stopped))));
    assert!(source.next_signal().await.is_none());
}
