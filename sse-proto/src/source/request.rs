//! The request of an attempt, and its target.

use super::redirect::{self, RedirectError};
use crate::http::{HeaderError, Request, ResponseHead, Url};

/// The user's request, and its changes by attempts and redirects.
#[derive(Debug)]
pub(super) struct Route {
    /// The user's request.
    template: Request,
    /// The URL at which attempts start: that of the template, or the target of permanent redirects.
    home: Url,
    /// The request of the current attempt.
    current: Request,
    redirects: u32,
    /// Whether all redirects of this attempt were permanent.
    permanent: bool,
}

impl Route {
    pub(super) fn new(template: Request) -> Self {
        let (home, current) = (template.url().clone(), template.clone());
        Self { template, home, current, redirects: 0, permanent: true }
    }

    /// Adds a header to the user's request, before the first attempt.
    pub(super) fn add_header(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        self.template = self.template.clone().with_header(name, value)?;
        self.current.clone_from(&self.template);
        Ok(())
    }

    pub(super) fn request(&self) -> &Request {
        &self.current
    }

    /// Returns whether the user's request is a `GET`, regardless of redirects.
    pub(super) fn is_get(&self) -> bool {
        self.template.method() == "GET"
    }

    pub(super) fn request_mut(&mut self) -> &mut Request {
        &mut self.current
    }

    /// Starts an attempt with the user's request and this last event id.
    pub(super) fn begin(&mut self, last_event_id: &str) {
        self.current.clone_from(&self.template);
        self.current.set_last_event_id(last_event_id);
        self.current.set_url(self.home.clone());
        (self.redirects, self.permanent) = (0, true);
        self.guard();
    }

    /// Asks for a compressed stream, unless the user has set the header.
    pub(super) fn accept_gzip(&mut self) {
        if self.current.header("accept-encoding").is_none() {
            // Cannot fail: the header is valid.
            let _ = self.current.set_header("Accept-Encoding", "gzip");
        }
    }

    /// Removes headers that must not reach an origin known only from redirects. Called again after
    /// the user has modified the request: a user who adds a token to every request means the
    /// origins that the user named, in the template or in this attempt.
    ///
    /// Compares origins, not URLs: a hook that adds a query to any request URL has named no origin.
    pub(super) fn guard(&mut self) {
        let url = self.current.url();
        if url.has_origin_of(&self.home) && !url.has_origin_of(self.template.url()) {
            redirect::keep_secrets(&mut self.current);
        }
    }

    /// Returns the target of a redirect, or `None` if the response is not one.
    pub(super) fn target(&self, head: &ResponseHead, limit: u32) -> Option<Result<Url, RedirectError>> {
        let location = redirect::location(head).filter(|_| limit > 0)?;
        if self.redirects >= limit {
            return Some(Err(RedirectError::TooMany { limit }));
        }
        Some(redirect::target(self.current.url(), location))
    }

    /// Follows a redirect with this status.
    pub(super) fn follow(&mut self, status: u16, url: Url) {
        self.redirects += 1;
        self.permanent &= redirect::is_permanent(status, &self.current);
        if self.permanent {
            self.home.clone_from(&url);
        }
        redirect::follow(&mut self.current, status, url);
    }
}
