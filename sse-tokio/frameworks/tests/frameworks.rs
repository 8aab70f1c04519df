//! Each program is started as it is, and spoken to by real clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use sse_tokio::{EventBody, EventSource};
use tokio::time::timeout;

/// One of the programs, which says at which address it listens.
struct Program {
    child: Child,
    address: String,
}

impl Program {
    fn start(name: &str, arguments: &[&str]) -> Self {
        // Tests run in target/debug/deps.
        let mut file = std::env::current_exe().unwrap();
        file.pop();
        file.pop();
        let command = &mut Command::new(file.join("examples").join(name));
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("listening on ").rsplit('/').next().unwrap().to_owned();
        Self { child, address }
    }

    /// Ends it as Ctrl-C does.
    fn interrupt(&mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn post_plain(address: &str, path: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(socket, "POST {path} HTTP/1.0\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

async fn next(source: &mut EventSource) -> String {
    timeout(Duration::from_secs(20), source.next()).await.unwrap().unwrap().unwrap().data().to_owned()
}

/// Live, and again what was missed; for one client no more streams than it may have; an end that is clean.
async fn serves_notifications(name: &str) {
    let mut program = Program::start(name, &["0"]);
    let address = program.address.clone();
    let url = format!("http://{address}/events/ann");
    let mut ann = EventSource::get(&url).unwrap();
    let head = timeout(Duration::from_secs(20), ann.open()).await.unwrap().unwrap();
    assert_eq!(head.header("content-type"), Some(&b"text/event-stream"[..]));
    let notify = |text: &'static str| {
        let address = address.clone();
        tokio::task::spawn_blocking(move || post_plain(&address, "/notify/ann", text))
    };
    let answer = notify("one\ntwo").await.unwrap();
    assert!(answer.ends_with(" for 1 streams\n"), "{name}: {answer}");
    assert_eq!(next(&mut ann).await, "one\ntwo");
    let last = ann.last_event_id().to_owned();
    drop(ann);
    // Its departure is noticed.
    for attempt in 0.. {
        if notify("missed").await.unwrap().ends_with(" for 0 streams\n") {
            break;
        }
        assert!(attempt < 100, "{name}: the stream is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut back = EventSource::get(&url).unwrap().with_header("Last-Event-ID", &last).unwrap();
    assert_eq!(next(&mut back).await, "missed");

    program.interrupt();
    let ended = timeout(Duration::from_secs(20), async {
        while !matches!(back.next_signal().await, Some(sse_tokio::Signal::Reconnecting { .. }) | None) {}
    });
    ended.await.unwrap();
    drop(back);
    let status = tokio::task::spawn_blocking(move || program.child.wait().unwrap());
    assert!(timeout(Duration::from_secs(40), status).await.unwrap().unwrap().success(), "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn actix_serves_notifications() {
    serves_notifications("actix").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poem_serves_notifications() {
    serves_notifications("poem").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn salvo_serves_notifications() {
    serves_notifications("salvo").await;
}

/// Twenty streams over one connection, where a browser would open six at most over HTTP/1.1.
#[test]
fn hyper_serves_many_streams_over_one_connection() {
    let certificate = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cert.pem");
    let certificate = certificate.to_str().unwrap();
    let mut program = Program::start("hyper_h2", &["0", certificate]);
    let url = |path: &str| format!("https://localhost:{}{path}", program.address.rsplit(':').next().unwrap());
    let curl = |arguments: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-sSN", "--http2", "--cacert", certificate, "--max-time", "30"]).args(arguments);
        command.stdout(Stdio::piped());
        command
    };
    let streams: Vec<String> = (0..20).map(|number| url(&format!("/events/user{number}"))).collect();
    let mut arguments =
        vec!["-s", "--parallel", "--parallel-max", "20", "-w", "%{http_version} %{num_connects}\n"];
    arguments.extend(streams.iter().map(String::as_str));
    let reading = curl(&arguments).spawn().unwrap();
    for number in 0..20 {
        // Until the stream is there.
        let path = url(&format!("/notify/user{number}"));
        for attempt in 0.. {
            let answer = curl(&["-d", &format!("to {number}"), &path]).output().unwrap().stdout;
            if answer.ends_with(b" for 1 streams\n") {
                break;
            }
            assert!(attempt < 100, "{}", String::from_utf8_lossy(&answer));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    program.interrupt();
    let output = String::from_utf8(reading.wait_with_output().unwrap().stdout).unwrap();
    for number in 0..20 {
        assert!(output.contains(&format!("data: to {number}\n\n")), "{output}");
    }
    // The version of HTTP, and how many connections were opened for the stream.
    let counts = ["2 0\n", "2 1\n"].map(|line| output.matches(line).count());
    assert_eq!(counts, [19, 1], "{output}");
    assert!(program.child.wait().unwrap().success());
}

/// A model of the mood that the question asks for.
async fn model(Query(mood): Query<std::collections::HashMap<String, String>>, _question: String) -> Response {
    let mood = mood["mood"].clone();
    if mood == "busy" {
        let error = json!({"error": {"message": "slow down"}}).to_string();
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")], error).into_response();
    }
    let body: EventBody = EventBody::new(async move |events| {
        for text in ["one ", "two "] {
            events.send(json!({"choices": [{"delta": {"content": text}}]}).to_string()).await?;
        }
        match &*mood {
            "cut" => return Err("out of memory".into()),
            "error" => {
                events.send(sse_tokio::Event::from_json("error", &json!({"message": "oops"}))?).await?
            }
            _ => events.send("[DONE]").await?,
        }
        Ok(())
    });
    body.into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_passes_tokens_errors_and_cuts_on() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let model_url = format!("http://{}/", listener.local_addr().unwrap());
    let routes = axum::Router::new().route("/", post(model));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    for (mood, head, end) in [
        ("good", "HTTP/1.0 200 OK", "\ndata: [DONE]\n\n"),
        ("busy", "HTTP/1.0 429 Too Many Requests", "{\"error\":{\"message\":\"slow down\"}}"),
        ("cut", "HTTP/1.0 200 OK", "TWO \"}}]}\n\n"),
        ("error", "HTTP/1.0 200 OK", "TWO \"}}]}\n\n"),
    ] {
        let program = Program::start("gateway", &[&format!("{model_url}?mood={mood}"), "0"]);
        let address = program.address.clone();
        let answer = tokio::task::spawn_blocking(move || post_plain(&address, "/chat", "{}")).await.unwrap();
        assert!(answer.starts_with(head) && answer.ends_with(end), "{mood}: {answer}");
        assert_eq!(answer.contains("\r\nretry-after: 7\r\n"), mood == "busy", "{answer}");
        assert_eq!(answer.contains("\"ONE \""), mood != "busy", "{answer}");
    }
}
