//! The reader, the source and the server on async-std, whose streams implement the traits of futures-io, too.

use std::sync::Arc;
use std::time::Duration;

use async_std::net::{TcpListener, TcpStream};
use async_std::task;
use sse_smol::{
    BoxError, Event, EventReader, EventSource, Incoming, Request, Response, Server, SourceConfig,
};

#[test]
fn events_travel_over_the_sockets_of_async_std() {
    task::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = task::spawn(serve(listener, 2));

        let request = Request::get(&format!("http://{address}/sse")).unwrap();
        let socket = TcpStream::connect(address).await.unwrap();
        let mut reader = EventReader::open(socket, &request).await.unwrap();
        let mut data = String::new();
        while let Some(event) = reader.next_ref().await {
            data.push_str(event.unwrap().data());
        }
        assert_eq!((data.as_str(), reader.last_event_id()), ("123", "3"));

        let socket = TcpStream::connect(address).await.unwrap();
        let mut reader = EventReader::open(socket, &request).await.unwrap();
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
        let server = task::spawn(serve(listener, 2));
        let mut data = String::new();
        while data.len() < 6 {
            data.push_str(source.next().await.unwrap().unwrap().data());
        }
        assert_eq!(data, "123123");
        server.await;
    });
}

/// Serves this many connections, each in a task of async-std.
async fn serve(listener: TcpListener, connections: usize) {
    let server = Arc::new(Server::new(count));
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (socket, peer) = listener.accept().await.unwrap();
        let server = Arc::clone(&server);
        tasks.push(task::spawn(async move { server.serve_connection(socket, peer).await }));
    }
    for task in tasks {
        task.await;
    }
}

async fn count(incoming: Incoming) -> Result<(), BoxError> {
    let events = incoming.open(Response::new(200));
    for number in 1..=3 {
        events.send(&Event::new(number.to_string()).with_id(number.to_string())?).await?;
    }
    Ok(())
}
