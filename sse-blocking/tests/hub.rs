//! The hub, on threads.

use sse_blocking::{Frame, Hub, Subscriber};

macro_rules! recv {
    ($subscriber:expr) => {
        $subscriber.recv()
    };
}

macro_rules! publish_waiting {
    ($hub:expr, $topic:expr, $event:expr) => {
        $hub.publish_waiting($topic, $event)
    };
}

fn elsewhere(run: impl FnOnce() + Send + 'static) {
    std::thread::spawn(run);
}

include!("../../sse-proto/tests/adapters/hub.rs");

#[test]
fn waiting_has_its_time() {
    let hub: Hub = Hub::new(HubConfig::default());
    let mut subscriber = hub.subscribe(&Subscription::to_all());
    let start = Instant::now();
    assert_eq!(subscriber.recv_timeout(Duration::from_millis(50)), None);
    assert!(start.elapsed() >= Duration::from_millis(50));
    hub.publish("", "1").unwrap();
    assert_eq!(subscriber.recv_timeout(Duration::MAX).as_ref().map(number), Some(1));
}
