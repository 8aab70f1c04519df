//! From a socket to an event, and from an event to a socket: the processor time of a client and of a server for each event, ours beside
//! others.
//!
//! ```sh
//! cargo run --release --manifest-path benches/clients/Cargo.toml
//! cargo run --release --manifest-path benches/clients/Cargo.toml -- --rounds 9 --only ours
//! ```
//!
//! A server sends one event in each chunk of HTTP/1.1 over loopback, as fast as the client reads. Each client is a process of its own,
//! and must see all events and bytes of data. Then each server, a process of its own, sends one stream of events as fast as a client reads
//! bytes. All take turns, and a cell is the median of the rounds. The program fails if somebody else's client or server is faster than the
//! first of ours.

mod contenders;
mod servers;

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::thread;

use contenders::{CONTENDERS, FLOORS, Tally};
use servers::{SERVERS, Sent};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What a server sends: bytes of data, and events.
const SENT_BYTES: usize = 190;
const SENT_EVENTS: usize = 400_000;

/// What a client reads.
struct Input {
    name: &'static str,
    /// Of [`sse_benches::inputs`].
    source: &'static str,
    events: usize,
}

const INPUTS: [Input; 2] = [
    Input { name: "LLM chunks, 256 B", source: "llm", events: 400_000 },
    Input { name: "price ticks, 42 B", source: "ticks", events: 1_000_000 },
];

