//! A server and two clients of it, in one process.
//!
//! The server sends the time each second, ten times, then an event `end`. The first client is cancelled after five
//! seconds, while it waits for an event; the second works through all of them and stops at `end`.
//!
//! ```sh
//! cargo run -p sse-blocking --example quickstart
//! curl -N http://127.0.0.1:8888/sse                  # meanwhile, in another terminal
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::net::TcpListener;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, SystemTime};

use sse_blocking::{Event, EventSource, Incoming, Response, Server, ServerConfig};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let address = ("127.0.0.1", options.port);
    let listener = TcpListener::bind(address).map_err(|error| {
        format!("cannot listen on port {}: {error}; try another one with --port", options.port)
    })?;
    let url = format!("http://{}/sse", listener.local_addr()?);
    say("server", format_args!("listening, try: curl -N {url}"))?;
    let interval = options.interval;
    let mut config = ServerConfig::default();
    config.methods = &["GET", "HEAD"];
    let server = Server::new(move |incoming| serve(incoming, interval)).with_config(config);
    thread::spawn(move || server.serve(listener));

    let first = thread::spawn({
        let url = url.clone();
        move || cancelled_client(&url, 5 * interval)
    });
    let second = thread::spawn(move || patient_client(&url));
    for client in [first, second] {
        client.join().map_err(|_| "a client panicked")??;
    }
    Ok(())
}

/// Answers one request.
fn serve(incoming: Incoming, interval: Duration) -> Result<()> {
    if incoming.path() != "/sse" {
        incoming.respond(&Response::new(404), "there is only /sse here\n");
        return Ok(());
    }
    let last_event_id = incoming.last_event_id().unwrap_or("none".into());
    say("server", format_args!("stream opened, Last-Event-ID: {last_event_id}"))?;

    let events = incoming.open(Response::new(200));
    for _ in 0..10 {
        thread::sleep(interval);
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        if events.send(&Event::new(now).with_name("timestamp")?).is_err() {
            return say("server", format_args!("a client left"));
        }
    }
    events.send(&Event::new("end flag").with_name("end")?)?;
    Ok(())
}

/// Reads until another thread closes the source.
fn cancelled_client(url: &str, after: Duration) -> Result<()> {
    let mut source = EventSource::get(url)?;
    let handle = source.close_handle();
    thread::spawn(move || {
        thread::sleep(after);
        handle.close();
    });
    while let Some(event) = source.next_ref() {
        say("client 1", format_args!("{}", event?))?;
    }
    say("client 1", format_args!("cancelled"))
}

/// Reads up to the event `end`.
fn patient_client(url: &str) -> Result<()> {
    let mut source = EventSource::get(url)?;
    while let Some(event) = source.next_ref() {
        let event = event?;
        say("client 2", format_args!("{event}"))?;
        if event.name() == "end" {
            return say("client 2", format_args!("done"));
        }
    }
    Err("the stream ended without an end event".into())
}

/// Prints a line; that nobody reads it any more is an error.
fn say(who: &str, what: std::fmt::Arguments<'_>) -> Result<()> {
    Ok(writeln!(io::stdout(), "{who:8} | {what}")?)
}

struct Options {
    port: u16,
    interval: Duration,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self> {
        const USAGE: &str = "usage: quickstart [--port PORT] [--interval MILLISECONDS]";
        let mut options = Self { port: 8888, interval: Duration::from_secs(1) };
        while let Some(arg) = args.next() {
            let value = args.next().ok_or_else(|| format!("{arg} takes a value\n{USAGE}"))?;
            let invalid = |_| format!("{value:?} is no value for {arg}\n{USAGE}");
            match arg.as_str() {
                "--port" => options.port = value.parse().map_err(invalid)?,
                "--interval" => options.interval = Duration::from_millis(value.parse().map_err(invalid)?),
                _ => return Err(format!("unknown option {arg}\n{USAGE}").into()),
            }
        }
        Ok(options)
    }
}
