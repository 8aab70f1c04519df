//! The request that a proxy sends upstream, and the answer when there is no stream, for the programs `proxy_tokio` and `proxy_blocking`.

use sse_proto::http1::{HeaderError, Request, RequestHead, Response};
use sse_proto::source::{CloseReason, Reconnect, SourceConfig};

/// The request upstream for this client: it resumes after the last event that the client had.
///
/// # Errors
/// If the last event id of the client cannot be sent.
pub fn request(upstream: &Request, incoming: &RequestHead) -> Result<Request, HeaderError> {
    match incoming.last_event_id() {
        Some(id) => upstream.clone().with_last_event_id(id),
        None => Ok(upstream.clone()),
    }
}

/// One attempt: it is for the client to come again.
pub fn config() -> SourceConfig {
    let mut config = SourceConfig::default();
    config.reconnect = Reconnect::Never;
    config
}

/// Tells the client that there is no stream: what upstream says, if that is for the client, or else that upstream is at fault.
pub fn refusal(reason: &CloseReason) -> Response {
    Response::new(match reason {
        CloseReason::Stopped => 204,
        CloseReason::Refused(refused) => refused.status().filter(|status| *status >= 400).unwrap_or(502),
        _ => 502,
    })
}
