//! What only readers on threads have: timeouts of the socket, and closing by shutting it down.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use sse_blocking::{Event, EventReader, ReadError, Shutdown as _};
use sse_contract::faults::sees_close;
use sse_contract::suites::reader::{EVENT_STREAM, connect, get, serve};

#[test]
fn a_read_timeout_leaves_the_reader_as_it_was() {
    let (go, may_go) = mpsc::channel();
    let (url, server) = serve(move |socket, _| {
        socket.write_all(format!("{EVENT_STREAM}\r\ndata: ha").as_bytes()).unwrap();
        may_go.recv().unwrap();
        socket.write_all(b"lf\n\n").unwrap();
    });
    let request = get(&url);
    let mut reader = EventReader::open(connect(&request), &request).unwrap();
    reader.get_ref().unwrap().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    for _ in 0..2 {
        let error = reader.next().unwrap().unwrap_err();
        assert!(
            matches!(&error, ReadError::Io(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut))
        );
    }
    go.send(()).unwrap();
    reader.get_ref().unwrap().set_read_timeout(None).unwrap();
    assert_eq!(reader.next().transpose().unwrap(), Some(Event::new("half")));
    server.join().unwrap();
}

#[test]
fn shutting_a_socket_down_again_does_no_harm() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (first, second) = (socket.shutdown_handle().unwrap(), socket.shutdown_handle().unwrap());
    first();
    second();
    assert!(sees_close(&mut listener.accept().unwrap().0));
}
