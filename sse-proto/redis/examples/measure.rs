//! What a log in Redis costs, beside its floor and beside nchan with its Redis, all on this machine:
//!
//! ```sh
//! cargo build --release -p sse-redis --examples
//! target/release/examples/measure [--clients 3000] [--rate 5] [--seconds 10]
//! ```
//!
//! First publishes through a hub, beside `XADD` by redis-benchmark, and reads all of it for a client that comes back, beside `XREAD`. Then
//! three servers with this many clients each, which receive this many events per second: events delivered per second of the servers'
//! processors, and the time from the publisher to the clients. Needs redis-server, redis-benchmark, and nginx with nchan.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sse_contract::programs::options::Options;
use sse_redis::RedisLog;
use sse_tokio::{BoxError, Delivery, HubConfig, LogHub, Start, Subscription};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, sleep};

type Result<T> = std::result::Result<T, BoxError>;

const REDIS: u16 = 28_800;

#[tokio::main]
async fn main() -> Result<()> {
    let mut options = Options::from_args();
    let clients: usize = options.take("--clients")?.unwrap_or(3000);
    let rate: u64 = options.take("--rate")?.unwrap_or(5);
    let seconds: u64 = options.take("--seconds")?.unwrap_or(10);
    options.finish()?;

    let folder = std::env::temp_dir().join(format!("sse-measure-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let redis = Process::start(
        Command::new("redis-server").args(["--port", &REDIS.to_string(), "--save", "", "--dir"]).arg(&folder),
    )?;
    reachable(REDIS).await?;
    publish_all().await?;
    read_all().await?;
    for kind in [Kind::Ours, Kind::Nchan] {
        fan_out(kind, &folder, clients, rate, seconds).await?;
    }
    drop(redis);
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// A process that ends with its value.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self(child.map_err(|error| format!("{name}: {error}"))?))
    }

    /// The processor time of it and its children, in seconds.
    fn cpu(&self) -> f64 {
        let id = self.0.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let of = |id: &str| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            let fields: Vec<f64> =
                stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
            Some(fields.iter().sum::<f64>() / 100.0)
        };
        children.split_whitespace().chain([&*id.to_string()]).filter_map(of).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // nginx ends its workers only when it is asked.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

async fn reachable(port: u16) -> Result<()> {
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(50)).await;
    }
    Err(format!("nothing listens on port {port}").into())
}

async fn publish_all() -> Result<()> {
    let event = "x".repeat(100);
    for publishers in [1, 16, 64] {
        let command = "XADD floor MAXLEN ~ 100000 * e epoch p previous t topic d";
        let floor = benchmark(publishers, 100_000, command.split(' ').chain([&*event]))?;
        let hub = hub()?;
        hub.publish("topic", "the first connects").await?;
        let start = Instant::now();
        let tasks: Vec<_> = (0..publishers)
            .map(|_| {
                let (hub, event) = (hub.clone(), event.clone());
                tokio::spawn(async move {
                    let mut delays = Vec::new();
                    while start.elapsed() < Duration::from_secs(3) {
                        let start = Instant::now();
                        hub.publish("topic", &*event).await?;
                        delays.push(start.elapsed());
                    }
                    Ok::<_, BoxError>(delays)
                })
            })
            .collect();
        let mut delays = Vec::new();
        for task in tasks {
            delays.extend(task.await??);
        }
        let per_second = delays.len() as f64 / start.elapsed().as_secs_f64();
        let [p50, p99] = percentiles(&mut delays);
        println!(
            "publish, {publishers:2} at a time: {per_second:6.0} per second, p50 {p50:.1?}, p99 {p99:.1?}; bare XADD {floor:.0} per second"
        );
    }
    Ok(())
}

fn hub() -> Result<LogHub<RedisLog>> {
    let log = RedisLog::new(format!("redis://127.0.0.1:{REDIS}/"), "publish")?;
    let (hub, node) = LogHub::new(log, HubConfig::default(), Default::default());
    tokio::spawn(node);
    Ok(hub)
}

/// How often Redis answers this command in a second, asked by so many connections.
fn benchmark<'a>(connections: usize, count: usize, command: impl Iterator<Item = &'a str>) -> Result<f64> {
    let output = Command::new("redis-benchmark")
        .args(["-p", &REDIS.to_string(), "-c", &connections.to_string(), "-n", &count.to_string(), "--csv"])
        .args(command)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let cell = text.lines().last().and_then(|line| line.rsplit("\",\"").nth(6));
    Ok(cell.ok_or_else(|| format!("redis-benchmark printed {text:?}"))?.parse()?)
}

/// A client that has missed all of the log.
async fn read_all() -> Result<()> {
    const PAGE: usize = 1000;
    let floor = benchmark(1, 1000, format!("XREAD COUNT {PAGE} STREAMS publish 0").split(' '))?;
    let hub = hub()?;
    let last = hub.publish("topic", "the last").await?.to_string();
    let (start, mut count) = (Instant::now(), 0_u32);
    let (mut subscriber, _) = hub.subscribe_from(&Subscription::to_all(), Start::Oldest);
    loop {
        match subscriber.recv().await {
            Delivery::Event(frame) => {
                count += 1;
                if frame.to_event().is_some_and(|event| event.id() == Some(&*last)) {
                    break;
                }
            }
            Delivery::Gap(_) => {}
            _ => return Err("the hub is closed".into()),
        }
    }
    let per_second = f64::from(count) / start.elapsed().as_secs_f64();
    println!("read, {count} events: {per_second:.0} per second; bare XREAD {:.0}", floor * PAGE as f64);
    Ok(())
}

