//! Bodies of events: polled by hand in virtual time, and in a server of axum over real sockets.

use std::future::{pending, poll_fn};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use futures_core::Stream;
use http_body_util::BodyExt;
use sse_tokio::proto::hub::Subscription;
use sse_tokio::proto::sender::StreamConfig;
use sse_tokio::{BoxError, Event, EventBody, EventSender, Hub};
use tokio::sync::watch;
use tokio::time;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let builder = &mut tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap().block_on(future)
}

/// What comes next; `None` after the end.
async fn next(body: &mut EventBody) -> Option<Result<String, String>> {
    let frame = body.frame().await?.map_err(|error| error.to_string());
    Some(frame.map(|frame| String::from_utf8(frame.into_data().unwrap().into()).unwrap()))
}

async fn data(body: &mut EventBody) -> String {
    next(body).await.unwrap().unwrap()
}

/// These, and then nothing more.
struct Items(Vec<Result<Event, BoxError>>);

impl Stream for Items {
    type Item = Result<Event, BoxError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(if self.0.is_empty() { None } else { Some(self.0.remove(0)) })
    }
}

/// The same without results.
struct Plain(Items);

impl Stream for Plain {
    type Item = Event;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx).map(|item| item.map(Result::unwrap))
    }
}

#[test]
fn a_stream_ends_or_fails_as_its_body_does() {
    block_on(async {
        let items = Items(vec![Ok(Event::new("a")), Ok(Event::new("b").with_name("n").unwrap())]);
        let body = EventBody::from_stream(items).collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], b"data: a\n\nevent: n\ndata: b\n\n");

        let plain = Items(vec![Ok(Event::new("a"))]);
        let body = EventBody::from_events(Plain(plain)).collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], b"data: a\n\n");

        let mut body = EventBody::from_stream(Items(vec![Err("out of events".into())]));
        assert_eq!(next(&mut body).await, Some(Err("out of events".into())));
        assert_eq!(next(&mut body).await, None);
    });
}

#[test]
fn a_channel_is_bounded_and_ends_with_its_senders() {
    block_on(async {
        let (events, body) = EventBody::channel();
        let mut config = StreamConfig::default();
        config.high_water = 100;
        let mut body = body.with_config(config);
        let mut sent = 0;
        while events.try_send("ten bytes.").unwrap() {
            sent += 1;
        }
        assert!((5..10).contains(&sent), "{sent}");
        let other = events.clone();
        let waiting = tokio::spawn(async move { other.send("waits").await });
        time::sleep(Duration::from_secs(1)).await;
        assert!(!waiting.is_finished());
        assert_eq!(data(&mut body).await, "data: ten bytes.\n\n".repeat(sent));
        waiting.await.unwrap().unwrap();
        events.comment("last").await.unwrap();
        drop(events);
        assert_eq!(data(&mut body).await, "data: waits\n\n:last\n");
        assert_eq!(next(&mut body).await, None);
    });
}

#[test]
fn a_sender_that_panics_or_aborts_cuts_the_body() {
    block_on(async {
        let (events, mut body) = EventBody::channel();
        tokio::spawn(async move {
            let _events = events;
            panic!("as the test wants it");
        });
        assert_eq!(next(&mut body).await, Some(Err("a sender panicked".into())));

        let (events, mut body) = EventBody::channel();
        events.send("dropped").await.unwrap();
        events.abort();
        assert_eq!(next(&mut body).await, Some(Err("closed by the server".into())));
        assert!(events.send("late").await.is_err() && events.is_closed());
    });
}

#[test]
fn a_silent_body_is_kept_open() {
    block_on(async {
        let (events, mut body) = EventBody::channel();
        let start = time::Instant::now();
        for seconds in [15, 30] {
            assert_eq!(data(&mut body).await, ":\n");
            assert_eq!(start.elapsed().as_secs(), seconds);
        }
        time::sleep(Duration::from_secs(5)).await;
        events.send("moves it").await.unwrap();
        assert_eq!(data(&mut body).await, "data: moves it\n\n");
        assert_eq!(data(&mut body).await, ":\n");
        assert_eq!(start.elapsed().as_secs(), 50);
    });
}

