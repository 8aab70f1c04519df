//! Heads of requests, from RFC 9112 and from the shapes that smuggle requests past a proxy.

use sse_proto::http1::{
    BodyDecoder, BodyError, Framing, HeadLimits, RequestDecoder, RequestHead, RequestHeadError, Version,
};

use crate::every_way;

#[derive(Debug, PartialEq)]
struct Read {
    heads: Vec<RequestHead>,
    /// One per head.
    bodies: Vec<Vec<u8>>,
    result: Result<(), RequestHeadError>,
    body_result: Result<(), BodyError>,
}

/// Reads requests with their bodies until the input ends.
fn read(limits: HeadLimits, pieces: &[&[u8]]) -> Read {
    let mut decoder = RequestDecoder::new().with_limits(limits);
    let mut body: Option<BodyDecoder> = None;
    let mut read = Read { heads: Vec::new(), bodies: Vec::new(), result: Ok(()), body_result: Ok(()) };
    for &piece in pieces {
        let mut input = piece;
        loop {
            if let Some(decoder) = body.as_mut().filter(|body| !body.is_complete()) {
                match decoder.decode(&mut input) {
                    Ok(Some(bytes)) => read.bodies.last_mut().unwrap().extend_from_slice(bytes),
                    Ok(None) if decoder.is_complete() => {}
                    Ok(None) => break,
                    Err(error) => {
                        read.body_result = Err(error);
                        return read;
                    }
                }
                continue;
            }
            match decoder.decode(&mut input) {
                Ok(Some(head)) => {
                    body = Some(BodyDecoder::for_request(&head));
                    read.heads.push(head);
                    read.bodies.push(Vec::new());
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&mut &b"more"[..]), Err(error.clone()), "errors must stay");
                    assert_eq!(decoder.handle_eof(), Err(error.clone()), "errors must stay");
                    read.result = Err(error);
                    return read;
                }
            }
        }
        assert!(input.is_empty());
    }
    read.body_result = body.map_or(Ok(()), |mut body| body.handle_eof());
    if read.body_result.is_ok() {
        read.result = decoder.handle_eof();
    }
    read
}

fn read_every_way(input: &[u8]) -> Read {
    every_way(&input.escape_ascii().to_string(), input, &[], |pieces| read(HeadLimits::default(), pieces))
}

fn read_one(input: &str) -> RequestHead {
    let mut read = read_every_way(input.as_bytes());
    assert_eq!((&read.result, read.heads.len()), (&Ok(()), 1), "{input:?}");
    read.heads.remove(0)
}

#[test]
fn accepted() {
    let cases = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "/", None),
        ("GET /sse?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/sse?x=1", "/sse", Some("x=1")),
        ("GET /? HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/?", "/", Some("")),
        ("GET /a?b?c HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/a?b?c", "/a", Some("b?c")),
        ("GET / HTTP/1.0\r\n\r\n", "GET", "/", "/", None),
        ("GET / HTTP/1.0\r\nHost: a\r\n\r\n", "GET", "/", "/", None),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", "GET", "/", "/", None),
        ("GET / HTTP/1.1\nHost: a\n\n", "GET", "/", "/", None),
        ("GET / HTTP/1.1\nHost: a\r\n\n", "GET", "/", "/", None),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "/", None),
        ("\r\n\n\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "/", None),
        ("GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "http://a/b?c", "/b", Some("c")),
        ("GET HTTPS://a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "GET", "HTTPS://a:1", "/", None),
        ("GET http://a?c HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "http://a?c", "/", Some("c")),
        (
            "GET /a?u=http://b/c HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET",
            "/a?u=http://b/c",
            "/a",
            Some("u=http://b/c"),
        ),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS", "*", "*", None),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "CONNECT", "a:443", "a:443", None),
        ("get / HTTP/1.1\r\nHost: a\r\n\r\n", "get", "/", "/", None),
        ("M-SEARCH! / HTTP/1.1\r\nHost: a\r\n\r\n", "M-SEARCH!", "/", "/", None),
        ("GET /ü?ü HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/ü?ü", "/ü", Some("ü")),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", "/", "/", None),
        ("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET", "/", "/", None),
        ("GET / HTTP/1.1\r\nhOsT:\ta \r\n\r\n", "GET", "/", "/", None),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "GET", "/", "/", None),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\nContent-Length: 00\r\n\r\n",
            "GET",
            "/",
            "/",
            None,
        ),
    ];
    for (input, method, target, path, query) in cases {
        let head = read_one(input);
        assert_eq!(
            (head.method(), head.target(), head.path(), head.query()),
            (method, target, path, query),
            "{input:?}"
        );
    }
    println!("{} requests accepted", cases.len());
}

