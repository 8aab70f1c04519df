//! The client under test for the conformance cases of `sse-proto/contract/vectors/client.json`.
//! `run_client_cases.py` plays the servers.
//!
//! ```sh
//! cargo build -p sse-blocking --example client_driver_blocking
//! python3 sse-proto/contract/vectors/run_client_cases.py \
//!     --cases sse-proto/contract/vectors/client.json --driver target/debug/examples/client_driver_blocking
//! ```

use std::error::Error;

use sse_blocking::EventSource;
use sse_contract::programs::driver::{Options, wait_for_stdin};

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::from_args()?;
    let mut source = EventSource::new(options.request.clone()).with_config(options.config.clone());
    let handle = source.close_handle();
    if let Some(delay) = options.close_after() {
        let handle = handle.clone();
        std::thread::spawn(move || {
            std::thread::sleep(delay);
            handle.close();
        });
    }
    while let Some(signal) = source.next_signal() {
        if options.print(&signal, source.last_event_id())? {
            handle.close();
        }
    }
    wait_for_stdin()
}
