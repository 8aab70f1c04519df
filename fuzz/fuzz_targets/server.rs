//! Whatever a client sends, however the bytes are cut, and however the client reads: a server
//! answers or closes, and holds a bounded amount of memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_contract::cuts;
use sse_proto::Instant;
use sse_proto::http1::Response;
use sse_proto::http1::server::{Connection, ServerConfig, Want};

fuzz_target!(|data: &[u8]| {
    let (stream, offsets) = cuts::split(data);
    let pieces = cuts::pieces(stream, &offsets);
    let whole = serve(&[stream], usize::MAX);
    assert_eq!(serve(&pieces, usize::MAX), whole);
    assert_eq!(serve(&pieces, 1), whole);
});

/// Returns the bytes that the server sends to a client that reads `read` bytes at a time.
fn serve(pieces: &[&[u8]], read: usize) -> Vec<u8> {
    let mut config = ServerConfig::default();
    config.body_bytes = 100;
    let mut pieces = pieces.iter().filter(|piece| !piece.is_empty());
    let mut server: Connection = Connection::new(config, 1);
    let (mut left, mut sent, mut events): (&[u8], _, _) = (&[], Vec::new(), 0);
    // Time stands still, so no deadline passes: a server that waits for more of the request waits
    // until the client's bytes end.
    let now = Instant::default();
    loop {
        match server.want(now).0 {
            Want::Read => {
                if left.is_empty() {
                    left = pieces.next().copied().unwrap_or_default();
                }
                let count = left.len().min(server.space().len());
                server.space()[..count].copy_from_slice(&left[..count]);
                left = &left[count..];
                server.handle_read(now, count);
            }
            Want::Request => {
                assert!(server.request_body().len() <= 100);
                match server.request().map(|request| request.path().len() % 2) {
                    Some(0) => server.respond(now, &Response::new(404), b"nothing here"),
                    _ => server.open(now, Response::new(200)),
                }
            }
            Want::Write => {
                let count = server.pending().len().min(read);
                sent.extend_from_slice(&server.pending()[..count]);
                server.handle_written(now, count);
            }
            Want::Open if events < 3 => {
                events += 1;
                server.stream().unwrap().event("data");
            }
            Want::Open => server.stream().unwrap().finish(),
            Want::Shutdown => server.handle_shutdown(now),
            _ => return sent,
        }
    }
}
