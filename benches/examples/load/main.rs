//! Load test with one publisher and thousands of subscribers: measures a server's CPU time per
//! delivered event, its memory per subscriber, and the delays.
//!
//! ```sh
//! cargo run --release -p sse-benches --example load
//! cargo run --release -p sse-benches --example load -- --clients 1000 --bytes 16384 --stalled 1 --servers ours
//! cargo run --release -p sse-benches --example load -- --clients 1000 --servers ours --terminate
//! cargo run --release -p sse-benches --example load -- --clients 1000 --window 32 --seconds 5
//! cargo run --release -p sse-benches --example load -- --clients 20 --rate 10 --servers ours --via nginx --at-most 200
//! cargo run --release -p sse-benches --example load -- \
//!     --url http://127.0.0.1:8888/sub --publish http://127.0.0.1:8888/pub --pid 4711
//! ```
//!
//! Clients and server are separate processes, and each server starts afresh. The servers: ours on
//! tokio, on smol (`ours-smol`) and on threads (`ours-threads`); axum's own `Sse` over a tokio
//! broadcast channel; nchan (needs nginx with that module); and the floor, a bare loop that writes
//! the same bytes to the same sockets. `ours` and `axum` run one thread, with `-multi` one thread per
//! processor. A server publishes the body of `POST /pub`
//! to all clients of `GET /sub`. Each process needs an open file per client (`ulimit -n`).
//!
//! An event is published every so often (`--rate`, `--events`), or as soon as fewer than `--window`
//! events are on their way (for `--seconds`), which loads the server fully.
//!
//! `--visits` measures instead how fast clients connect, get a first event, and leave.
//!
//! `--terminate` sends SIGTERM to the server during publishing, and requires a clean end of every
//! stream. `--via` puts nginx or haproxy with its defaults in between. `--at-most` limits the 99th
//! percentile of the delays, in milliseconds. `--events 0` publishes nothing. The server `tasks`
//! measures what tokio alone needs to hold the connections.

mod clients;
mod process;
mod servers;

use std::error::Error;
use std::time::Duration;
use std::{env, process::ExitCode};

use clients::{Endpoint, Load, Outcome, Pace};
use servers::Server;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args = Vec::from_iter(env::args().skip(1));
    let done = match &args[..] {
        [serve, server, port] if serve == "serve" => servers::serve(server, port),
        _ => measure(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &[String]) -> Result<()> {
    let value = |flag: &str| args.iter().skip_while(|arg| *arg != flag).nth(1);
    let number = |flag: &str, default: u32| value(flag).map_or(Ok(default), |value| value.parse());
    let load = Load {
        clients: number("--clients", 10_000)? as usize,
        stalled: number("--stalled", 0)? as usize,
        bytes: number("--bytes", 200)? as usize,
        pace: match number("--window", 0)? as usize {
            0 => {
                let interval = Duration::from_secs(1) / number("--rate", 6)?.max(1);
                Pace::Every(interval, number("--events", 60)? as usize)
            }
            window => Pace::Window { window, time: Duration::from_secs(number("--seconds", 5)?.into()) },
        },
        terminate: args.iter().any(|arg| arg == "--terminate"),
    };
    let servers =
        value("--servers").map_or("ours,axum,ours-multi,axum-multi,nchan,floor", String::as_str).split(',');
    if args.iter().any(|arg| arg == "--visits") {
        return visits(servers, Duration::from_secs(number("--seconds", 5)?.into()));
    }
    println!("{load}\n");
    println!(
        "| server | delivered | a second | server CPU for each | memory of a subscriber: idle, then | delay p50, p99 | all connected in |"
    );
    println!("|---|---|---|---|---|---|---|");
    if let (Some(url), Some(publish)) = (value("--url"), value("--publish")) {
        let pid = value("--pid").map(|pid| pid.parse()).transpose()?;
        print_row(
            "yours",
            &load,
            &clients::run(&load, &Endpoint::parse(url)?, &Endpoint::parse(publish)?, pid)?,
        );
        return Ok(());
    }
    let (mut complete, mut in_time) = (true, true);
    for name in servers {
        let server = Server::start(name, None)?;
        let proxy = value("--via").map(|proxy| Server::start(proxy, Some(server.port()))).transpose()?;
        let front = proxy.as_ref().unwrap_or(&server);
        let (subscribe, publish) =
            (Endpoint::local(front.port(), "/sub"), Endpoint::local(server.port(), "/pub"));
        let outcome = clients::run(&load, &subscribe, &publish, Some(server.pid()))
            .map_err(|error| format!("{name}: {error}"))?;
        print_row(name, &load, &outcome);
        complete &= outcome.delivered == load.clients * outcome.published;
        if let Some(stop) = &outcome.stop {
            println!(
                "\nSIGTERM under load: {} clean ends, all within {:.1} s",
                stop.clean,
                stop.took.as_secs_f64()
            );
            complete &= stop.clean == load.clients;
        }
        if let Some(limit) = value("--at-most") {
            in_time &= outcome.delay(0.99) <= Duration::from_millis(limit.parse()?);
        }
    }
    match (complete, in_time) {
        (false, _) => Err("not all events were delivered".into()),
        (_, false) => Err("the 99th percentile of the delays exceeds the limit".into()),
        _ => Ok(()),
    }
}

/// Measures how fast clients come, get their first event, and leave.
fn visits<'a>(servers: impl Iterator<Item = &'a str>, time: Duration) -> Result<()> {
    println!("32 clients at a time that connect, get a first event, and leave, for {time:?}\n");
    println!("| server | visits a second | server CPU for each | time to the first event p50, p99 |");
    println!("|---|---|---|---|");
    for name in servers.filter(|name| *name != "floor") {
        let server = Server::start(name, None)?;
        clients::publish_one(&Endpoint::local(server.port(), "/pub"))?;
        let (delays, usage) = clients::visit(time, &Endpoint::local(server.port(), "/first"), server.pid())
            .map_err(|error| format!("{name}: {error}"))?;
        let at = |part: usize| delays.get(delays.len() * part / 100).copied().unwrap_or_default();
        println!(
            "| {name} | {:.0} | {:.0} µs | {:.1} ms, {:.1} ms |",
            delays.len() as f64 / time.as_secs_f64(),
            usage.cpu.as_secs_f64() * 1e6 / delays.len().max(1) as f64,
            f64::from(at(50)) / 1e3,
            f64::from(at(99)) / 1e3
        );
    }
    Ok(())
}

fn print_row(name: &str, load: &Load, outcome: &Outcome) {
    let [before, connected, after] = outcome.usage;
    let cpu = after.cpu.saturating_sub(connected.cpu).as_secs_f64() * 1e6 / outcome.delivered.max(1) as f64;
    let subscribers = (load.clients + load.stalled).max(1) as f64;
    let memory =
        |usage: process::Usage| usage.memory.saturating_sub(before.memory) as f64 / subscribers / 1024.0;
    println!(
        "| {name} | {} | {:.0} | {cpu:.2} µs | {:.2} KiB, {:.2} KiB | {:.1} ms, {:.1} ms | {:.1} s |",
        outcome.delivered,
        outcome.delivered as f64 / outcome.took.as_secs_f64(),
        memory(connected),
        memory(after),
        outcome.delay(0.5).as_secs_f64() * 1e3,
        outcome.delay(0.99).as_secs_f64() * 1e3,
        outcome.connecting.as_secs_f64()
    );
}
