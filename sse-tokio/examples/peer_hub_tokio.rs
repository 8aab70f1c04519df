//! The server that third-party clients read in `sse-proto/contract/peers`.
//!
//! Each line of standard input is an event in JSON, `{"event":…,"data":…,"retry":…}`, for all
//! clients. The end of the input ends the streams, and reconnecting clients receive status 204.
//! Pages of every origin may read the streams.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use sse_tokio::{BoxError, Event, Hub, HubConfig, Incoming, Response, Server, ServerConfig, Subscription};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let keep_alive = std::env::args().nth(1).map_or(Ok(15_000), |interval| interval.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let mut config = ServerConfig::default();
    config.stream.keep_alive = Some(Duration::from_millis(keep_alive));
    let (hub, is_over) = (Hub::new(HubConfig::default()), Arc::new(AtomicBool::new(false)));
    let (publisher, over) = (hub.clone(), Arc::clone(&is_over));
    // A thread, because reading blocks. A hub accepts events from any thread.
    thread::spawn(move || {
        if let Err(error) = publish(&publisher) {
            eprintln!("cannot go on: {error}");
        }
        over.store(true, Ordering::Relaxed);
        publisher.close();
    });
    let handler = move |incoming| listen(incoming, hub.clone(), is_over.load(Ordering::Relaxed));
    Server::new(handler).with_config(config).serve(listener).await;
    Ok(())
}

async fn listen(incoming: Incoming, hub: Hub, is_over: bool) -> Result<(), BoxError> {
    let response = |status| Response::new(status).with_header("Access-Control-Allow-Origin", "*");
    if is_over {
        // A client of the standard does not reconnect after this status.
        incoming.respond(&response(204)?, "");
        return Ok(());
    }
    let stream = incoming.forward(&hub, &Subscription::to_all(), response(200)?);
    println!("listens");
    Ok(stream.await?)
}

fn publish(hub: &Hub) -> Result<(), BoxError> {
    for line in io::stdin().lines() {
        let fields: Value = serde_json::from_str(&line?)?;
        let mut event = Event::new(fields["data"].as_str().unwrap_or_default());
        if let Some(name) = fields["event"].as_str() {
            event = event.with_name(name)?;
        }
        if let Some(millis) = fields["retry"].as_u64() {
            event = event.with_retry(Duration::from_millis(millis));
        }
        hub.publish("", &event)?;
    }
    Ok(())
}
