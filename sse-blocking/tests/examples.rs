//! The example programs, run as people run them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

/// `cargo test` builds the examples beside the tests.
fn example(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().unwrap().parent().unwrap().join("examples");
    Command::new(folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

fn run(command: &mut Command, input: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that refuses its arguments does not read.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn ssecat(args: &[&str], input: &[u8]) -> Output {
    run(example("ssecat").args(args), input)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A failure that is explained on standard error, and not by a panic.
fn fails_with(output: &Output, message: &str) {
    let errors = text(&output.stderr);
    assert!(!output.status.success() && output.status.code() != Some(101), "{output:?}");
    assert!(errors.contains(message), "{message:?} in {errors:?}");
}

fn serve(response: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        BufReader::new(&socket)
            .lines()
            .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
            .for_each(drop);
        socket.write_all(response).unwrap();
    });
    url
}

fn recordings() -> impl Iterator<Item = PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let files: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "sse"))
}

#[test]
fn ssecat_reads_recorded_streams_of_real_services() {
    let mut count = 0;
    for path in recordings() {
        let expected = std::fs::read_to_string(path.with_extension("jsonl")).unwrap();
        let stream = std::fs::read(&path).unwrap();
        for chunk in ["1", "7", "1400", "65536"] {
            let file = ssecat(&["--json", "--chunk", chunk, path.to_str().unwrap()], b"");
            let stdin = ssecat(&["--json", "--chunk", chunk, "-"], &stream);
            for output in [file, stdin] {
                assert!(output.status.success(), "{path:?}: {output:?}");
                assert_eq!(text(&output.stdout), expected, "{path:?} in pieces of {chunk}");
            }
        }
        count += 1;
    }
    assert_eq!(count, 4);
}

#[test]
fn ssecat_prints_text_that_it_can_read_again() {
    for path in recordings() {
        let first = ssecat(&["--comments", path.to_str().unwrap()], b"");
        let second = ssecat(&["--comments", "-"], &first.stdout);
        assert!(!first.stdout.is_empty());
        assert_eq!(text(&first.stdout), text(&second.stdout));
    }
}

#[test]
fn ssecat_shows_comments_on_request() {
    let stream = b":one\ndata: x\nid: 7\n\n:two\n\ndata: y\n\n";
    let output = ssecat(&["--json", "--comments", "-"], stream);
    let expected = "{\"comment\":\"one\"}\n{\"event\":\"message\",\"data\":\"x\",\"id\":\"7\"}\n{\"comment\":\"two\"}\n\
        {\"event\":\"message\",\"data\":\"y\",\"id\":\"7\"}\n";
    assert_eq!(text(&output.stdout), expected);
    let output = ssecat(&["--comments", "-"], stream);
    assert_eq!(text(&output.stdout), ":one\nid: 7\ndata: x\n\n:two\ndata: y\n\n");
    let output = ssecat(&["-"], stream);
    assert_eq!(text(&output.stdout), "id: 7\ndata: x\n\ndata: y\n\n");
}

