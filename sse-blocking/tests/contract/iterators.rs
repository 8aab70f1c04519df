//! What only sources on threads have: they are iterators.

use sse_blocking::proto::source::Reconnect;
use sse_blocking::{Event, EventSource, SourceConfig};
use sse_contract::faults::FaultServer;
use sse_contract::suites::source::{config, tell};

#[test]
fn a_source_and_its_signals_are_iterators() {
    let server = FaultServer::answering(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\ndata: b\n\n",
    );
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

fn source(url: &str, config: SourceConfig) -> EventSource {
    EventSource::get(url).unwrap().with_config(config)
}
