//! The programs of all runtimes with `--redis`: several are one room.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sse_tokio::{EventSource, SourceConfig};
use tokio::time::{sleep, timeout};

use super::room::ask;
use super::server::{Process, Redis, examples, free_port};

const RUNTIMES: [&str; 3] = ["tokio", "smol", "blocking"];

fn start(program: &str, port: u16, redis: &Redis) -> Process {
    let mut command = Command::new(examples().join(program));
    command.args(["--redis", &redis.url(), "--port", &port.to_string()]);
    let mut child =
        command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
    let line = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    assert!(line.contains(&port.to_string()), "{line}");
    Process(child)
}

/// Collects the events of these names, reconnecting for ever.
fn listen(url: String, names: &'static [&'static str]) -> Arc<Mutex<Vec<(String, String)>>> {
    let seen = Arc::<Mutex<Vec<(String, String)>>>::default();
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        let mut config = SourceConfig::default();
        (config.backoff.base, config.backoff.cap) = (Duration::from_millis(20), Duration::from_millis(200));
        let mut source = EventSource::get(&url).unwrap().with_config(config);
        while let Some(event) = source.next().await {
            let event = event.unwrap();
            if names.contains(&event.name()) {
                shared.lock().unwrap().push((event.name().to_owned(), event.data().to_owned()));
            }
        }
    });
    seen
}

async fn until(what: &str, is_true: impl Fn() -> bool) {
    let waiting = async {
        while !is_true() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn three_chats_of_three_runtimes_are_one_room_and_a_restart_of_any_loses_nothing() {
    let redis = Redis::start(&[]);
    let ports = RUNTIMES.map(|_| free_port());
    let chat = |index: usize| start(&format!("chat_{}", RUNTIMES[index]), ports[index], &redis);
    let mut chats = [0, 1, 2].map(chat);
    let url = |index: usize, name: &str| {
        format!("http://127.0.0.1:{}/chat/sse?username={name}&page=1", ports[index])
    };
    let users = ["ann", "bob", "carl"];
    let seen =
        [0, 1, 2].map(|index| listen(url(index, users[index]), &["broadcast", "direct", "here", "gap"]));
    let has = |index: usize, text: &str| {
        seen[index].lock().unwrap().iter().filter(|(_, data)| data.contains(text)).count()
    };
    for index in 0..3 {
        until("each page knows who is here", || {
            users.iter().all(|name| has(index, &format!("[\"{name}\"]")) > 0)
        })
        .await;
    }
    let mut number = 0;
    for restarted in [0, 1, 2] {
        for by in [0, 1, 2].map(|index| (restarted + 1 + index) % 3) {
            number += 1;
            let said = format!("POST /chat/broadcast?from=x&message=message-{number}-");
            let answer = ask(ports[by], &said).await;
            assert!(answer.is_some_and(|(status, _)| status == 200), "{said}");
            if by != restarted {
                chats[restarted].kill();
            }
            if (restarted + 2) % 3 == by {
                chats[restarted] = chat(restarted);
            }
        }
    }
    ask(ports[0], "POST /chat/direct?from=ann&to=carl&message=psst").await.unwrap();
    for index in 0..3 {
        until("each page has all", || {
            (1..=number).all(|number| has(index, &format!("message-{number}-")) > 0)
        })
        .await;
        for number in 1..=number {
            assert_eq!(has(index, &format!("message-{number}-")), 1, "once");
        }
        assert!(seen[index].lock().unwrap().iter().all(|(name, _)| name != "gap"));
    }
    until("a direct message reaches another server, and its sender", || {
        has(2, "psst") == 1 && has(0, "psst") == 1
    })
    .await;
    assert_eq!(has(1, "psst"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_of_several_servers_come_once() {
    let redis = Redis::start(&[]);
    let ports = RUNTIMES.map(|_| free_port());
    let price = |index: usize| start(&format!("price_{}", RUNTIMES[index]), ports[index], &redis);
    let mut servers = [0, 1, 2].map(price);
    let seen = ports.map(|port| listen(format!("http://127.0.0.1:{port}/price"), &["AAPL", "AMZN"]));
    let count = |index: usize| seen[index].lock().unwrap().len();
    until("prices", || count(0) >= 6).await;
    servers[1].kill();
    servers[1] = price(1);
    until("prices again", || (0..3).all(|index| count(index) >= 14)).await;
    let all = seen.map(|seen| seen.lock().unwrap()[..14].to_vec());
    for (index, prices) in all.iter().enumerate() {
        for pair in prices.windows(2) {
            assert_ne!(pair[0], pair[1], "server {index}: {prices:?}");
        }
        let [apple, amazon] =
            ["AAPL", "AMZN"].map(|name| prices.iter().filter(|price| price.0 == name).count());
        assert!(apple.abs_diff(amazon) <= 1, "server {index}: {prices:?}");
    }
}