#[test]
fn refused() {
    let many_headers = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(128));
    let long_target = format!("GET /{} HTTP/1.1\r\n", "a".repeat(70_000));
    let long_header = format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(70_000));
    let cases: [(&str, u16, &str); 71] = [
        // Request line.
        ("GET /\r\n\r\n", 400, "malformed request line \"GET /\""),
        ("GET\r\n\r\n", 400, "malformed request line"),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line \"\""),
        // Versions and other protocols.
        ("GET / http/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET / HTTP/11\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET / HTTP/1.\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400, "malformed request line"),
        ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, "unsupported version HTTP/0.9"),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "unsupported version HTTP/2.0"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "malformed request line"),
        ("\x16\x03\x01\x02", 400, "not an http request: it starts with byte 0x16"),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "not an http request: it starts with byte 0x20"),
        ("\0", 400, "not an http request: it starts with byte 0x00"),
        // Header lines.
        ("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400, "malformed header line 2"),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "malformed header line 1"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400, "malformed header line 3"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\tz\r\n\r\n", 400, "malformed header line 2"),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "malformed header line 1"),
        ("GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n", 400, "malformed header line 2"),
        ("GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", 400, "malformed header line 2"),
        ("GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", 400, "malformed header line 2"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400, "malformed header line 2"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400, "malformed header line 2"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", 400, "malformed header line 2"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\rX: a\r\n\r\n", 400, "malformed header line 2"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\0: a\r\n\r\n", 400, "malformed header line 2"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\u{e9}: a\r\n\r\n", 400, "malformed header line 2"),
        // Host.
        ("GET / HTTP/1.1\r\n\r\n", 400, "http/1.1 request without a host header"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "more than one host header"),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "more than one host header"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "malformed host \"a b\""),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "malformed host"),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "malformed host"),
        // Framing.
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "both content-length and transfer-encoding",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            400,
            "both content-length and transfer-encoding",
        ),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "transfer-encoding in an http/1.0 message",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            400,
            "invalid or conflicting content-length \"6\"",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\n",
            400,
            "invalid or conflicting content-length",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,\r\n\r\n",
            400,
            "invalid or conflicting content-length \"\"",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
            400,
            "invalid or conflicting content-length",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
            400,
            "invalid or conflicting content-length \"+5\"",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n",
            400,
            "invalid or conflicting content-length",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n",
            400,
            "invalid or conflicting content-length",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            501,
            "unknown transfer coding \"gzip\"",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
            400,
            "invalid transfer-encoding \"gzip\"",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
            400,
            "invalid transfer-encoding",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
            400,
            "invalid transfer-encoding",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
            400,
            "invalid transfer-encoding \"chunked, chunked\"",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n",
            400,
            "malformed header line 2",
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", 400, "invalid transfer-encoding \"\""),
        // Limits, and an early end.
        (&many_headers, 431, "head exceeds the limit of 128 headers"),
        (&long_header, 431, "head exceeds the limit of 65536 bytes"),
        (&long_target, 414, "request line exceeds the limit of 65536 bytes"),
        ("GET / HTTP/1.1\r\nHost: a\r\n", 400, "connection closed before the head was complete"),
    ];
    for (input, status, text) in cases {
        let error = read_every_way(input.as_bytes()).result.expect_err(input);
        assert_eq!(error.status(), status, "{input:?}");
        assert!(error.to_string().starts_with(text), "{input:?}: {error}");
    }
    println!("{} requests refused", cases.len());
}