fn percentiles(delays: &mut [Duration]) -> [Duration; 2] {
    delays.sort_unstable();
    [50, 99].map(|percent| delays.get(delays.len() * percent / 100).copied().unwrap_or_default())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ours,
    Nchan,
}

impl Kind {
    fn start(self, port: u16, folder: &Path) -> Result<Process> {
        let redis = format!("redis://127.0.0.1:{REDIS}/");
        if self == Self::Ours {
            let node: PathBuf = std::env::current_exe()?.with_file_name("node");
            return Process::start(Command::new(node).args(["--redis", &redis, "--port", &port.to_string()]));
        }
        let file = folder.join(format!("nginx-{port}.conf"));
        let text = format!(
            "load_module /usr/lib/nginx/modules/ngx_nchan_module.so;\ndaemon off;\nworker_processes 1;\n\
             pid {folder}/{port}.pid;\nerror_log {folder}/error.log;\nevents {{ worker_connections 10000; }}\n\
             http {{\n  access_log off;\n  upstream log {{ nchan_redis_server {redis}; }}\n  server {{\n    listen 127.0.0.1:{port} backlog=4096;\n    \
             location /publish {{ nchan_publisher; nchan_channel_id x; nchan_redis_pass log; }}\n    \
             location /events {{ nchan_subscriber eventsource; nchan_channel_id x; nchan_redis_pass log; }}\n  }}\n}}\n",
            folder = folder.display(),
        );
        fs::write(&file, text)?;
        Process::start(Command::new("nginx").arg("-c").arg(&file))
    }

    fn publish(self, stamp: u64) -> String {
        match self {
            Self::Ours => format!(
                "POST /publish?topic=t&message={stamp} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
            ),
            Self::Nchan => {
                let body = stamp.to_string();
                format!("POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            }
        }
    }
}

fn micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64
}

async fn fan_out(kind: Kind, folder: &Path, clients: usize, rate: u64, seconds: u64) -> Result<()> {
    let ports = [1, 2, 3].map(|number| REDIS + number + if kind == Kind::Ours { 0 } else { 10 });
    let servers = ports.map(|port| kind.start(port, folder));
    for port in ports {
        reachable(port).await?;
    }
    let (delays, count) = (Arc::<Mutex<Vec<Duration>>>::default(), Arc::<AtomicU64>::default());
    let mut tasks = Vec::new();
    for number in 0..3 * clients {
        let (port, delays, count) = (ports[number % 3], Arc::clone(&delays), Arc::clone(&count));
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
        socket.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n").await?;
        tasks.push(tokio::spawn(async move {
            let mut buffer = vec![0; 4096];
            while let Ok(length @ 1..) = socket.read(&mut buffer).await {
                let now = micros();
                let text = String::from_utf8_lossy(&buffer[..length]);
                // An event is one write, so it is seldom cut; a cut one is not counted.
                for stamp in
                    text.split("\ndata: ").skip(1).filter_map(|rest| rest.lines().next()?.parse::<u64>().ok())
                {
                    count.fetch_add(1, Ordering::Relaxed);
                    if number % 10 == 0 {
                        let delay = Duration::from_micros(now.saturating_sub(stamp));
                        delays.lock().unwrap_or_else(|error| error.into_inner()).push(delay);
                    }
                }
            }
        }));
    }
    sleep(Duration::from_secs(2)).await;
    let servers = servers.into_iter().collect::<Result<Vec<_>>>()?;
    let cpu = || servers.iter().map(Process::cpu).sum::<f64>();
    let (before, mut ticks) = (cpu(), interval(Duration::from_micros(1_000_000 / rate)));
    for _ in 0..rate * seconds {
        ticks.tick().await;
        let mut publisher = TcpStream::connect(("127.0.0.1", ports[0])).await?;
        publisher.write_all(kind.publish(micros()).as_bytes()).await?;
        if publisher.read(&mut [0; 1024]).await? == 0 {
            return Err("an event was not accepted".into());
        }
    }
    sleep(Duration::from_secs(1)).await;
    let (cpu, count) = (cpu() - before, count.load(Ordering::Relaxed));
    let expected = 3 * clients as u64 * rate * seconds;
    let mut delays = std::mem::take(&mut *delays.lock().unwrap_or_else(|error| error.into_inner()));
    let [p50, p99] = percentiles(&mut delays);
    println!(
        "{kind:?}, 3 servers with {clients} clients each, {rate} events per second: {count} of {expected} received, \
         {:.0} for each second of processor, p50 {p50:.1?}, p99 {p99:.1?}",
        count as f64 / cpu
    );
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}
