//! The contract of the adapters, on threads.

use std::net::TcpListener as Listener;
use std::sync::{Arc, Mutex};

use sse_blocking::{
    AcceptError, CloseHandle, EventReader, EventWriter, ReadError, Shutdown as _, accept, connect,
};

macro_rules! contract {
    ($(fn $name:ident() $body:block)*) => { $(#[test] fn $name() $body)* };
}

macro_rules! wait {
    ($result:expr) => {
        $result
    };
}

fn close_handle<R: std::io::Read + sse_blocking::Shutdown>(reader: &mut EventReader<R>) -> CloseHandle {
    reader.close_handle().unwrap()
}

fn elsewhere(run: impl FnOnce() + Send + 'static) {
    thread::spawn(run);
}

fn adopt(socket: TcpStream) -> TcpStream {
    socket
}

#[derive(Clone)]
struct Recorder {
    most: usize,
    log: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    fn new(most: usize) -> Self {
        Self { most, log: Arc::default() }
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = bytes.len().min(self.most);
        self.log.lock().unwrap().push(String::from_utf8(bytes[..taken].to_vec()).unwrap());
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.log.lock().unwrap().push("flush".into());
        Ok(())
    }
}

include!("../../sse-proto/tests/adapters/contract.rs");

#[test]
fn shutting_a_socket_down_again_does_no_harm() {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (first, second) = (socket.shutdown_handle().unwrap(), socket.shutdown_handle().unwrap());
    first();
    second();
    assert!(sees_close(&mut listener.accept().unwrap().0));
}
