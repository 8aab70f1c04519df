//! An event stream as the body of a response.

use super::request_head::RequestHead;
use super::response::Response;
use crate::http::Framing;
use crate::{Sender, header};

impl Sender {
    /// A sender of the response to this request: its head is pending at once, so that the client knows that the
    /// stream is open before the first event.
    ///
    /// The response gets the headers of an event stream ([`header::RESPONSE`]) where it does not bring its own. An answer
    /// to HEAD, or one whose status has no body, ends after its head; one to HTTP/1.0 is not chunked, and ends with the
    /// connection. The head says that the connection closes after it.
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
