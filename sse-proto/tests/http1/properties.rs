use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use sse_proto::http1::{
    BodyDecoder, BodyError, Framing, HeadLimits, LAST_CHUNK, Request, RequestDecoder, RequestHead,
    RequestHeadError, Response, ResponseDecoder, ResponseError, ResponseHead, ResponsePart, append_chunk,
};

use crate::cut;

fn read_body(framing: Framing, pieces: &[&[u8]]) -> (Vec<u8>, usize, Result<(), BodyError>) {
    let mut decoder = BodyDecoder::new(framing);
    let mut body = Vec::new();
    let mut leftover = 0;
    for &piece in pieces {
        let mut input = piece;
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(bytes)) => body.extend_from_slice(bytes),
                Ok(None) => break,
                Err(error) => return (body, 0, Err(error)),
            }
        }
        leftover += input.len();
    }
    (body, leftover, decoder.handle_eof())
}

type ReadResponse = (Vec<ResponseHead>, Vec<u8>, usize, Result<(), ResponseError>);

fn read_response(method: &str, pieces: &[&[u8]]) -> ReadResponse {
    read_response_with(ResponseDecoder::new(method), pieces)
}

fn read_response_with(mut decoder: ResponseDecoder, pieces: &[&[u8]]) -> ReadResponse {
    let (mut heads, mut body, mut leftover) = (Vec::new(), Vec::new(), 0);
    for &piece in pieces {
        let mut input = piece;
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(ResponsePart::Interim(head) | ResponsePart::Head(head))) => heads.push(head.clone()),
                Ok(Some(ResponsePart::Body(bytes))) => body.extend_from_slice(bytes),
                Ok(None) => break,
                Err(error) => return (heads, body, 0, Err(error)),
            }
        }
        leftover += input.len();
    }
    let result = decoder.handle_eof();
    (heads, body, leftover, result)
}

/// Heads only, as if no request had a body.
fn read_requests(pieces: &[&[u8]]) -> (Vec<RequestHead>, Result<(), RequestHeadError>) {
    let mut decoder = RequestDecoder::new();
    let mut heads = Vec::new();
    for &piece in pieces {
        let mut input = piece;
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(head)) => heads.push(head),
                Ok(None) => break,
                Err(error) => return (heads, Err(error)),
            }
        }
    }
    let result = decoder.handle_eof();
    (heads, result)
}

/// Where to cut, as shares of the length.
fn shares() -> impl Strategy<Value = Vec<f64>> {
    vec(0.0..=1.0_f64, 0..8).prop_map(|mut shares| {
        shares.sort_by(f64::total_cmp);
        shares
    })
}

fn pieces<'i>(input: &'i [u8], shares: &[f64]) -> Vec<&'i [u8]> {
    let offsets: Vec<usize> = shares.iter().map(|share| (input.len() as f64 * share) as usize).collect();
    cut(input, &offsets)
}

/// Pieces of HTTP in any order: gets much further into the machines than random bytes.
fn almost_http() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/1.1 103 Hints\r\n\r\n",
        b"HTTP/1.1 204 \r\n",
        b"GET / HTTP/1.1\r\n",
        b"POST /a?b HTTP/1.0\r\n",
        b"Host: a\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: 4\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Connection: close\r\n",
        b"A: b\r\n",
        b"A: b\n",
        b" folded\r\n",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"3\r\nabc\r\n",
        b"3;x\r\nab",
        b"0\r\n",
        b"0\r\n\r\n",
        b"ffffffffffffffff\r\n",
        b"abc",
        b" ",
        b"\0",
        b"\xff",
    ];
    let word = prop_oneof![
        9 => proptest::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..4),
    ];
    (0..4_usize, vec(word, 0..12)).prop_map(|(start, words)| {
        let start: &[u8] = [
            &b""[..],
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n",
        ][start];
        [start.to_vec(), words.concat()].concat()
    })
}

fn header_name() -> impl Strategy<Value = String> {
    "X-[A-Za-z0-9!#$%&'*+.^_`|~-]{0,12}"
}

/// Nothing that the receiver would trim.
fn header_value() -> impl Strategy<Value = String> {
    "([!-~ü€]([ \t!-~ü€]{0,20}[!-~ü€])?)?"
}

