//! Hubs over a log, on smol.

use sse_smol::proto::hub::log::{LogConfig, MemoryLog};
use sse_smol::{Delivery, HubConfig, LogHub, Subscription};

#[test]
fn an_event_reaches_the_subscribers_of_all_nodes() {
    let log = MemoryLog::new(7, 100);
    let node = || {
        let (hub, task) = LogHub::new(log.clone(), HubConfig::default(), LogConfig::default());
        smol::spawn(task).detach();
        hub
    };
    let (one, two) = (node(), node());
    smol::block_on(async {
        let first = one.publish("news", "one").await.unwrap();
        let second = two.publish("news", "two").await.unwrap();
        let (mut back, _) = two.resume(&Subscription::to(["news"]), &first.to_string());
        let Delivery::Event(frame) = back.recv().await else { panic!("an event") };
        assert_eq!(frame.to_event().unwrap().id(), Some(&*second.to_string()));
    });
}
