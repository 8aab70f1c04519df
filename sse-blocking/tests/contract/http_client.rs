//! Event sources over an HTTP client of the user's, on threads: over ureq.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sse_blocking::proto::http::ResponseHead;
use sse_blocking::proto::source::{CloseReason, Signal, SourceError};
use sse_blocking::{HttpSource, Request};
use sse_contract::adapter::{Adapter, Blocking, HttpClient};
use sse_contract::faults::EVENT_STREAM;
use sse_contract::suites::http_source::{Script, config, events, get, serve, source};
use ureq::{Agent, BodyReader};

/// An agent of ureq's for each request.
enum Ureq {}

impl HttpClient for Ureq {
    type Source = HttpSource;

    fn block_on<T>(test: impl Future<Output = T>) -> T {
        <Blocking as Adapter>::block_on(test)
    }

    fn source(request: Request) -> HttpSource {
        HttpSource::new(request, send)
    }
}

fn send(request: &Request) -> Result<(ResponseHead, BodyReader<'static>), ureq::Error> {
    let agent = Agent::from(Agent::config_builder().http_status_as_error(false).max_redirects(0).build());
    let to = ureq::http::Request::builder().method(request.method()).uri(request.url().to_string());
    let to = request.headers_to_send().fold(to, |to, (name, value)| to.header(name, &*value));
    let (head, body) = agent.run(to.body(request.body())?)?.into_parts();
    let response = ResponseHead::new(head.status.as_u16());
    let response = head
        .headers
        .iter()
        .fold(response, |response, (name, value)| response.with_header(name.as_str(), value.as_bytes()));
    Ok((response, body.into_reader()))
}

sse_contract::http_source_suite!(Ureq);

#[test]
fn closing_frees_the_socket_when_the_client_returns() {
    let (freed, is_freed) = mpsc::channel();
    let beating = move |socket: &mut TcpStream| {
        socket.write_all(format!("{EVENT_STREAM}data: one\n\n").as_bytes()).unwrap();
        while socket.write_all(b":\n").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
        freed.send(()).unwrap();
    };
    let (url, _requests) = serve([Box::new(beating) as Script]);
    let mut source = source::<Ureq>(&url, config());
    assert_eq!(source.next().unwrap().unwrap().data(), "one");
    source.close();
    assert!(matches!(source.next_signal(), Some(Signal::Closed(CloseReason::ByCaller))));
    is_freed.recv_timeout(Duration::from_secs(10)).unwrap();
}

#[test]
fn a_client_that_panics_fails_the_attempt() {
    let mut config = config();
    config.max_attempts = Some(1);
    let panics =
        |_: &Request| -> Result<(ResponseHead, std::io::Empty), std::io::Error> { panic!("on purpose") };
    let mut source = HttpSource::new(get("http://127.0.0.1:1/"), panics).with_config(config);
    match source.next() {
        Some(Err(error @ SourceError::Closed(CloseReason::Lost { .. }))) => {
            assert_eq!(error.to_string(), "the http client has panicked");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_and_its_signals_are_iterators_that_can_be_sent_between_threads() {
    fn sendable<T: Send + Iterator>(_: &T) {}
    let (url, _requests) = serve([events("data: one\n\nevent: bye\ndata: two\n\n")]);
    let mut source = source::<Ureq>(&url, config());
    sendable(&source);
    sendable(&source.signals());
    assert_eq!(source.by_ref().map(|event| event.unwrap().into_data()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(source.signals().count(), 0, "the end was taken");
    let debug = format!("{source:?}");
    assert!(debug.contains("HttpSource"), "{debug}");
}
