//! Compressed streams.

use flate2::{Compress, Compression, FlushCompress};
use sse_proto::Instant;
use sse_proto::http::{Request, ResponseHead};
use sse_proto::http1::{self, client::Connection};
use sse_proto::source::{CloseReason, EndMarker, Reconnect, Session, SourceConfig, Want};

fn config() -> SourceConfig {
    let mut config = SourceConfig::default();
    config.reconnect = Reconnect::Never;
    config.accept_gzip = true;
    config
}

/// Compresses each piece so that it can be read when it arrives.
fn gzip(pieces: &[&str], is_complete: bool) -> Vec<u8> {
    let mut machine = Compress::new_gzip(Compression::best(), 15);
    let mut coded = Vec::with_capacity(1 << 20);
    for piece in pieces {
        machine.compress_vec(piece.as_bytes(), &mut coded, FlushCompress::Sync).unwrap();
    }
    if is_complete {
        machine.compress_vec(&[], &mut coded, FlushCompress::Finish).unwrap();
    }
    coded
}

fn head(status: u16, coding: &str) -> ResponseHead {
    let head = ResponseHead::new(status).with_header("Content-Type", b"text/event-stream");
    head.with_header("Content-Encoding", coding.as_bytes()).with_header("Content-Length", b"9")
}

/// Reads a body in pieces of this length. Returns the events and the reason of the close.
fn read(
    config: &SourceConfig,
    head: &ResponseHead,
    mut body: &[u8],
    piece: usize,
) -> (Vec<String>, Option<CloseReason>) {
    let now = Instant::default();
    let request = Request::get("http://a.test/").unwrap();
    let mut source = Session::new(request, 0).with_config(config.clone());
    let mut events = Vec::new();
    loop {
        match source.want(now).0 {
            Want::Prepare => source.handle_prepared(now),
            Want::Request => source.handle_response(now, head.clone()),
            Want::Read if body.is_empty() => source.handle_end(now),
            Want::Read => {
                let taken = source.handle_bytes(now, &body[..piece.min(body.len())]);
                body = &body[taken..];
            }
            Want::Event => events.push(source.event().data().to_owned()),
            Want::Closed => return (events, source.take_closed()),
            _ => {}
        }
    }
}

#[track_caller]
fn reads(config: &SourceConfig, body: &[u8], events: &[&str], end: &str) {
    for piece in [1, 7, 1 << 20] {
        let (read, closed) = read(config, &head(200, "gzip"), body, piece);
        assert_eq!(
            (read, closed.unwrap().to_string().as_str()),
            (events.iter().map(|&event| event.into()).collect(), end)
        );
    }
}

const ENDED: &str = "the stream ended";

#[test]
fn a_compressed_event_is_read_when_it_arrives() {
    let mut config = config();
    let (one, two) = ("data: one\n\n", "id: 2\ndata: tw\u{f6}\ndata: 2\n\n");
    reads(&config, &gzip(&[one, two], true), &["one", "tw\u{f6}\n2"], ENDED);
    let members = [gzip(&[one], true), gzip(&[], true), gzip(&[two, one], true)].concat();
    reads(&config, &members, &["one", "tw\u{f6}\n2", "one"], ENDED);
    reads(&config, &[], &[], ENDED);

    // The end is not needed to read what came before it.
    let (events, closed) = read(&config, &head(200, "x-GZip, utf-8"), &gzip(&[one, two], false), 1);
    assert_eq!(events.len(), 2);
    assert!(closed.unwrap().to_string().contains("the body ended inside the compressed data"));

    config.deliver_incomplete = true;
    reads(&config, &gzip(&["data: one\n\ndata: two"], true), &["one", "two"], ENDED);
    config.end = EndMarker::Data("two".into());
    reads(&config, &gzip(&["data: one\n\ndata: two"], true), &["one"], "the end marker was received");
}

#[test]
fn what_is_sent_says_what_is_understood() {
    let sent = |config: &SourceConfig, set: Option<&str>| {
        let mut request = Request::get("http://a.test/").unwrap();
        if let Some(set) = set {
            request.set_header("Accept-Encoding", set).unwrap();
        }
        let mut source = Session::new(request, 0).with_config(config.clone());
        let now = Instant::default();
        while source.want(now).0 == Want::Prepare {
            source.handle_prepared(now);
        }
        source.request().header("accept-encoding").map(|value| String::from_utf8_lossy(value).into_owned())
    };
    assert_eq!(sent(&SourceConfig::default(), None), None);
    assert_eq!(sent(&config(), None).unwrap(), "gzip");
    assert_eq!(sent(&config(), Some("identity")).unwrap(), "identity");
}

