//! Event sources over reqwest, and events as values.

use std::future::ready;
use std::io::Read;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use sse_contract::faults::{EVENT_STREAM, FaultServer, send};
use sse_tokio::proto::http::{RequestError, UrlError};
use sse_tokio::proto::json::NextError;
use sse_tokio::{CloseReason, EventSource, FromHttpError, HttpSource, Reconnect, ReqwestError, SourceError};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_request_of_reqwest_is_sent_as_it_is_on_each_attempt() {
    let (tell, told) = mpsc::channel();
    let server = FaultServer::new(move |number, socket| {
        let mut body = [0; 8];
        socket.read_exact(&mut body).unwrap();
        tell.send(body).unwrap();
        send(socket, &format!("{EVENT_STREAM}id: {number}\ndata: {number}\n\n"));
    });
    block_on(async {
        let client = reqwest::Client::new();
        let builder = client.post(format!("{}?q=a", server.url)).bearer_auth("secret").body("question");
        let mut source = HttpSource::from_reqwest(builder).unwrap().configure(|config| {
            config.reconnect = Reconnect::Always;
            config.backoff.base = Duration::from_millis(10);
        });
        assert_eq!(source.open().await.unwrap().status(), 200);
        assert_eq!(source.next().await.unwrap().unwrap().data(), "0");
        assert_eq!(source.next().await.unwrap().unwrap().data(), "1");
    });
    for last_event_id in ["", "last-event-id: 0\r\n"] {
        let head = server.heads.recv().unwrap();
        assert!(head.starts_with("POST /?q=a HTTP/1.1\r\n") && head.contains(last_event_id), "{head}");
        assert!(head.contains("authorization: Bearer secret\r\n"), "{head}");
        assert!(head.contains("accept: text/event-stream\r\n"), "{head}");
        assert_eq!(&told.recv().unwrap(), b"question");
    }
}

#[test]
fn a_request_that_cannot_be_sent_again_is_refused() {
    let client = reqwest::Client::new();
    let error = HttpSource::from_reqwest(client.get("no url")).unwrap_err();
    assert!(matches!(error, ReqwestError::Builder(_)), "{error}");
    let error = HttpSource::from_reqwest(client.get("http://a.test/").header("x", "\u{e9}")).unwrap_err();
    assert_eq!(error.to_string(), "the value of the header \"x\" is not visible ASCII");
}

#[test]
fn a_request_of_the_crate_http_is_sent_as_it_is() {
    let request = |uri: &str| {
        let request = http::Request::post(uri).header("Authorization", "Bearer secret");
        request.body("question").unwrap()
    };
    let (told, requests) = mpsc::channel();
    let send = move |request: http::Request<Vec<u8>>| {
        told.send(request).unwrap();
        let body = http_body_util::Full::new(&b"data: answer\n\n"[..]);
        let response = http::Response::builder().header("Content-Type", "text/event-stream").body(body);
        ready(response)
    };
    let error = HttpSource::from_http(request("/relative"), send.clone()).unwrap_err();
    assert_eq!(error, FromHttpError::Request(RequestError::Url(UrlError::Scheme)));
    let mut source = HttpSource::from_http(request("http://a.test/?q=a"), send).unwrap();
    assert_eq!(block_on(source.next()).unwrap().unwrap().data(), "answer");
    let request = requests.recv().unwrap();
    assert_eq!(
        (request.method(), request.uri().to_string()),
        (&http::Method::POST, "http://a.test/?q=a".into())
    );
    assert_eq!(request.headers()["authorization"], "Bearer secret");
    assert_eq!(request.body(), b"question");
}

#[cfg(all(feature = "axum", feature = "gzip"))]
#[test]
fn a_source_reads_a_compressed_body() {
    let handler = async |headers: http::HeaderMap| {
        let body = sse_tokio::EventBody::new(async |events| {
            for number in 0..100 {
                events.send(&format!("event {number}")).await?;
            }
            // Open until the client leaves, so that every event must arrive by itself.
            std::future::pending().await
        });
        body.with_gzip(&headers).response()
    };
    let app = axum::Router::new().route("/", axum::routing::get(handler));
    block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut source = EventSource::get(&url).unwrap().configure(|config| config.accept_gzip = true);
        for number in 0..100 {
            assert_eq!(source.next().await.unwrap().unwrap().data(), format!("event {number}"));
        }
        let sent = source.machine().request().header("accept-encoding");
        assert_eq!(sent, Some(&b"gzip"[..]));
    });
}

#[test]
fn events_are_values_or_errors_between_them() {
    let body = "event: n\ndata: {\"a\": 1}\n\ndata: {\n\ndata: 2\n\n";
    let server = FaultServer::new(move |_, socket| send(socket, &format!("{EVENT_STREAM}{body}")));
    block_on(async {
        let mut source =
            EventSource::get(&server.url).unwrap().configure(|config| config.max_attempts = Some(1));
        assert_eq!(source.next_json::<Value>().await.unwrap().unwrap(), json!({"a": 1}));
        match source.next_json::<Value>().await.unwrap() {
            Err(NextError::Json(error)) => assert_eq!(error.data(), "{"),
            other => panic!("{other:?}"),
        }
        assert_eq!(source.next_json::<u8>().await.unwrap().unwrap(), 2);
        match source.next_json::<Value>().await.unwrap() {
            Err(NextError::Source(SourceError::Closed(CloseReason::Lost { .. }))) => {}
            other => panic!("{other:?}"),
        }
        assert!(source.next_json::<Value>().await.is_none());
    });
}
