//! Where the log records of a connection belong, with the feature `tracing`.

use std::net::SocketAddr;

use sse_proto::http1::server::Closed;

use crate::Incoming;

/// The span in which a connection does its work. Without the feature, it is nothing.
#[derive(Clone)]
pub(crate) struct Span(#[cfg(feature = "tracing")] tracing::Span);

impl Span {
    /// Returns the span of the caller: that of the request which the caller answers.
    #[cfg(feature = "http")]
    pub(crate) fn current() -> Self {
        Self(
            #[cfg(feature = "tracing")]
            tracing::Span::current(),
        )
    }

    /// Returns a span of the caller's span for this request.
    #[cfg_attr(not(feature = "tracing"), allow(unused_variables))]
    pub(crate) fn of_request(peer: SocketAddr, incoming: &Incoming) -> Self {
        Self(
            #[cfg(feature = "tracing")]
            tracing::debug_span!(target: "sse", "request", %peer, method = incoming.method(), path = incoming.path()),
        )
    }

    /// Returns the span of a connection without a request.
    pub(crate) fn none() -> Self {
        Self(
            #[cfg(feature = "tracing")]
            tracing::Span::none(),
        )
    }

    /// Does work in this span.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        #[cfg(feature = "tracing")]
        let work = || self.0.in_scope(work);
        work()
    }

    /// Logs why the connection is over.
    #[cfg_attr(not(feature = "tracing"), allow(unused_variables))]
    pub(crate) fn log_closed(&self, closed: &Closed) {
        #[cfg(feature = "tracing")]
        self.run(|| tracing::debug!(target: "sse", reason = closed.name(), "connection closed: {closed}"));
    }
}
