//! Event streams as the body of a response.

use super::request_head::RequestHead;
use super::response::Response;
use crate::http::Framing;
use crate::{Sender, header};

impl Sender {
    /// Creates a sender of the response to this request. The head is pending at once, so that the
    /// client learns that the stream is open before the first event.
    ///
    /// The response has the headers of an event stream ([`header::RESPONSE`]) that it does not set
    /// itself, and announces that the connection closes. For HEAD, or with a status that has no
    /// body, it ends after its head. For HTTP/1.0, it is not chunked and ends with the connection.
    pub fn http1(request: &RequestHead, response: Response) -> Self {
        Self::default().with_response(request.stream_framing(), response)
    }
}

impl<B: AsRef<[u8]>> Sender<B> {
    pub(super) fn with_response(mut self, framing: Framing, mut response: Response) -> Self {
        for (name, value) in header::RESPONSE {
            if response.header(name).is_none() {
                response = response.clone().with_header(name, value).unwrap_or(response);
            }
        }
        let framing = if response.has_body() { framing } else { Framing::None };
        self.begin(framing, |out| response.closing().encode(framing, out));
        self
    }
}
