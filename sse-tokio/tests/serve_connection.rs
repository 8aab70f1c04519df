//! Connections that the program has accepted itself.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sse_tokio::{BoxError, Incoming, Request, Response, Server, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream, duplex};
use tokio::net::UnixListener;

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

async fn greet(incoming: Incoming) -> Result<(), BoxError> {
    let events = incoming.open(Response::new(200));
    events.send("hello").await?;
    events.closed().await;
    Ok(())
}

/// Reads until the text has come.
async fn read_until(io: &mut (impl AsyncReadExt + Unpin), text: &str) -> String {
    let mut read = Vec::new();
    while !read.windows(text.len()).any(|window| window == text.as_bytes()) {
        assert_ne!(io.read_buf(&mut read).await.unwrap(), 0, "{}", read.escape_ascii());
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_buffers_is_flushed() {
    let (mut client, io) = duplex(4096);
    let server = Arc::new(Server::new(greet));
    let handle = server.handle();
    let served = tokio::spawn(async move { server.serve_connection(BufStream::new(io), PEER).await });
    client.write_all(REQUEST).await.unwrap();
    let read = read_until(&mut client, "data: hello\n\n").await;
    assert!(read.starts_with("HTTP/1.1 200 OK\r\n"), "{read}");
    // The keep-alive too.
    read_until(&mut client, ":\n").await;
    assert_eq!(handle.connections(), 1);
    handle.shutdown();
    assert_eq!(read_until(&mut client, "0\r\n\r\n").await.matches("data").count(), 0);
    drop(client);
    served.await.unwrap();
    assert_eq!(handle.connections(), 0);
}

#[tokio::test]
async fn a_unix_socket_is_served_and_read() {
    let directory = tempdir();
    let path = directory.join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let server = Server::new(greet);
    let client = async {
        let io = tokio::net::UnixStream::connect(&path).await.unwrap();
        let request = Request::get("http://localhost/").unwrap();
        let mut events = sse_tokio::EventReader::open(io, &request).await.unwrap();
        assert_eq!(events.next().await.unwrap().unwrap().data(), "hello");
    };
    let accept = async {
        let (io, _) = listener.accept().await.unwrap();
        server.serve_connection(io, PEER).await;
    };
    let both = async { tokio::join!(client, accept) };
    tokio::time::timeout(Duration::from_secs(10), both)
        .await
        .expect("the server notices that the client left");
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test(start_paused = true)]
async fn limits_hold_and_dropping_closes() {
    let mut config = ServerConfig::default();
    config.connections = 1;
    let server = Server::new(greet).with_config(config);
    let (mut first, io) = duplex(4096);
    let mut serving = Box::pin(server.serve_connection(io, PEER));
    first.write_all(REQUEST).await.unwrap();
    tokio::select! {
        () = &mut serving => panic!("the stream is open"),
        _ = read_until(&mut first, "hello") => {}
    }
    let (mut second, io) = duplex(4096);
    let (answer, ()) = tokio::join!(read_until(&mut second, "\r\n\r\n"), async {
        let _ = tokio::time::timeout(Duration::from_millis(100), server.serve_connection(io, PEER)).await;
    });
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    drop(serving);
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).await.unwrap();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "it was cut");
    assert_eq!(server.handle().connections(), 0);
}

fn tempdir() -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("sse-tokio-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}
