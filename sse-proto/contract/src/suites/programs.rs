//! The programs `price` and `chat` of an adapter, run as people run them: `runtime` is in their names.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Makes test functions of the suite, of the name of the runtime. `cargo test` builds the programs beside the tests.
#[macro_export]
macro_rules! programs_suite {
    ($runtime:literal) => {
        $crate::programs_suite! {
            $runtime;
            prices_are_the_same_whoever_serves_them
            prices_come_with_a_page
            prices_are_for_pages_of_all_origins
            a_chat_reaches_who_it_is_for
            a_chat_tells_pages_who_is_here_and_what_was_said
            a_chat_says_what_is_wrong_with_a_request
            a_chat_forgets_who_has_left
            a_busy_port_is_explained
        }
    };
    ($runtime:literal; $($test:ident)*) => {
        mod programs {
            $(
                #[test]
                fn $test() {
                    $crate::suites::programs::$test($runtime);
                }
            )*
        }
    };
}

/// A program that runs; it is ended when this is dropped.
pub(super) struct Program {
    child: Child,
    address: String,
}

impl Program {
    pub(super) fn start(runtime: &str, kind: &str, args: &[&str]) -> Self {
        // `cargo test` builds the examples beside the tests.
        let tests = std::env::current_exe().unwrap();
        let folder = tests.parent().unwrap().parent().unwrap().join("examples");
        let path = folder.join(format!("{kind}_{runtime}{}", std::env::consts::EXE_SUFFIX));
        let mut child = Command::new(path).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let line = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        let (_, url) = line.rsplit_once("http://127.0.0.1:").unwrap();
        let port = url.split('/').next().unwrap();
        Self { child, address: format!("127.0.0.1:{port}") }
    }

    fn port(&self) -> &str {
        self.address.split_once(':').unwrap().1
    }

    pub(super) fn connect(&self, request: &str) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        socket
    }

    /// The whole answer.
    pub(super) fn ask(&self, method: &str, target: &str) -> String {
        let mut answer = String::new();
        self.connect(&format!("{method} {target} HTTP/1.0\r\n\r\n")).read_to_string(&mut answer).unwrap();
        answer
    }

    /// A stream whose response is accepted. HTTP/1.0 has no chunks: what follows the head is the stream.
    pub(super) fn listen(&self, target: &str, last_event_id: Option<&str>) -> Events {
        let id = last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let socket = self.connect(&format!("GET {target} HTTP/1.0\r\n{id}\r\n"));
        let mut lines = BufReader::new(socket).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "HTTP/1.1 200 OK");
        while !lines.next().unwrap().unwrap().is_empty() {}
        Events(lines)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) struct Events(std::io::Lines<BufReader<TcpStream>>);

impl Iterator for Events {
    /// The lines of an event; a comment is none.
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        let mut event = Vec::new();
        loop {
            match self.0.next()?.ok()? {
                line if line.starts_with(':') => {}
                line if !line.is_empty() => event.push(line),
                _ if !event.is_empty() => return Some(event),
                _ => {}
            }
        }
    }
}

/// The line of the field of this name, wherever it stands.
fn line<'e>(event: &'e [String], name: &str) -> &'e str {
    let is_it = |line: &&String| line.split_once(": ").is_some_and(|(field, _)| field == name);
    event.iter().find(is_it).unwrap_or_else(|| panic!("no {name} in {event:?}"))
}

