//! The hub, on tokio.

use sse_tokio::{Frame, Hub, Subscriber};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

macro_rules! recv {
    ($subscriber:expr) => {
        block_on($subscriber.recv())
    };
}

macro_rules! publish_waiting {
    ($hub:expr, $topic:expr, $event:expr) => {
        block_on($hub.publish_waiting($topic, $event))
    };
}

fn elsewhere(run: impl FnOnce() + Send + 'static) {
    std::thread::spawn(run);
}

include!("../../sse-proto/tests/adapters/hub.rs");

#[test]
fn a_thousand_tasks_on_one_thread() {
    block_on(async {
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
                assert_eq!(hub.publish(&format!("to/{user}"), &*user.to_string()).unwrap().subscribers, 1);
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
