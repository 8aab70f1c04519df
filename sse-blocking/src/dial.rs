//! Connecting to a host.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use sse_proto::http::Url;
use sse_proto::http1::dial::{HappyEyeballs, Want};

use crate::connection::timeout;

/// Connects to the address of the host that answers first. `limit` applies to each attempt.
pub(crate) fn dial(url: &Url, limit: Option<Duration>) -> io::Result<TcpStream> {
    let addresses: Vec<_> = (&*url.host_with_zone(), url.port()).to_socket_addrs()?.collect();
    let socket = race(&addresses, limit)?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

fn race(addresses: &[SocketAddr], limit: Option<Duration>) -> io::Result<TcpStream> {
    let (mut race, epoch) = (HappyEyeballs::new(addresses.len()), Instant::now());
    let (done, attempts) = mpsc::sync_channel(addresses.len());
    let mut result = Err(ErrorKind::AddrNotAvailable.into());
    loop {
        let now = sse_proto::Instant::from_epoch(epoch.elapsed());
        let (want, deadline) = race.want(now);
        match want {
            Want::Start(index) => {
                let (done, address) = (done.clone(), addresses.get(index).copied());
                spawn(move || done.send(connect(address, limit)))?;
            }
            Want::Wait => match receive(&attempts, deadline.map(|at| at.since(now))) {
                Some(Ok(socket)) => return Ok(socket),
                Some(failed) => {
                    result = failed;
                    race.handle_failed();
                }
                None => {}
            },
            _ => return result,
        }
    }
}

fn connect(address: Option<SocketAddr>, limit: Option<Duration>) -> io::Result<TcpStream> {
    let address = address.ok_or(ErrorKind::AddrNotAvailable)?;
    match limit {
        Some(limit) => TcpStream::connect_timeout(&address, timeout(limit)),
        None => TcpStream::connect(address),
    }
}

/// Runs a call that cannot be cancelled, in a separate thread.
pub(crate) fn spawn<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("sse-connect".into()).spawn(run).map(drop)
}

pub(crate) fn receive<T>(receiver: &Receiver<T>, limit: Option<Duration>) -> Option<T> {
    match limit {
        Some(limit) => receiver.recv_timeout(limit).ok(),
        None => receiver.recv().ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::SocketAddr;

    use sse_contract::suites::dial::Dial;

    /// The private part of this crate that dials.
    enum Dialler {}

    impl Dial for Dialler {
        fn race(addresses: &[SocketAddr]) -> io::Result<SocketAddr> {
            super::race(addresses, None)?.peer_addr()
        }
    }

    sse_contract::dial_suite!(Dialler);
}
