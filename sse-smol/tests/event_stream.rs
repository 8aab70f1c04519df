//! Events from a body in hand, on smol.

use smol::block_on;
use sse_smol::EventStream;

include!("../../sse-proto/tests/adapters/event_stream.rs");
