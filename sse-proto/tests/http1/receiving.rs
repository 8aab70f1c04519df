//! Receivers of responses: what is checked, and what an end means.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use sse_proto::http::{Request, ResponseHead};
use sse_proto::http1::{BodyError, ResponseError};
use sse_proto::source::{Refusal, check_response};
use sse_proto::{End, ReceiveError, Receiver, Want};

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

fn receiver() -> Receiver {
    Receiver::http1(&Request::get("http://a.test/").unwrap())
}

/// Reads these bytes in pieces, to their end. Gives the events, and the end.
fn receive(mut receiver: Receiver, bytes: &[u8], piece: usize) -> (Vec<String>, Result<End, ReceiveError>) {
    let (mut pieces, mut rest, mut events) = (bytes.chunks(piece), &b""[..], Vec::new());
    loop {
        match receiver.want() {
            Ok(Want::Read) => {
                if rest.is_empty() {
                    rest = pieces.next().unwrap_or_default();
                }
                match rest {
                    [] => receiver.handle_read(0),
                    _ => rest = &rest[receiver.handle_bytes(rest)..],
                }
            }
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
fn the_data_of_all_chunks_is_received_before_a_wrong_one() {
    let head = STREAM.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunks = "8\r\ndata: 1\n\r\n1\r\n\n\r\n11;x=y\r\ndata: 2\n\ndata: 3\n\r\n1\r\n\n\r\n";
    let events = ["message: 1", "message: 2", "message: 3"].map(str::to_owned);
    let all = format!("{head}{chunks}");
    for piece in 1..=all.len() {
        let end = receive(receiver(), format!("{all}0\r\n\r\nmore").as_bytes(), piece);
        assert_eq!(end, (events.to_vec(), Ok(End::Clean)), "{piece}");
        let (seen, end) = receive(receiver(), format!("{all}x").as_bytes(), piece);
        let expected = ReceiveError::Http(ResponseError::Body(BodyError::ChunkSize { byte: b'x' }));
        assert_eq!((seen, end), (events.to_vec(), Err(expected)), "{piece}");
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
    fn sendable<T: Send + Sync>(_: &T) {}
    let name = String::from("x-stream");
    let check = move |head: &ResponseHead| match check_response(head) {
        _ if head.header(&name).is_some() => Err(Refusal::Other(name.clone().into())),
        Err(Refusal::MediaType(found)) if found.is_empty() => Ok(()),
        verdict => verdict,
    };
    let with_check = receiver().with_check(check.clone());
    sendable(&with_check);
    let (events, end) = receive(with_check, b"HTTP/1.1 200 x\r\n\r\ndata: x\n\n", 1000);
    assert_eq!((events, end), (vec!["message: x".into()], Ok(End::Clean)));
    let (_, end) = receive(receiver().with_check(check), b"HTTP/1.1 200 x\r\nX-Stream: 1\r\n\r\n", 1000);
    let error = end.unwrap_err();
    assert_eq!(error.to_string(), "not an event stream: x-stream");
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

#[test]
fn a_clean_end_completes_the_last_event_on_request() {
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let sized = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: ";
    let cut = || Err(ReceiveError::Http(ResponseError::IncompleteBody));
    for (response, is_clean) in [
        (format!("{STREAM}data: a\n\ndata: b"), true),
        (format!("{STREAM}data: a\n\ndata: b\r"), true),
        (format!("{sized}16\r\n\r\ndata: a\n\ndata: b"), true),
        (format!("{sized}16\r\n\r\ndata: a\n\ndata: b and more"), true),
        (format!("{sized}17\r\n\r\ndata: a\n\ndata: b"), false),
        (format!("{chunked}10\r\ndata: a\n\ndata: b\r\n0\r\n\r\n"), true),
        (format!("{chunked}10\r\ndata: a\n\ndata: b\r\n"), false),
        (format!("{chunked}11\r\ndata: a\n\ndata: b"), false),
    ] {
        for piece in [1, 1000] {
            for capacity in [1, 1000] {
                let run = |deliver| {
                    let receiver = receiver().with_capacity(capacity).with_deliver_incomplete(deliver);
                    receive(receiver, response.as_bytes(), piece)
                };
                let end = |end| if is_clean { Ok(end) } else { cut() };
                let a = "message: a".to_owned();
                let b = is_clean.then(|| "message: b".to_owned());
                assert_eq!(run(false), (vec![a.clone()], end(End::Truncated)), "{response}");
                assert_eq!(run(true), ([a].into_iter().chain(b).collect(), end(End::Clean)), "{response}");
            }
        }
    }
    let (events, end) = receive(Receiver::new().with_deliver_incomplete(true), b"event: x\ndata: b", 3);
    assert_eq!((events, end), (vec!["x: b".into()], Ok(End::Clean)));
}

#[test]
fn a_body_in_which_nothing_is_recognised_is_an_error_that_shows_it() {
    let json = "{\"error\":\n{\"message\":\"context too long\"}}";
    let error = |beginning: &str| ReceiveError::Unrecognized { beginning: beginning.into() };
    let response = format!("{STREAM}{json}");
    let sized = format!(
        "HTTP/1.1 200 x\r\nContent-Type: text/event-stream\r\nContent-Length: {}\r\n\r\n{json}",
        json.len()
    );
    for piece in [1, 7, 1000] {
        for response in [&response, &sized] {
            let run = |receiver| receive(receiver, response.as_bytes(), piece);
            assert_eq!(run(receiver()), (Vec::new(), Err(error(json))));
            assert_eq!(run(receiver().with_refusal_bytes(5)), (Vec::new(), Err(error("{\"err"))));
            assert_eq!(
                run(receiver().with_capacity(1).with_deliver_incomplete(true)),
                (Vec::new(), Err(error(json)))
            );
        }
        // A cut is a cut, and one recognised line makes it an event stream.
        let (_, end) = receive(receiver(), &sized.as_bytes()[..sized.len() - 1], piece);
        assert_eq!(end, Err(ReceiveError::Http(ResponseError::IncompleteBody)));
        for (stream, end) in
            [("", End::Clean), ("\n\n", End::Clean), ("x\n:", End::Truncated), ("x\ndata\n\nx\n", End::Clean)]
        {
            assert_eq!(
                receive(receiver(), format!("{STREAM}{stream}").as_bytes(), piece).1,
                Ok(end),
                "{stream:?}"
            );
        }
        // A bare stream is the standard's, unless something else is asked for.
        assert_eq!(receive(Receiver::new(), json.as_bytes(), piece), (Vec::new(), Ok(End::Truncated)));
        let checked = Receiver::new().with_refusal_bytes(100);
        assert_eq!(receive(checked, json.as_bytes(), piece), (Vec::new(), Err(error(json))));
    }
    let large = format!("{STREAM}{}", "{}\n".repeat(10_000));
    let (_, end) = receive(receiver(), large.as_bytes(), 1000);
    assert_eq!(end, Err(error(&"{}\n".repeat(10_000)[..Receiver::REFUSAL_BYTES])));
    assert_eq!(
        error("{}\n").to_string(),
        r#"not an event stream: no line of the body is a field or a comment; it begins with "{}\n""#
    );
}

/// Streams of what lines are made of.
fn stream() -> impl Strategy<Value = String> {
    const PARTS: [&str; 16] = [
        "data",
        "event",
        "id",
        "retry",
        ":",
        ":",
        " ",
        "x",
        "7",
        "{}",
        "\n",
        "\n",
        "\r",
        "\r\n",
        "\u{feff}",
        "data: x\n\n",
    ];
    prop::collection::vec(prop::sample::select(&PARTS[..]), 0..12).prop_map(|parts| parts.concat())
}

/// Whether a stream has a line that is not blank, and none that is a field or a comment: by the letter, and slowly.
fn is_unrecognised(stream: &str) -> bool {
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream);
    let mut lines = stream.split(['\n', '\r']).filter(|line| !line.is_empty()).peekable();
    let name = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    lines.peek().is_some() && !lines.any(|line| ["", "data", "event", "id", "retry"].contains(&&*name(line)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_recognised_where_no_line_is_a_field(stream in stream(), piece in 1..9_usize) {
        let (events, end) = receive(Receiver::new().with_refusal_bytes(20), stream.as_bytes(), piece);
        if is_unrecognised(&stream) {
            let beginning = stream.as_bytes()[..stream.len().min(20)].to_vec();
            prop_assert_eq!((events, end), (Vec::new(), Err(ReceiveError::Unrecognized { beginning })));
        } else {
            prop_assert_eq!((events, end), receive(Receiver::new(), stream.as_bytes(), 1000));
        }
    }

    #[test]
    fn a_completed_end_is_as_if_a_blank_line_had_followed(stream in stream(), piece in 1..9_usize, capacity in 1..9_usize) {
        let completed = Receiver::new().with_deliver_incomplete(true).with_capacity(capacity);
        let found = receive(completed, stream.as_bytes(), piece);
        let expected = receive(Receiver::new(), format!("{stream}\n\n").as_bytes(), 1000);
        prop_assert_eq!(found, expected);
    }
}

/// A client reports the head of a response once: after a panic it must not wait for it.
#[test]
fn a_check_that_panics_costs_a_client_its_attempt() {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use sse_proto::Instant;
    use sse_proto::http1::client::{Connection, Want};
    use sse_proto::source::{Cause, Session, Signal, SourceConfig};

    const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: x\n\n";
    let now = Instant::default();
    let mut config = SourceConfig::default();
    config.set_check(|_| panic!("as the test wants it"));
    let source = Session::new(Request::get("http://example.com/").unwrap(), 1);
    let mut client = Connection::new(source.with_config(config));
    let mut panics = 0;
    for _ in 0..20 {
        let Ok((want, _)) = catch_unwind(AssertUnwindSafe(|| client.want_signal(now))) else {
            panics += 1;
            continue;
        };
        match want {
            Want::Prepare => client.handle_prepared(now),
            Want::Connect => client.handle_connected(now),
            Want::Write => client.handle_written(now, usize::MAX),
            Want::Read => {
                client.space()[..RESPONSE.len()].copy_from_slice(RESPONSE);
                client.handle_read(now, RESPONSE.len());
            }
            Want::Signal => {
                let Some(Signal::Reconnecting { cause: Cause::Transport(error), .. }) = client.take_signal()
                else {
                    panic!("another signal")
                };
                assert!(error.to_string().contains("panicked"), "{error}");
                assert_eq!(panics, 1);
                return;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("it waits for ever");
}
