//! Servers with a password, with TLS, too old, with replicas, sentinels, as a cluster.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use sse_redis::{RedisConfig, RedisLog, redis};
use sse_tokio::Subscription;
use sse_tokio::proto::hub::log::{AppendError, Log, LogError, NewEvent, Position};

use super::nodes::{connected, next, node};
use super::server::{Process, Redis, free_port, wait_until};

const EVENT: NewEvent<'_> = NewEvent { topic: "t", data: b"data: x\n\n", key: None };

async fn append(log: &RedisLog) -> Result<Position, LogError> {
    tokio::time::timeout(Duration::from_secs(10), log.append(EVENT)).await.expect("an answer")
}

#[tokio::test]
async fn a_password_is_sent_and_its_change_is_a_clear_error() {
    let mut server = Redis::start(&["--requirepass", "secret"]);
    server.client.extend(["-a", "secret", "--no-auth-warning"].map(str::to_owned));
    let log = |url: &str| RedisLog::new(format!("redis://{url}127.0.0.1:{}/", server.port), "news").unwrap();
    let right = log(":secret@");
    append(&right).await.unwrap();
    for wrong in ["", ":wrong@"] {
        let error = append(&log(wrong)).await.unwrap_err();
        assert!(matches!(error, LogError::Refused(_)), "{error}");
        let text = error.to_string();
        assert!(text.contains("NOAUTH") || text.contains("WRONGPASS") || text.contains("assword"), "{text}");
    }
    let user = ["acl", "setuser", "app", "on", ">pass", "~news*", "~{news}*"];
    let commands =
        ["+xadd", "+xtrim", "+xread", "+xrange", "+xrevrange", "+evalsha", "+script|load", "+info"];
    server.cli(&[&user[..], &commands[..], &["+get", "+set", "+pexpire"]].concat());
    let app = log("app:pass@");
    append(&app).await.unwrap();
    let keyed = NewEvent { key: Some("k"), ..EVENT };
    assert_eq!(app.append(keyed).await.unwrap(), app.append(keyed).await.unwrap());
    assert_eq!(app.page(None, 10).await.unwrap().0.len(), 3);
}

