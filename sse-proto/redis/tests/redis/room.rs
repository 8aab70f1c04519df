//! Three nodes as processes, over one Redis, behind haproxy, with clients that never give up.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sse_tokio::{EventSource, SourceConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::server::{Process, Redis, examples, free_port};

/// Whether all is to be large and long.
pub(crate) fn is_full() -> bool {
    std::env::var("NODES_FULL").is_ok_and(|full| !full.is_empty())
}

/// What lies between the nodes and Redis: can cut, swallow an answer, and lead elsewhere.
pub(crate) struct Wire {
    pub(crate) port: u16,
    pub(crate) target: Arc<AtomicU16>,
    /// The next answer to an append is dropped, with its connection.
    pub(crate) swallows: Arc<AtomicBool>,
    cut: Arc<Notify>,
}

impl Wire {
    async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            port: listener.local_addr().unwrap().port(),
            target: Arc::new(AtomicU16::new(target)),
            swallows: Arc::default(),
            cut: Arc::default(),
        };
        let (target, swallows, cut) =
            (Arc::clone(&this.target), Arc::clone(&this.swallows), Arc::clone(&this.cut));
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (swallows, cut) = (Arc::clone(&swallows), Arc::clone(&cut));
                let Ok(far) = TcpStream::connect(("127.0.0.1", target.load(Ordering::Relaxed))).await else {
                    continue;
                };
                tokio::spawn(async move {
                    tokio::select! {
                        () = relay(near, far, &swallows) => {}
                        () = cut.notified() => {}
                    }
                });
            }
        });
        this
    }

    /// Closes all connections.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }
}

