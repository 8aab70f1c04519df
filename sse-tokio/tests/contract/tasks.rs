//! The hub among many tasks of one thread.

use sse_contract::adapter::Adapter;
use sse_contract::suites::hub::number;
use sse_tokio::{Hub, HubConfig, Subscription, Tokio};

#[test]
fn a_thousand_tasks_on_one_thread() {
    <Tokio as Adapter>::block_on(async {
        let hub: Hub = Hub::new(HubConfig::default());
        let local = tokio::task::LocalSet::new();
        let tasks: Vec<_> = (0..1000)
            .map(|user| {
                let topic = format!("to/{user}");
                let mut subscriber = hub.subscribe(&Subscription::to(["all", &topic]));
                local.spawn_local(async move {
                    let (one, two) = (subscriber.recv().await, subscriber.recv().await);
                    assert_eq!((number(&one), number(&two)), (user, 7));
                })
            })
            .collect();
        let publisher = local.run_until(async {
            for user in 0..1000 {
                tokio::task::yield_now().await;
                assert_eq!(hub.publish(&format!("to/{user}"), user.to_string()).unwrap().subscribers, 1);
            }
            assert_eq!(hub.publish("all", "7").unwrap().subscribers, 1000);
        });
        publisher.await;
        local.await;
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(hub.stats().subscribers, 0);
    });
}