#[test]
fn bodies_and_what_follows() {
    let cases: [(&str, &[&str], Result<(), BodyError>); 11] = [
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", &["abc"], Ok(())),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            &["abc", ""],
            Ok(()),
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", &["", ""], Ok(())),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n0\r\nT: u\r\n v\r\n\r\n\
             GET / HTTP/1.0\r\n\r\n",
            &["abc", ""],
            Ok(()),
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", &["ab"], Err(BodyError::Incomplete)),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            &["abc"],
            Err(BodyError::Incomplete),
        ),
        // Bare line ends in chunk lines: one side of a proxy would see a chunk where the other sees an extension.
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
            &[""],
            Err(BodyError::ChunkSize { byte: b'\n' }),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;\nabc\r\n0\r\n\r\n",
            &[""],
            Err(BodyError::ChunkExtension { byte: b'\n' }),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\rXabc\r\n0\r\n\r\n",
            &[""],
            Err(BodyError::ChunkEnd { byte: b'X' }),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n",
            &["abc"],
            Err(BodyError::ChunkEnd { byte: b'\n' }),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
            &[""],
            Err(BodyError::ChunkSize { byte: b'+' }),
        ),
    ];
    for (input, bodies, result) in cases {
        let read = read_every_way(input.as_bytes());
        let texts: Vec<_> = read.bodies.iter().map(|body| std::str::from_utf8(body).unwrap()).collect();
        assert_eq!((&*texts, read.body_result, read.result), (bodies, result, Ok(())), "{input:?}");
    }
}

#[test]
fn an_idle_connection_may_end() {
    assert_eq!(read_every_way(b"").result, Ok(()));
    assert_eq!(read_every_way(b"\r\n").result, Ok(()));
    assert_eq!(read_every_way(b"G").result, Err(RequestHeadError::IncompleteHead));
}

#[test]
fn limits_hold_to_the_byte() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n";
    let two = [&head[..], head].concat();
    for (bytes, headers, good) in [(head.len(), 2, true), (head.len() - 1, 2, false), (head.len(), 1, false)]
    {
        let limits = HeadLimits { bytes, headers };
        let read = every_way("limits", &two, &[], |pieces| read(limits, pieces));
        assert_eq!((read.result.is_ok(), read.heads.len()), (good, if good { 2 } else { 0 }));
    }
}

#[test]
fn streams_are_framed_for_the_client() {
    let cases = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Framing::Chunked, true),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", Framing::Chunked, false),
        ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", Framing::None, true),
        ("HEAD / HTTP/1.0\r\n\r\n", Framing::None, false),
        ("GET / HTTP/1.0\r\n\r\n", Framing::UntilClose, false),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", Framing::UntilClose, true),
    ];
    for (input, framing, keep_alive) in cases {
        let head = read_one(input);
        assert_eq!((head.stream_framing(), head.keep_alive()), (framing, keep_alive), "{input:?}");
    }
    assert_eq!(read_one("GET / HTTP/1.9\r\nHost: a\r\n\r\n").version(), Version::Http11);
}

#[test]
fn query_parameters() {
    let head = read_one("GET /?a=1&b=%41+%2B%zz%4&a=2&%63=%ff&d&=e&f=g=h&&ü=ü HTTP/1.0\r\n\r\n");
    let cases = [
        ("a", Some("1")),
        ("b", Some("A +%zz%4")),
        ("c", Some("\u{fffd}")),
        ("d", Some("")),
        ("", Some("e")),
        ("f", Some("g=h")),
        ("ü", Some("ü")),
        ("g", None),
    ];
    for (name, value) in cases {
        assert_eq!(head.query_param(name).as_deref(), value, "{name:?}");
    }
}

#[test]
fn debug_output_hides_credentials_and_is_bounded() {
    let head = read_one("GET / HTTP/1.0\r\nAuthorization: Bearer s3cret\r\nCOOKIE: s3cret\r\nX: y\r\n\r\n");
    let text = format!("{head:?}");
    assert!(text.contains("\"X\": \"y\"") && !text.contains("s3cret"), "{text}");
    let long = format!("GET / HTTP/1.0\r\n{}X: {}\r\n\r\n", "A: b\r\n".repeat(100), "x".repeat(10_000));
    assert!(format!("{:?}", read_one(&long)).len() < 4096);
}
