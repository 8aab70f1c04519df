//! What only the hub on threads has: waiting with a time limit.

use std::time::{Duration, Instant};

use sse_blocking::{Hub, HubConfig, Subscription};
use sse_contract::suites::hub::number;

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
