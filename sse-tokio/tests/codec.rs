//! Events over `tokio_util::codec`.

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;
use futures_sink::Sink;
use sse_tokio::proto::{Decoder, End, Limits};
use sse_tokio::{Event, EventCodec, EventRef, ReadError};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{Framed, FramedRead};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, server) =
        tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

async fn next(
    stream: &mut (impl Stream<Item = Result<Event, ReadError>> + Unpin),
) -> Option<Result<Event, ReadError>> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

async fn pass(from: &mut Framed<TcpStream, EventCodec>, to: &mut Framed<TcpStream, EventCodec>) {
    let event = Event::new("two\nlines").with_name("greeting").unwrap().with_id("7").unwrap();
    let mut from = Pin::new(from);
    poll_fn(|cx| Sink::<Event>::poll_ready(from.as_mut(), cx)).await.unwrap();
    from.as_mut().start_send(event.clone()).unwrap();
    from.as_mut().start_send(EventRef::new("second")).unwrap();
    poll_fn(|cx| Sink::<Event>::poll_flush(from.as_mut(), cx)).await.unwrap();
    assert_eq!(next(to).await.unwrap().unwrap(), event);
    assert_eq!(next(to).await.unwrap().unwrap(), Event::new("second"));
    assert_eq!(to.codec().decoder().last_event_id(), "7");
    assert_eq!(to.codec().end(), None);
}

#[test]
fn events_travel_both_ways_over_a_socket() {
    block_on(async {
        let (client, server) = sockets().await;
        let (mut client, mut server) =
            (Framed::new(client, EventCodec::new()), Framed::new(server, EventCodec::new()));
        pass(&mut client, &mut server).await;
        pass(&mut server, &mut client).await;
        drop(server);
        assert!(next(&mut client).await.is_none());
        assert_eq!(client.codec().end(), Some(End::Clean));
    });
}

#[test]
fn a_stream_in_pieces_is_decoded_up_to_its_cut() {
    block_on(async {
        let (client, mut server) = sockets().await;
        tokio::spawn(async move {
            for byte in "\u{FEFF}data: é\r\n\r\n:hello\n\ndata: b\n\ndata: cut".bytes() {
                server.write_all(&[byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut events = FramedRead::new(client, EventCodec::new());
        assert_eq!(next(&mut events).await.unwrap().unwrap(), Event::new("é"));
        assert_eq!(next(&mut events).await.unwrap().unwrap(), Event::new("b"));
        assert!(next(&mut events).await.is_none());
        assert!(next(&mut events).await.is_none());
        assert_eq!(events.decoder().end(), Some(End::Truncated));
    });
}

#[test]
fn after_a_limit_the_events_go_on() {
    let mut limits = Limits::default();
    limits.event_bytes = 8;
    let codec = EventCodec::with_decoder(Decoder::new().with_limits(limits));
    block_on(async {
        let mut events = FramedRead::new(&b"data: far too long\n\ndata: short\n\n"[..], codec);
        assert!(next(&mut events).await.unwrap().unwrap_err().is_recoverable());
        assert!(next(&mut events).await.is_none(), "as after every error of a codec");
        assert_eq!(next(&mut events).await.unwrap().unwrap(), Event::new("short"));
        assert!(next(&mut events).await.is_none());
    });
}
