//! What is logged by `tracing`, and in which span.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sse_tokio::{EventBody, EventSource, HubConfig, Reconnect, Server, Subscription};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps the records of the target `sse`, each with its spans.
#[derive(Clone, Default)]
struct Log(Arc<State>);

#[derive(Default)]
struct State {
    records: Mutex<Vec<String>>,
    /// All spans, by number; those that are entered now.
    spans: Mutex<Vec<&'static Metadata<'static>>>,
    entered: Mutex<Vec<Id>>,
}

impl Log {
    fn metadata(&self, span: &Id) -> &'static Metadata<'static> {
        self.0.spans.lock().unwrap()[span.into_u64() as usize - 1]
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => write!(self.0, " {value:?}").unwrap(),
            "delay" | "peer" => {}
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sse" || metadata.target() == "user"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut spans = self.0.spans.lock().unwrap();
        spans.push(span.metadata());
        Id::from_u64(spans.len() as u64)
    }

    fn current_span(&self) -> tracing_core::span::Current {
        match self.0.entered.lock().unwrap().last() {
            Some(id) => tracing_core::span::Current::new(id.clone(), self.metadata(id)),
            None => tracing_core::span::Current::none(),
        }
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let spans: Vec<_> =
            self.0.entered.lock().unwrap().iter().map(|id| self.metadata(id).name()).collect();
        let mut text = Text(spans.join("/"));
        event.record(&mut text);
        self.0.records.lock().unwrap().push(format!("{} {}", event.metadata().level(), text.0.trim()));
    }

    fn enter(&self, span: &Id) {
        self.0.entered.lock().unwrap().push(span.clone());
    }

    fn exit(&self, _: &Id) {
        self.0.entered.lock().unwrap().pop();
    }
}

#[test]
fn sources_connections_and_bodies_log_where_they_belong() {
    let log = Log::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(log.clone(), || {
        runtime.block_on(async {
            let hub = sse_tokio::Hub::new(HubConfig::default());
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/sse", listener.local_addr().unwrap());
            let server = Server::new({
                let hub = hub.clone();
                move |incoming| {
                    let stream =
                        incoming.forward(&hub, &Subscription::to_all(), sse_tokio::Response::new(200));
                    async move { Ok(stream.await?) }
                }
            });
            let handle = server.handle();
            let serving = tokio::spawn(server.serve(listener));
            let mut source =
                EventSource::get(&url).unwrap().configure(|config| config.reconnect = Reconnect::Never);
            assert_eq!(source.open().await.unwrap().status(), 200);
            hub.close();
            assert!(source.next().await.is_none());
            handle.shutdown();
            serving.await.unwrap();

            let mut nowhere = EventSource::get("http://127.0.0.1:1/").unwrap().configure(|config| {
                config.max_attempts = Some(2);
                config.backoff.base = Duration::from_millis(10);
            });
            assert!(nowhere.next().await.unwrap().is_err());

            let body = tracing::info_span!(target: "user", "page")
                .in_scope(|| EventBody::from_hub(hub.subscribe(&Subscription::to_all())));
            drop(body);
        });
    });
    let records = log.0.records.lock().unwrap();
    let expected = [
        "DEBUG stream opened status=200",
        "DEBUG request connection closed: the hub was closed reason=\"hub_closed\"",
        "DEBUG source closed reason=the stream ended",
        "WARN reconnecting cause=Connection refused (os error 111) attempt=1",
        "WARN source closed reason=Connection refused (os error 111) (after 2 attempts)",
        "DEBUG page connection closed: the client closed the connection reason=\"left\"",
    ];
    let mut sorted: Vec<_> = records.iter().map(String::as_str).collect();
    // Client and server are two tasks.
    sorted.sort_unstable();
    let mut wanted = expected;
    wanted.sort_unstable();
    assert_eq!(sorted, wanted);
}
