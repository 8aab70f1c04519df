//! The request that a proxy sends upstream, and the answer when there is no stream, for the programs `proxy_tokio` and `proxy_blocking`.

use std::io;

use sse_proto::http1::{HeaderError, Request, RequestHead, Response};
use sse_proto::source::Refusal;
use sse_proto::{ReadError, ReceiveError};

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

/// Tells the client that there is no stream: what upstream says, if that is for the client, or else that upstream is at fault.
pub fn refusal(error: &ReadError<io::Error>) -> Response {
    Response::new(match error {
        ReadError::Receive(ReceiveError::Refused(Refusal::Status(status @ (204 | 400..)))) => *status,
        _ => 502,
    })
}
