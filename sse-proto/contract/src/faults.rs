//! Servers that do what servers do at their worst, on real sockets, with nothing of the library in them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

/// The head of an event stream that ends with its connection.
pub const EVENT_STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

/// A server that plays a script on each connection, and gives the heads of the requests.
#[derive(Debug)]
pub struct FaultServer {
    /// Its URL.
    pub url: String,
    /// The heads of the requests, as they come.
    pub heads: Receiver<String>,
}

impl FaultServer {
    /// Each connection gets a thread of its own, and its number, from 0. It is closed when the script is over.
    pub fn new(script: impl Fn(usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
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
    pub fn answering(response: &'static str) -> Self {
        Self::new(move |_, socket| send(socket, response))
    }

    /// How many requests have come since this was last asked.
    pub fn requests(&self) -> usize {
        self.heads.try_iter().count()
    }
}

/// Reads the head of a request.
pub fn read_head(socket: &mut TcpStream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::with_capacity(1, socket);
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|count| count > 0) {}
    head
}

/// Sends this. A client that does not want it is no fault.
pub fn send(socket: &mut TcpStream, text: &str) {
    let _ = socket.write_all(text.as_bytes());
}

/// Sends this again and again, until the client closes.
pub fn send_endlessly(socket: &mut TcpStream, text: &str) {
    let text = text.repeat(16 * 1024 / text.len());
    while socket.write_all(text.as_bytes()).is_ok() {}
}

/// Sends this, again and again, a byte at a time and slowly, until the client closes.
pub fn drip(socket: &mut TcpStream, text: &str) {
    for byte in text.bytes().cycle() {
        if socket.write_all(&[byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Sends no more and does not close either, as if the cable were cut. Returns whether the client [closes](sees_close).
pub fn vanish(socket: &mut TcpStream) -> bool {
    sees_close(socket)
}

/// Whether the peer closes within five seconds, whatever it sends until then.
pub fn sees_close(socket: &mut TcpStream) -> bool {
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
pub fn reset(socket: &mut TcpStream) {
    SockRef::from(&*socket).set_linger(Some(Duration::ZERO)).unwrap();
}

/// An address where nobody listens.
pub fn nowhere() -> String {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{unused}/")
}

/// A listener that never accepts, and whose backlog is full: a further connection is neither made nor refused.
#[derive(Debug)]
pub struct Full {
    /// Its URL.
    pub url: String,
    _listener: Socket,
    _waiting: Vec<TcpStream>,
}

impl Full {
    /// Fills a listener.
    pub fn start() -> Self {
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
