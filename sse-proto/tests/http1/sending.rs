use sse_proto::http1::{
    Framing, HeaderError, Request, RequestDecoder, RequestError, Response, Url, UrlError, append_chunk,
};

fn encoded(request: &Request) -> String {
    let mut out = Vec::new();
    request.encode(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn defaults_and_what_replaces_them() {
    let get = || Request::get("http://a.example:81/x").unwrap();
    let cases = [
        (get(), "Host: a.example:81\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n"),
        (
            get().with_header("cache-control", "max-age=0").unwrap(),
            "Host: a.example:81\r\ncache-control: max-age=0\r\nAccept: text/event-stream\r\n",
        ),
        (
            get().with_header("HOST", "b").unwrap().with_header("Host", "c").unwrap(),
            "Host: c\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n",
        ),
        (
            get().with_header("accept", "text/html").unwrap().with_header("Accept", "x/y").unwrap(),
            "Host: a.example:81\r\naccept: text/html, text/event-stream\r\nAccept: x/y\r\nCache-Control: no-cache\r\n",
        ),
        (
            get().with_header("Accept", "x/y, Text/Event-Stream;q=0.5").unwrap(),
            "Host: a.example:81\r\nAccept: x/y, Text/Event-Stream;q=0.5\r\nCache-Control: no-cache\r\n",
        ),
        (
            get().with_header("Accept", " ").unwrap(),
            "Host: a.example:81\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n",
        ),
        (
            get().with_header("Accept", "text/event-streamx").unwrap(),
            "Host: a.example:81\r\nAccept: text/event-streamx, text/event-stream\r\nCache-Control: no-cache\r\n",
        ),
        (
            get()
                .with_last_event_id("a")
                .unwrap()
                .with_header("X", "1")
                .unwrap()
                .with_last_event_id("ü b")
                .unwrap(),
            "Host: a.example:81\r\nX: 1\r\nlast-event-id: ü b\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n",
        ),
        (
            get().with_last_event_id("a").unwrap().with_last_event_id("").unwrap(),
            "Host: a.example:81\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n",
        ),
        (
            get().with_url(Url::parse("https://[::1]/x").unwrap()),
            "Host: [::1]\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n",
        ),
        (
            get().with_url(Url::parse("http://[fe80::1%25eth0]:81/x").unwrap()),
            "Host: [fe80::1]:81\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n",
        ),
    ];
    for (request, headers) in cases {
        assert_eq!(encoded(&request), format!("GET /x HTTP/1.1\r\n{headers}\r\n"));
    }
}

#[test]
fn bodies() {
    let post = |url| Request::new("POST", url).unwrap();
    let common = "Host: a\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n";
    let request = post("http://a").with_body("{}");
    assert_eq!(encoded(&request), format!("POST / HTTP/1.1\r\n{common}Content-Length: 2\r\n\r\n{{}}"));
    assert_eq!(encoded(&post("http://a")), format!("POST / HTTP/1.1\r\n{common}Content-Length: 0\r\n\r\n"));
    let request = Request::get("http://a").unwrap().with_body(*b"x");
    assert_eq!(encoded(&request), format!("GET / HTTP/1.1\r\n{common}Content-Length: 1\r\n\r\nx"));
    assert!(!format!("{:?}", post("http://a").with_body("confidential")).contains("confidential"));
}

#[test]
fn nothing_breaks_out_of_a_header() {
    let get = || Request::get("http://a").unwrap();
    for name in ["", "a b", "a:", "a\r\nb", "ü", "(", "a\0"] {
        assert!(matches!(get().with_header(name, "x"), Err(HeaderError::Name { .. })), "{name:?}");
        assert!(
            matches!(Response::new(200).with_header(name, "x"), Err(HeaderError::Name { .. })),
            "{name:?}"
        );
    }
    for byte in (0..32_u8).filter(|&byte| byte != b'\t').chain([127]) {
        let value = format!("ab{}", char::from(byte));
        let error = |name: &str| HeaderError::Value { name: name.into(), byte, position: 2 };
        assert_eq!(get().with_header("X", &value), Err(error("X")));
        assert_eq!(Response::new(200).with_header("X", &value), Err(error("X")));
        assert_eq!(get().with_last_event_id(&value), Err(error("last-event-id")));
    }
    for name in ["Content-Length", "transfer-encoding"] {
        assert_eq!(get().with_header(name, "1"), Err(HeaderError::Framing { name: name.into() }));
        assert_eq!(
            Response::new(200).with_header(name, "1"),
            Err(HeaderError::Framing { name: name.into() })
        );
    }
    for method in ["", "GET ", "G\r\nX: y", "CONNECT", "ü"] {
        assert!(matches!(Request::new(method, "http://a"), Err(RequestError::Method { .. })), "{method:?}");
    }
    assert_eq!(Request::new("GET", "a"), Err(RequestError::Url(UrlError::Scheme)));
}

#[test]
fn response_heads() {
    let cases = [
        (
            200,
            Framing::Chunked,
            "HTTP/1.1 200 OK\r\nX: y\r\nConnection: z\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            404,
            Framing::Length(7),
            "HTTP/1.1 404 Not Found\r\nX: y\r\nConnection: z\r\nContent-Length: 7\r\n\r\n",
        ),
        (200, Framing::UntilClose, "HTTP/1.1 200 OK\r\nX: y\r\nConnection: close\r\n\r\n"),
        (200, Framing::None, "HTTP/1.1 200 OK\r\nX: y\r\nConnection: z\r\n\r\n"),
        (204, Framing::Chunked, "HTTP/1.1 204 No Content\r\nX: y\r\nConnection: z\r\n\r\n"),
        (304, Framing::Length(1), "HTTP/1.1 304 Not Modified\r\nX: y\r\nConnection: z\r\n\r\n"),
        (100, Framing::Chunked, "HTTP/1.1 100 Continue\r\nX: y\r\nConnection: z\r\n\r\n"),
        (299, Framing::None, "HTTP/1.1 299 \r\nX: y\r\nConnection: z\r\n\r\n"),
        (99, Framing::None, "HTTP/1.1 500 Internal Server Error\r\nX: y\r\nConnection: z\r\n\r\n"),
        (1000, Framing::None, "HTTP/1.1 500 Internal Server Error\r\nX: y\r\nConnection: z\r\n\r\n"),
    ];
    for (status, framing, expected) in cases {
        let response =
            Response::new(status).with_header("X", "y").unwrap().with_header("Connection", "z").unwrap();
        let mut out = Vec::new();
        response.encode(framing, &mut out);
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
    }
}

#[test]
fn chunk_sizes() {
    for (size, line) in [(1, "1"), (15, "f"), (16, "10"), (170, "aa"), (4096, "1000"), (65535, "ffff")] {
        let mut out = b"before".to_vec();
        append_chunk(&mut out, &vec![b'x'; size]);
        assert_eq!(out, format!("before{line}\r\n{}\r\n", "x".repeat(size)).into_bytes());
    }
    let mut out = Vec::new();
    append_chunk(&mut out, b"");
    assert!(out.is_empty());
}

#[test]
fn a_status_without_a_body_gets_no_events() {
    let mut input = &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..];
    let request = RequestDecoder::new().decode(&mut input).unwrap().unwrap();
    let mut sender = sse_proto::Sender::http1(&request, Response::new(204));
    let head = sender.pending().len();
    sender.event("HTTP?");
    sender.finish();
    assert_eq!(sender.pending().len(), head);
    assert!(!sender.pending().windows(8).any(|bytes| bytes.eq_ignore_ascii_case(b"transfer")));
}

#[test]
fn a_user_agent_is_only_a_default_and_breaks_out_of_no_header() {
    let sent = |request: &Request, agent: &str| {
        let mut out = Vec::new();
        request.encode_with_user_agent(agent, &mut out);
        String::from_utf8(out).unwrap()
    };
    let request = Request::get("http://a/").unwrap();
    assert!(sent(&request, "robot/1").ends_with("\r\nUser-Agent: robot/1\r\n\r\n"));
    for other in ["", "a\r\nX: y", "a\0"] {
        assert!(!sent(&request, other).contains("User-Agent"), "{other:?}");
    }
    let request = request.with_header("user-agent", "mine").unwrap();
    assert!(!sent(&request, "robot/1").contains("robot"));
}

#[test]
fn a_client_names_itself_once_and_for_all() {
    use sse_proto::Instant;
    use sse_proto::http1::client::{Connection, Want};
    use sse_proto::source::Session;

    let now = Instant::default();
    let source = Session::new(Request::get("http://a/").unwrap(), 0);
    let mut client =
        Connection::new(source).with_default_user_agent("first").with_default_user_agent("second");
    assert_eq!(client.want(now).0, Want::Prepare);
    client.handle_request::<std::io::Error>(now, Ok(Request::get("http://b/").unwrap()));
    assert_eq!(client.want(now).0, Want::Connect);
    client.handle_connected(now);
    assert_eq!(client.want(now).0, Want::Write);
    assert!(client.pending().ends_with(b"\r\nUser-Agent: first\r\n\r\n"));
}
