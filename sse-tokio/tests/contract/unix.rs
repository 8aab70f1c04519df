//! Unix sockets, as a stream that is served and read.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use sse_tokio::{BoxError, EventReader, Incoming, Request, Response, Server};
use tokio::net::{UnixListener, UnixStream};

const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

async fn greet(incoming: Incoming) -> Result<(), BoxError> {
    let events = incoming.open(Response::new(200));
    events.send("hello").await?;
    events.closed().await;
    Ok(())
}

#[tokio::test]
async fn a_unix_socket_is_served_and_read() {
    let path = std::env::temp_dir().join(format!("sse-tokio-{}", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let server = Server::new(greet);
    let client = async {
        let io = UnixStream::connect(&path).await.unwrap();
        let request = Request::get("http://localhost/").unwrap();
        let mut events = EventReader::open(io, &request).await.unwrap();
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
    std::fs::remove_file(path).unwrap();
}
