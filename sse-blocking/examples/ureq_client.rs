//! Follows an event stream with ureq.
//!
//! ```sh
//! cargo run -p sse-blocking --example ureq_client -- http://127.0.0.1:8888/sse
//! ```
//!
//! In your own program, run `cargo add sse-blocking ureq`, which includes TLS.

use std::error::Error;
use std::time::Duration;

use sse_blocking::proto::http::ResponseHead;
use sse_blocking::proto::source::is_transient;
use sse_blocking::{HttpSource, Request, Signal, SourceConfig};
use ureq::{Agent, BodyReader, http};

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: ureq_client URL")?;
    // The source follows redirects and checks the status itself. A timeout for the whole response
    // would cut the stream.
    let agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_connect(Some(Duration::from_secs(10)))
        .build()
        .new_agent();

    let mut config = SourceConfig::default();
    config.set_retry_status(is_transient);
    config.timeouts.silence = Some(Duration::from_secs(60));
    let source = HttpSource::new(Request::get(&url)?, move |request| send(&agent, request));
    for signal in source.with_config(config).signals() {
        match signal {
            Signal::Event(event) => println!("{}: {}", event.name(), event.data()),
            Signal::Reconnecting { cause, delay, .. } => eprintln!("{cause}; again in {delay:?}"),
            Signal::Closed(reason) if !reason.is_normal() => return Err(reason.to_string().into()),
            _ => {}
        }
    }
    Ok(())
}

fn send(agent: &Agent, request: &Request) -> Result<(ResponseHead, BodyReader<'static>), ureq::Error> {
    let to = http::Request::builder().method(request.method()).uri(request.url().to_string());
    let to = request.headers_to_send().fold(to, |to, (name, value)| to.header(name, &*value));
    let (head, body) = agent.run(to.body(request.body())?)?.into_parts();
    let mut response = ResponseHead::new(head.status.as_u16());
    for (name, value) in &head.headers {
        response = response.with_header(name.as_str(), value.as_bytes());
    }
    Ok((response, body.into_reader()))
}
