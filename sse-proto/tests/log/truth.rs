//! Any sequence of events, losses, failures and clients, against the truth.

use proptest::collection::vec;
use proptest::prelude::*;
use sse_proto::hub::log::{LogConfig, MemoryLog, Position};
use sse_proto::hub::{HubConfig, Start, SubscriberId};

use super::cluster::*;

#[derive(Clone, Debug)]
enum Act {
    Append,
    /// Everything but the last events is deleted.
    Trim(usize),
    /// A failover loses the last events.
    Lose(usize),
    Reset,
    Follow(usize),
    Cut(usize),
    Mend(usize),
    /// A client takes what is there.
    Drain(usize),
    /// A client leaves, and comes back to a node with its last event id.
    Move(usize, usize),
}

fn act() -> impl Strategy<Value = Act> {
    let node = 0..2_usize;
    let client = 0..3_usize;
    prop_oneof![
        6 => Just(Act::Append),
        1 => (0..4_usize).prop_map(Act::Trim),
        1 => (1..3_usize).prop_map(Act::Lose),
        1 => Just(Act::Reset),
        6 => node.clone().prop_map(Act::Follow),
        1 => node.clone().prop_map(Act::Cut),
        2 => node.clone().prop_map(Act::Mend),
        6 => client.clone().prop_map(Act::Drain),
        3 => (client, node).prop_map(|(client, node)| Act::Move(client, node)),
    ]
}

struct Client {
    node: usize,
    subscriber: SubscriberId,
    told: Vec<Told>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What a client received, with the gaps that it was told of, is what was published: in order,
    /// nothing twice, and nothing missing without a gap in that place. What a failover has lost before
    /// a client received it may be missing, because nobody can know.
    #[test]
    fn nobody_is_told_a_lie(acts in vec(act(), 1..60), held in 1..4_usize, page in 1..3_usize) {
        let log = MemoryLog::new(100, 1000);
        let mut config = HubConfig::default();
        config.events = held;
        let mut log_config = LogConfig::default();
        log_config.page_bytes = if page == 1 { 1 } else { 1 << 20 };
        let mut nodes = [0, 1].map(|_| Node::new(&log, config, log_config));
        nodes.iter_mut().for_each(Node::follow);
        let mut clients: Vec<Client> = [0, 0, 1]
            .into_iter()
            .map(|node| Client { node, subscriber: nodes[node].subscribe(Start::Live).0, told: Vec::new() })
            .collect();
        // Every event ever, and whether a failover has lost it.
        let mut published: Vec<(Position, bool)> = Vec::new();
        let mut epoch = 100;
        for act in acts.iter().chain(&[Act::Mend(0), Act::Mend(1), Act::Append]) {
            match *act {
                Act::Append => {
                    let number = published.len().to_string();
                    published.push((append(&log, "t", &number), false));
                }
                Act::Trim(rest) => log.trim(rest),
                Act::Lose(count) => {
                    // Only events of this epoch that the log still has.
                    let here = now_or_never(sse_proto::hub::log::Log::page(&log, None, 1000)).unwrap().unwrap().0;
                    for entry in here.iter().rev().take(count) {
                        let lost = published.iter_mut().find(|(position, _)| *position == entry.position);
                        lost.unwrap().1 = true;
                    }
                    log.lose(count);
                }
                Act::Reset => {
                    epoch += 1;
                    log.reset(epoch);
                }
                Act::Follow(node) => nodes[node].follow(),
                Act::Cut(node) => nodes[node].is_cut_off = true,
                Act::Mend(node) => {
                    nodes[node].is_cut_off = false;
                    nodes[node].follow();
                }
                Act::Drain(client) => {
                    let Client { node, subscriber, told } = &mut clients[client];
                    told.extend(nodes[*node].drain(subscriber));
                }
                Act::Move(client, node) => {
                    let last = clients[client].told.iter().rev().find_map(|told| match told {
                        Told::Event(position, _) => Some(position.to_string()),
                        _ => None,
                    });
                    let Some(last) = last else { continue };
                    let subscriber = nodes[node].subscribe(Start::After(&last)).0;
                    let left = std::mem::replace(&mut clients[client].subscriber, subscriber);
                    let _ = nodes[clients[client].node].hub.unsubscribe(left, &mut Vec::new());
                    clients[client].node = node;
                }
            }
        }
        // A read without events shows what was deleted.
        nodes.iter_mut().for_each(Node::follow);
        nodes.iter_mut().for_each(Node::idle);
        for (index, client) in clients.iter_mut().enumerate() {
            client.told.extend(nodes[client.node].drain(&mut client.subscriber));
            // A client that lags in memory is cut, and comes back.
            for _ in 0..3 {
                if client.told.last() != Some(&Told::End) {
                    break;
                }
                client.told.pop();
                let last = client.told.iter().rev().find_map(|told| match told {
                    Told::Event(position, _) => Some(position.to_string()),
                    _ => None,
                });
                // One that has received nothing yet has no place to come back to.
                let Some(last) = last else { client.told.push(Told::Gap); break };
                client.subscriber = nodes[client.node].subscribe(Start::After(&last)).0;
                client.told.extend(nodes[client.node].drain(&mut client.subscriber));
            }
            let mut next = 0;
            let mut may_miss = false;
            for told in &client.told {
                match told {
                    Told::Gap | Told::End => may_miss = true,
                    Told::Event(position, text) => {
                        let number: usize = text.parse().unwrap();
                        prop_assert!(number >= next, "client {index}: {number} again, or out of order: {:?}", client.told);
                        prop_assert_eq!(published[number].0, *position);
                        let missing = published[next..number].iter().any(|(_, is_lost)| !is_lost);
                        // Of a log that was deleted before any node had read from it, nobody can know.
                        prop_assert!(may_miss || !missing || next == 0,
                            "client {index} was not told that it misses {next}..{number}: {}", texts(&client.told));
                        (next, may_miss) = (number + 1, false);
                    }
                }
            }
            prop_assert!(may_miss || next == published.len(),
                "client {index} has not received the end: {} of {}", texts(&client.told), published.len());
        }
    }
}