fn main() -> ExitCode {
    let args = Vec::from_iter(std::env::args().skip(1));
    let done = match &args[..] {
        [read, name, url] if read == "read" => read_all(name, url),
        [send, name] if send == "send" => send_all(name),
        _ => compare(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The client process: reads all, and prints what it has seen.
fn read_all(name: &str, url: &str) -> Result<()> {
    let (_, run) = CONTENDERS.iter().find(|(known, _)| *known == name).ok_or("no such client")?;
    let mut tally = Tally::default();
    run(url, &mut tally)?;
    println!("{} {} {}", tally.events, tally.bytes, tally.nanos());
    Ok(())
}

/// The server process: prints its port, sends to one client, and prints its time once the client has read all.
fn send_all(name: &str) -> Result<()> {
    let (_, run) = SERVERS.iter().find(|(known, _)| *known == name).ok_or("no such server")?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    let sent = Sent::new(SENT_BYTES, SENT_EVENTS);
    let serving = Arc::clone(&sent);
    thread::spawn(move || {
        if let Err(error) = run(listener, serving) {
            eprintln!("{error}");
        }
    });
    io::stdin().read_line(&mut String::new())?;
    println!("{}", sent.nanos());
    Ok(())
}

fn compare(args: &[String]) -> Result<()> {
    let value = |flag: &str| args.iter().skip_while(|arg| *arg != flag).nth(1);
    let rounds: usize = value("--rounds").map_or(Ok(5), |rounds| rounds.parse())?;
    let only = value("--only").map_or("", String::as_str);
    println!("Nanoseconds of processor time for each event, median of {rounds}:");

    let streams = INPUTS.map(|input| Stream::new(&input));
    let clients = CONTENDERS.iter().map(|(name, _)| *name).filter(|name| name.contains(only)).collect();
    let headings = ["client", INPUTS[0].name, INPUTS[1].name];
    table(&headings, clients, rounds, |name, column| streams[column].measure(name))?;

    let servers = SERVERS.iter().map(|(name, _)| *name).filter(|name| name.contains(only)).collect();
    let heading = format!("LLM chunks, {SENT_BYTES} B of data");
    table(&["server", &heading], servers, rounds, |name, _| measure_server(name))
}

/// Measures all in turn, and prints a row for each.
fn table(
    headings: &[&str],
    names: Vec<&'static str>,
    rounds: usize,
    measure: impl Fn(&'static str, usize) -> Result<f64>,
) -> Result<()> {
    let columns = headings.len() - 1;
    let mut cells = vec![vec![Vec::new(); columns]; names.len()];
    for _ in 0..rounds {
        for (cells, name) in cells.iter_mut().zip(&names) {
            for (column, cell) in cells.iter_mut().enumerate() {
                cell.push(measure(name, column)?);
            }
        }
    }
    println!("\n| {} |\n|{}", headings.join(" | "), "---|".repeat(columns + 1));
    let mut ours: Option<(&str, Vec<f64>)> = None;
    for (name, cells) in names.into_iter().zip(cells) {
        let medians = Vec::from_iter(cells.iter().map(|cell| median(cell)));
        let row = Vec::from_iter(medians.iter().map(|median| format!("{median:.0}")));
        println!("| {name} | {} |", row.join(" | "));
        if FLOORS.contains(&name) || name == servers::FLOOR {
            continue;
        }
        let (first, best) = ours.get_or_insert_with(|| (name, medians.clone()));
        if !name.starts_with("ours") && medians.iter().zip(best).any(|(other, ours)| other < ours) {
            return Err(format!("{name} is faster than {first}").into());
        }
    }
    Ok(())
}

/// Returns the nanoseconds that this server needs for an event.
fn measure_server(name: &str) -> Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    let mut child = command.args(["send", name]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let port: u16 = lines.next().ok_or("no port")??.parse()?;
    let seen = read_bytes(port)?;
    if seen != SENT_BYTES * SENT_EVENTS {
        return Err(format!("{name} sent {seen} bytes of data").into());
    }
    child.stdin.take().ok_or("no input")?.write_all(b"\n")?;
    let nanos = lines.next().ok_or("no time")??.parse()?;
    child.wait()?;
    Ok(nanos)
}

/// Reads a response to its end as fast as possible, and returns the number of bytes of data in it.
fn read_bytes(port: u16) -> Result<usize> {
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")?;
    let (mut space, mut seen, mut in_head) = (vec![0; 256 << 10], 0, true);
    let mut tail = Vec::new();
    loop {
        let count = socket.read(&mut space)?;
        let mut bytes = &space[..count];
        if in_head {
            let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").ok_or("a head in pieces")?;
            (bytes, in_head) = (&bytes[end..], false);
        }
        // No other byte of an event or a chunk is an x.
        seen += bytes.iter().filter(|byte| **byte == b'x').count();
        tail.extend_from_slice(&bytes[bytes.len().saturating_sub(5)..]);
        tail.drain(..tail.len().saturating_sub(5));
        if count == 0 || tail == b"0\r\n\r\n" {
            return Ok(seen);
        }
    }
}

fn median(cell: &[f64]) -> f64 {
    let mut sorted = cell.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// A response, which repeats a block of many events.
struct Stream {
    block: Vec<u8>,
    blocks: usize,
    /// What a client is to see.
    events: usize,
    bytes: usize,
}

impl Stream {
    fn new(input: &Input) -> Self {
        let all = sse_benches::inputs(1 << 20);
        let stream = all.into_iter().find(|known| known.name == input.source).map(|known| known.stream);
        let stream = stream.unwrap_or_default();
        let (mut block, mut events, mut bytes) = (Vec::new(), 0, 0);
        for event in stream.split_inclusive("\n\n") {
            block.extend_from_slice(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes());
            events += 1;
            bytes += event.lines().find_map(|line| line.strip_prefix("data: ")).map_or(0, str::len);
        }
        let blocks = input.events.div_ceil(events);
        Self { block, blocks, events: events * blocks, bytes: bytes * blocks }
    }

    /// Returns the nanoseconds that this client needs for an event.
    fn measure(&self, client: &str) -> Result<f64> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/events", listener.local_addr()?);
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(["read", client, &url]).stdout(Stdio::piped()).spawn()?;
        self.serve(listener.accept()?.0)?;
        let line = BufReader::new(child.stdout.take().ok_or("no output")?).lines().next();
        let line = line.ok_or_else(|| format!("{client} has failed"))??;
        // Some would come back for ever.
        let _ = child.kill();
        child.wait()?;
        let (seen, nanos) = line.rsplit_once(' ').ok_or("no time")?;
        let expected = format!("{} {}", self.events, self.bytes);
        if seen != expected && !FLOORS.contains(&client) {
            return Err(format!("{client} saw {seen} events and bytes, not {expected}").into());
        }
        Ok(nanos.parse::<f64>()? / self.events as f64)
    }

    fn serve(&self, mut socket: TcpStream) -> Result<()> {
        let mut request = BufReader::new(socket.try_clone()?).lines();
        while request.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        socket.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        )?;
        for _ in 0..self.blocks {
            socket.write_all(&self.block)?;
        }
        socket.write_all(b"0\r\n\r\n")?;
        Ok(())
    }
}
