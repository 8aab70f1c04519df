//! Decodes, receives or encodes one input once, for a tool that counts instructions:
//!
//! ```sh
//! cargo build --release -p sse-benches --bin instructions
//! valgrind --tool=callgrind target/release/instructions decode llm 65536
//! ```
//!
//! Prints the events and bytes of the input.

use std::hint::black_box;
use std::process::ExitCode;

use sse_benches::inputs;
use sse_proto::{Decoder, Encoder, Event, Receiver, Want};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mode, name, piece] = &args[..] else {
        eprintln!("usage: instructions decode|receive|client|encode INPUT PIECE");
        return ExitCode::from(2);
    };
    let (Some(input), Ok(piece)) =
        (inputs(1 << 20).into_iter().find(|input| input.name == name), piece.parse())
    else {
        eprintln!("no such input or piece");
        return ExitCode::from(2);
    };
    let stream = input.stream.as_bytes();
    println!("{} {}", input.events, stream.len());
    match mode.as_str() {
        "decode" => decode(stream, piece),
        "receive" => receive(stream, piece),
        "client" => client(&chunked(stream, piece)),
        "encode" => {
            let (mut decoder, mut rest, mut events) = (Decoder::new(), stream, Vec::new());
            while let Ok(Some(event)) = decoder.decode(&mut rest) {
                events.push(event.to_event());
            }
            encode(&events);
        }
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

#[inline(never)]
fn decode(stream: &[u8], piece: usize) {
    let mut decoder = Decoder::new();
    for mut chunk in black_box(stream).chunks(piece) {
        while let Ok(Some(event)) = decoder.decode(&mut chunk) {
            black_box((event.name(), event.data(), event.last_event_id()));
        }
    }
}

#[inline(never)]
fn receive(mut stream: &[u8], piece: usize) {
    let mut receiver = Receiver::new().with_capacity(piece);
    loop {
        match receiver.want() {
            Ok(Want::Read) => {
                let space = receiver.space();
                let count = space.len().min(stream.len());
                let (read, rest) = stream.split_at(count);
                space[..count].copy_from_slice(read);
                stream = rest;
                receiver.handle_read(count);
            }
            Ok(Want::Event) => {
                let event = receiver.event();
                black_box((event.name(), event.data(), event.last_event_id()));
            }
            Ok(Want::Closed(_)) => return,
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Returns a response with this body in chunks of `piece` bytes.
fn chunked(body: &[u8], piece: usize) -> Vec<u8> {
    let mut response =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(piece) {
        response.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        response.extend_from_slice(chunk);
        response.extend_from_slice(b"\r\n");
    }
    response.extend_from_slice(b"0\r\n\r\n");
    response
}

#[inline(never)]
fn client(mut response: &[u8]) {
    use sse_proto::Instant;
    use sse_proto::http::Request;
    use sse_proto::http1::client::{Connection, Want};
    use sse_proto::source::{Reconnect, Session, SourceConfig};

    let mut config = SourceConfig::default();
    config.reconnect = Reconnect::Never;
    let request = Request::get("http://127.0.0.1/").expect("a URL");
    let mut client = Connection::new(Session::new(request, 1)).with_config(config);
    let now = Instant::default();
    loop {
        // As drivers do.
        match client.want_buffered().unwrap_or_else(|| client.want(now).0) {
            Want::Prepare => client.handle_prepared(now),
            Want::Connect => client.handle_connected(now),
            Want::Write => client.handle_written(now, usize::MAX),
            Want::Read => {
                let space = client.space();
                let count = space.len().min(response.len());
                let (read, rest) = response.split_at(count);
                space[..count].copy_from_slice(read);
                response = rest;
                client.handle_read(now, count);
            }
            Want::Event => {
                let event = client.event();
                black_box((event.name(), event.data(), event.last_event_id()));
            }
            Want::Closed => return assert!(response.is_empty()),
            _ => {}
        }
    }
}

#[inline(never)]
fn encode(events: &[Event]) {
    let mut out = Vec::with_capacity(2 << 20);
    let mut encoder = Encoder::new(&mut out);
    black_box(events).iter().for_each(|event| encoder.event(event));
    black_box(out);
}
