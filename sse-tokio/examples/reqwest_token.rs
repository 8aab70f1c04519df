//! Follows an event stream with reqwest and HTTP/2, with a fresh bearer token for every attempt.
//!
//! ```sh
//! cargo run -p sse-tokio --features http --example reqwest_token -- https://example.com/events /run/secrets/token
//! ```
//!
//! In your own program, run `cargo add sse-tokio --features http`, and `cargo add reqwest
//! --features http2`, which includes TLS.

use std::error::Error;
use std::time::Duration;

use sse_tokio::proto::source::is_transient;
use sse_tokio::{HttpSource, Request, Signal, SourceConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(token_file)) = (args.next(), args.next()) else {
        return Err("usage: reqwest_token URL TOKEN_FILE".into());
    };

    // The source follows redirects itself: it knows which headers each origin may see, and
    // remembers permanent redirects.
    let mut builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    if url.starts_with("http://") {
        // Over TLS, client and server negotiate HTTP/2.
        builder = builder.http2_prior_knowledge();
    }
    let client = builder.build()?;

    let mut config = SourceConfig::default();
    config.set_retry_status(|status| status == 401 || is_transient(status));
    config.timeouts.silence = Some(Duration::from_secs(60));
    let mut source = HttpSource::new(Request::get(&url)?, move |request| {
        let client = client.clone();
        async move { client.execute(request.try_into()?).await.map(http::Response::from) }
    })
    .with_config(config)
    .with_prepare(move |mut request| {
        // Another process refreshes this file. A request to an identity provider would work as
        // well.
        let token = std::fs::read_to_string(&token_file);
        async {
            request.set_header("Authorization", &format!("Bearer {}", token?.trim()))?;
            Ok(request)
        }
    });

    while let Some(signal) = source.next_signal().await {
        match signal {
            Signal::Event(event) => println!("{}: {}", event.name(), event.data()),
            Signal::Reconnecting { cause, delay, .. } => eprintln!("{cause}; again in {delay:?}"),
            Signal::Closed(reason) if !reason.is_normal() => return Err(reason.to_string().into()),
            _ => {}
        }
    }
    Ok(())
}