#[test]
fn subscribers_of_a_hub_share_the_bytes() {
    block_on(async {
        let hub = Hub::with_generation(35, Default::default());
        let bodies = [0, 1].map(|_| EventBody::from_hub(hub.subscribe(&Subscription::to_all())));
        hub.publish("", "hello").unwrap();
        let mut frames = Vec::new();
        for mut body in bodies {
            frames.push(body.frame().await.unwrap().unwrap().into_data().unwrap());
            hub.publish("", "more").unwrap();
        }
        assert_eq!(&frames[0][..], b"id: z-1\ndata: hello\n\n");
        assert_eq!(frames[0], frames[1].slice(..frames[0].len()));
        assert_eq!(hub.stats().subscribers, 0, "dropped with their bodies");

        let mut body = EventBody::from_hub(hub.resume(&Subscription::to_all(), "z-2").0);
        hub.close();
        assert_eq!(data(&mut body).await, "id: z-3\ndata: more\n\n");
        assert_eq!(next(&mut body).await, None);
    });
}

#[test]
fn a_body_ends_with_the_server_and_tells_its_senders() {
    block_on(async {
        let (events, body) = EventBody::channel();
        let mut config = StreamConfig::default();
        config.final_retry = Some((Duration::from_secs(7), Duration::from_secs(7)));
        let stop = time::sleep(Duration::from_secs(3));
        let mut body = body.with_config(config).until(stop);
        let start = time::Instant::now();
        let (farewell, ()) = tokio::join!(data(&mut body), events.draining());
        assert_eq!(farewell, "retry: 7000\n\n");
        assert!((3..=4).contains(&start.elapsed().as_secs()) && events.is_closed());
        assert_eq!(next(&mut body).await, None);
    });
}

#[test]
fn a_body_that_is_dropped_ends_the_work() {
    block_on(async {
        let held = Arc::new(());
        let (copy, hold) = (Arc::clone(&held), Arc::clone(&held));
        let mut body = EventBody::new(async move |events: EventSender| {
            events.send("a").await?;
            let _copy = copy;
            pending().await
        });
        assert_eq!(data(&mut body).await, "data: a\n\n");
        let pending = poll_fn(|cx| {
            std::task::Poll::Ready(http_body::Body::poll_frame(Pin::new(&mut body), cx).is_pending())
        });
        assert!(pending.await);
        drop(hold);
        assert_eq!(Arc::strong_count(&held), 2);
        drop(body);
        assert_eq!(Arc::strong_count(&held), 1);

        let (events, body) = EventBody::channel();
        let waiting = tokio::spawn(async move { events.closed().await });
        time::sleep(Duration::from_secs(1)).await;
        assert!(!waiting.is_finished());
        drop(body);
        waiting.await.unwrap();
    });
}

/// A client that asks for this, and has read the head of the answer.
fn ask(address: std::net::SocketAddr, path: &str) -> (TcpStream, String) {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket.write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(socket.read(&mut byte).unwrap(), 1);
        head.push(byte[0]);
    }
    (socket, String::from_utf8(head).unwrap())
}

#[test]
fn axum_sends_the_head_early_notices_departures_and_stops() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (gone, left) = std::sync::mpsc::channel();
    let (stop, stopping) = watch::channel(false);
    let mut stopped = stopping.clone();
    let handler = async move || {
        let (events, body) = EventBody::channel();
        let gone = gone.clone();
        tokio::spawn(async move {
            events.closed().await;
            gone.send(()).unwrap();
        });
        let mut stopping = stopping.clone();
        body.until(async move { drop(stopping.wait_for(|stops| *stops).await) }).response()
    };
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().route("/sse", get(handler));
    let serving = runtime.spawn(async move {
        let stopped = async move { drop(stopped.wait_for(|stops| *stops).await) };
        axum::serve(listener, routes).with_graceful_shutdown(stopped).await
    });

    let (socket, head) = ask(address, "/sse");
    for header in ["HTTP/1.1 200 OK", "content-type: text/event-stream", "x-accel-buffering: no"] {
        assert!(head.lines().any(|line| line == header), "{head}");
    }
    let start = Instant::now();
    drop(socket);
    left.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());

    let (mut socket, _) = ask(address, "/sse");
    stop.send_replace(true);
    let mut rest = String::new();
    socket.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "0\r\n\r\n", "a clean end");
    runtime.block_on(serving).unwrap().unwrap();
}

