//! From a socket to an event: the processor time of a client for each event, ours beside others.
//!
//! ```sh
//! cargo run --release --manifest-path benches/clients/Cargo.toml
//! cargo run --release --manifest-path benches/clients/Cargo.toml -- --rounds 9 --only ours
//! ```
//!
//! A server sends one event in each chunk of HTTP/1.1 over loopback, as fast as the client reads. Each client is a process of its own,
//! and must see all events and bytes of data. All clients take turns, and a cell is the median of the
//! rounds. The program fails if somebody else's client is faster than the first of ours on either input. Linux only: it reads `/proc`.

mod contenders;

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, ExitCode, Stdio};

use contenders::{CONTENDERS, Tally};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What the server sends.
struct Input {
    name: &'static str,
    /// Of [`sse_benches::inputs`].
    source: &'static str,
    events: usize,
}

const INPUTS: [Input; 2] = [
    Input { name: "LLM chunks, 256 B", source: "a", events: 400_000 },
    Input { name: "price ticks, 42 B", source: "c", events: 1_000_000 },
];

fn main() -> ExitCode {
    let args = Vec::from_iter(std::env::args().skip(1));
    let done = match &args[..] {
        [read, name, url] if read == "read" => read_all(name, url),
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

fn compare(args: &[String]) -> Result<()> {
    let value = |flag: &str| args.iter().skip_while(|arg| *arg != flag).nth(1);
    let rounds: usize = value("--rounds").map_or(Ok(5), |rounds| rounds.parse())?;
    let only = value("--only").map_or("", String::as_str);
    let chosen: Vec<_> = CONTENDERS.iter().filter(|(name, _)| name.contains(only)).collect();
    let streams = INPUTS.map(|input| Stream::new(&input));
    let mut cells = vec![vec![Vec::new(); streams.len()]; chosen.len()];
    for _ in 0..rounds {
        for (row, (name, _)) in chosen.iter().enumerate() {
            for (column, stream) in streams.iter().enumerate() {
                cells[row][column].push(stream.measure(name)?);
            }
        }
    }
    println!("Nanoseconds of processor time for each event, median of {rounds}:\n");
    println!("| client | {} | {} |\n|---|---|---|", INPUTS[0].name, INPUTS[1].name);
    let mut first = None;
    for ((name, _), cells) in chosen.iter().zip(cells) {
        let [chunks, ticks] = [&cells[0], &cells[1]].map(|cell| median(cell));
        println!("| {name} | {chunks:.0} | {ticks:.0} |");
        if contenders::FLOORS.contains(name) {
            continue;
        }
        let (ours, [best_chunks, best_ticks]) = *first.get_or_insert((*name, [chunks, ticks]));
        if (chunks < best_chunks || ticks < best_ticks) && !name.starts_with("ours") {
            return Err(format!("{name} is faster than {ours}").into());
        }
    }
    Ok(())
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
        if seen != expected && !contenders::FLOORS.contains(&client) {
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