pub fn prices_are_the_same_whoever_serves_them(runtime: &str) {
    let program = Program::start(runtime, "price", &["--port", "0", "--interval", "100"]);
    let live: Vec<_> = program.listen("/price", None).take(6).collect();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let id = |event: &[String]| event[1].strip_prefix("id: ").unwrap().to_owned();
    let first = id(&live[0]).parse::<u128>().unwrap();
    assert!(first % 100 < 2 && now - 5000 < first && first <= now, "{first} at {now}");
    for (event, names) in live.iter().zip([["AAPL", "AMZN"], ["AMZN", "AAPL"]].iter().cycle()) {
        let [name, id, data] = &event[..] else { panic!("{event:?}") };
        let is_amazon = id.ends_with('1');
        assert!(id.strip_prefix("id: ").is_some_and(|id| id.len() == 13), "{id}");
        assert!(names.contains(&name.strip_prefix("event: ").unwrap()), "{name}");
        assert_eq!(name == "event: AMZN", is_amazon, "{event:?}");
        let (whole, decimals) = data.strip_prefix("data: ").unwrap().split_once('.').unwrap();
        assert!(whole.parse::<u32>().is_ok() && decimals.len() == 6, "{data}");
    }

    // Another one, on the same port, knows what this one has sent.
    let port = program.port().to_owned();
    drop(program);
    let again = Program::start(runtime, "price", &["--port", &port, "--interval", "100"]);
    let last = id(&live[0]);
    for resumed in
        [again.listen("/price", Some(&last)), again.listen(&format!("/price?lastEventId={last}"), None)]
    {
        let resumed: Vec<_> = resumed.take(20).collect();
        assert_eq!(resumed[..5], live[1..], "it goes on behind the last event");
        let ticks: Vec<_> = resumed.iter().map(|event| id(event).parse::<u64>().unwrap() / 100).collect();
        assert!(
            ticks.windows(3).all(|ticks| ticks[2] == ticks[0] + 1),
            "nothing lost, nothing twice: {ticks:?}"
        );
    }
}

