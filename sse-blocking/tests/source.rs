//! The contract of event sources, on threads.

use sse_blocking::EventSource;

macro_rules! contract {
    ($most:expr; $(fn $name:ident() $body:block)*) => { $(#[test] fn $name() { bounded($most, || $body) })* };
}

macro_rules! wait {
    ($result:expr) => {
        $result
    };
}

fn with_prepare(
    source: EventSource,
    prepare: impl FnMut(Request) -> Result<Request, BoxError> + Send + 'static,
) -> EventSource {
    source.with_prepare(prepare)
}

include!("../../sse-proto/tests/adapters/faults.rs");
include!("../../sse-proto/tests/adapters/source.rs");

#[test]
fn a_source_and_its_signals_are_iterators() {
    let server =
        Server::answering("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\ndata: b\n\n");
    let mut config = config();
    config.reconnect = Reconnect::Never;
    let events: Result<Vec<_>, _> = source(&server.url, config.clone()).collect();
    assert_eq!(events.unwrap(), [Event::new("a"), Event::new("b")]);
    let told: Vec<_> = source(&server.url, config).signals().map(tell).collect();
    assert_eq!(told, ["open 200", "a", "b", "closed: the stream ended"]);
}

#[test]
fn sources_can_be_sent_between_threads() {
    fn sendable<T: Send>(_: &T) {}
    let mut source = source("http://127.0.0.1/", config());
    sendable(&source.close_handle());
    sendable(&source.signals());
    sendable(&source);
}
