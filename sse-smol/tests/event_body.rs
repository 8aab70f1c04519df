//! An event stream as the body of a response of hyper's, on smol.

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use smol_hyper::rt::FuturesIo;
use sse_smol::{EventBody, EventSource, Hub, HubConfig, Signal, Subscription};

#[test]
fn hyper_serves_a_hub() {
    smol::block_on(async {
        let hub = Hub::new(HubConfig::default());
        let listener = smol::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sse", listener.local_addr().unwrap());
        let subscribed = hub.clone();
        let serving = smol::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let service = service_fn(async |_| {
                let subscriber = subscribed.subscribe(&Subscription::to(["prices"]));
                Ok::<_, std::convert::Infallible>(EventBody::from_hub(subscriber).response())
            });
            http1::Builder::new().serve_connection(FuturesIo::new(socket), service).await
        });

        let mut source = EventSource::get(&url).unwrap();
        while !matches!(source.next_signal().await, Some(Signal::Opened(_))) {}
        for price in ["1", "2"] {
            hub.publish("prices", price).unwrap();
            assert_eq!(source.next().await.unwrap().unwrap().data(), price);
        }
        hub.close();
        assert!(matches!(source.next_signal().await, Some(Signal::Reconnecting { .. })));
        drop(source);
        serving.await.unwrap();
        assert_eq!(hub.subscribers("prices"), 0);
    });
}

#[test]
fn a_body_keeps_the_connection_open_by_the_timer_of_smol() {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::time::Duration;

    use http_body::Body;
    use sse_smol::StreamConfig;

    smol::block_on(async {
        let mut config = StreamConfig::default();
        config.keep_alive = Some(Duration::from_millis(20));
        let (_events, body) = EventBody::channel();
        let mut body = body.with_config(config);
        let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), Bytes::from_static(b":\n"));
    });
}
