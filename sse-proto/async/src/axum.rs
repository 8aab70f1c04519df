//! What axum calls: a response, and an extractor.

use std::convert::Infallible;

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use sse_proto::header;
use sse_proto::hub::SubscribeError;

use crate::{EventBody, Runtime};

/// A response with this body: status 200, and the [headers](header::RESPONSE) of an event stream.
impl<R: Runtime> IntoResponse for EventBody<R> {
    fn into_response(self) -> Response {
        self.response().map(Body::new)
    }
}

/// The response to a client that [`Hub::subscribe_as`](crate::Hub::subscribe_as) refuses: its status,
/// its text, and for status 429 a `Retry-After` of five seconds.
///
/// A handler that returns `Result<EventBody<R>, Rejection>` can use `?` on `subscribe_as`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection(pub SubscribeError);

impl From<SubscribeError> for Rejection {
    fn from(error: SubscribeError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let Self(error) = self;
        // Cannot fail: the statuses are valid.
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = (status, error.to_string()).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
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