/// A body that fails right behind an event: the framework would drop what it has not sent, the head among it.
#[test]
fn axum_sends_what_stands_before_a_failure() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let failing = async || {
        let work = async |events: EventSender| {
            events.send("one").await?;
            Err("out of events".into())
        };
        EventBody::new(work).response()
    };
    let panicking = async || {
        let work = async |events: EventSender| {
            events.send("one").await?;
            panic!("as the test wants it");
        };
        EventBody::new(work).response()
    };
    let at_once = async || EventBody::new(async |_| Err("out of events".into())).response();
    let routes = Router::new().route("/failing", get(failing)).route("/panicking", get(panicking));
    let routes = routes.route("/at-once", get(at_once));
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, routes).await });
    for (path, expected) in
        [("/failing", "B\r\ndata: one\n\n\r\n"), ("/panicking", "B\r\ndata: one\n\n\r\n"), ("/at-once", "")]
    {
        let (mut socket, head) = ask(address, path);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let mut rest = String::new();
        socket.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, expected, "{path}: the event, and then the cut");
    }
}

#[test]
fn keep_alives_are_encoded_without_a_lock() {
    block_on(async {
        let (events, body) = EventBody::channel();
        let mut config = StreamConfig::default();
        config.set_keep_alive(move |mut encoder| {
            assert!(!events.is_closed());
            encoder.comment("still here");
        });
        let mut body = body.with_config(config);
        assert_eq!(data(&mut body).await, ":still here\n");

        let mut config = StreamConfig::default();
        config.set_keep_alive(|_| panic!("as the test wants it"));
        let (_events, body) = EventBody::channel();
        assert_eq!(next(&mut body.with_config(config)).await, Some(Err("the handler panicked".into())));
    });
}

/// Why a body has ended, when it has.
fn reason_of(body: EventBody) -> (EventBody, std::sync::mpsc::Receiver<String>) {
    let (tell, told) = std::sync::mpsc::channel();
    (body.with_on_closed(move |reason| tell.send(reason.to_string()).unwrap()), told)
}

#[test]
fn a_body_says_why_it_ended() {
    fn is_sync<T: Send + Sync>(value: T) -> T {
        value
    }
    block_on(async {
        let mut config = sse_tokio::HubConfig::default();
        config.events = 1;
        let hub = Hub::new(config);
        let all = Subscription::to_all();

        let (mut lagged, why) = reason_of(is_sync(EventBody::from(hub.subscribe(&all))));
        for _ in 0..3 {
            hub.publish("", "x").unwrap();
        }
        while next(&mut lagged).await.is_some() {}
        assert_eq!(why.try_recv().unwrap(), "the subscriber fell behind and missed 2 events");

        let (mut revoked, why) = reason_of(hub.subscribe_as("ann", &all, None).unwrap().into());
        assert_eq!(hub.close_client("ann"), 1);
        assert_eq!(next(&mut revoked).await, None);
        assert_eq!(why.try_recv().unwrap(), "the streams of the client were closed");

        let (left, why) = reason_of(EventBody::from(hub.subscribe_from(&all, Some("nonsense"))));
        drop(left);
        assert_eq!(why.try_recv().unwrap(), "the client closed the connection");

        let (mut closed, why) = reason_of(EventBody::from(hub.subscribe(&all)));
        hub.close();
        assert_eq!(next(&mut closed).await, None);
        assert_eq!(why.try_recv().unwrap(), "the hub was closed");

        let (mut failed, why) = reason_of(EventBody::new(async |_| Err("out of events".into())));
        assert!(next(&mut failed).await.unwrap().is_err());
        assert_eq!(why.try_recv().unwrap(), "out of events");

        let (mut old, why) = reason_of(EventBody::channel().1.configure(|config| {
            (config.age, config.age_jitter_percent) = (Some(Duration::from_secs(60)), 0);
        }));
        while next(&mut old).await.is_some() {}
        assert_eq!(why.try_recv().unwrap(), "answered");
    });
}

