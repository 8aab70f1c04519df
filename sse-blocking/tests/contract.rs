//! The contract of the adapters, on threads.

use std::net::TcpListener as Listener;
use std::sync::{Arc, Mutex};

use sse_blocking::{
    AcceptError, CloseHandle, EventReader, EventWriter, ReadError, Shutdown as _, accept, connect,
    connect_with,
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
fn a_read_timeout_leaves_the_reader_as_it_was() {
    let (go, may_go) = mpsc::channel();
    let (url, server) = serve(move |socket, _| {
        socket.write_all(format!("{EVENT_STREAM}\r\ndata: ha").as_bytes()).unwrap();
        may_go.recv().unwrap();
        socket.write_all(b"lf\n\n").unwrap();
    });
    let mut reader = connect(&get(&url)).unwrap();
    reader.get_ref().unwrap().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    for _ in 0..2 {
        let error = reader.next().unwrap().unwrap_err();
        assert!(
            matches!(&error, ReadError::Io(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut))
        );
    }
    go.send(()).unwrap();
    reader.get_ref().unwrap().set_read_timeout(None).unwrap();
    assert_eq!(next!(reader), Some(Event::new("half")));
    server.join().unwrap();
}

#[test]
fn shutting_a_socket_down_again_does_no_harm() {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (first, second) = (socket.shutdown_handle().unwrap(), socket.shutdown_handle().unwrap());
    first();
    second();
    assert!(sees_close(&mut listener.accept().unwrap().0));
}
