//! The subscribers and the publisher, in one thread.

use std::cell::{Cell, RefCell};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;
use std::{fmt, net};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, interval, sleep, timeout};

use crate::Result;
use crate::process::Usage;

/// The end of a chunked body.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// The load on a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) clients: usize,
    /// Additional clients that never read.
    pub(crate) stalled: usize,
    /// Bytes of data per event.
    pub(crate) bytes: usize,
    pub(crate) pace: Pace,
    /// Whether the server receives SIGTERM at the end.
    pub(crate) terminate: bool,
}

/// When the next event is published.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// After this time: an open loop.
    Every(Duration, /** Number of events. */ usize),
    /// As soon as fewer than `window` events are on their way to the subscribers: a closed loop.
    Window { window: usize, time: Duration },
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} subscribers, ", self.clients)?;
        match self.pace {
            Pace::Every(interval, events) => {
                write!(
                    f,
                    "{events} events of {} bytes, {:.0} a second",
                    self.bytes,
                    1.0 / interval.as_secs_f64()
                )?;
            }
            Pace::Window { window, time } => {
                write!(f, "events of {} bytes for {time:?}, {window} on their way", self.bytes)?;
            }
        }
        if self.stalled > 0 {
            write!(f, "; {} more never read", self.stalled)?;
        }
        Ok(())
    }
}

/// A path on a server, over plain HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    address: net::SocketAddr,
    path: String,
}

impl Endpoint {
    pub(crate) fn local(port: u16, path: &str) -> Self {
        Self { address: net::SocketAddr::from(([127, 0, 0, 1], port)), path: path.to_owned() }
    }

    /// Parses an `http` URL with an IP address and a port.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("http://").ok_or("the url must start with http://")?;
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        Ok(Self { address: address.parse()?, path: format!("/{path}") })
    }
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) connecting: Duration,
    pub(crate) published: usize,
    pub(crate) delivered: usize,
    /// The time from the first event published to the last one delivered.
    pub(crate) took: Duration,
    /// The delays from just before publishing an event to reading it, in microseconds, sorted.
    delays: Vec<u32>,
    /// The server's usage: without clients, with clients, and after the events.
    pub(crate) usage: [Usage; 3],
    pub(crate) stop: Option<Stop>,
}

impl Outcome {
    /// Returns the delay at this quantile, from 0 to 1.
    pub(crate) fn delay(&self, part: f64) -> Duration {
        let at = (self.delays.len() as f64 * part) as usize;
        let micros =
            self.delays.get(at.min(self.delays.len().saturating_sub(1))).copied().unwrap_or_default();
        Duration::from_micros(micros.into())
    }
}

/// The delays of the events read so far, and the number of clean ends.
#[derive(Default)]
struct Deliveries {
    delays: RefCell<Vec<u32>>,
    /// Told of each read.
    read: Notify,
    clean_ends: Cell<usize>,
}

/// Connects, waits for the first event, and leaves, again and again. Returns the delay from before each
/// connection to its first event, in microseconds, sorted, and the usage of the server.
pub(crate) fn visit(time: Duration, subscribe: &Endpoint, server: u32) -> Result<(Vec<u32>, Usage)> {
    /// Clients at a time.
    const TOGETHER: usize = 32;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let before = Usage::of(server);
        let end = Instant::now() + time;
        let mut visitors = JoinSet::new();
        for _ in 0..TOGETHER {
            let subscribe = subscribe.clone();
            visitors.spawn_local(async move {
                let mut delays = Vec::new();
                while Instant::now() < end {
                    let begin = Instant::now();
                    first_event(&subscribe).await.map_err(|error| error.to_string())?;
                    delays.push(begin.elapsed().as_micros() as u32);
                }
                Ok::<_, String>(delays)
            });
        }
        let delays = visitors.join_all().await.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
        let mut delays = delays.concat();
        delays.sort_unstable();
        let mut usage = Usage::of(server);
        usage.cpu -= before.cpu;
        Ok((delays, usage))
    })
}

/// Subscribes, and leaves after the first event.
async fn first_event(to: &Endpoint) -> Result<()> {
    let (mut socket, mut bytes) = subscribed(to).await?;
    while !bytes.windows(6).any(|window| window == b"data: ") {
        if timeout(Duration::from_secs(20), socket.read_buf(&mut bytes)).await?? == 0 {
            return Err("the stream ended before its first event".into());
        }
    }
    Ok(())
}

/// The result of a graceful shutdown.
#[derive(Debug)]
pub(crate) struct Stop {
    /// Streams that ended with the last chunk, after a whole event.
    pub(crate) clean: usize,
    /// The time until the last stream ended.
    pub(crate) took: Duration,
}

