//! What axum calls: a response, and an extractor.

use std::convert::Infallible;

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use sse_proto::header;

use crate::{EventBody, Runtime};

/// A response with this body: status 200, and the [headers](header::RESPONSE) of an event stream.
impl<R: Runtime> IntoResponse for EventBody<R> {
    fn into_response(self) -> Response {
        self.response().map(Body::new)
    }
}

/// Extracts the last event id of a client that reconnects: from its header, or from the query; see [`header::last_event_id`].
///
/// It never rejects a request: a client that connects for the first time has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastEventId(pub Option<String>);

impl LastEventId {
    /// The id, for [`Hub::subscribe_from`](crate::Hub::subscribe_from).
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(header::LAST_EVENT_ID).map(|id| id.as_bytes());
        Ok(Self(header::last_event_id(header, parts.uri.query()).map(String::from)))
    }
}