proptest! {
    // Failures are kept as named tests, not in files.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_read_alike_at_any_split(input in prop_oneof![almost_http(), vec(any::<u8>(), 0..64)], shares in shares()) {
        let pieces = pieces(&input, &shares);
        for method in ["GET", "HEAD"] {
            prop_assert_eq!(read_response(method, &pieces), read_response(method, &[&input]));
            let single_use = |pieces: &[&[u8]]| {
                read_response_with(ResponseDecoder::new(method).for_single_use(), pieces)
            };
            prop_assert_eq!(single_use(&pieces), single_use(&[&input]));
            let strict = read_response(method, &[&input]);
            if strict.3.is_ok() {
                prop_assert_eq!(single_use(&[&input]), strict);
            }
        }
        prop_assert_eq!(read_requests(&pieces), read_requests(&[&input]));
        for framing in [Framing::Chunked, Framing::Length(7), Framing::UntilClose, Framing::None] {
            prop_assert_eq!(read_body(framing, &pieces), read_body(framing, &[&input]));
        }
    }

    #[test]
    fn chunks_round_trip(payloads in vec(vec(any::<u8>(), 0..300), 0..8), shares in shares()) {
        let mut encoded = Vec::new();
        for payload in &payloads {
            append_chunk(&mut encoded, payload);
        }
        let cut_short = encoded.clone();
        encoded.extend_from_slice(LAST_CHUNK);
        encoded.extend_from_slice(b"next");
        prop_assert_eq!(read_body(Framing::Chunked, &pieces(&encoded, &shares)), (payloads.concat(), 4, Ok(())));
        prop_assert_eq!(
            read_body(Framing::Chunked, &pieces(&cut_short, &shares)),
            (payloads.concat(), 0, Err(BodyError::Incomplete))
        );
    }

    #[test]
    fn requests_round_trip(
        method in "[A-Z]{1,8}".prop_filter("asks for a tunnel", |method| method != "CONNECT"),
        // Nothing that a URL percent-encodes.
        target in "/[!$-&(-;=?@-\\[\\]_a-z|~]{0,30}",
        headers in vec((header_name(), header_value()), 0..8),
        id in header_value(),
        body in proptest::option::of(vec(any::<u8>(), 0..100)),
        shares in shares(),
    ) {
        let mut request = Request::new(&method, &format!("http://example.com{target}")).unwrap();
        for (name, value) in &headers {
            request = request.with_header(name, value).unwrap();
        }
        request = request.with_last_event_id(&id).unwrap();
        if let Some(body) = &body {
            request = request.with_body(body.clone());
        }
        let mut encoded = Vec::new();
        request.encode(&mut encoded);

        let mut decoder = RequestDecoder::new();
        let mut head = None;
        let mut received = Vec::new();
        for mut input in pieces(&encoded, &shares) {
            if head.is_none() {
                head = decoder.decode(&mut input).unwrap();
            }
            received.extend_from_slice(input);
        }
        let head = head.unwrap();
        prop_assert_eq!((head.method(), head.target()), (&*method, &*target));
        let custom: Vec<_> = head.headers().filter(|(name, _)| name.starts_with("X-")).collect();
        let sent: Vec<_> = headers.iter().map(|(name, value)| (&**name, value.as_bytes())).collect();
        prop_assert_eq!(custom, sent);
        prop_assert_eq!(head.header("last-event-id"), Some(id.as_bytes()).filter(|id| !id.is_empty()));
        let (read, leftover, result) = read_body(head.framing(), &[&received]);
        prop_assert_eq!((read, leftover, result), (body.unwrap_or_default(), 0, Ok(())));
    }

    #[test]
    fn responses_round_trip(
        status in 200..1000_u16,
        framing in prop_oneof![
            Just(Framing::Chunked),
            (0..9_u64).prop_map(Framing::Length),
            Just(Framing::UntilClose),
        ],
        headers in vec((header_name(), header_value()), 0..8),
        body in vec(any::<u8>(), 0..9),
        shares in shares(),
    ) {
        let mut response = Response::new(status);
        for (name, value) in &headers {
            response = response.with_header(name, value).unwrap();
        }
        let mut encoded = Vec::new();
        response.encode(framing, &mut encoded);
        let has_body = !matches!(status, 204 | 304);
        let body = match framing {
            _ if !has_body => Vec::new(),
            Framing::Length(length) => vec![b'x'; length as usize],
            _ => body,
        };
        if framing == Framing::Chunked && has_body {
            append_chunk(&mut encoded, &body);
            encoded.extend_from_slice(LAST_CHUNK);
        } else {
            encoded.extend_from_slice(&body);
        }
        let (heads, read, leftover, result) = read_response("GET", &pieces(&encoded, &shares));
        prop_assert_eq!((read, leftover, result), (body, 0, Ok(())));
        prop_assert_eq!(heads.len(), 1);
        prop_assert_eq!(heads[0].status(), status);
        let received: Vec<_> = heads[0].headers().filter(|(name, _)| name.starts_with("X-")).collect();
        let sent: Vec<_> = headers.iter().map(|(name, value)| (&**name, value.as_bytes())).collect();
        prop_assert_eq!(received, sent);
    }

    #[test]
    fn urls_never_panic_and_print_what_they_read(text in prop_oneof![
        "(http|HTTPS|ftp)?:?/{0,3}[a-zA-Z@:\\[\\]0-9./?#\\\\ü %\t\"']{0,20}",
        "http://[a-z]?[\\PC\n\0]{0,20}",
        "https?://\\[fe80::1%[0-9a-f.%]{0,8}\\](:[0-9]{0,5})?[/?#]?[a ]?",
        any::<String>(),
    ]) {
        if let Ok(url) = sse_proto::http1::Url::parse(&text) {
            prop_assert!(url.target().bytes().chain(url.authority().bytes()).all(|byte| byte.is_ascii_graphic()));
            prop_assert!(url.target().starts_with('/'));
            // Nothing is encoded twice.
            prop_assert_eq!(sse_proto::http1::Url::parse(&url.to_string()), Ok(url));
        }
    }
}

