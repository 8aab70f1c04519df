//! Sends each line of standard input to all clients, and keep-alives while there is no input.
//!
//! ```sh
//! tail -f /var/log/syslog | cargo run -p sse-tokio --example quiet_hub -- 8888 5000   # port, and milliseconds
//! curl -N http://127.0.0.1:8888/
//! ```
//!
//! A reconnecting client receives the lines that it missed. The end of the input ends the streams
//! and the program.

use std::time::Duration;
use std::{io, thread};

use sse_tokio::proto::{EventRef, hub};
use sse_tokio::{BoxError, Hub, Incoming, Response, Server, ServerConfig, Subscription};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().map_or(Ok(8888), |port| port.parse())?;
    let keep_alive = args.next().map_or(Ok(15_000), |interval| interval.parse())?;

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("lines at http://{}/", listener.local_addr()?);
    let mut config = ServerConfig::default();
    // Shorter than the idle timeouts of intermediaries: many proxies drop connections that are idle
    // for 30 to 60 seconds.
    config.stream.keep_alive = Some(Duration::from_millis(keep_alive));
    let hub = Hub::new(hub::HubConfig::default());
    let publisher = hub.clone();
    let server = Server::new(move |incoming| listen(incoming, hub.clone())).with_config(config);
    let handle = server.handle();
    // A thread, because reading blocks. A hub accepts events from any thread.
    thread::spawn(move || {
        if let Err(error) = publish(&publisher) {
            eprintln!("cannot go on: {error}");
        }
        publisher.close();
        handle.shutdown();
    });
    server.serve(listener).await;
    Ok(())
}

async fn listen(incoming: Incoming, hub: Hub) -> Result<(), BoxError> {
    let client = incoming.peer_addr();
    // `forward` subscribes at once; the stream is sent while its future is awaited.
    let stream = incoming.forward(&hub, &Subscription::to_all(), Response::new(200));
    println!("{client} listens");
    Ok(stream.await?)
}

fn publish(hub: &Hub) -> Result<(), BoxError> {
    for line in io::stdin().lines() {
        hub.publish("lines", EventRef::new(&line?))?;
    }
    Ok(())
}
