//! What an event stream over a body in hand must do, under every async runtime.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::{FusedStream, Stream};
use sse_async::EventStream;
use sse_proto::{End, Event, Item, Limit, Limits, ReadError, ReceiveError, Receiver};

use super::streams::poll_once;
use crate::adapter::Executor;

/// Makes test functions of the suite.
#[macro_export]
macro_rules! event_stream_suite {
    ($adapter:ty) => {
        $crate::tests! {
            event_stream, $adapter;
            a_body_in_any_pieces_is_the_same_stream
            comments_are_shown_on_request
            after_a_limit_the_events_go_on
            a_body_in_which_nothing_is_recognised_is_an_error_that_shows_it
            an_error_of_the_body_ends_it_behind_the_last_event
            a_next_that_is_dropped_loses_nothing
            it_is_a_stream_that_can_be_sent_between_threads
            a_body_without_events_lets_other_tasks_run
        }
    };
}

/// A body whose pieces are there, or not yet.
struct Pieces(VecDeque<Poll<Result<Vec<u8>, &'static str>>>);

impl Stream for Pieces {
    type Item = Result<Vec<u8>, &'static str>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.pop_front() {
            Some(Poll::Pending) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Poll::Ready(piece)) => Poll::Ready(Some(piece)),
            None => Poll::Ready(None),
        }
    }
}

fn in_pieces(bytes: &[u8], size: usize) -> Pieces {
    let pieces = bytes.chunks(size).flat_map(|piece| [Poll::Pending, Poll::Ready(Ok(piece.to_vec()))]);
    Pieces(pieces.collect())
}

pub fn a_body_in_any_pieces_is_the_same_stream<R: Executor>() {
    let long = "x".repeat(3 * Receiver::CAPACITY);
    let body = format!("\u{FEFF}id: 7\r\nretry: 250\r\ndata: one\r\n\r\n:hello\n\ndata: {long}\n\ndata: cut");
    for size in [1, 2, 7, 1000, body.len()] {
        R::block_on(async {
            let mut events = EventStream::new(in_pieces(body.as_bytes(), size));
            let first = Event::new("one").with_id("7").unwrap().with_retry(Duration::from_millis(250));
            assert_eq!(events.next().await, Some(Ok(first)));
            assert_eq!(events.next_ref().await.unwrap().unwrap().data(), long);
            assert_eq!(events.end(), None);
            assert_eq!(events.next().await, None);
            assert_eq!(events.next().await, None, "the end stays the end");
            assert_eq!(events.end(), Some(End::Truncated));
            assert_eq!((events.last_event_id(), events.retry()), ("7", Some(Duration::from_millis(250))));
        });
    }
}

pub fn comments_are_shown_on_request<R: Executor>() {
    let body = in_pieces(b":hi\nid: 1\n\ndata: x\n\n", 3);
    R::block_on(async {
        let mut events = EventStream::new(body);
        assert!(matches!(events.next_item().await, Some(Ok(Item::Comment("hi")))));
        assert!(matches!(events.next_item().await, Some(Ok(Item::NoData(_)))));
        assert!(matches!(events.next_item().await, Some(Ok(Item::Event(event))) if event.data() == "x"));
        assert!(events.next_item().await.is_none());
    });
}

pub fn after_a_limit_the_events_go_on<R: Executor>() {
    let mut limits = Limits::default();
    limits.event_bytes = 8;
    let receiver = Receiver::new().with_limits(limits);
    let body = in_pieces(b"data: far too long\n\ndata: short\n\n", 5);
    R::block_on(async {
        let mut events = EventStream::with_receiver(body, receiver);
        match events.next().await {
            Some(Err(error @ ReadError::Receive(ReceiveError::Limit(exceeded)))) => {
                assert!(error.is_recoverable());
                assert_eq!((exceeded.limit(), exceeded.max()), (Limit::Event, 8));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(events.next().await, Some(Ok(Event::new("short"))));
        assert_eq!(events.next().await, None);
    });
}

pub fn a_body_in_which_nothing_is_recognised_is_an_error_that_shows_it<R: Executor>() {
    R::block_on(async {
        let mut events = EventStream::new(in_pieces(b"{\"error\":1}", 3));
        let beginning = b"{\"error\":1}".to_vec();
        let error = ReadError::Receive(ReceiveError::Unrecognized { beginning });
        assert_eq!(events.next().await, Some(Err(error)));
        assert_eq!(events.next().await, None);
        let mut events = EventStream::with_receiver(in_pieces(b"{\"error\":1}", 3), Receiver::new());
        assert_eq!(events.next().await, None, "a bare stream is the standard's");
    });
}

pub fn an_error_of_the_body_ends_it_behind_the_last_event<R: Executor>() {
    let pieces = [Ok(b"data: one\n\nda".to_vec()), Err("reset"), Ok(b"data: two\n\n".to_vec())];
    let body = Pieces(pieces.map(Poll::Ready).into());
    R::block_on(async {
        let mut events = EventStream::new(body);
        assert_eq!(events.next().await, Some(Ok(Event::new("one"))));
        assert!(!events.is_terminated());
        assert_eq!(events.next().await, Some(Err(ReadError::Io("reset"))));
        assert!(events.is_terminated());
        assert_eq!(events.next().await, None);
        assert_eq!(events.end(), None);
    });
}

pub fn a_next_that_is_dropped_loses_nothing<R: Executor>() {
    let mut events = EventStream::new(in_pieces(b"data: a\n\ndata: b\n\n", 1));
    let mut seen = Vec::new();
    let mut dropped = 0;
    loop {
        match poll_once(events.next()) {
            Poll::Pending => dropped += 1,
            Poll::Ready(Some(event)) => seen.push(event.unwrap().into_data()),
            Poll::Ready(None) => break,
        }
    }
    assert_eq!((&*seen.concat(), dropped), ("ab", 18));
}

pub fn it_is_a_stream_that_can_be_sent_between_threads<R: Executor>() {
    fn sendable<T: Send + Unpin>(_: &T) {}
    let mut events = EventStream::new(in_pieces(b"data: a\n\ndata: b\n\n", 4));
    sendable(&events);
    R::block_on(async {
        for expected in [Some(Ok(Event::new("a"))), Some(Ok(Event::new("b"))), None, None] {
            assert_eq!(poll_fn(|cx| Pin::new(&mut events).poll_next(cx)).await, expected);
        }
    });
}

/// The same piece for ever.
struct Endless(&'static str);

impl Stream for Endless {
    type Item = Result<&'static str, &'static str>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(Some(Ok(self.0)))
    }
}

pub fn a_body_without_events_lets_other_tasks_run<R: Executor>() {
    for piece in ["", ":\n", "data", "\n"] {
        let mut events = EventStream::new(Endless(piece));
        assert!(poll_once(events.next()).is_pending(), "{piece:?}");
    }
}
