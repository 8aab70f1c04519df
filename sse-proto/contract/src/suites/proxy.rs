//! The program `proxy` of an adapter, run as people run it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::programs::Program;

/// Makes test functions of the suite, of the name of the runtime. `cargo test` builds the programs beside the tests.
#[macro_export]
macro_rules! proxy_suite {
    ($runtime:literal) => {
        $crate::proxy_suite! {
            $runtime;
            a_proxy_passes_on_what_there_is
            a_proxy_passes_each_event_on_at_once
            a_proxy_shows_how_a_stream_ended
            a_proxy_says_why_there_is_no_stream
            a_proxy_leaves_upstream_when_its_client_leaves
        }
    };
    ($runtime:literal; $($test:ident)*) => {
        mod proxy {
            $(
                #[test]
                fn $test() {
                    $crate::suites::proxy::$test($runtime);
                }
            )*
        }
    };
}

/// A server that answers one client as this says, and hands over what it was asked.
fn upstream(serve: impl FnOnce(TcpStream) + Send + 'static) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/stream?x=1", listener.local_addr().unwrap());
    let (sender, asked) = mpsc::channel();
    thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = BufReader::new(&socket).lines().map(Result::unwrap).take_while(|line| !line.is_empty());
        sender.send(head.collect::<Vec<_>>().join("\n")).unwrap();
        serve(socket);
    });
    (url, asked)
}

fn answering(answer: &'static str) -> (String, mpsc::Receiver<String>) {
    upstream(move |mut socket| socket.write_all(answer.as_bytes()).unwrap())
}

fn proxy(runtime: &str, upstream: &str) -> Program {
    Program::start(runtime, "proxy", &["--port", "0", "--upstream", upstream])
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: x\n\n\r\n";

pub fn a_proxy_passes_on_what_there_is(runtime: &str) {
    let (url, asked) = answering(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\
        : hi\n\nretry: 250\n\nid: 7\nevent: a\ndata: x\ndata: y\n\ndata\n\nid\ndata:  z\n\nunknown: u\ndata: cut",
    );
    let program = proxy(runtime, &url);
    let mut answer = String::new();
    let request = "GET / HTTP/1.0\r\nLast-Event-ID: 6\r\n\r\n";
    program.connect(request).read_to_string(&mut answer).unwrap();
    let (head, stream) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(
        stream,
        ": hi\nretry: 250\n\nevent: a\nid: 7\ndata: x\ndata: y\n\ndata: \n\nid: \ndata:  z\n\n"
    );
    let asked = asked.recv().unwrap();
    assert!(asked.starts_with("GET /stream?x=1 HTTP/1.1\n"), "{asked}");
    assert!(asked.to_lowercase().contains("\nlast-event-id: 6"), "{asked}");
}

pub fn a_proxy_passes_each_event_on_at_once(runtime: &str) {
    let (seen, next) = mpsc::channel::<()>();
    let (url, _asked) = upstream(move |mut socket| {
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").unwrap();
        for count in 0..10 {
            socket.write_all(format!("data: {count}\n\n").as_bytes()).unwrap();
            next.recv().unwrap();
        }
    });
    let program = proxy(runtime, &url);
    let events: Vec<_> = program.listen("/", None).inspect(|_| seen.send(()).unwrap()).collect();
    assert_eq!(events.concat(), (0..10).map(|count| format!("data: {count}")).collect::<Vec<_>>());
}

pub fn a_proxy_shows_how_a_stream_ended(runtime: &str) {
    for (rest, end) in [("0\r\n\r\n", "\r\n0\r\n\r\n"), ("9\r\ndata", "\n\n\r\n"), ("", "\n\n\r\n")] {
        let (url, _asked) = upstream(move |mut socket| {
            socket.write_all(CHUNKED.as_bytes()).unwrap();
            socket.write_all(rest.as_bytes()).unwrap();
        });
        let program = proxy(runtime, &url);
        let mut answer = Vec::new();
        // A cut may come as a reset.
        let _ = program.connect("GET / HTTP/1.1\r\nHost: a\r\n\r\n").read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains("data: x\n\n") && answer.ends_with(end), "{rest:?}: {answer:?}");
    }
}

pub fn a_proxy_says_why_there_is_no_stream(runtime: &str) {
    for (answer, status) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("HTTP/1.1 404 Not Found\r\n\r\n", 404),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", 503),
        ("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", 502),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", 502),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n\x1f", 502),
        ("no HTTP\r\n\r\n", 502),
    ] {
        let (url, _asked) = answering(answer);
        let got = proxy(runtime, &url).ask("GET", "/");
        assert!(got.starts_with(&format!("HTTP/1.1 {status} ")), "{answer:?}: {got}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let got = proxy(runtime, &format!("http://{nobody}/")).ask("GET", "/");
    assert!(got.starts_with("HTTP/1.1 502 Bad Gateway\r\n") && got.contains("refused"), "{got}");
}

pub fn a_proxy_leaves_upstream_when_its_client_leaves(runtime: &str) {
    let (left, when) = mpsc::channel();
    let (url, _asked) = upstream(move |mut socket| {
        socket.write_all(CHUNKED.as_bytes()).unwrap();
        // Nothing more is written: that it ended is noticed all the same.
        let _ = socket.read(&mut [0]);
        left.send(Instant::now()).unwrap();
    });
    let program = proxy(runtime, &url);
    let mut events = program.listen("/", None);
    assert_eq!(events.next().unwrap(), ["data: x"]);
    let leaving = Instant::now();
    drop(events);
    let noticed = when.recv().unwrap() - leaving;
    assert!(noticed < Duration::from_secs(5), "{noticed:?}");
}
