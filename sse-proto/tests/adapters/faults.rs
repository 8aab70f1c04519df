// Servers that do what servers do at their worst, on real sockets, with nothing of the library in them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

const EVENT_STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

/// A server that has a script for its connections, and gives the heads of the requests on them.
struct Server {
    url: String,
    heads: Receiver<String>,
}

impl Server {
    /// Each connection gets a thread of its own, and its number, from 0. It is closed when the script is over.
    fn new(script: impl Fn(usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (heads_in, heads) = mpsc::channel();
        let script = Arc::new(script);
        thread::spawn(move || {
            for (number, socket) in listener.incoming().enumerate() {
                let (heads_in, script, mut socket) = (heads_in.clone(), script.clone(), socket.unwrap());
                thread::spawn(move || {
                    socket.set_nodelay(true).unwrap();
                    // Gone, if the test is over.
                    let _ = heads_in.send(read_head(&mut socket));
                    script(number, &mut socket);
                });
            }
        });
        Self { url, heads }
    }

    /// A server that answers every request with these bytes, and closes.
    fn answering(response: &'static str) -> Self {
        Self::new(move |_, socket| send(socket, response))
    }

    /// How many requests have come since this was last asked.
    fn requests(&self) -> usize {
        self.heads.try_iter().count()
    }
}

fn read_head(socket: &mut TcpStream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::with_capacity(1, socket);
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|count| count > 0) {}
    head
}

/// That the client does not want it is no fault.
fn send(socket: &mut TcpStream, text: &str) {
    let _ = socket.write_all(text.as_bytes());
}

/// Sends this again and again, until the client closes.
fn send_endlessly(socket: &mut TcpStream, text: &str) {
    let text = text.repeat(16 * 1024 / text.len());
    while socket.write_all(text.as_bytes()).is_ok() {}
}

/// Sends this, again and again, a byte at a time and slowly, until the client closes.
fn drip(socket: &mut TcpStream, text: &str) {
    for byte in text.bytes().cycle() {
        if socket.write_all(&[byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Sends no more and does not close either, as if the cable were cut. Returns whether the client closes within five seconds.
fn vanish(socket: &mut TcpStream) -> bool {
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut rest = [0; 1024];
    loop {
        match socket.read(&mut rest) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

/// Makes the close at the end of the script a reset.
fn reset(socket: &mut TcpStream) {
    SockRef::from(&*socket).set_linger(Some(Duration::ZERO)).unwrap();
}

/// An address where nobody listens.
fn nowhere() -> String {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{unused}/")
}

/// A listener that never accepts, and has no room for more who wait: a further connection is neither made nor refused.
struct Full {
    url: String,
    _listener: Socket,
    _waiting: Vec<TcpStream>,
}

impl Full {
    fn new() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
        let waiting: Vec<_> = std::iter::from_fn(connect).take(100).collect();
        assert!(waiting.len() < 100, "this system makes connections that nobody waits for");
        Self { url: format!("http://{address}/"), _listener: listener, _waiting: waiting }
    }
}