/// Subscribes, publishes, and waits until all events have arrived. Gives up when none have arrived
/// for five seconds.
pub(crate) fn run(
    load: &Load,
    subscribe: &Endpoint,
    publish: &Endpoint,
    server: Option<u32>,
) -> Result<Outcome> {
    let bytes = load.bytes;
    let usage = || server.map(Usage::of).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let before = usage();
        let epoch = Instant::now();
        let deliveries = Rc::new(Deliveries::default());
        let (mut readers, mut stalled) = (Vec::new(), Vec::new());
        for at in 0..load.clients + load.stalled {
            let (mut socket, _) = subscribed(subscribe).await?;
            // Spreads stalled clients evenly among the others.
            if stalled.len() * load.clients < at * load.stalled {
                stalled.push(socket);
                continue;
            }
            let deliveries = Rc::clone(&deliveries);
            readers.push(tokio::task::spawn_local(async move {
                let (mut lines, mut tail) = (Vec::new(), Vec::new());
                // Ends when the server closes the connection.
                while let Ok(1..) = socket.read_buf(&mut lines).await {
                    tail.extend_from_slice(&lines[lines.len().saturating_sub(LAST_CHUNK.len())..]);
                    tail.drain(..tail.len().saturating_sub(LAST_CHUNK.len()));
                    take_stamps(&mut lines, |stamp| {
                        let now = epoch.elapsed().as_micros() as u64;
                        deliveries.delays.borrow_mut().push(now.saturating_sub(stamp) as u32);
                    });
                    deliveries.read.notify_one();
                }
                if tail == LAST_CHUNK {
                    deliveries.clean_ends.set(deliveries.clean_ends.get() + 1);
                }
            }));
        }
        let connecting = epoch.elapsed();
        sleep(Duration::from_secs(2)).await;
        let connected = usage();
        let data = move || {
            let stamp = format!("{} ", epoch.elapsed().as_micros());
            format!("{stamp}{}", "x".repeat(bytes.saturating_sub(stamp.len())))
        };
        let delivered = || deliveries.delays.borrow().len();
        let begin = Instant::now();
        let mut published = 0;
        match load.pace {
            Pace::Every(time, events) => {
                let mut ticks = interval(time);
                while published < events {
                    ticks.tick().await;
                    post(publish, &data()).await?;
                    published += 1;
                }
            }
            Pace::Window { window, time } => {
                let mut posts = JoinSet::new();
                while begin.elapsed() < time {
                    if published * load.clients < delivered() + window * load.clients {
                        let (publish, data) = (publish.clone(), data());
                        posts.spawn_local(async move {
                            post(&publish, &data).await.map_err(|error| error.to_string())
                        });
                        published += 1;
                    } else {
                        timeout(Duration::from_secs(5), deliveries.read.notified()).await?;
                    }
                }
                posts.join_all().await.into_iter().collect::<std::result::Result<(), _>>()?;
            }
        }
        let (mut seen, mut last) = (0, Instant::now());
        while delivered() < load.clients * published && last.elapsed() < Duration::from_secs(5) {
            sleep(Duration::from_millis(10)).await;
            if delivered() > seen {
                (seen, last) = (delivered(), Instant::now());
            }
        }
        let took = begin.elapsed();
        let after = usage();
        let mut delays = deliveries.delays.take();
        delays.sort_unstable();
        let mut stop = None;
        if let Some(pid) = server.filter(|_| load.terminate) {
            // Keeps the server under load: publishes until it no longer answers.
            let publish = publish.clone();
            tokio::task::spawn_local(async move { while post(&publish, &data()).await.is_ok() {} });
            sleep(Duration::from_millis(500)).await;
            let begin = Instant::now();
            Command::new("kill").arg(pid.to_string()).status()?;
            for reader in readers {
                timeout(Duration::from_secs(20), reader).await??;
            }
            stop = Some(Stop { clean: deliveries.clean_ends.get(), took: begin.elapsed() });
        }
        Ok(Outcome {
            connecting,
            published,
            delivered: delays.len(),
            took,
            delays,
            usage: [before, connected, after],
            stop,
        })
    })
}

/// Connects and subscribes, and returns once the response head has arrived, with the bytes so far.
async fn subscribed(to: &Endpoint) -> Result<(TcpStream, Vec<u8>)> {
    let mut socket = TcpStream::connect(to.address).await?;
    let request =
        format!("GET {} HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\r\n", to.path, to.address);
    socket.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = timeout(Duration::from_secs(20), socket.read_buf(&mut head)).await;
        if read.map_err(|_| "timed out waiting for the head of the stream")?? == 0 {
            break;
        }
    }
    if !head.starts_with(b"HTTP/1.1 200") {
        return Err(format!("not a stream: {}", String::from_utf8_lossy(&head)).into());
    }
    Ok((socket, head))
}

pub(crate) fn publish_one(to: &Endpoint) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(post(to, "the first event"))
}

async fn post(to: &Endpoint, data: &str) -> Result<()> {
    let mut socket = TcpStream::connect(to.address).await?;
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{data}",
        to.path,
        to.address,
        data.len()
    );
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    if !answer.starts_with("HTTP/1.1 2") {
        return Err(format!("not published: {answer}").into());
    }
    Ok(())
}

/// Removes all complete lines, and reports the time stamps at the start of their data.
fn take_stamps(lines: &mut Vec<u8>, mut found: impl FnMut(u64)) {
    let Some(end) = lines.iter().rposition(|byte| *byte == b'\n') else { return };
    for line in lines.drain(..=end).as_slice().split(|byte| *byte == b'\n') {
        let stamp = line.strip_prefix(b"data: ").and_then(|data| data.split(|byte| *byte == b' ').next());
        if let Some(stamp) = stamp.and_then(|stamp| std::str::from_utf8(stamp).ok()?.parse().ok()) {
            found(stamp);
        }
    }
}