#[test]
fn a_refusal_is_read_in_plain_text() {
    let body = gzip(&["no such topic"], true);
    let refused = head(404, "gzip");
    let (_, closed) = read(&config(), &refused, &body, 3);
    let closed = closed.unwrap();
    let CloseReason::Refused(response) = &closed else { panic!("{closed}") };
    assert_eq!((response.status(), &*response.body), (Some(404), &b"no such topic"[..]));
    // An error page in place of a stream.
    let (_, closed) = read(&config(), &head(200, "gzip"), &body, 3);
    assert!(closed.unwrap().to_string().contains("not an event stream"));
}

#[test]
fn other_codings_and_other_bodies_are_refused() {
    let refusal = |config: &SourceConfig, coding: &str| {
        let closed = read(config, &head(200, coding), &gzip(&["data: a\n\n"], true), 9).1.unwrap();
        assert!(matches!(closed, CloseReason::Refused(_)), "{closed}");
    };
    refusal(&SourceConfig::default(), "gzip");
    for coding in ["br", "gzip, gzip", "zstd, gzip"] {
        refusal(&config(), coding);
    }
    let mut damaged = gzip(&["data: a\n\n"], true);
    damaged[3] ^= 0xff;
    let (_, closed) = read(&config(), &head(200, "gzip"), &damaged, 9);
    assert!(closed.unwrap().to_string().contains("the body is not valid gzip"));
    let trailing = [gzip(&["data: a\n\n"], true), b"garbage and more of it".to_vec()].concat();
    let (events, closed) = read(&config(), &head(200, "gzip"), &trailing, 9);
    assert_eq!(events, ["a"]);
    assert!(closed.unwrap().to_string().contains("the body is not valid gzip"));
}

#[test]
fn a_body_that_grows_without_measure_is_cut() {
    // 1 MiB is allowed in any case.
    let heartbeats = ":\n\n".repeat(1 << 18);
    let end = "data: end\n\n";
    reads(&config(), &gzip(&[&heartbeats, end], true), &["end"], ENDED);
    let (_, closed) = read(&config(), &head(200, "gzip"), &gzip(&[&heartbeats, &heartbeats, end], true), 999);
    assert!(closed.unwrap().to_string().contains("more than 128 times the bytes received"));
}

#[test]
fn a_connection_of_http_1_reads_it_in_chunks() {
    let coded = gzip(&["data: one\n\n", "data: two\n\n"], true);
    let mut response =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_vec();
    for chunk in coded.chunks(5) {
        response.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        response.extend_from_slice(chunk);
        response.extend_from_slice(b"\r\n");
    }
    response.extend_from_slice(b"0\r\n\r\n");
    let now = Instant::default();
    let request = Request::get("http://a.test/").unwrap();
    let mut client = Connection::new(Session::new(request, 0).with_config(config()));
    let (mut sent, mut events) = (Vec::new(), Vec::new());
    let mut response = &response[..];
    loop {
        use http1::client::Want;
        match client.want(now).0 {
            Want::Prepare => client.handle_prepared(now),
            Want::Connect => client.handle_connected(now),
            Want::Write => {
                let bytes = client.pending().to_vec();
                client.handle_written(now, bytes.len());
                sent.extend_from_slice(&bytes);
            }
            Want::Read => {
                let count = response.len().min(7);
                client.space()[..count].copy_from_slice(&response[..count]);
                client.handle_read(now, count);
                response = &response[count..];
            }
            Want::Event => events.push(client.event().data().to_owned()),
            Want::Closed => break,
            _ => {}
        }
    }
    assert_eq!(events, ["one", "two"]);
    assert!(String::from_utf8(sent).unwrap().contains("\r\nAccept-Encoding: gzip\r\n"));
    assert_eq!(client.source().response().unwrap().header("content-encoding"), None);
}

#[test]
fn an_open_stream_takes_as_much_memory_as_documented() {
    let body = gzip(&[&":\n\n".repeat(100_000)], true);
    let measure = |accept| {
        let mut config = config();
        config.accept_gzip = accept;
        allocation_counter::measure(|| drop(read(&config, &head(200, "gzip"), &body, 999))).bytes_max
    };
    let bytes = measure(true) - measure(false);
    assert!((40 << 10..80 << 10).contains(&bytes), "{bytes} bytes");
}
