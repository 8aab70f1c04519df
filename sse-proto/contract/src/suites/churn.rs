//! Connections leave nothing behind. These tests look at the whole process, so a test program has no other ones.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use sse_proto::http1::Response;
use sse_proto::http1::server::ServerConfig;
use sse_proto::hub::Subscription;

use super::serve::{soon, with};
use crate::adapter::{Adapter, Hub, Incoming, Server, ServerHandle};

/// Makes test functions of the suite.
#[macro_export]
macro_rules! churn_suite {
    ($adapter:ty) => {
        $crate::tests! {
            churn, $adapter;
            #[cfg_attr(not(target_os = "linux"), ignore = "looks at /proc")]
            ten_thousand_come_and_go_and_nothing_stays
            #[cfg_attr(not(target_os = "linux"), ignore = "looks at /proc")]
            an_event_for_many_is_held_once_to_the_end
            #[cfg_attr(not(target_os = "linux"), ignore = "looks at /proc")]
            a_client_that_has_shut_its_side_down_keeps_nobody_busy
        }
    };
}

/// How many come and go, and how many of them at a time.
const CONNECTIONS: usize = 10_000;
const BATCH: usize = 100;

/// Held by each test, for all look at the same process.
static ALONE: Mutex<()> = Mutex::new(());

fn files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// In KiB.
fn memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

pub fn ten_thousand_come_and_go_and_nothing_stays<A: Adapter>() {
    let _alone = ALONE.lock().unwrap();
    let hub = A::Hub::new(Default::default());
    let server = A::server(with(hub.clone(), |hub, incoming: A::Incoming| async move {
        let topic = incoming.path().to_owned();
        incoming.forward(&hub, &Subscription::to(["all", &*topic]), Response::new(200)).await?;
        Ok(())
    }));
    let handle = server.handle();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || A::serve(server, listener));
    let mut number = 0;
    let mut batch = || {
        let sockets: Vec<_> = (0..BATCH)
            .map(|_| {
                let mut socket = TcpStream::connect(address).unwrap();
                number += 1;
                write!(socket, "GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                socket
            })
            .collect();
        soon(|| hub.stats().subscribers == BATCH);
        assert_eq!(hub.publish("all", "hello").unwrap().subscribers, BATCH);
        drop(sockets);
        soon(|| hub.stats().subscribers == 0 && handle.connections() == 0);
    };
    // Enough for what grows once: the tables, the topics that are remembered, the allocator.
    (0..CONNECTIONS / BATCH / 2).for_each(|_| batch());
    let (files_before, memory_before) = (files(), memory());
    (0..CONNECTIONS / BATCH / 2).for_each(|_| batch());
    soon(|| files() <= files_before);
    let grown = memory().saturating_sub(memory_before);
    assert!(grown < 2048, "{grown} KiB more");
    handle.shutdown();
    serving.join().unwrap();
}

pub fn an_event_for_many_is_held_once_to_the_end<A: Adapter>() {
    const CLIENTS: usize = 25;
    const SIZE: usize = 8 * 1024 * 1024;
    let _alone = ALONE.lock().unwrap();
    let hub = A::Hub::new(Default::default());
    let mut config = ServerConfig::default();
    config.stream.drain_window = Duration::ZERO;
    config.drain_timeout = Duration::from_secs(1);
    let server = A::server(with(hub.clone(), |hub, incoming: A::Incoming| async move {
        incoming.forward(&hub, &Subscription::to_all(), Response::new(200)).await?;
        Ok(())
    }));
    let server = server.with_config(config);
    let handle = server.handle();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || A::serve(server, listener));
    let mut sockets: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut socket = TcpStream::connect(address).unwrap();
            socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            socket
        })
        .collect();
    soon(|| hub.stats().subscribers == CLIENTS);
    let before = memory();
    hub.publish("all", &*"x".repeat(SIZE)).unwrap();
    let most = |held: usize| assert!(held < before + 4 * SIZE / 1024, "{} KiB more", held - before);
    // It is on its way to all of them, who read no further.
    for socket in &mut sockets {
        socket.read_exact(&mut [0; 2000]).unwrap();
    }
    most(memory());
    handle.shutdown();
    while !serving.is_finished() {
        most(memory());
        thread::sleep(Duration::from_millis(1));
    }
    serving.join().unwrap();
}

/// Of the whole process, in hundredths of a second.
fn processor_time() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

/// Nothing more comes from it, and it reads slowly: whoever writes waits, and nobody is busy meanwhile.
pub fn a_client_that_has_shut_its_side_down_keeps_nobody_busy<A: Adapter>() {
    let _alone = ALONE.lock().unwrap();
    let server = A::server(|incoming| async move {
        thread::sleep(Duration::from_millis(100));
        incoming.respond(&Response::new(200), vec![b'x'; 32_000_000]);
        Ok(())
    });
    let handle = server.handle();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || A::serve(server, listener));
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    socket.read_exact(&mut [0; 100]).unwrap();
    thread::sleep(Duration::from_millis(500));
    let before = processor_time();
    thread::sleep(Duration::from_secs(1));
    let busy = processor_time() - before;
    assert!(busy < 30, "busy for {busy} of 100");
    handle.close();
    drop(socket);
    serving.join().unwrap();
}
