//! The same reader and writer on async-std: its streams speak futures-io too.

use std::time::Duration;

use async_std::net::{TcpListener, TcpStream};
use async_std::task;
use sse_smol::proto::http1::{Request, Response};
use sse_smol::proto::source::SourceConfig;
use sse_smol::{Event, EventReader, EventSource, accept, connect};

#[test]
fn events_travel_over_the_sockets_of_async_std() {
    task::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = task::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            serve(socket).await.unwrap();
            // The second client leaves early: how far this one gets is a matter of time.
            let (socket, _) = listener.accept().await.unwrap();
            let _ = serve(socket).await;
        });

        let request = Request::get(&format!("http://{address}/sse")).unwrap();
        let socket = TcpStream::connect(address).await.unwrap();
        let mut reader = EventReader::open(socket, &request).await.unwrap();
        let mut data = String::new();
        while let Some(event) = reader.next_ref().await {
            data.push_str(event.unwrap().data());
        }
        assert_eq!((data.as_str(), reader.last_event_id()), ("123", "3"));

        let mut reader = connect(&request).await.unwrap();
        assert_eq!(reader.next().await.unwrap().unwrap().data(), "1");
        reader.close();
        assert!(reader.next().await.is_none());
        server.await;
    });
}

#[test]
fn a_source_reconnects_on_the_executor_of_async_std() {
    task::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut source = EventSource::get(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let mut config = SourceConfig::default();
        config.backoff.base = Duration::from_millis(10);
        source = source.with_config(config);
        let server = task::spawn(async move {
            for _ in 0..2 {
                serve(listener.accept().await.unwrap().0).await.unwrap();
            }
        });
        let mut data = String::new();
        while data.len() < 6 {
            data.push_str(source.next().await.unwrap().unwrap().data());
        }
        assert_eq!(data, "123123");
        server.await;
    });
}

async fn serve(socket: TcpStream) -> std::io::Result<()> {
    let exchange = accept(socket).await.map_err(std::io::Error::other)?;
    let mut writer = exchange.open(Response::new(200)).await?;
    for number in 1..=3 {
        writer.send(&Event::new(number.to_string()).with_id(number.to_string()).unwrap()).await?;
    }
    writer.close().await
}
