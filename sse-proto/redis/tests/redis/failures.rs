//! What breaks others: in each case, what a client received, with the gaps that it was told of, is what was published, in order and
//! without repeat.

use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::room::{Room, is_full};
use super::server::{Redis, wait_until};

const MOMENT: Duration = Duration::from_millis(500);

fn durable() -> [&'static str; 4] {
    ["--appendonly", "yes", "--appendfsync", "always"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_killed() {
    let mut room = Room::open("a node is killed", &[]).await;
    room.publish_some().await;
    room.nodes[0].0.kill();
    room.publish_for(MOMENT).await;
    room.restart_node(0).await;
    room.publish_for(MOMENT).await;
    assert_eq!(room.close(false).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_nodes_are_restarted_one_after_the_other() {
    let mut room = Room::open("a rolling restart of all nodes", &[]).await;
    for index in 0..3 {
        room.publish_for(MOMENT).await;
        // Asked to stop, as a deploy does it.
        room.nodes[index].0.signal("-INT");
        room.publish_for(MOMENT / 2).await;
        room.restart_node(index).await;
    }
    assert_eq!(room.close(false).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_and_has_a_file() {
    let mut room = Room::open("Redis is killed, with AOF", &durable()).await;
    room.publish_some().await;
    room.redis.kill();
    assert_eq!(room.publish_for(MOMENT).await, 0);
    room.redis.restart();
    room.publish_for(MOMENT).await;
    assert_eq!(room.close(false).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_and_has_no_file() {
    let mut room = Room::open("Redis is killed, without AOF", &[]).await;
    room.publish_some().await;
    room.redis.kill();
    room.redis.restart();
    room.publish_for(MOMENT).await;
    assert!(room.close(true).await >= 9, "all are told");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_stands_still() {
    let mut room = Room::open("Redis stands still", &[]).await;
    room.publish_some().await;
    let pause = Duration::from_secs(if is_full() { 30 } else { 3 });
    room.redis.process.signal("-STOP");
    assert_eq!(room.publish_for(pause).await, 0);
    room.redis.process.signal("-CONT");
    room.publish_for(MOMENT).await;
    assert_eq!(room.close(false).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_to_appends_are_lost() {
    let mut room = Room::open("answers to appends are lost", &[]).await;
    let mut failed = 0;
    for _ in 0..20 {
        room.wire.swallows.store(true, Ordering::Relaxed);
        // With a key, it is repeated, and published once.
        assert!(room.publish(true).await);
        room.wire.swallows.store(true, Ordering::Relaxed);
        failed += usize::from(!room.publish(false).await);
    }
    assert!(failed > 0, "without a key, the publisher is told");
    room.wire.swallows.store(false, Ordering::Relaxed);
    assert_eq!(room.close(false).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_redis_are_cut() {
    let mut room = Room::open("connections to Redis are cut", &[]).await;
    for _ in 0..10 {
        room.publish_for(MOMENT / 10).await;
        room.wire.cut();
    }
    assert_eq!(room.close(false).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_lags_is_promoted() {
    let primary = Redis::start(&[]);
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &primary.port.to_string()]);
    wait_until("the replica follows", || primary.cli(&["info", "replication"]).contains("state=online"));
    let mut room = Room::over("a replica that lags is promoted", primary).await;
    room.publish_some().await;
    wait_until("the replica has all", || {
        replica.cli(&["xlen", "events"]) == room.redis.cli(&["xlen", "events"])
    });
    // From here on, it receives nothing more.
    replica.cli(&["replicaof", "no", "one"]);
    room.publish_some().await;
    room.all_have_the_last().await;
    room.redis.kill();
    room.wire.target.store(replica.port, Ordering::Relaxed);
    room.publish_for(MOMENT).await;
    assert!(room.close(true).await >= 9, "all who had what was lost are told");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_trimmed_past_a_node() {
    let mut room = Room::open("the log is trimmed past a node", &[]).await;
    room.publish_some().await;
    room.nodes[1].0.signal("-STOP");
    // Not by the node that stands still.
    let port = room.nodes[0].1;
    for _ in 0..60 {
        assert!(room.publish_at(port, true).await.is_some());
    }
    room.redis.cli(&["xtrim", "events", "maxlen", "=", "10"]);
    room.nodes[1].0.signal("-CONT");
    room.publish_for(MOMENT).await;
    assert!(room.close(false).await > 0, "the clients of that node are told");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_evicted() {
    let arguments = ["--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru"];
    let mut room = Room::open("the log is evicted", &arguments).await;
    room.publish_some().await;
    let large = "x".repeat(100_000);
    let mut count = 0;
    while room.redis.cli(&["exists", "events"]) == "1" {
        room.redis.cli(&["set", &format!("other {count}"), &large]);
        count += 1;
    }
    room.redis.cli(&["config", "set", "maxmemory", "0"]);
    room.publish_for(MOMENT).await;
    assert!(room.close(true).await >= 9, "all are told");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_has_no_memory() {
    let mut room = Room::open("Redis has no memory", &[]).await;
    room.publish_some().await;
    room.redis.cli(&["config", "set", "maxmemory", "1"]);
    assert_eq!(room.publish_for(MOMENT).await, 0);
    room.redis.cli(&["config", "set", "maxmemory", "0"]);
    room.publish_for(MOMENT).await;
    assert_eq!(room.close(false).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_deleted() {
    let mut room = Room::open("FLUSHALL", &[]).await;
    room.publish_some().await;
    room.redis.cli(&["flushall"]);
    room.publish_for(MOMENT).await;
    assert!(room.close(true).await >= 9, "all are told");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_set_back() {
    let mut room = Room::open("the clock is set back", &[]).await;
    room.publish_some().await;
    room.publish_an_hour_ahead().await;
    room.publish_for(MOMENT).await;
    assert_eq!(room.close(false).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_changed() {
    let mut room = Room::open("the password is changed", &[]).await;
    room.publish_some().await;
    room.redis.cli(&["config", "set", "requirepass", "secret"]);
    room.redis.client.extend(["-a", "secret", "--no-auth-warning"].map(str::to_owned));
    room.wire.cut();
    sleep(Duration::from_millis(50)).await;
    assert_eq!(room.publish_for(MOMENT).await, 0);
    room.redis.cli(&["config", "set", "requirepass", ""]);
    room.redis.client.truncate(2);
    room.publish_for(MOMENT).await;
    assert_eq!(room.close(false).await, 0);
}

/// Clients that were away come back at the same moment, far behind what the nodes hold in memory.
#[tokio::test(flavor = "multi_thread")]
async fn many_come_back_at_once() {
    let mut room = Room::open("many come back at once", &[]).await;
    let (count, behind) = if is_full() { (10_000, 500) } else { (600, 200) };
    let position = room.publish_at(room.nodes[0].1, true).await.unwrap();
    for number in 1..=behind {
        assert!(room.publish(true).await, "{number}");
    }
    let cpu = |process: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) as f64 / 100.0
    };
    let nodes: Vec<u32> = room.nodes.iter().map(|(node, _)| node.0.id()).collect();
    let all = || nodes.iter().map(|node| cpu(*node)).sum::<f64>();
    let (nodes_before, redis_before) = (all(), cpu(room.redis.process.0.id()));
    let start = Instant::now();
    let clients: Vec<_> = (0..count)
        .map(|number| {
            let (port, position) = (room.nodes[number % 3].1, position.clone());
            tokio::spawn(async move {
                let mut socket = connect(port).await;
                let head = format!("GET /events HTTP/1.0\r\nLast-Event-ID: {position}\r\n\r\n");
                socket.write_all(head.as_bytes()).await.unwrap();
                let (mut seen, mut buffer, mut tail) = (0, vec![0; 16 * 1024], Vec::new());
                while seen < behind {
                    let count = socket.read(&mut buffer).await.unwrap();
                    assert!(count > 0, "the stream ends after {seen} events");
                    tail.extend_from_slice(&buffer[..count]);
                    seen += tail.windows(6).filter(|window| window == b"\ndata:").count();
                    let rest = tail.len().saturating_sub(5);
                    tail.drain(..rest);
                    assert!(!tail.windows(5).any(|window| window == b"event"), "a gap");
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    println!(
        "{count} clients, {behind} events behind, have all after {:.1} s; CPU of the nodes {:.2} s, of Redis {:.2} s",
        start.elapsed().as_secs_f32(),
        all() - nodes_before,
        cpu(room.redis.process.0.id()) - redis_before,
    );
    assert_eq!(room.close(false).await, 0);
}

/// Connects, again while the backlog of the listener is full.
async fn connect(port: u16) -> TcpStream {
    loop {
        match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(socket) => return socket,
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

#[test]
fn what_the_tests_start_is_installed() {
    for (program, argument) in [("redis-server", "--version"), ("haproxy", "-v"), ("redis-cli", "--version")]
    {
        let output = Command::new(program).arg(argument).output();
        assert!(
            output.is_ok_and(|output| output.status.success()),
            "{program} is missing: .ci/nodes installs it"
        );
    }
}