#[tokio::test]
async fn tls_is_used_for_rediss() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = std::env::temp_dir().join(format!("sse-redis-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert, issued.cert.pem()).unwrap();
    std::fs::write(&key, issued.signing_key.serialize_pem()).unwrap();
    let port = free_port();
    let server = Redis::start(&[
        "--tls-port",
        &port.to_string(),
        "--tls-auth-clients",
        "no",
        "--tls-cert-file",
        cert.to_str().unwrap(),
        "--tls-key-file",
        key.to_str().unwrap(),
    ]);
    let certificates =
        redis::TlsCertificates { client_tls: None, root_cert: Some(issued.cert.pem().into_bytes()) };
    let url = format!("rediss://localhost:{port}/");
    let client = redis::Client::build_with_tls(&*url, certificates).unwrap();
    let log = RedisLog::new(client.get_connection_info().clone(), "news").unwrap();
    let position = append(&log).await.unwrap();
    assert_eq!(server.log().tip().await.unwrap(), Some(position));
    let untrusting = RedisLog::new(&*url, "news").unwrap();
    let error = append(&untrusting).await.unwrap_err();
    assert!(matches!(error, LogError::Unreachable(_)) && error.to_string().contains("ertificate"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Answers `INFO` like a server of this version, and everything else with `OK`.
fn fake(version: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(socket.try_clone().unwrap()).lines().map_while(Result::ok);
            while let Some(count) =
                lines.next().and_then(|line| line.strip_prefix('*')?.parse::<usize>().ok())
            {
                let words: Vec<String> = lines.by_ref().take(2 * count).collect();
                let info = format!("# Server\r\nredis_version:{version}\r\n");
                let answer = match words[1].eq_ignore_ascii_case("info") {
                    true => format!("${}\r\n{info}\r\n", info.len()),
                    false => "+OK\r\n".to_owned(),
                };
                socket.write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    port
}

#[tokio::test]
async fn an_old_and_a_missing_server_are_clear_errors() {
    let port = fake("6.2.14");
    let log = RedisLog::new(format!("redis://127.0.0.1:{port}/"), "news").unwrap();
    let error = append(&log).await.unwrap_err();
    assert!(matches!(error, LogError::Refused(_)), "{error}");
    let expected =
        format!("the log refused: Redis 6.2.14 at 127.0.0.1:{port} is too old: 7.0 or newer is needed");
    assert_eq!(error.to_string(), expected);

    let missing = RedisLog::new(format!("redis://127.0.0.1:{}/", free_port()), "news").unwrap();
    let error = append(&missing).await.unwrap_err();
    assert!(matches!(error, LogError::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    // Of many that wait for the same connection, each is answered.
    let log = RedisLog::new("redis://192.0.2.1/", "news").unwrap();
    let start = Instant::now();
    let appends = (0..50).map(|_| {
        let log = log.clone();
        tokio::spawn(async move { log.append(EVENT).await.is_err() })
    });
    for append in appends.collect::<Vec<_>>() {
        assert!(append.await.unwrap());
    }
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[tokio::test]
async fn trimming_is_by_count_and_by_age() {
    let server = Redis::start(&["--stream-node-max-entries", "10"]);
    let mut config = RedisConfig::default();
    config.events = Some(50);
    let log = server.log_with(config.clone());
    for _ in 0..200 {
        append(&log).await.unwrap();
    }
    let count: u32 = server.cli(&["xlen", "news"]).parse().unwrap();
    assert!((50..=60).contains(&count), "{count}");
    (config.events, config.age) = (None, Some(Duration::from_millis(200)));
    let log = server.log_with(config);
    tokio::time::sleep(Duration::from_millis(300)).await;
    append(&log).await.unwrap();
    let count: u32 = server.cli(&["xlen", "news"]).parse().unwrap();
    assert!(count <= 11, "{count}");
}

/// A primary and its replica.
fn pair() -> (Redis, Redis) {
    let primary = Redis::start(&[]);
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &primary.port.to_string()]);
    wait_until("the replica follows", || primary.cli(&["info", "replication"]).contains("state=online"));
    (primary, replica)
}

#[tokio::test]
async fn strict_means_that_a_replica_has_the_event() {
    let (primary, replica) = pair();
    let mut config = RedisConfig::default();
    (config.replicas, config.replica_timeout) = (1, Duration::from_secs(5));
    let position = append(&primary.log_with(config.clone())).await.unwrap();
    let last = replica.cli(&["xrevrange", "news", "+", "-", "count", "1"]);
    assert!(last.starts_with(&format!("{}-{}", position.millis, position.sequence)), "{last}");

    replica.process.signal("-STOP");
    config.replica_timeout = Duration::from_millis(200);
    let log = primary.log_with(config.clone());
    let keyed = NewEvent { key: Some("k"), ..EVENT };
    let error = log.append(keyed).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer of the log is missing: 0 of 1 replicas have acknowledged the event"
    );
    // Of the repeated append, a replica must also have the first one.
    assert!(log.append(keyed).await.is_err(), "on a connection that has written before");
    assert!(primary.log_with(config.clone()).append(keyed).await.is_err(), "and on a new one");
    replica.process.signal("-CONT");
    config.replica_timeout = Duration::from_secs(5);
    let position = primary.log_with(config).append(keyed).await.unwrap();
    assert!(replica.cli(&["xrange", "news", "-", "+"]).contains(&position.millis.to_string()));
}

#[tokio::test]
async fn a_replica_is_refused_until_it_is_promoted() {
    let (primary, replica) = pair();
    append(&primary.log()).await.unwrap();
    let log = replica.log();
    let error = append(&log).await.unwrap_err();
    assert!(
        matches!(error, LogError::Unreachable(_)) && error.to_string().contains("is a replica"),
        "{error}"
    );
    replica.cli(&["replicaof", "no", "one"]);
    append(&log).await.unwrap();
    // And a primary that becomes a replica is left.
    replica.cli(&["replicaof", "127.0.0.1", &primary.port.to_string()]);
    assert!(matches!(append(&log).await.unwrap_err(), LogError::Unreachable(_)));
}

#[tokio::test]
async fn sentinels_name_the_new_primary() {
    let (mut primary, replica) = pair();
    let port = free_port();
    let folder = std::env::temp_dir().join(format!("sse-redis-sentinel-{port}"));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("sentinel.conf");
    let text = format!(
        "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000\n",
        folder.display(),
        primary.port
    );
    std::fs::write(&file, text).unwrap();
    let _sentinel = Process::start(std::process::Command::new("redis-server").arg(&file).arg("--sentinel"));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let others = [free_port(), silent.local_addr().unwrap().port(), port];
    let urls = || others.map(|port| format!("redis://127.0.0.1:{port}/"));
    let mut config = RedisConfig::default();
    config.connect_timeout = Duration::from_millis(300);
    let log = |name| RedisLog::with_sentinels(urls(), name, "redis://any/", "news", config.clone()).unwrap();
    let ask = ["-p", &port.to_string(), "sentinel", "replicas", "main"].map(str::to_owned);
    wait_until("the sentinel knows the replica", || {
        let answer = std::process::Command::new("redis-cli").args(&ask).output().unwrap().stdout;
        String::from_utf8_lossy(&answer).contains(&replica.port.to_string())
    });

    let hub = node(log("main"));
    connected(&[&hub]).await;
    let mut subscriber = hub.subscribe(&Subscription::to_all());
    let first = hub.publish("news", "one").await.unwrap();
    assert_eq!(next(&mut subscriber).await.0, "one");
    wait_until("the replica has it", || replica.cli(&["xlen", "news"]) == "1");
    let error = append(&log("other")).await.unwrap_err();
    assert!(error.to_string().contains("knows no primary named \"other\""), "{error}");

    primary.kill();
    let start = Instant::now();
    let second = loop {
        match hub.publish_once("two", "news", "two").await {
            Ok(position) => break position,
            Err(AppendError::Failed { .. }) if start.elapsed() < Duration::from_secs(30) => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert!(second.is_after(&first), "the log of the replica goes on");
    assert_eq!(next(&mut subscriber).await.0, "two");
    println!("failed over in {:?}", start.elapsed());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_cluster_is_asked_where_the_log_is() {
    let ports = [(); 3].map(|()| free_port());
    let mut servers: Vec<Redis> = ports
        .iter()
        .map(|port| {
            // The bus port would be 10,000 higher.
            let bus = free_port().to_string();
            Redis::start_on(
                *port,
                &["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "1000"],
            )
        })
        .collect();
    let mut command = std::process::Command::new("redis-cli");
    command.args(["--cluster", "create"]).args(ports.map(|port| format!("127.0.0.1:{port}")));
    let created = command.args(["--cluster-yes"]).output().unwrap();
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
    for server in &servers {
        wait_until("the cluster is complete", || {
            server.cli(&["cluster", "info"]).contains("cluster_state:ok")
        });
    }
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for key in ["news", "{a}b", "c:d"] {
        // One that stands still is passed over.
        let silent = format!("redis://127.0.0.1:{}/", silent.local_addr().unwrap().port());
        let urls = servers.iter().map(Redis::url);
        let mut config = RedisConfig::default();
        config.connect_timeout = Duration::from_millis(300);
        let log = RedisLog::with_nodes(std::iter::once(silent).chain(urls), key, config).unwrap();
        let hub = node(log);
        connected(&[&hub]).await;
        let mut subscriber = hub.subscribe(&Subscription::to_all());
        let first = hub.publish_once("k", "t", "one").await.unwrap();
        assert_eq!(hub.publish_once("k", "t", "one").await.unwrap(), first, "{key}");
        hub.publish("t", "two").await.unwrap();
        assert_eq!(
            (next(&mut subscriber).await.0, next(&mut subscriber).await.0),
            ("one".into(), "two".into())
        );
    }
    // The slot of the log moves to another server, with the log.
    let slot = servers[0].cli(&["cluster", "keyslot", "news"]);
    let owner =
        servers.iter().position(|server| server.cli(&["cluster", "countkeysinslot", &slot]) != "0").unwrap();
    let target = (owner + 1) % 3;
    let hub = node(RedisLog::with_nodes([servers[owner].url()], "news", RedisConfig::default()).unwrap());
    connected(&[&hub]).await;
    let mut subscriber = hub.subscribe(&Subscription::to_all());
    let ids = [owner, target].map(|at| servers[at].cli(&["cluster", "myid"]));
    servers[target].cli(&["cluster", "setslot", &slot, "importing", &ids[0]]);
    servers[owner].cli(&["cluster", "setslot", &slot, "migrating", &ids[1]]);
    let keys = servers[owner].cli(&["cluster", "getkeysinslot", &slot, "100"]);
    for key in keys.lines() {
        let port = ports[target].to_string();
        servers[owner].cli(&["migrate", "127.0.0.1", &port, key, "0", "5000"]);
    }
    for server in [target, owner] {
        servers[server].cli(&["cluster", "setslot", &slot, "node", &ids[1]]);
    }
    hub.publish("t", "three").await.unwrap();
    assert_eq!(next(&mut subscriber).await.0, "three");
    servers.clear();
}
