//! The client under test for the conformance cases of `sse-proto/contract/vectors/client.json`.
//! `run_client_cases.py` plays the servers.
//!
//! ```sh
//! cargo build -p sse-smol --example client_driver_smol
//! python3 sse-proto/contract/vectors/run_client_cases.py \
//!     --cases sse-proto/contract/vectors/client.json --driver target/debug/examples/client_driver_smol
//! ```

use std::error::Error;

use sse_contract::programs::driver::{Options, wait_for_stdin};
use sse_smol::EventSource;

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(drive())
}

async fn drive() -> Result<(), Box<dyn Error>> {
    let mut options = Options::from_args()?;
    let mut source = EventSource::new(options.request.clone()).with_config(options.config.clone());
    let handle = source.close_handle();
    if let Some(delay) = options.close_after() {
        let handle = handle.clone();
        smol::spawn(async move {
            smol::Timer::after(delay).await;
            handle.close();
        })
        .detach();
    }
    while let Some(signal) = source.next_signal().await {
        if options.print(&signal, source.last_event_id())? {
            handle.close();
        }
    }
    wait_for_stdin()
}
