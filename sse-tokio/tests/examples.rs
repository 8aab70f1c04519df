//! The example programs, run as people run them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread::{self, JoinHandle};

/// `cargo test` builds the examples beside the tests.
fn example(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().unwrap().parent().unwrap().join("examples");
    Command::new(folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// A server for one request, which gives the request.
fn serve(response: String) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let request = read_request(&mut socket);
        socket.write_all(response.as_bytes()).unwrap();
        request
    });
    (url, server)
}

fn read_request(socket: &mut TcpStream) -> String {
    let mut reader = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

fn chat(url: &str) -> (bool, String, String) {
    let output = example("chat").args([url, "a-model", "why?"]).env("API_KEY", "secret").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\
    data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
    data: {\"choices\":[{\"delta\":{\"content\":\"Because \"}}]}\n\n\
    data: {\"choices\":[{\"delta\":{\"content\":\"…\"},\"finish_reason\":null}]}\n\n\
    data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n";

#[test]
fn chat_shows_the_answer_as_it_comes() {
    let (url, server) = serve(format!("{ANSWER}data: [DONE]\n\n"));
    assert_eq!(chat(&url), (true, "Because …\n".into(), "".into()));
    let request = server.join().unwrap();
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{request}");
    for part in [
        "Authorization: Bearer secret\r\n",
        "Accept: text/event-stream\r\n",
        "\"content\":\"why?\"",
        "\"stream\":true",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

#[test]
fn chat_tells_an_answer_that_is_cut() {
    let (url, _server) = serve(ANSWER.into());
    let (success, answer, error) = chat(&url);
    assert_eq!((success, &*answer), (false, "Because …"));
    assert!(error.contains("before its end marker"), "{error}");
}

#[test]
fn chat_shows_what_the_service_did_not_like() {
    let body = "{\"error\":{\"message\":\"no such model\"}}";
    let response = format!("HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let (success, _, error) = chat(&serve(response).0);
    assert!(!success && error.contains("404") && error.contains("no such model"), "{error}");
}

/// A server of HTTP/2 that answers each request with one event, and gives the requests.
#[cfg(feature = "http")]
fn serve_http2() -> (String, std::sync::mpsc::Receiver<http::Request<()>>) {
    use http_body_util::Full;
    use hyper::body::{Bytes, Incoming};
    use hyper::server::conn::http2;
    use hyper::service::service_fn;
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let (seen, requests) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let seen = seen.clone();
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let response = http::Response::builder().header("content-type", "text/event-stream");
                    let body = Full::new(Bytes::from("retry: 10\nid: 7\ndata: hello\n\n"));
                    let _ = seen.send(request.map(drop));
                    async { response.body(body) }
                });
                let connection =
                    http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service);
                tokio::spawn(connection);
            }
        });
    });
    (url, requests)
}

#[cfg(feature = "http")]
#[test]
fn reqwest_token_renews_its_token_over_http2() {
    let file = std::env::temp_dir().join(format!("sse-tokio-token-{}", std::process::id()));
    std::fs::write(&file, "first\n").unwrap();
    let (url, requests) = serve_http2();
    let mut command = example("reqwest_token");
    let mut child = command
        .arg(url)
        .arg(&file)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);

    let request = requests.recv().unwrap();
    assert_eq!(request.version(), http::Version::HTTP_2);
    assert_eq!(request.headers()["authorization"], "Bearer first");
    assert!(!request.headers().contains_key("last-event-id"));
    assert_eq!(lines.next().as_deref(), Some("message: hello"));
    std::fs::write(&file, "second").unwrap();
    let renewed =
        requests.iter().find(|request| request.headers()["authorization"] == "Bearer second").unwrap();
    assert_eq!(renewed.headers()["last-event-id"], "7");
    assert_eq!(renewed.version(), http::Version::HTTP_2);
    assert_eq!(lines.next().as_deref(), Some("message: hello"));

    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_file(&file).unwrap();
}

#[test]
#[cfg(all(unix, feature = "axum"))]
fn axum_server_streams_and_stops_with_a_clean_end() {
    let mut program = example("axum_server").arg("0").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().rsplit('/').next().unwrap();
    let clients = ["/count", "/time"].map(|path| {
        let mut socket = TcpStream::connect(address).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut answer = String::new();
        let mut reader = BufReader::new(socket);
        while !answer.contains("data: ") {
            assert!(reader.read_line(&mut answer).unwrap() > 0, "{answer}");
        }
        assert!(answer.contains("\r\nx-accel-buffering: no\r\n"), "{answer}");
        reader
    });
    let mut page = TcpStream::connect(address).unwrap();
    write!(page, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut metrics = String::new();
    page.read_to_string(&mut metrics).unwrap();
    assert!(metrics.contains("\nsse_hub_subscribers 1\n"), "{metrics}");
    let pid = program.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    for mut client in clients {
        let mut rest = String::new();
        client.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with("\r\n0\r\n\r\n"), "{rest}");
    }
    assert!(program.wait().unwrap().success());
}

#[test]
#[cfg(feature = "axum")]
fn a_snapshot_and_its_changes_are_everything() {
    let mut program = example("snapshot").arg("0").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().rsplit('/').next().unwrap().to_owned();
    let ask = |request: &str| {
        let mut socket = TcpStream::connect(&address).unwrap();
        write!(socket, "{request} HTTP/1.0\r\nHost: a\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    ask("POST /votes/tea");
    ask("POST /votes/tea");
    let snapshot: serde_json::Value = serde_json::from_str(&ask("GET /votes")).unwrap();
    assert_eq!(snapshot["votes"], serde_json::json!({"tea": 2}));
    ask("POST /votes/milk");
    let position = snapshot["position"].as_str().unwrap();
    let mut socket = TcpStream::connect(&address).unwrap();
    write!(socket, "GET /changes?lastEventId={position} HTTP/1.0\r\n\r\n").unwrap();
    let mut changes =
        BufReader::new(socket).lines().map(Result::unwrap).filter(|line| line.starts_with("data: "));
    assert_eq!(changes.next().unwrap(), r#"data: {"name":"milk","votes":1}"#);
    ask("POST /votes/tea");
    assert_eq!(changes.next().unwrap(), r#"data: {"name":"tea","votes":3}"#);
    program.kill().unwrap();
    program.wait().unwrap();
}
