//! Prints the events of a stream as they arrive: from a URL, a file, or standard input.
//!
//! ```sh
//! cargo run -p sse-blocking --example ssecat -- http://127.0.0.1:8888/sse
//! curl -sN https://stream.example/events | cargo run -p sse-blocking --example ssecat -- --json -
//! ```
//!
//! With `--json`, each event is one line `{"event":…,"data":…,"id":…}`: its type, its data, and the
//! last event id at its dispatch. Otherwise events are printed as an event stream. `--comments`
//! prints comments, too, and `--chunk N` reads at most N bytes at a time.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;

use sse_blocking::proto::http1::Scheme;
use sse_blocking::proto::{Encoder, End, ReadError, ReceiveError};
use sse_blocking::{EventReader, EventRef, Item, Request};

const USAGE: &str = "usage: ssecat [--json] [--comments] [--chunk N] URL|FILE|-";

fn main() -> ExitCode {
    if std::env::args().any(|arg| arg == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("ssecat: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("ssecat: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let source = options.source.as_str();
    let most = options.chunk;
    if source == "-" {
        return print(EventReader::new(Pieces { io: io::stdin(), most }), options);
    }
    if source.starts_with("http://") || source.starts_with("https://") {
        let request = Request::get(source).map_err(|error| format!("{source}: {error}"))?;
        let url = request.url();
        if url.scheme() == Scheme::Https {
            return Err("https is not supported; try: curl -sN URL | ssecat -".into());
        }
        let socket = TcpStream::connect((&*url.host_with_zone(), url.port()))
            .map_err(|error| format!("{source}: {error}"))?;
        let reader = EventReader::open(Pieces { io: socket, most }, &request)
            .map_err(|error| format!("{source}: {error}"))?;
        return print(reader, options);
    }
    let file = File::open(source).map_err(|error| format!("{source}: {error}"))?;
    print(EventReader::new(Pieces { io: file, most }), options)
}

/// Prints all events. Returns `false` if some were skipped.
fn print<R: Read>(mut reader: EventReader<R>, options: &Options) -> Result<bool, Box<dyn Error>> {
    let mut complete = true;
    let mut line = String::new();
    loop {
        line.clear();
        // Without `--comments`, the decoder can skip comments quickly.
        let item = if options.comments {
            reader.next_item()
        } else {
            reader.next_ref().map(|event| event.map(Item::Event))
        };
        match item {
            None => break,
            Some(Ok(Item::Event(event))) if options.json => json(event, &mut line)?,
            Some(Ok(Item::Event(event))) => Encoder::new(&mut line).event(event),
            Some(Ok(Item::Comment(text))) if options.json => {
                line = format!("{{\"comment\":{}}}\n", serde_json::to_string(text)?);
            }
            Some(Ok(Item::Comment(text))) => Encoder::new(&mut line).comment(text),
            Some(Ok(_)) => continue,
            Some(Err(ReadError::Receive(error))) if error.is_recoverable() => {
                eprintln!("ssecat: {error}; the event is skipped");
                complete = false;
            }
            Some(Err(error)) => {
                if let ReadError::Receive(ReceiveError::Unrecognized { beginning }) = &error {
                    eprintln!("{}", printable(beginning));
                }
                return Err(error.into());
            }
        }
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|error| format!("standard output: {error}"))?;
    }
    if reader.end() == Some(End::Truncated) {
        eprintln!("ssecat: the stream ends inside an event, which is dropped");
    }
    Ok(complete)
}

/// Returns the text that was sent instead of events, without terminal control characters.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|char| !char.is_control() || *char == '\n').collect()
}

fn json(event: EventRef<'_>, line: &mut String) -> serde_json::Result<()> {
    // Written field by field, because the order is part of the format.
    for (key, value) in
        [("{\"event\":", event.name()), (",\"data\":", event.data()), (",\"id\":", event.last_event_id())]
    {
        line.push_str(key);
        line.push_str(&serde_json::to_string(value)?);
    }
    line.push_str("}\n");
    Ok(())
}

/// Limits the number of bytes per read.
struct Pieces<S> {
    io: S,
    most: usize,
}

impl<S: Read> Read for Pieces<S> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let most = space.len().min(self.most);
        self.io.read(&mut space[..most])
    }
}

impl<S: Write> Write for Pieces<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.io.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.io.flush()
    }
}

struct Options {
    json: bool,
    comments: bool,
    chunk: usize,
    source: String,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { json: false, comments: false, chunk: usize::MAX, source: String::new() };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--json" => options.json = true,
                "--comments" => options.comments = true,
                "--chunk" => {
                    let size = args.next().unwrap_or_default();
                    options.chunk = size
                        .parse()
                        .ok()
                        .filter(|size| *size > 0)
                        .ok_or("--chunk takes a number from 1 up")?;
                }
                _ if arg.starts_with("--") => return Err(format!("unknown option {arg}")),
                _ if options.source.is_empty() => options.source = arg,
                _ => return Err("more than one source".into()),
            }
        }
        if options.source.is_empty() { Err("no source".into()) } else { Ok(options) }
    }
}
