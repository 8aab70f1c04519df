//! What the servers of all adapters must do. The clients are plain `std::net` sockets.

mod answers;
mod ends;
mod panics;
mod streams;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sse_proto::http1::server::{Closed, ServerConfig};
use sse_proto::{Decoder, Event};

pub use self::answers::*;
pub use self::ends::*;
pub use self::panics::*;
pub use self::streams::*;
use crate::adapter::{Adapter, Server, ServerHandle};

/// Makes test functions of the suite.
#[macro_export]
macro_rules! serve_suite {
    ($adapter:ty) => {
        $crate::tests! {
            serve, $adapter;
            requests_are_answered
            the_head_is_there_before_the_first_event
            those_who_fail_are_told_apart_and_others_live_on
            there_are_no_more_connections_than_there_may_be
            many_write_to_one_stream_and_nothing_is_mixed
            a_client_that_leaves_ends_the_work_though_nothing_is_written
            one_that_comes_back_gets_what_it_has_missed
            a_server_that_stops_under_load_cuts_nobody
            handlers_are_told_that_the_server_stops
            a_server_that_stops_waits_for_nobody_for_ever
            one_that_reads_next_to_nothing_is_cut_and_delays_nobody
            hostile_clients_are_answered_and_gone
            one_that_comes_back_too_late_is_told_what_it_has_lost
            a_quiet_stream_is_kept_open_without_a_blank_line
            #[cfg_attr(not(any(target_os = "linux", target_os = "android")), ignore = "the system has no TCP_NOTSENT_LOWAT")]
            a_slow_but_steady_reader_is_not_cut
            code_of_the_users_is_called_without_a_lock
            what_panics_costs_its_connection_and_no_place
            a_handler_that_panics_before_it_waits_is_answered
            a_client_that_shuts_its_side_down_gets_a_plain_answer
            a_keep_alive_that_panics_fails_its_stream_alone
        }
    };
}

/// A handler that gets a clone of `context` with each request.
pub(super) fn with<C: Clone, I, F>(context: C, handle: impl Fn(C, I) -> F) -> impl Fn(I) -> F {
    move |incoming| handle(context.clone(), incoming)
}

/// What is given up after this has failed: long, for a machine that is busy.
pub(super) const LONG: Duration = Duration::from_secs(30);

/// Some time that is short for a test, and long for a socket of this machine.
const SOON: Duration = Duration::from_millis(300);

/// A server at work, and why its connections were closed.
struct Running<A: Adapter> {
    address: SocketAddr,
    handle: A::ServerHandle,
    closed: Receiver<Closed>,
    thread: JoinHandle<()>,
}

impl<A: Adapter> Running<A> {
    fn new(config: ServerConfig, server: A::Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, closed) = mpsc::channel();
        let tell = Mutex::new(tell);
        let server = server.with_config(config).with_on_closed(move |_, closed| {
            let _ = tell.lock().unwrap().send(copy(closed));
        });
        let handle = server.handle();
        let thread = thread::spawn(move || A::serve(server, listener));
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

/// A copy of the reason. The text is all that can be kept of an error.
pub(super) fn copy(closed: &Closed) -> Closed {
    match closed {
        Closed::Fault(fault) => Closed::Fault(fault.clone()),
        Closed::Failed(error) => Closed::Failed(error.to_string().into()),
        Closed::Error(error) => Closed::Error(error.to_string().into()),
        Closed::Finished => Closed::Finished,
        Closed::Busy => Closed::Busy,
        Closed::Left => Closed::Left,
        Closed::Stalled => Closed::Stalled,
        Closed::Draining => Closed::Draining,
        Closed::Lagged { missed } => Closed::Lagged { missed: *missed },
        Closed::HubClosed => Closed::HubClosed,
        Closed::Revoked => Closed::Revoked,
        Closed::Aborted => Closed::Aborted,
        other => panic!("no copy of {other:?}"),
    }
}

pub(super) fn read_all(mut socket: TcpStream) -> String {
    let mut answer = Vec::new();
    match socket.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error}"),
    }
    String::from_utf8(answer).unwrap()
}

/// Reads until this was read.
pub(super) fn read_until(socket: &mut TcpStream, end: &str) -> String {
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

/// Waits until this is so.
pub(super) fn soon(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "not in time");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Without keep-alives, so that nothing is written by itself.
pub(super) fn silent() -> ServerConfig {
    let mut config = ServerConfig::default();
    config.stream.keep_alive = None;
    config.stream.drain_window = Duration::ZERO;
    config
}

pub(super) const GET: &str = "GET /sse HTTP/1.1\r\nHost: a\r\n\r\n";
