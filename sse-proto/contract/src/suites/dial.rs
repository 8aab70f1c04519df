//! How an adapter connects to a host of several addresses. What is tried when is tested in `http1::dial::HappyEyeballs`.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use sse_proto::http1::dial::HappyEyeballs;

use crate::adapter::Executor;
use crate::faults::{Full, nowhere};

/// Makes test functions of the suite.
#[macro_export]
macro_rules! dial_suite {
    ($adapter:ty) => {
        $crate::tests! {
            dial, $adapter;
            an_address_that_does_not_answer_does_not_keep_others_waiting
            a_host_is_lost_when_all_its_addresses_are
        }
    };
}

/// How an adapter dials. `sse-blocking` keeps that to itself, so it is not a part of [`Adapter`](crate::adapter::Adapter).
pub trait Dial {
    /// Connects to the first of these addresses that answers, and returns that.
    ///
    /// # Errors
    /// The error of the last attempt.
    fn race(addresses: &[SocketAddr]) -> io::Result<SocketAddr>;
}

impl<R: Executor> Dial for R {
    fn race(addresses: &[SocketAddr]) -> io::Result<SocketAddr> {
        R::block_on(async {
            let socket = sse_async::race::<R>(addresses).await?;
            Ok(R::socket_ref(&socket).peer_addr()?.as_socket().unwrap())
        })
    }
}

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap()
}

pub fn an_address_that_does_not_answer_does_not_keep_others_waiting<D: Dial>() {
    let (full, listener) = (Full::start(), TcpListener::bind("127.0.0.1:0").unwrap());
    let good = listener.local_addr().unwrap();
    for (addresses, head_starts) in [
        (vec![good, address(&full.url)], 0),
        (vec![address(&nowhere()), good], 0),
        (vec![address(&full.url), address(&nowhere()), good], 1),
        (vec![address(&full.url), address(&full.url), good], 2),
    ] {
        let start = Instant::now();
        assert_eq!(D::race(&addresses).unwrap(), good);
        let least = head_starts * HappyEyeballs::HEAD_START;
        assert!(start.elapsed() >= least, "{:?} for {head_starts}", start.elapsed());
        assert!(start.elapsed() < least + Duration::from_secs(5), "{:?} for {head_starts}", start.elapsed());
    }
}

pub fn a_host_is_lost_when_all_its_addresses_are<D: Dial>() {
    let refused = D::race(&[address(&nowhere()), address(&nowhere())]).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(D::race(&[]).unwrap_err().kind(), std::io::ErrorKind::AddrNotAvailable);
}
