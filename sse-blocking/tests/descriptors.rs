//! A server that stops when the system has no descriptors left. Alone in its program, which starts itself anew with few of them.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sse_blocking::Server;

const INSIDE: &str = "SSE_FEW_DESCRIPTORS";

#[test]
fn a_server_without_descriptors_stops() {
    if std::env::var_os(INSIDE).is_some() {
        return stops_without_descriptors();
    }
    let program = std::env::current_exe().unwrap();
    let status = Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$0\" --exact a_server_without_descriptors_stops"])
        .arg(program)
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success());
}

fn stops_without_descriptors() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::new(|_| Ok(()));
    let handle = server.handle();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        server.serve(listener);
        tell.send(()).unwrap();
    });
    // It accepts by now.
    thread::sleep(Duration::from_millis(100));
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    assert!(files.len() < 64);
    let start = Instant::now();
    handle.shutdown();
    told.recv_timeout(Duration::from_secs(5)).expect("it ends");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}