#[test]
fn ssecat_reads_urls() {
    let url = serve(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: x\n\n\r\n0\r\n\r\n");
    let output = ssecat(&["--json", "--chunk", "3", &url], b"");
    assert_eq!(text(&output.stdout), "{\"event\":\"message\",\"data\":\"x\",\"id\":\"\"}\n");
    assert!(output.status.success());
}

#[test]
fn ssecat_says_what_went_wrong() {
    fails_with(&ssecat(&[], b""), "no source");
    fails_with(&ssecat(&["--chunk", "0", "-"], b""), "--chunk takes a number");
    fails_with(&ssecat(&["--jsn", "-"], b""), "unknown option --jsn");
    fails_with(&ssecat(&["/no/such/file"], b""), "/no/such/file: No such file");
    fails_with(&ssecat(&["http://"], b""), "http://: ");
    fails_with(&ssecat(&["https://127.0.0.1/"], b""), "https is not supported");
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fails_with(&ssecat(&[&format!("http://{unused}/")], b""), "Connection refused");
    fails_with(&ssecat(&["http://host.invalid/"], b""), "http://host.invalid/: ");
    let url = serve(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>");
    fails_with(&ssecat(&[&url], b""), "the response has the media type \"text/html\"");
    let url = serve(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b",
    );
    fails_with(&ssecat(&[&url], b""), "the body has the content coding \"gzip\"");
    let url = serve(b"HTTP/1.1 503 Service Unavailable\r\n\r\n");
    fails_with(&ssecat(&[&url], b""), "the server answered with status 503");
    let url = serve(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n{\"error\":\x1b[0m\n{\"message\":\"context too long\"}}",
    );
    let output = ssecat(&[&url], b"");
    fails_with(
        &output,
        "{\"error\":[0m\n{\"message\":\"context too long\"}}\nssecat: not an event stream: no line",
    );
    assert_eq!(text(&output.stdout), "");
    let url = serve(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100\r\n\r\ndata: x\n\n",
    );
    let output = ssecat(&[&url], b"");
    fails_with(&output, "body");
    assert_eq!(text(&output.stdout), "data: x\n\n", "what came before the cut is printed");
}

#[test]
fn ssecat_notes_a_cut_event_and_skips_one_that_is_too_long() {
    let output = ssecat(&["-"], b"data: x\n\ndata: cut");
    assert!(output.status.success());
    assert!(text(&output.stderr).contains("the stream ends inside an event"));

    let mut stream = vec![b'x'; 17 << 20];
    stream[..6].copy_from_slice(b"data: ");
    stream.extend_from_slice(b"\n\ndata: next\n\n");
    let output = ssecat(&["-"], &stream);
    fails_with(&output, "event data exceeds the limit of 16777216 bytes");
    assert_eq!(text(&output.stdout), "data: next\n\n");
}

#[test]
fn ssecat_ends_when_nobody_reads_its_output() {
    let mut child = example("ssecat")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    while stdin.write_all(b"data: x\n\n").is_ok() {}
    fails_with(&child.wait_with_output().unwrap(), "standard output: Broken pipe");
}

#[test]
fn quickstart_runs_to_its_end() {
    let output = run(example("quickstart").args(["--port", "0", "--interval", "30"]), b"");
    let lines = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(lines.matches("client 2 | timestamp: ").count(), 10, "{lines}");
    assert!(lines.contains("client 2 | end: \"end flag\"\nclient 2 | done\n"), "{lines}");
    assert!(lines.contains("client 1 | cancelled\n"), "{lines}");
    let first = lines.matches("client 1 | timestamp: ").count();
    assert!((1..10).contains(&first), "cancelled on the way: {lines}");
}

#[test]
fn quickstart_says_that_its_port_is_busy() {
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    let output = run(example("quickstart").args(["--port", &port]), b"");
    fails_with(&output, &format!("cannot listen on port {port}: Address already in use"));
    fails_with(&output, "--port");
}

#[test]
fn quickstart_serves_others_meanwhile() {
    let mut child = example("quickstart")
        .args(["--port", "0", "--interval", "50"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let url = lines.find_map(|line| line.split_once("http://").map(|(_, url)| url.to_owned())).unwrap();
    let address = url.split_once('/').unwrap().0.to_owned();
    let ask = |request: &str| {
        let mut socket = TcpStream::connect(&address).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        socket.read_to_string(&mut response).unwrap();
        response
    };
    let missing = ask("GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(missing.starts_with("HTTP/1.1 404 Not Found\r\n"), "{missing}");
    let refused = ask("POST /sse HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert!(
        refused.starts_with("HTTP/1.1 405 Method Not Allowed\r\n")
            && refused.contains("\r\nallow: GET, HEAD\r\n"),
        "{refused}"
    );
    let head = ask("HEAD /sse HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 12\r\nConnection: close\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nDate: "), "{head}");
    assert!(head.contains("\r\ncontent-type: text/event-stream\r\n"), "{head}");
    assert!(lines.any(|line| line == "server   | stream opened, Last-Event-ID: 12"));
    lines.for_each(drop);
    assert!(child.wait().unwrap().success());
}

#[test]
fn ureq_client_follows_a_stream_to_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let responses = [
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 10\nid: 7\nevent: a\ndata: b\n\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
        ];
        responses.map(|response| {
            let (mut socket, _) = listener.accept().unwrap();
            let lines = BufReader::new(&socket).lines().map(Result::unwrap);
            let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            socket.write_all(response.as_bytes()).unwrap();
            request.join("\n").to_lowercase()
        })
    });
    let output = run(example("ureq_client").arg(url), b"");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stdout), "a: b\n");
    assert!(text(&output.stderr).contains("the stream ended; again in"), "{output:?}");
    let [first, second] = server.join().unwrap();
    assert!(!first.contains("last-event-id") && second.contains("last-event-id: 7"), "{second}");
}
