// What the servers of all adapters must do. Included by a test of each, which defines:
//
// - `Answered`, what a handler gives;
// - `handler!([captured] incoming => body)` makes a handler, asynchronous where the adapter is; `wait!` waits there;
// - `run(server, listener)`, which serves in this thread until the server has stopped.
//
// The other side is always a plain `std::net` socket.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sse_proto::http1::Response;
use sse_proto::http1::server::{Closed, ServerConfig, Fault};
use sse_proto::hub::{AfterGap, Subscription};
use sse_proto::{Decoder, Event};

/// What is given up after this has failed: long, for a machine that is busy.
const LONG: Duration = Duration::from_secs(30);

/// Some time that is short for a test, and long for a socket of this machine.
const SOON: Duration = Duration::from_millis(300);

/// A server at work, and why its connections were closed.
struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    closed: Receiver<Closed>,
    thread: JoinHandle<()>,
}

impl Running {
    fn new(config: ServerConfig, server: Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, closed) = mpsc::channel();
        let tell = Mutex::new(tell);
        let server = server.with_config(config).with_on_closed(move |_, closed| {
            // The text is all that can be kept of an error.
            let closed = match closed {
                Closed::Fault(fault) => Closed::Fault(fault.clone()),
                Closed::Failed(error) => Closed::Failed(error.to_string().into()),
                Closed::Error(error) => Closed::Error(error.to_string().into()),
                Closed::Finished => Closed::Finished,
                Closed::Busy => Closed::Busy,
                Closed::Left => Closed::Left,
                Closed::Stalled => Closed::Stalled,
                Closed::Draining => Closed::Draining,
                _ => Closed::Aborted,
            };
            let _ = tell.lock().unwrap().send(closed);
        });
        let handle = server.handle();
        let thread = thread::spawn(move || run(server, listener));
        Self { address, handle, closed, thread }
    }

    /// A connection that has sent this.
    fn connect(&self, request: &str) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        socket
    }

    /// All of the answer to this request.
    fn ask(&self, request: &str) -> String {
        read_all(self.connect(request))
    }

    fn closed(&self) -> Closed {
        self.closed.recv_timeout(LONG).unwrap()
    }

    /// Shuts the server down, and says how long that took.
    fn stop(self) -> Duration {
        let start = Instant::now();
        self.handle.shutdown();
        self.thread.join().unwrap();
        let took = start.elapsed();
        soon(|| self.handle.connections() == 0);
        took
    }
}

fn read_all(mut socket: TcpStream) -> String {
    let mut answer = Vec::new();
    match socket.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error}"),
    }
    String::from_utf8(answer).unwrap()
}

/// Reads until this was read.
fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while !answer.ends_with(end.as_bytes()) {
        assert_eq!(socket.read(&mut byte).unwrap(), 1, "{:?}", String::from_utf8_lossy(&answer));
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

/// The events of an answer whose chunks are complete, and whether the last chunk is there.
fn events(answer: &str) -> (Vec<Event>, bool) {
    let (head, mut rest) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.to_lowercase().contains("transfer-encoding: chunked"), "{head}");
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    while let Some((size, chunk)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            assert_eq!(chunk, "\r\n");
            return (events, true);
        }
        let mut body = chunk.get(..size).expect("a chunk that is not cut").as_bytes();
        while let Some(event) = decoder.decode(&mut body).unwrap() {
            events.push(event.to_event());
        }
        rest = chunk[size..].strip_prefix("\r\n").unwrap();
    }
    assert_eq!(rest, "");
    (events, false)
}

fn soon(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "not in time");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Without keep-alives, so that nothing is written by itself.
fn silent() -> ServerConfig {
    let mut config = ServerConfig::default();
    config.stream.keep_alive = None;
    config.stream.drain_window = Duration::ZERO;
    config
}