/// A head of 8 MiB in single bytes. A search that began anew with each byte would look at 3.5e13 bytes and never end.
#[test]
fn a_head_in_single_bytes_costs_linear_time() {
    const SIZE: usize = 8 << 20;
    let limits = HeadLimits { bytes: SIZE + 100, headers: 10 };
    for filler in ["a", "a\r\n b"] {
        let mut head = "HTTP/1.1 200 OK\r\nA: ".to_owned();
        write!(head, "{}\r\n\r\n", filler.repeat(SIZE / filler.len())).unwrap();
        let mut decoder = ResponseDecoder::new("GET").with_limits(limits);
        for byte in head.as_bytes().chunks(1) {
            let _ = decoder.decode(&mut &*byte).unwrap();
        }
        assert!(decoder.head().is_some());
    }
}

/// Interim responses count against one limit, so that a server cannot keep a client reading for ever.
#[test]
fn endless_interim_responses_are_refused() {
    let mut decoder = ResponseDecoder::new("GET");
    let mut count = 0;
    let error = loop {
        match decoder.decode(&mut &b"HTTP/1.1 102 Processing\r\n\r\n"[..]) {
            Ok(Some(ResponsePart::Interim(_))) => count += 1,
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(count, 65536 / 27);
    assert_eq!(error.to_string(), "head exceeds the limit of 65536 bytes");
}

#[test]
fn chunk_lines_and_trailers_are_bounded() {
    let limits = HeadLimits { bytes: 100, headers: 2 };
    let read = |input: String| {
        let mut decoder = BodyDecoder::new(Framing::Chunked).with_limits(limits);
        let mut input = input.as_bytes();
        while decoder.decode(&mut input)?.is_some() {}
        decoder.handle_eof()
    };
    let longest = BodyDecoder::CHUNK_LINE_LIMIT - "1;\r\n".len();
    assert_eq!(read(format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(longest))), Ok(()));
    assert_eq!(
        read(format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(longest + 1))),
        Err(BodyError::ChunkLineTooLong { limit: 4096 })
    );
    assert_eq!(read("0\r\nA: b\r\nA: b\r\n\r\n".into()), Ok(()));
    assert_eq!(
        read("0\r\nA: b\r\nA: b\r\nA: b\r\n\r\n".into()),
        Err(BodyError::TooManyTrailers { limit: 2 })
    );
    assert_eq!(read(format!("0\r\nA: {}\r\n\r\n", "b".repeat(93))), Ok(()));
    assert_eq!(
        read(format!("0\r\nA: {}\r\n\r\n", "b".repeat(94))),
        Err(BodyError::TrailersTooLarge { limit: 100 })
    );
}