#[test]
fn a_closed_hub_stops_other_streams() {
    block_on(async {
        let hub = Hub::new(sse_tokio::HubConfig::default());
        let (_events, body) = EventBody::channel();
        let waiting = hub.clone();
        let mut body = body.until(async move { waiting.closed().await });
        let closing = hub.clone();
        tokio::spawn(async move {
            time::sleep(Duration::from_secs(10)).await;
            assert_eq!(closing.stats().subscribers, 0, "it is subscribed to nothing");
            closing.close();
        });
        let start = time::Instant::now();
        assert_eq!(next(&mut body).await, None);
        assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
    });
}

/// A hub in axum: who is it, where was it, and does it get a stream.
#[cfg(feature = "axum")]
#[test]
fn axum_takes_a_body_an_id_and_a_rejection() {
    use axum::extract::Query;
    use sse_tokio::{HubConfig, LastEventId, Rejection};

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut config = HubConfig::default();
    config.streams_per_client = 1;
    let hub = Hub::with_generation(7, config);
    for data in ["1", "2", "3"] {
        hub.publish("", data).unwrap();
    }
    let handler = {
        let hub = hub.clone();
        async move |last: LastEventId, Query(query): Query<std::collections::HashMap<String, String>>| {
            let stream = hub.subscribe_as(&query["user"], &Subscription::to_all(), last.as_deref())?;
            Ok::<EventBody, Rejection>(stream.into())
        }
    };
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, Router::new().route("/", get(handler))).await });

    let (mut ann, head) = ask(address, "/?user=ann&lastEventId=7-2");
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-type: text/event-stream"),
        "{head}"
    );
    let (_, head) = ask(address, "/?user=ann");
    assert!(
        head.starts_with("HTTP/1.1 429 Too Many Requests\r\n") && head.contains("retry-after: 5\r\n"),
        "{head}"
    );
    hub.close();
    let mut rest = vec![0; 28];
    ann.read_exact(&mut rest).unwrap();
    assert_eq!(String::from_utf8(rest).unwrap(), "11\r\nid: 7-3\ndata: 3\n\n\r\n0\r\n\r\n");
}

#[cfg(feature = "gzip")]
#[test]
fn a_compressed_body_is_read_event_by_event() {
    use flate2::{Decompress, FlushDecompress};

    let accepts = |codings: &'static str| {
        http::HeaderMap::from_iter([(http::header::ACCEPT_ENCODING, http::HeaderValue::from_static(codings))])
    };
    block_on(async {
        let (events, body) = EventBody::channel();
        let response = body.with_gzip(&accepts("br, gzip")).response();
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert_eq!(response.headers()["vary"], "accept-encoding");
        let mut body = response.into_body();
        let (mut gunzip, mut sent) = (Decompress::new_gzip(15), 0);
        let mut read = |bytes: &[u8]| {
            let mut text = Vec::with_capacity(1 << 20);
            gunzip.decompress_vec(bytes, &mut text, FlushDecompress::Sync).unwrap();
            String::from_utf8(text).unwrap()
        };
        for number in 0..50 {
            let data = format!("{{\"number\": {number}, \"text\": \"{}\"}}", "tick ".repeat(number));
            events.send(&data).await.unwrap();
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            sent += piece.len();
            assert_eq!(read(&piece), format!("data: {data}\n\n"), "nothing is held back");
        }
        assert!(sent < 50 * 130 / 3, "{sent} bytes for 50 events");
        // Bytes without any order are larger than their buffer.
        let noise: String = (0_u32..100_000)
            .map(|at| char::from(b'!' + (at.wrapping_mul(2_654_435_761) >> 26) as u8))
            .collect();
        events.send(&noise).await.unwrap();
        let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(read(&piece), format!("data: {noise}\n\n"));
        drop(events);
        let end = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(read(&end), "");
        assert!(body.frame().await.is_none(), "one end");

        let (_events, body) = EventBody::channel();
        let response = body.with_gzip(&accepts("br, gzip;q=0")).response();
        assert!(!response.headers().contains_key("content-encoding"));
        let mut failed = EventBody::new(async |_| Err("out of events".into())).with_gzip(&accepts("gzip"));
        assert_eq!(next(&mut failed).await, Some(Err("out of events".into())));
        assert_eq!(next(&mut failed).await, None, "a cut has no end");
    });
}