const GET: &str = "GET /sse HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn requests_are_answered() {
    let server = Server::new(handler!([] incoming => {
        match (incoming.method(), incoming.path()) {
            (_, "/sse") => {
                let id = incoming.last_event_id().unwrap_or_default().into_owned();
                let events = incoming.open(Response::new(200).with_header("X-Mine", "yes")?);
                wait!(events.send(&Event::new(format!("id {id}")).with_name("hello")?))?;
                wait!(events.comment("so long"))?;
                assert!(events.try_send("last")?);
            }
            ("POST", "/echo") => {
                let body = incoming.body().to_vec();
                incoming.respond(&Response::new(200).with_header("Content-Type", "text/plain")?, body);
            }
            _ => incoming.respond(&Response::new(404), "no such stream\n"),
        }
        Ok(())
    }));
    let server = Running::new(silent(), server);
    let answer = server.ask("GET /sse HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 7\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let (start, date) = head.split_once("Date: ").unwrap();
    let (date, end) = date.split_once("\r\n").unwrap();
    assert!(date.ends_with(" GMT") && date.len() == "Sun, 06 Nov 1994 08:49:37 GMT".len(), "{date}");
    assert_eq!(
        start.to_owned() + end,
        "HTTP/1.1 200 OK\r\nX-Mine: yes\r\ncontent-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\n\
         x-accel-buffering: no\r\nConnection: close\r\nTransfer-Encoding: chunked"
    );
    let chunks = "19\r\nevent: hello\ndata: id 7\n\n\r\n9\r\n:so long\n\r\nc\r\ndata: last\n\n\r\n0\r\n\r\n";
    assert_eq!(body, chunks);

    let old = server.ask("GET /sse?lastEventId=8 HTTP/1.0\r\n\r\n");
    assert!(old.ends_with("\r\n\r\nevent: hello\ndata: id 8\n\n:so long\ndata: last\n\n"), "{old}");
    let head = server.ask("HEAD /sse HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let echo = server.ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert!(echo.ends_with("Content-Length: 5\r\n\r\nhello"), "{echo}");
    let missing = server.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(missing.starts_with("HTTP/1.1 404 ") && missing.ends_with("no such stream\n"), "{missing}");
    let head = server.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 404 ") && head.ends_with("Content-Length: 15\r\n\r\n"), "{head}");
    server.stop();
}

#[test]
fn the_head_is_there_before_the_first_event() {
    let (tell, told) = mpsc::channel::<()>();
    let told = Arc::new(Mutex::new(told));
    let server = Server::new(handler!([told] incoming => {
        let events = incoming.open(Response::new(200));
        let elsewhere = events.clone();
        thread::spawn(move || {
            told.lock().unwrap().recv().unwrap();
            assert!(elsewhere.try_send("now").unwrap());
        });
        wait!(events.closed());
        Ok(())
    }));
    let server = Running::new(silent(), server);
    let mut socket = server.connect(GET);
    read_until(&mut socket, "\r\n\r\n");
    tell.send(()).unwrap();
    read_until(&mut socket, "data: now\n\n\r\n");
    drop(socket);
    assert!(matches!(server.closed(), Closed::Left));
    server.stop();
}

#[test]
fn those_who_fail_are_told_apart_and_others_live_on() {
    let server = Server::new(handler!([] incoming => {
        match incoming.path() {
            "/error" => return Err("no".into()),
            "/panic" => panic!("as the test wants it"),
            "/silent" => {}
            "/late" => {
                let events = incoming.open(Response::new(200));
                wait!(events.send("one"))?;
                // It is there before the stream is cut.
                thread::sleep(Duration::from_millis(50));
                return Err("no".into());
            }
            "/lost" => {
                let events = incoming.open(Response::new(200));
                let lost = events.clone();
                assert!(thread::spawn(move || { let _lost = lost; panic!("as the test wants it") }).join().is_err());
                wait!(events.closed());
            }
            _ => incoming.respond(&Response::new(204), ""),
        }
        Ok(())
    }));
    let server = Running::new(silent(), server);
    for path in ["/error", "/panic", "/silent"] {
        let answer = server.ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 500 "), "{path}: {answer}");
        assert!(matches!(server.closed(), Closed::Failed(_)), "{path}");
    }
    for path in ["/late", "/lost"] {
        let answer = server.ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(!answer.ends_with("0\r\n\r\n"), "{path}: {answer}");
        assert!(matches!(server.closed(), Closed::Failed(_)), "{path}");
    }
    assert!(server.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 204 "));
    server.stop();
}

#[test]
fn there_are_no_more_connections_than_there_may_be() {
    let server = Server::new(handler!([] incoming => {
        let events = incoming.open(Response::new(200));
        wait!(events.closed());
        Ok(())
    }));
    let mut config = silent();
    config.connections = 3;
    config.retry_after = Duration::from_millis(6500);
    let server = Running::new(config, server);
    let mut open: Vec<_> = (0..3).map(|_| server.connect(GET)).collect();
    open.iter_mut().for_each(|socket| drop(read_until(socket, "\r\n\r\n")));
    for _ in 0..3 {
        let answer = server.ask(GET);
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: 7\r\n"), "{answer}");
        assert!(matches!(server.closed(), Closed::Busy));
    }
    drop(open.pop());
    assert!(matches!(server.closed(), Closed::Left));
    read_until(&mut server.connect(GET), "HTTP/1.1 200 OK\r\n");
    drop(open);
    server.stop();
}

#[test]
fn many_write_to_one_stream_and_nothing_is_mixed() {
    const WRITERS: usize = 4;
    const EVENTS: usize = 500;
    let server = Server::new(handler!([] incoming => {
        let events = incoming.open(Response::new(200));
        for writer in 0..WRITERS {
            let events = events.clone();
            thread::spawn(move || {
                for event in 0..EVENTS {
                    let data = format!("{writer} {event}\n").repeat(1 + event % 50);
                    while !events.try_send(data.trim_end()).unwrap() {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            });
        }
        Ok(())
    }));
    let server = Running::new(silent(), server);
    let (events, is_whole) = events(&server.ask(GET));
    assert!(is_whole);
    let mut next = [0; WRITERS];
    for event in &events {
        let (writer, _) = event.data().split_once(' ').unwrap();
        let writer: usize = writer.parse().unwrap();
        let line = format!("{writer} {}", next[writer]);
        assert!(event.data().lines().all(|other| other == line), "{event:?}");
        assert_eq!(event.data().lines().count(), 1 + next[writer] % 50);
        next[writer] += 1;
    }
    assert_eq!(next, [EVENTS; WRITERS]);
    server.stop();
}

#[test]
fn a_client_that_leaves_ends_the_work_though_nothing_is_written() {
    /// Tells when it is dropped.
    struct Work(mpsc::Sender<&'static str>);
    impl Drop for Work {
        fn drop(&mut self) {
            let _ = self.0.send("ended");
        }
    }
    let (tell, told) = mpsc::channel();
    let tell = Arc::new(Mutex::new(tell));
    let hub: Hub = Hub::new(Default::default());
    let server = Server::new(handler!([tell, hub] incoming => {
        let work = Work(tell.lock().unwrap().clone());
        if incoming.path() == "/hub" {
            wait!(incoming.forward(&hub, &Subscription::to_all(), Response::new(200)))?;
        } else {
            let events = incoming.open(Response::new(200));
            work.0.send("begun")?;
            wait!(events.closed());
        }
        drop(work);
        Ok(())
    }));
    let server = Running::new(silent(), server);
    let mut socket = server.connect(GET);
    read_until(&mut socket, "\r\n\r\n");
    assert_eq!(told.recv_timeout(LONG), Ok("begun"));
    assert!(told.try_recv().is_err());
    let left = Instant::now();
    drop(socket);
    assert_eq!(told.recv_timeout(LONG), Ok("ended"));
    assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());

    let mut socket = server.connect("GET /hub HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(&mut socket, "\r\n\r\n");
    soon(|| hub.stats().subscribers == 1);
    let left = Instant::now();
    drop(socket);
    assert_eq!(told.recv_timeout(LONG), Ok("ended"));
    assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
    soon(|| hub.stats().subscribers == 0);
    server.stop();
}

#[test]
fn one_that_comes_back_gets_what_it_has_missed() {
    let hub: Hub = Hub::with_generation(35, Default::default());
    let server = Server::new(handler!([hub] incoming => {
        wait!(incoming.forward(&hub, &Subscription::to(["news"]), Response::new(200)))?;
        Ok(())
    }));
    let server = Running::new(silent(), server);
    for event in ["one", "two", "three"] {
        hub.publish("news", event).unwrap();
    }
    let mut socket = server.connect("GET / HTTP/1.1\r\nHost: a\r\nLast-Event-ID: z-1\r\n\r\n");
    read_until(&mut socket, "data: three\n\n\r\n");
    hub.publish("else", "not this").unwrap();
    hub.publish("news", "four").unwrap();
    hub.close();
    let rest = read_all(socket);
    assert_eq!(rest, "14\r\nid: z-5\ndata: four\n\n\r\n0\r\n\r\n");
    server.stop();
}

#[test]
fn a_server_that_stops_under_load_cuts_nobody() {
    const CLIENTS: usize = 50;
    let hub: Hub = Hub::new(Default::default());
    let server = Server::new(handler!([hub] incoming => {
        wait!(incoming.forward(&hub, &Subscription::to_all(), Response::new(200)))?;
        Ok(())
    }));
    let mut config = ServerConfig::default();
    config.stream.drain_window = SOON;
    config.drain_timeout = LONG;
    config.stream.final_retry = Some((Duration::from_secs(1), Duration::from_secs(9)));
    let server = Running::new(config, server);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let socket = server.connect(GET);
            thread::spawn(move || (read_all(socket), Instant::now()))
        })
        .collect();
    soon(|| hub.stats().subscribers == CLIENTS);
    let publisher = hub.clone();
    let publishing = thread::spawn(move || {
        let mut event = 0_u64;
        while publisher.publish("", &*format!("{event}\n{}", "x".repeat(1000))).is_ok() {
            event += 1;
            thread::sleep(Duration::from_millis(1));
        }
    });
    thread::sleep(SOON);
    let idle = server.connect("");
    let start = Instant::now();
    let took = server.stop();
    assert!(took < LONG, "{took:?}");
    hub.close();
    publishing.join().unwrap();
    let answer = read_all(idle);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let mut retries = Vec::new();
    for client in clients {
        let (answer, ended) = client.join().unwrap();
        let (events, is_whole) = events(&answer);
        assert!(is_whole, "a clean end");
        assert!(ended < start + took + SOON);
        let number = |event: &Event| event.data().split('\n').next().unwrap().parse::<u64>().unwrap();
        assert!(events.len() > 10 && events.iter().all(|event| event.data().ends_with(&"x".repeat(1000))));
        assert!(events.windows(2).all(|two| number(&two[0]) + 1 == number(&two[1])));
        let retry = answer.rsplit_once("retry: ").unwrap().1;
        retries.push(retry.split('\n').next().unwrap().parse::<u64>().unwrap());
    }
    retries.sort_unstable();
    assert!(retries.iter().all(|retry| (1000..9000).contains(retry)));
    assert!(retries[0] + 2000 < retries[CLIENTS - 1], "spread: {retries:?}");
}

#[test]
fn handlers_are_told_that_the_server_stops() {
    let server = Server::new(handler!([] incoming => {
        let events = incoming.open(Response::new(200));
        wait!(events.draining());
        assert!(events.is_draining());
        wait!(events.send("farewell"))?;
        events.finish();
        assert!(events.is_closed() && wait!(events.send("late")).is_err());
        Ok(())
    }));
    let mut config = silent();
    config.stream.drain_window = LONG;
    let server = Running::new(config, server);
    let mut socket = server.connect(GET);
    read_until(&mut socket, "\r\n\r\n");
    let client = thread::spawn(move || read_all(socket));
    server.stop();
    assert_eq!(client.join().unwrap(), "10\r\ndata: farewell\n\n\r\n0\r\n\r\n");
}

#[test]
fn a_server_that_stops_waits_for_nobody_for_ever() {
    let server = Server::new(handler!([] incoming => {
        let events = incoming.open(Response::new(200));
        wait!(events.closed());
        Ok(())
    }));
    let mut config = silent();
    config.stream.drain_window = Duration::from_secs(1_000_000);
    config.drain_timeout = SOON;
    let server = Running::new(config, server);
    let mut socket = server.connect(GET);
    read_until(&mut socket, "\r\n\r\n");
    let took = server.stop();
    assert!(took >= SOON && took < SOON + Duration::from_secs(5), "{took:?}");
    assert_eq!(read_all(socket), "", "without an end");
}

#[test]
fn one_that_reads_next_to_nothing_is_cut_and_delays_nobody() {
    let hub: Hub = Hub::new(Default::default());
    let server = Server::new(handler!([hub] incoming => {
        wait!(incoming.forward(&hub, &Subscription::to_all(), Response::new(200)))?;
        Ok(())
    }));
    let mut config = silent();
    config.stream.stall = Some(SOON);
    let server = Running::new(config, server);
    let mut slow = server.connect(GET);
    let live = server.connect(GET);
    soon(|| hub.stats().subscribers == 2);
    let reading = thread::spawn(move || read_all(live));
    let slow_reading = thread::spawn(move || {
        // A byte now and then, until it is cut.
        while slow.read(&mut [0]).is_ok_and(|count| count > 0) {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let mut published = 0;
    let start = Instant::now();
    let reason = loop {
        assert!(start.elapsed() < LONG, "not in time");
        hub.publish("", &*format!("{published}{}", "x".repeat(10_000))).unwrap();
        published += 1;
        if let Ok(reason) = server.closed.recv_timeout(Duration::from_millis(1)) {
            break reason;
        }
    };
    assert!(matches!(reason, Closed::Stalled), "{reason:?}");
    hub.close();
    let (events, is_whole) = events(&reading.join().unwrap());
    assert!(is_whole);
    assert_eq!(events.len(), published);
    drop(slow_reading);
    server.stop();
}

#[test]
fn hostile_clients_are_answered_and_gone() {
    let server = Server::new(handler!([] incoming => {
        let events = incoming.open(Response::new(200));
        wait!(events.closed());
        Ok(())
    }));
    let mut config = silent();
    config.head_timeout = SOON;
    config.body_timeout = SOON;
    let server = Running::new(config, server);

    let long_id = format!("GET / HTTP/1.1\r\nHost: a\r\nLast-Event-ID: {}\r\n\r\n", "x".repeat(64 * 1024));
    for (request, status) in [
        ("\0\x01\u{7f} garbage\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "400"),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "405"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", "413"),
        ("GET / HTTP/3.7\r\nHost: a\r\n\r\n", "505"),
        (&long_id, "431"),
        // Nothing more comes, then.
        ("GET / HT", "408"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", "408"),
    ] {
        let answer = server.ask(request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer}");
        let closed = server.closed();
        assert!(matches!(&closed, Closed::Fault(fault) if fault.status().to_string() == status), "{closed:?}");
    }

    // A head that drips.
    let mut socket = server.connect("GET / HTTP/1.1\r\n");
    let start = Instant::now();
    while socket.write_all(b"X").is_ok() && start.elapsed() < SOON + Duration::from_millis(100) {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(read_all(socket).starts_with("HTTP/1.1 408 "));
    assert!(matches!(server.closed(), Closed::Fault(Fault::Slow)));

    // Bytes without end after the request.
    let mut socket = server.connect(GET);
    while socket.write_all(&[b'x'; 1000]).is_ok() {
        assert!(start.elapsed() < LONG, "not in time");
    }
    assert!(matches!(server.closed(), Closed::Fault(Fault::Unasked { .. })));
    server.stop();
}

#[test]
fn one_that_comes_back_too_late_is_told_what_it_has_lost() {
    let mut config = sse_proto::hub::HubConfig::default();
    config.events = 5;
    let hub: Hub = Hub::with_generation(35, config);
    let server = Server::new(handler!([hub] incoming => {
        let after = if incoming.path() == "/live" { AfterGap::Live } else { AfterGap::Replay };
        let subscription = Subscription::to_all().with_after_gap(after);
        wait!(incoming.forward(&hub, &subscription, Response::new(200)))?;
        Ok(())
    }));
    let mut config = silent();
    let name = String::from("lost");
    config.stream.set_gap(move |gap, mut encoder| {
        encoder.event(Event::new(gap.to_string()).with_name(&*name).unwrap().as_ref());
    });
    for event in 1..=20 {
        hub.publish("", &*event.to_string()).unwrap();
    }
    let told = |server: &Running, path: &str, id: &str, end: &str| {
        let request = format!("GET {path} HTTP/1.0\r\nLast-Event-ID: {id}\r\n\r\n");
        let mut socket = server.connect(&request);
        read_until(&mut socket, "\r\n\r\n");
        read_until(&mut socket, end)
    };
    let default = Running::new(silent(), Server::new(handler!([hub] incoming => {
        wait!(incoming.forward(&hub, &Subscription::to_all(), Response::new(200)))?;
        Ok(())
    })));
    let gap = "event: gap\ndata: 14\n\nid: z-16\ndata: 16\n\n";
    assert!(told(&default, "/", "z-1", "data: 20\n\n").starts_with(gap));
    let unknown = "event: gap\ndata: unknown\n\nid: z-16\ndata: 16\n\n";
    assert!(told(&default, "/", "y-1", "data: 20\n\n").starts_with(unknown));
    assert!(told(&default, "/", "z-15", "data: 20\n\n").starts_with("id: z-16\n"), "nothing is lost");
    default.stop();

    let server = Running::new(config, server);
    assert!(told(&server, "/", "z-1", "data: 20\n\n").starts_with("event: lost\ndata: 14\n\nid: z-16\n"));
    let mut socket = server.connect("GET /live HTTP/1.0\r\nLast-Event-ID: z-1\r\n\r\n");
    read_until(&mut socket, "event: lost\ndata: 14\n\n");
    hub.publish("", "live").unwrap();
    assert_eq!(read_until(&mut socket, "\n\n"), "id: z-21\ndata: live\n\n");
    hub.close();
    server.stop();
}

/// Clients that are everywhere dispatch an event on any blank line once there is an id: none comes from a quiet hub.
#[test]
fn a_quiet_stream_is_kept_open_without_a_blank_line() {
    let hub: Hub = Hub::with_generation(35, Default::default());
    let server = Server::new(handler!([hub] incoming => {
        wait!(incoming.forward(&hub, &Subscription::to_all(), Response::new(200)))?;
        Ok(())
    }));
    let mut config = ServerConfig::default();
    config.stream.keep_alive = Some(Duration::from_millis(20));
    let server = Running::new(config, server);
    let mut socket = server.connect("GET / HTTP/1.0\r\n\r\n");
    read_until(&mut socket, "\r\n\r\n");
    soon(|| hub.stats().subscribers == 1);
    hub.publish("", "one").unwrap();
    let seen = read_until(&mut socket, ":\n:\n:\n");
    assert!(seen.ends_with("id: z-1\ndata: one\n\n:\n:\n:\n"), "{seen}");
    hub.close();
    server.stop();
}

/// It takes more time for what the system holds for it than a client may stall, and reads all the time.
#[test]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), ignore = "the system has no TCP_NOTSENT_LOWAT")]
fn a_slow_but_steady_reader_is_not_cut() {
    let server = Server::new(handler!([] incoming => {
        let events = incoming.open(Response::new(200));
        wait!(events.send(&*"x".repeat(24_000_000)))?;
        wait!(events.closed());
        Ok(())
    }));
    let mut config = silent();
    config.stream.stall = Some(Duration::from_secs(2));
    let server = Running::new(config, server);
    let mut socket = server.connect(GET);
    let mut space = vec![0; 50_000];
    let mut read = |socket: &mut TcpStream, bytes: usize| {
        let mut left = bytes;
        while left > 0 {
            let most = left.min(space.len());
            let count = socket.read(&mut space[..most]).unwrap();
            assert!(count > 0, "cut with {left} of {bytes} left");
            left -= count;
        }
    };
    // So fast that the system makes its buffers large.
    read(&mut socket, 6_000_000);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(6) {
        read(&mut socket, 50_000);
        thread::sleep(Duration::from_millis(100));
    }
    assert!(server.closed.try_recv().is_err(), "it is served still");
    drop(socket);
    server.handle.close();
    server.stop();
}

/// Whoever converts an event, or encodes a keep-alive, may ask the sender for something: the lock is not held then.
#[test]
fn code_of_the_users_is_called_without_a_lock() {
    struct Curious<'s>(&'s EventSender);
    impl<'e> From<Curious<'_>> for sse_proto::EventRef<'e> {
        fn from(curious: Curious<'_>) -> Self {
            assert!(!curious.0.is_closed() && !curious.0.is_draining());
            Self::new("seen")
        }
    }
    struct Body(ServerHandle);
    impl AsRef<[u8]> for Body {
        fn as_ref(&self) -> &[u8] {
            self.0.connections();
            b"seen"
        }
    }
    let shared: Arc<Mutex<Option<(EventSender, ServerHandle)>>> = Arc::default();
    let server = Server::new(handler!([shared] incoming => {
        if incoming.path() == "/plain" {
            let handle = shared.lock().unwrap().as_ref().unwrap().1.clone();
            incoming.respond(&Response::new(200), Body(handle));
            return Ok(());
        }
        let events = incoming.open(Response::new(200));
        if let Some((sender, _)) = shared.lock().unwrap().as_mut() {
            *sender = events.clone();
        }
        wait!(events.send(Curious(&events)))?;
        assert!(events.try_send(Curious(&events))?);
        wait!(events.closed());
        Ok(())
    }));
    let handle = server.handle();
    let mut config = silent();
    config.stream.keep_alive = Some(Duration::from_millis(20));
    let asked = Arc::clone(&shared);
    config.stream.set_keep_alive(move |mut encoder| {
        let (sender, handle) = asked.lock().unwrap().clone().unwrap();
        assert!(!sender.is_closed() && handle.connections() > 0);
        encoder.comment("still here");
    });
    // A sender of another stream, to begin with.
    let other = Server::new(handler!([shared, handle] incoming => {
        *shared.lock().unwrap() = Some((incoming.open(Response::new(200)), handle));
        Ok(())
    }));
    let other = Running::new(silent(), other);
    read_until(&mut other.connect(GET), "\r\n\r\n");
    let server = Running::new(config, server);
    let mut socket = server.connect("GET / HTTP/1.0\r\n\r\n");
    read_until(&mut socket, "data: seen\n\ndata: seen\n\n:still here\n:still here\n");
    assert!(server.ask("GET /plain HTTP/1.0\r\n\r\n").ends_with("\r\n\r\nseen"));
    *shared.lock().unwrap() = None;
    drop(socket);
    server.stop();
    other.stop();
}

#[test]
fn what_panics_costs_its_connection_and_no_place() {
    /// Panics when it is dropped.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("as the test wants it");
        }
    }
    /// An error that does so.
    struct Failure(Bomb);
    impl std::fmt::Debug for Failure {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let Self(Bomb) = self;
            f.write_str("failure")
        }
    }
    impl std::fmt::Display for Failure {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("failure")
        }
    }
    impl std::error::Error for Failure {}
    let server = Server::new(handler!([] incoming => {
        let (bomb, path) = (Bomb, incoming.path().to_owned());
        if path == "/stream" {
            let events = incoming.open(Response::new(200));
            wait!(events.closed());
        } else if path == "/error" {
            // Told as the reason of the end, and dropped then.
            std::mem::forget(bomb);
            let events = incoming.open(Response::new(200));
            wait!(events.comment("so far"))?;
            return Err(Box::new(Failure(Bomb)) as Box<dyn std::error::Error + Send + Sync>);
        } else {
            incoming.respond(&Response::new(200), "");
        }
        drop(bomb);
        Ok(())
    }));
    let server = server.with_on_closed(|_, _| panic!("as the test wants it"));
    let mut config = silent();
    config.connections = 3;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, handle) = (listener.local_addr().unwrap(), server.handle());
    let server = server.with_config(config);
    let thread = thread::spawn(move || run(server, listener));
    let ask = |path: &str| {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        write!(socket, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        socket
    };
    for _ in 0..2 {
        for path in ["/stream", "/error", "/plain"] {
            for _ in 0..3 {
                read_until(&mut ask(path), "HTTP/1.1 200 OK\r\n");
            }
            soon(|| handle.connections() == 0);
        }
    }
    handle.shutdown();
    thread.join().unwrap();
}

#[test]
fn a_handler_that_panics_before_it_waits_is_answered() {
    fn handle(_: Incoming) -> Answered {
        panic!("as the test wants it")
    }
    let server = Running::new(silent(), Server::new(handle));
    for _ in 0..2 {
        let answer = server.ask(GET);
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(matches!(server.closed(), Closed::Failed(_)));
    }
    server.stop();
}

#[test]
fn a_client_that_shuts_its_side_down_gets_a_plain_answer() {
    let server = Server::new(handler!([] incoming => {
        if incoming.path() == "/sse" {
            wait!(incoming.open(Response::new(200)).closed());
            return Ok(());
        }
        // The end of what the client sends is there before the answer.
        thread::sleep(Duration::from_millis(100));
        incoming.respond(&Response::new(200), "answer\n");
        Ok(())
    }));
    let server = Running::new(silent(), server);
    let socket = server.connect("GET /plain HTTP/1.0\r\n\r\n");
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let answer = read_all(socket);
    assert!(answer.ends_with("\r\n\r\nanswer\n"), "{answer}");
    assert!(matches!(server.closed(), Closed::Finished));
    server.stop();
}

#[test]
fn a_keep_alive_that_panics_fails_its_stream_alone() {
    let server = Server::new(handler!([] incoming => {
        let events = incoming.open(Response::new(200));
        wait!(events.send("one"))?;
        wait!(events.closed());
        Ok(())
    }));
    let mut config = silent();
    config.stream.keep_alive = Some(Duration::from_millis(50));
    config.stream.set_keep_alive(|_| panic!("as the test wants it"));
    let server = Running::new(config, server);
    for _ in 0..2 {
        let answer = server.ask(GET);
        assert!(answer.ends_with("data: one\n\n\r\n"), "{answer}");
        let closed = server.closed();
        assert!(matches!(&closed, Closed::Failed(error) if error.to_string().contains("panicked")), "{closed:?}");
    }
    server.stop();
}
