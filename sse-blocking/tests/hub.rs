//! The hub, on threads.

use std::time::{Duration, Instant};

use sse_blocking::{Hub, HubConfig, Subscription};
use sse_contract::adapter::Blocking;
use sse_contract::suites::hub::number;

sse_contract::hub_suite!(Blocking);

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
