//! Body framing that servers really send, on connections that carry no other response.

use sse_proto::http1::{BodyDecoder, BodyError, HeadError, ResponseDecoder, ResponseError, ResponsePart};
use sse_proto::{Receiver, Want};

use crate::every_way;

const CHUNKS: &str = "9\r\ndata: x\n\n\r\n0\r\n\r\n";

fn response(version: &str, headers: &[&str], body: &str) -> String {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    format!("{version} 200 OK\r\nContent-Type: text/event-stream\r\n{headers}\r\n{body}")
}

/// The body up to its end, or the error.
fn decode(mut decoder: ResponseDecoder, pieces: &[&[u8]]) -> Result<String, ResponseError> {
    let (mut body, mut leftover) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        while let Some(part) = decoder.decode(&mut input)? {
            if let ResponsePart::Body(bytes) = part {
                body.extend_from_slice(bytes);
            }
        }
        leftover.extend_from_slice(input);
    }
    assert!(!decoder.reusable(b""));
    decoder.handle_eof()?;
    assert!(leftover.is_empty() && decoder.is_complete() && !decoder.reusable(b""));
    Ok(String::from_utf8(body).unwrap())
}

fn single_use(input: &str) -> Result<String, ResponseError> {
    every_way(input, input.as_bytes(), &[], |pieces| {
        decode(ResponseDecoder::new("GET").for_single_use(), pieces)
    })
}

fn strict(input: &str) -> Result<String, ResponseError> {
    every_way(input, input.as_bytes(), &[], |pieces| decode(ResponseDecoder::new("GET"), pieces))
}

/// What `Receiver::http1`, with which the adapters connect, makes of it.
fn received(input: &str) -> Vec<String> {
    let request = sse_proto::http::Request::get("http://a/").unwrap();
    let mut receiver = Receiver::http1(&request);
    let mut input = input.as_bytes();
    let mut events = Vec::new();
    loop {
        match receiver.want().unwrap() {
            Want::Read if input.is_empty() => receiver.handle_read(0),
            Want::Read => input = &input[receiver.handle_bytes(input)..],
            Want::Event => events.push(receiver.event().data().to_owned()),
            Want::Closed(_) => return events,
            _ => {}
        }
    }
}

#[test]
fn ambiguous_framing_is_read_once_and_refused_where_connections_are_reused() {
    let chunked = "Transfer-Encoding: chunked";
    for (name, version, headers, body) in [
        ("chunked in two headers", "HTTP/1.1", &[chunked, chunked][..], CHUNKS),
        ("chunked twice in one", "HTTP/1.1", &["Transfer-Encoding: chunked, Chunked"], CHUNKS),
        ("identity below chunked", "HTTP/1.1", &["Transfer-Encoding: identity, chunked"], CHUNKS),
        ("identity alone", "HTTP/1.1", &["Transfer-Encoding: identity"], "data: x\n\n"),
        (
            "identity with a length",
            "HTTP/1.1",
            &["transfer-encoding: Identity", "content-length: 9"],
            "data: x\n\n",
        ),
        ("a length before chunked", "HTTP/1.1", &["Content-Length: 3", chunked], CHUNKS),
        ("a length after chunked", "HTTP/1.1", &[chunked, "Content-Length: 99999"], CHUNKS),
        ("a bad length beside chunked", "HTTP/1.1", &[chunked, "Content-Length: -1"], CHUNKS),
        ("chunked in HTTP/1.0", "HTTP/1.0", &[chunked], CHUNKS),
        ("a size with spaces after it", "HTTP/1.1", &[chunked], "9  \r\ndata: x\n\n\r\n0\t\r\n\r\n"),
        ("a size with spaces before it", "HTTP/1.1", &[chunked], " \t9\r\ndata: x\n\n\r\n  0 ;a=b\r\n\r\n"),
    ] {
        let input = response(version, headers, body);
        assert_eq!(single_use(&input).as_deref(), Ok("data: x\n\n"), "{name}");
        assert_eq!(received(&input), ["x"], "{name}");
        assert!(strict(&input).is_err(), "{name}");
    }
}

#[test]
fn what_no_reading_makes_sense_of_is_refused_for_single_use_too() {
    let head = |error| Err(ResponseError::Head(error));
    let framed = |header: &str| single_use(&response("HTTP/1.1", &[header], CHUNKS));
    let unknown = |value: &str| head(HeadError::UnknownTransferCoding { value: value.into() });
    let unframed = |value: &str| head(HeadError::TransferEncoding { value: value.into() });
    assert_eq!(framed("Transfer-Encoding: gzip, chunked"), unknown("gzip"));
    assert_eq!(framed("Transfer-Encoding: gzip"), unframed("gzip"));
    assert_eq!(framed("Transfer-Encoding: chunked, gzip"), unframed("chunked, gzip"));
    assert_eq!(framed("Transfer-Encoding: chunked, gzip, chunked"), unframed("chunked, gzip, chunked"));
    assert_eq!(framed("Content-Length: 1, 2"), head(HeadError::ContentLength { value: "2".into() }));

    let chunked = |body: &str| single_use(&response("HTTP/1.1", &["Transfer-Encoding: chunked"], body));
    let size = |byte| Err(ResponseError::Body(BodyError::ChunkSize { byte }));
    assert_eq!(chunked("9 9\r\n"), size(b'9'));
    assert_eq!(chunked(" \r\n"), size(b'\r'));
    assert_eq!(chunked("9 \n"), size(b'\n'));
    let limit = BodyDecoder::CHUNK_LINE_LIMIT;
    let too_long = Err(ResponseError::Body(BodyError::ChunkLineTooLong { limit }));
    assert_eq!(chunked(&" ".repeat(limit + 1)), too_long);
    assert_eq!(chunked(&format!("9{}", " ".repeat(limit))), too_long);
}

#[test]
fn sound_framing_reads_the_same_for_single_use() {
    for (headers, body) in [
        (&["Transfer-Encoding: chunked"][..], CHUNKS),
        (&["Content-Length: 9"], "data: x\n\n"),
        (&[], "data: x\n\n"),
    ] {
        let input = response("HTTP/1.1", headers, body);
        assert_eq!(single_use(&input).as_deref(), Ok("data: x\n\n"), "{headers:?}");
    }
}
