//! The client under test for the conformance cases of `sse-proto/contract/vectors/client.json`.
//! `run_client_cases.py` plays the servers.
//!
//! ```sh
//! cargo build -p sse-tokio --example client_driver_tokio
//! python3 sse-proto/contract/vectors/run_client_cases.py \
//!     --cases sse-proto/contract/vectors/client.json --driver target/debug/examples/client_driver_tokio
//! ```

use std::error::Error;

use sse_contract::programs::driver::{Options, wait_for_stdin};
use sse_tokio::EventSource;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::from_args()?;
    let mut source = EventSource::new(options.request.clone()).with_config(options.config.clone());
    let handle = source.close_handle();
    if let Some(delay) = options.close_after() {
        let handle = handle.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            handle.close();
        });
    }
    while let Some(signal) = source.next_signal().await {
        if options.print(&signal, source.last_event_id())? {
            handle.close();
        }
    }
    wait_for_stdin()
}
