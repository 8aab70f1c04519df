//! Whatever servers send, and however the bytes are cut, a client delivers the same events, makes a
//! bounded number of attempts, and ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_contract::cuts;
use sse_proto::Instant;
use sse_proto::http::Request;
use sse_proto::http1::client::{Connection, Want};
use sse_proto::source::{Session, SourceConfig};

/// The maximum number of connections: three attempts, each with up to 20 redirects.
const CONNECTIONS: u32 = 3 * 21;

fuzz_target!(|data: &[u8]| {
    let (stream, offsets) = cuts::split(data);
    let pieces = cuts::pieces(stream, &offsets);
    let whole = run(&[stream]);
    assert_eq!(run(&pieces), whole);
});

/// Returns the events and the reason of the end. Every connection receives the same bytes, then
/// ends.
fn run(pieces: &[&[u8]]) -> (Vec<String>, String) {
    let mut config = SourceConfig::default();
    config.max_attempts = Some(3);
    let request = Request::get("http://host/").unwrap();
    let mut client = Connection::new(Session::new(request, 1).with_config(config));
    let (mut now, mut connections, mut seen) = (Instant::default(), 0, Vec::new());
    let (mut left, mut rest): (&[u8], _) = (&[], [].iter());
    loop {
        let (want, deadline) = client.want(now);
        match want {
            Want::Prepare => client.handle_prepared(now),
            Want::Connect => {
                connections += 1;
                assert!(connections <= CONNECTIONS, "{connections} connections");
                (left, rest) = (&[], pieces.iter());
                client.handle_connected(now);
            }
            Want::Write => client.handle_written(now, usize::MAX),
            Want::Read => {
                while left.is_empty() {
                    let Some(next) = rest.next() else { break };
                    left = next;
                }
                let count = left.len().min(client.space().len());
                client.space()[..count].copy_from_slice(&left[..count]);
                left = &left[count..];
                client.handle_read(now, count);
            }
            Want::Event => seen.push(format!("{:?}", client.event())),
            Want::Limit(error) => seen.push(error.to_string()),
            Want::Wait => {
                now = deadline.expect("something is waited for");
                client.handle_deadline(now);
            }
            Want::Closed => return (seen, format!("{:?}", client.take_closed())),
            _ => {}
        }
    }
}