async fn relay(mut near: TcpStream, mut far: TcpStream, swallows: &AtomicBool) {
    let (mut asked, mut answered) = ([0; 65536], [0; 65536]);
    let mut appends = false;
    loop {
        tokio::select! {
            Ok(count @ 1..) = near.read(&mut asked) => {
                appends |= asked[..count].windows(7).any(|window| window == b"EVALSHA");
                if far.write_all(&asked[..count]).await.is_err() {
                    return;
                }
            }
            Ok(count @ 1..) = far.read(&mut answered) => {
                if appends && swallows.swap(false, Ordering::Relaxed) {
                    return;
                }
                if near.write_all(&answered[..count]).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
}

pub(crate) struct Room {
    pub(crate) redis: Redis,
    pub(crate) wire: Wire,
    pub(crate) nodes: Vec<(Process, u16)>,
    _proxy: Process,
    port: u16,
    clients: Vec<Arc<Mutex<Vec<Told>>>>,
    /// By number: whether the log has acknowledged the event.
    published: Vec<bool>,
    start: Instant,
    name: &'static str,
}

/// What a client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Event(usize),
    Gap,
}

impl Room {
    pub(crate) async fn open(name: &'static str, arguments: &[&str]) -> Self {
        Self::over(name, Redis::start(arguments)).await
    }

    pub(crate) async fn over(name: &'static str, redis: Redis) -> Self {
        let wire = Wire::to(redis.port).await;
        let nodes: Vec<_> = (0..3).map(|_| start_node(wire.port, None)).collect();
        let port = free_port();
        let mut config = format!(
            "global\n  maxconn 4000\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 60s\n  timeout server 60s\n  \
             option http-no-delay\n  retries 3\n  option redispatch\nfrontend all\n  bind 127.0.0.1:{port}\n  \
             default_backend nodes\nbackend nodes\n  balance roundrobin\n"
        );
        for (number, (_, port)) in nodes.iter().enumerate() {
            config += &format!("  server n{number} 127.0.0.1:{port} check inter 100ms fall 1 rise 1\n");
        }
        let file = redis.folder.join("haproxy.cfg");
        std::fs::write(&file, config).unwrap();
        let proxy = Process::start(Command::new("haproxy").arg("-q").arg("-f").arg(&file));
        let (clients, published, start) = (Vec::new(), Vec::new(), Instant::now());
        let mut this = Self { redis, wire, nodes, _proxy: proxy, port, clients, published, start, name };
        for index in 0..3 {
            this.healthy(index).await;
        }
        let count = if is_full() { 90 } else { 9 };
        this.clients = (0..count).map(|_| client(port)).collect();
        // Until all have opened their streams, events are theirs by chance.
        while this.clients.iter().any(|told| told.lock().unwrap().is_empty()) {
            this.publish(true).await;
            sleep(Duration::from_millis(50)).await;
            assert!(this.start.elapsed() < Duration::from_secs(20), "the clients receive nothing");
        }
        this.start = Instant::now();
        this
    }

    /// Waits until a node follows the log.
    pub(crate) async fn healthy(&self, index: usize) {
        let start = Instant::now();
        while ask(self.nodes[index].1, "GET /health").await.is_none_or(|(status, _)| status != 200) {
            assert!(start.elapsed() < Duration::from_secs(30), "node {index} is not healthy");
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn restart_node(&mut self, index: usize) {
        let port = self.nodes[index].1;
        self.nodes[index].0.kill();
        self.nodes[index] = start_node(self.wire.port, Some(port));
        self.healthy(index).await;
    }

    /// Publishes the next event by any node. Returns whether it was acknowledged.
    pub(crate) async fn publish(&mut self, has_key: bool) -> bool {
        self.publish_at(self.port, has_key).await.is_some()
    }

    /// Publishes the next event by the server at this port. Returns its id if it was acknowledged.
    pub(crate) async fn publish_at(&mut self, port: u16, has_key: bool) -> Option<String> {
        let number = self.published.len();
        let key = if has_key { format!("&key={number}") } else { String::new() };
        let answer = ask(port, &format!("POST /publish?topic=t&message={number}{key}")).await;
        let id = answer.and_then(|(status, id)| (status == 200).then_some(id));
        self.published.push(id.is_some());
        id
    }

    /// Appends the next event as a server does whose clock is an hour ahead.
    pub(crate) async fn publish_an_hour_ahead(&mut self) {
        let id = self.publish_at(self.port, true).await.unwrap();
        let (epoch, id) = id.split_once('.').unwrap();
        let number = self.published.len();
        self.published.push(true);
        let ahead = format!("{}-0", id.split('-').next().unwrap().parse::<u64>().unwrap() + 3_600_000);
        let data = format!("data: {number}\n\n");
        self.redis.cli(&["xadd", "events", &ahead, "e", epoch, "p", id, "t", "t", "d", &data]);
    }

    /// Publishes one event after the other. Returns how many were acknowledged.
    pub(crate) async fn publish_for(&mut self, duration: Duration) -> usize {
        let (start, mut count) = (Instant::now(), 0);
        while start.elapsed() < duration {
            // With a key and without one by turns.
            let has_key = self.published.len() % 2 == 0;
            count += usize::from(self.publish(has_key).await);
            sleep(Duration::from_millis(5)).await;
        }
        count
    }

    pub(crate) async fn publish_some(&mut self) {
        for _ in 0..50 {
            self.publish(true).await;
        }
    }

    /// Waits until all clients have the event published last.
    pub(crate) async fn all_have_the_last(&self) {
        let (start, last) = (Instant::now(), self.published.len() - 1);
        let has_it = |told: &Arc<Mutex<Vec<Told>>>| told.lock().unwrap().contains(&Told::Event(last));
        while !self.clients.iter().all(has_it) {
            assert!(start.elapsed() < Duration::from_secs(30), "{}: a client does not recover", self.name);
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until all clients have all, and checks what they were told. `loses` says that the log has lost
    /// acknowledged events. Returns the gaps of all clients.
    pub(crate) async fn close(mut self, loses: bool) -> usize {
        let start = Instant::now();
        while !self.publish(true).await {
            assert!(start.elapsed() < Duration::from_secs(30), "{}: publishing does not recover", self.name);
            sleep(Duration::from_millis(50)).await;
        }
        self.all_have_the_last().await;
        let recovered = start.elapsed();
        let in_log: BTreeSet<usize> = self.numbers_in_log();
        let (mut gaps, mut received) = (0, 0);
        for (index, told) in self.clients.iter().enumerate() {
            let told = told.lock().unwrap();
            let (mut next, mut may_miss) = (None, true);
            for told in told.iter() {
                let &Told::Event(number) = told else {
                    (gaps, may_miss) = (gaps + 1, true);
                    continue;
                };
                let from = next.unwrap_or(number);
                assert!(number >= from, "{}: client {index} received {number} after {}", self.name, from - 1);
                for missing in (from..number).filter(|missing| self.published[*missing]) {
                    let is_lost = loses && !in_log.contains(&missing);
                    assert!(may_miss || is_lost, "{}: client {index} misses {missing} untold", self.name);
                }
                (next, may_miss, received) = (Some(number + 1), false, received + 1);
            }
        }
        let acknowledged = self.published.iter().filter(|is_published| **is_published).count();
        println!(
            "{:<34} published {:4} acknowledged {acknowledged:4} received {received:5} by {} clients, gaps {gaps:3}, \
             {:5.1} s, all have the last after {:4.1} s",
            self.name,
            self.published.len(),
            self.clients.len(),
            self.start.elapsed().as_secs_f32(),
            recovered.as_secs_f32(),
        );
        gaps
    }

    fn numbers_in_log(&self) -> BTreeSet<usize> {
        let port = self.wire.target.load(Ordering::Relaxed).to_string();
        let output = Command::new("redis-cli").args(["-p", &port, "xrange", "events", "-", "+"]).output();
        let text = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
        text.lines().filter_map(|line| line.strip_prefix("data: ")?.parse().ok()).collect()
    }
}

fn start_node(redis: u16, port: Option<u16>) -> (Process, u16) {
    let port = port.unwrap_or_else(free_port);
    let mut command = Command::new(examples().join("node"));
    command.args(["--redis", &format!("redis://127.0.0.1:{redis}/"), "--port", &port.to_string()]);
    // Little memory and short waits, so that failures come to light.
    command.args(["--held", "20", "--block", "500"]);
    (Process::start(&mut command), port)
}

/// A client that comes back for ever, by the load balancer.
fn client(port: u16) -> Arc<Mutex<Vec<Told>>> {
    let told = Arc::<Mutex<Vec<Told>>>::default();
    let shared = Arc::downgrade(&told);
    tokio::spawn(async move {
        let mut config = SourceConfig::default();
        (config.backoff.base, config.backoff.cap) = (Duration::from_millis(20), Duration::from_millis(200));
        let mut source =
            EventSource::get(&format!("http://127.0.0.1:{port}/events")).unwrap().with_config(config);
        while let Some(event) = source.next().await {
            let (event, Some(told)) = (event.unwrap(), shared.upgrade()) else { return };
            told.lock().unwrap().push(match event.name() {
                "gap" => Told::Gap,
                _ => Told::Event(event.data().parse().unwrap()),
            });
        }
    });
    told
}

/// Sends a request, and returns the status and the body.
pub(crate) async fn ask(port: u16, request: &str) -> Option<(u16, String)> {
    let asked = async {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        let head = format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        socket.write_all(head.as_bytes()).await.ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    };
    timeout(Duration::from_secs(15), asked).await.ok()?
}
