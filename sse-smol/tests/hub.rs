//! The hub, on smol.

use smol::block_on;
use sse_smol::{Frame, Hub, Subscriber};

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
