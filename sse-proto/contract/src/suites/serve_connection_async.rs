//! What the servers of async adapters must do besides with a connection that the program has accepted itself: it is of any type, and the
//! future that serves it can be dropped.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use sse_async::{BoxError, Incoming, Server};
use sse_proto::http1::Response;

use super::serve::{GET, silent, soon};
use crate::adapter::{Buffered, Executor};

/// Makes test functions of the suite.
#[macro_export]
macro_rules! serve_connection_async_suite {
    ($adapter:ty) => {
        $crate::tests! {
            serve_connection_async, $adapter;
            a_transport_that_buffers_is_flushed
            dropping_the_future_closes_the_connection
        }
    };
}

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

async fn greet(incoming: Incoming) -> Result<(), BoxError> {
    let events = incoming.open(Response::new(200));
    events.send("hello").await?;
    events.closed().await;
    Ok(())
}

pub fn a_transport_that_buffers_is_flushed<R: Executor>() {
    let mut config = silent();
    config.stream.keep_alive = Some(Duration::from_millis(20));
    let server = Arc::new(Server::<R>::new(greet).with_config(config));
    let (handle, io) = (server.handle(), Buffered::new(GET));
    let accepted = io.clone();
    let serving = thread::spawn(move || R::block_on(async { server.serve_connection(accepted, PEER).await }));
    soon(|| io.sent().contains("data: hello\n\n"));
    assert!(io.sent().starts_with("HTTP/1.1 200 OK\r\n"), "{}", io.sent());
    // The keep-alive, too.
    soon(|| io.sent().ends_with(":\n\r\n"));
    assert_eq!(handle.connections(), 1);
    handle.shutdown();
    soon(|| io.sent().ends_with("0\r\n\r\n"));
    assert_eq!(io.sent().matches("data").count(), 1);
    io.leave();
    serving.join().unwrap();
    assert_eq!(handle.connections(), 0);
}

pub fn dropping_the_future_closes_the_connection<R: Executor>() {
    let mut config = silent();
    config.connections = 1;
    let server = Server::<R>::new(greet).with_config(config);
    let (first, second) = (Buffered::new(GET), Buffered::new(GET));
    R::block_on(async {
        let mut serving = Box::pin(server.serve_connection(first.clone(), PEER));
        serve_until(serving.as_mut(), || first.sent().contains("hello")).await;
        let rejecting = pin!(server.serve_connection(second.clone(), PEER));
        serve_until(rejecting, || second.sent().contains("\r\n\r\n")).await;
        assert!(second.sent().starts_with("HTTP/1.1 503 "), "{}", second.sent());
        drop(serving);
        assert!(first.is_dropped() && !first.sent().ends_with("0\r\n\r\n"), "{}", first.sent());
    });
    assert_eq!(server.handle().connections(), 0);
}

async fn serve_until(mut serving: Pin<&mut impl Future<Output = ()>>, is_so: impl Fn() -> bool) {
    poll_fn(|cx| {
        let polled = serving.as_mut().poll(cx);
        if is_so() {
            return Poll::Ready(());
        }
        assert!(polled.is_pending(), "the connection is over");
        Poll::Pending
    })
    .await;
}