pub fn prices_come_with_a_page(runtime: &str) {
    let program = Program::start(runtime, "price", &["--port", "0"]);
    let page = program.ask("GET", "/");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(
        page.contains("Content-Type: text/html; charset=utf-8\r\n") && page.ends_with("</html>\n"),
        "{page}"
    );
    assert!(!page.contains("src=") && !page.contains("@import"), "it needs nothing else");
    assert!(program.ask("GET", "/other").starts_with("HTTP/1.1 404 Not Found\r\n"));
    assert!(program.ask("POST", "/price").starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
    let head = program.ask("HEAD", "/price");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
}

pub fn prices_are_for_pages_of_all_origins(runtime: &str) {
    let program = Program::start(runtime, "price", &["--port", "0"]);
    for method in ["OPTIONS", "HEAD"] {
        let request = format!("{method} /price HTTP/1.0\r\nOrigin: http://a\r\n\r\n");
        let mut answer = String::new();
        program.connect(&request).read_to_string(&mut answer).unwrap();
        assert!(answer.contains("\r\nAccess-Control-Allow-Origin: *\r\n"), "{answer}");
        let asks = answer.starts_with("HTTP/1.1 204 ");
        assert_eq!(answer.contains("\r\nAccess-Control-Allow-Headers: Last-Event-ID, "), asks, "{answer}");
        assert_eq!(asks, method == "OPTIONS", "{answer}");
    }
}

pub fn a_chat_reaches_who_it_is_for(runtime: &str) {
    let program = Program::start(runtime, "chat", &["--port", "0"]);
    let mut ann = [0, 1].map(|_| program.listen("/chat/sse?username=ann", None));
    let mut bob = program.listen("/chat/sse?username=b%C3%B6b", None);
    let success = |answer: String| {
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(answer.split_once("\r\n\r\n").unwrap().1.trim_end(), r#"{"message":"success"}"#);
    };
    success(program.ask("POST", "/chat/broadcast?from=ann&message=%22hi%22%0A+all"));
    success(program.ask("POST", "/chat/direct?from=b%C3%B6b&to=ann&message=psst"));
    let nobody = program.ask("POST", "/chat/direct?from=ann&to=carl&message=x");
    assert!(
        nobody.starts_with("HTTP/1.1 404 Not Found\r\n") && nobody.ends_with("carl is not here\n"),
        "{nobody}"
    );
    success(program.ask("POST", "/chat/broadcast?from=ann&message=bye"));

    let first = |event: &[String]| {
        let [name, id, data] = ["event", "id", "data"].map(|name| line(event, name));
        assert!(id.starts_with("id: "), "{id}");
        let (data, timestamp) = data.rsplit_once(r#","Timestamp":""#).unwrap();
        let timestamp = timestamp.strip_suffix("Z\"}").unwrap();
        assert_eq!((timestamp.len(), &timestamp[10..11]), ("2026-11-21T08:00:00.123456789".len(), "T"));
        (name.to_owned(), data.to_owned())
    };
    let expect =
        |kind: &str, rest: &str| (format!("event: {kind}"), format!(r#"data: {{"Type":"{kind}",{rest}"#));
    let hi = expect("broadcast", r#""From":"ann","To":"","Message":"\"hi\"\n all""#);
    let psst = expect("direct", r#""From":"böb","To":"ann","Message":"psst""#);
    let bye = expect("broadcast", r#""From":"ann","To":"","Message":"bye""#);
    let mut ids = Vec::new();
    for tab in &mut ann {
        let events: Vec<_> = tab.take(3).collect();
        assert_eq!(
            events.iter().map(|event| first(event)).collect::<Vec<_>>(),
            [hi.clone(), psst.clone(), bye.clone()]
        );
        ids = events.iter().map(|event| line(event, "id")["id: ".len()..].to_owned()).collect();
    }
    assert_eq!(bob.by_ref().take(2).map(|event| first(&event)).collect::<Vec<_>>(), [hi, bye.clone()]);

    // One who was gone for a moment misses nothing.
    let back = program.listen("/chat/sse?username=ann", Some(&ids[0]));
    assert_eq!(back.take(2).map(|event| first(&event)).collect::<Vec<_>>(), [psst, bye]);
}

pub fn a_chat_tells_pages_who_is_here_and_what_was_said(runtime: &str) {
    let program = Program::start(runtime, "chat", &["--port", "0"]);
    program.ask("POST", "/chat/broadcast?from=ann&message=before");
    let mut ann = program.listen("/chat/sse?username=ann&page=1", None);
    let mut next = || ann.next().unwrap();
    assert!(line(&next(), "data").contains(r#""Message":"before""#));
    let names = |event: &[String]| line(event, "data").split_once(r#","names":"#).unwrap().1.to_owned();
    assert_eq!(names(&next()), r#"["ann"]}"#);
    let bob = program.listen("/chat/sse?username=b%C3%B6b&page=1", None);
    let here = next();
    assert_eq!((line(&here, "event"), &*names(&here)), ("event: here", r#"["ann","böb"]}"#));
    // One tab of two that is closed changes nothing.
    drop(program.listen("/chat/sse?username=ann&page=1", None));
    program.ask("POST", "/chat/direct?from=ann&to=b%C3%B6b&message=psst");
    let copy = next();
    assert!(
        line(&copy, "event") == "event: direct" && line(&copy, "data").contains("psst"),
        "what she has sent comes back: {copy:?}"
    );
    drop(bob);
    assert_eq!(names(&next()), r#"["ann"]}"#);
}

pub fn a_chat_says_what_is_wrong_with_a_request(runtime: &str) {
    let program = Program::start(runtime, "chat", &["--port", "0"]);
    for (method, target, status) in [
        ("GET", "/chat/sse", 400),
        ("GET", "/chat/sse?username=", 400),
        ("POST", "/chat/broadcast?from=a", 400),
        ("POST", "/chat/direct?from=a&message=m", 400),
        ("GET", "/chat/broadcast?from=a&message=m", 405),
        ("POST", "/chat/sse?username=a", 405),
        ("PUT", "/chat/direct?from=a&to=b&message=m", 405),
        ("GET", "/other", 404),
        ("GET", "/", 200),
    ] {
        let answer = program.ask(method, target);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {target}: {answer}");
    }
}

pub fn a_chat_forgets_who_has_left(runtime: &str) {
    let program = Program::start(runtime, "chat", &["--port", "0"]);
    drop(program.listen("/chat/sse?username=ann", None));
    let end = Instant::now() + Duration::from_secs(10);
    while !program.ask("POST", "/chat/direct?from=b&to=ann&message=m").starts_with("HTTP/1.1 404 ") {
        assert!(Instant::now() < end);
        thread::sleep(Duration::from_millis(10));
    }
}

pub fn a_busy_port_is_explained(runtime: &str) {
    let program = Program::start(runtime, "chat", &["--port", "0"]);
    for kind in ["price", "chat"] {
        let tests = std::env::current_exe().unwrap();
        let folder = tests.parent().unwrap().parent().unwrap().join("examples");
        let output = Command::new(folder.join(format!("{kind}_{runtime}{}", std::env::consts::EXE_SUFFIX)))
            .args(["--port", program.port()])
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && errors.contains("try another one with --port"), "{errors}");
    }
}
