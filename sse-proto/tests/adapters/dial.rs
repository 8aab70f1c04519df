// How every adapter connects to a host of several addresses. Each one includes this file into the tests of its `dial`, which
// defines `race` and `wait!`. What is tried when is tested in `http1::HappyEyeballs`.

// Few of its faults are needed here.
include!("faults.rs");

use std::time::Instant;

use sse_proto::http1::dial::HappyEyeballs;

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap()
}

#[test]
fn an_address_that_does_not_answer_does_not_keep_others_waiting() {
    let (full, listener) = (Full::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    let good = listener.local_addr().unwrap();
    for (addresses, head_starts) in [
        (vec![good, address(&full.url)], 0),
        (vec![address(&nowhere()), good], 0),
        (vec![address(&full.url), address(&nowhere()), good], 1),
        (vec![address(&full.url), address(&full.url), good], 2),
    ] {
        let start = Instant::now();
        let socket = wait!(race(&addresses)).unwrap();
        assert_eq!(socket.peer_addr().unwrap(), good);
        let least = head_starts * HappyEyeballs::HEAD_START;
        assert!(start.elapsed() >= least, "{:?} for {head_starts}", start.elapsed());
        assert!(start.elapsed() < least + Duration::from_secs(5), "{:?} for {head_starts}", start.elapsed());
    }
}

#[test]
fn a_host_is_lost_when_all_its_addresses_are() {
    let refused = wait!(race(&[address(&nowhere()), address(&nowhere())])).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(wait!(race(&[])).unwrap_err().kind(), std::io::ErrorKind::AddrNotAvailable);
}
