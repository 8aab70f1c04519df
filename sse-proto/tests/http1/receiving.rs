//! Receivers of responses: what is checked, and what an end means.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sse_proto::http::{Request, ResponseHead};
use sse_proto::source::{Refusal, check_response};
use sse_proto::{End, ReceiveError, Receiver, Want};

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

fn receiver() -> Receiver {
    Receiver::http1(&Request::get("http://a.test/").unwrap())
}

/// Reads these bytes in pieces, to their end. Gives the events, and the end.
fn receive(mut receiver: Receiver, bytes: &[u8], piece: usize) -> (Vec<String>, Result<End, ReceiveError>) {
    let (mut pieces, mut events) = (bytes.chunks(piece), Vec::new());
    loop {
        match receiver.want() {
            Ok(Want::Read) => match pieces.next() {
                Some(piece) => assert_eq!(receiver.handle_bytes(piece), piece.len()),
                None => receiver.handle_read(0),
            },
            Ok(Want::Event) => {
                let event = receiver.event();
                events.push(format!("{}: {}", event.name(), event.data()));
            }
            Ok(Want::Closed(end)) => return (events, Ok(end)),
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(receiver.want(), Ok(Want::Closed(_))), "{error}");
                return (events, Err(error));
            }
        }
    }
}

#[test]
fn a_receiver_and_a_source_refuse_the_same() {
    for (headers, refusal) in [
        (
            "200 x\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip",
            Refusal::Coding("gzip".into()),
        ),
        (
            "200 x\r\nContent-Type: text/event-stream, a/b",
            Refusal::MediaType("text/event-stream, a/b".into()),
        ),
        ("200 x\r\nX: y", Refusal::MediaType("".into())),
        ("404 x\r\nContent-Encoding: gzip", Refusal::Status(404)),
    ] {
        let response = format!("HTTP/1.1 {headers}\r\n\r\ndata: x\n\n");
        for piece in [1, 1000] {
            let (events, end) = receive(receiver(), response.as_bytes(), piece);
            assert_eq!((events.len(), end), (0, Err(ReceiveError::Refused(refusal.clone()))), "{headers}");
        }
    }
}

#[test]
fn a_check_of_the_users_replaces_that_of_a_receiver() {
    let name = String::from("x-stream");
    let check = move |head: &ResponseHead| match check_response(head) {
        _ if head.header(&name).is_some() => Err(Refusal::Other(name.clone().into())),
        Err(Refusal::MediaType(found)) if found.is_empty() => Ok(()),
        verdict => verdict,
    };
    let (events, end) =
        receive(receiver().with_check(check.clone()), b"HTTP/1.1 200 x\r\n\r\ndata: x\n\n", 1000);
    assert_eq!((events, end), (vec!["message: x".into()], Ok(End::Clean)));
    let (_, end) = receive(receiver().with_check(check), b"HTTP/1.1 200 x\r\nX-Stream: 1\r\n\r\n", 1000);
    let error = end.unwrap_err();
    assert_eq!(error.to_string(), "no event stream: x-stream");
}

#[test]
fn a_check_that_panics_closes_its_receiver() {
    let mut receiver = receiver().with_check(|_| panic!("on purpose"));
    let bytes = format!("{STREAM}data: x\n\n");
    assert_eq!(receiver.want(), Ok(Want::Read));
    assert_eq!(receiver.handle_bytes(bytes.as_bytes()), bytes.len());
    assert!(catch_unwind(AssertUnwindSafe(|| receiver.want())).is_err());
    assert_eq!(receiver.want(), Ok(Want::Closed(End::Truncated)));
    assert!(!receiver.is_open());
}
