//! Which request an attempt sends, and where.

use super::redirect::{self, RedirectError};
use crate::http::{Request, ResponseHead, Url};

/// The request of the user's, and what attempts and redirects make of it.
#[derive(Debug)]
pub(super) struct Route {
    /// As the user gave it.
    template: Request,
    /// Where attempts begin: the URL of the template, or where permanent redirects have led.
    home: Url,
    /// That of this attempt, on its way from home.
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

    pub(super) fn request(&self) -> &Request {
        &self.current
    }

    /// Whether the user's request is a `GET`, whatever redirects have made of it.
    pub(super) fn is_get(&self) -> bool {
        self.template.method() == "GET"
    }

    pub(super) fn request_mut(&mut self) -> &mut Request {
        &mut self.current
    }

    /// Begins an attempt: the request is the user's again, with this last event id.
    pub(super) fn begin(&mut self, last_event_id: &str) {
        self.current.clone_from(&self.template);
        self.current.set_last_event_id(last_event_id);
        self.current.set_url(self.home.clone());
        (self.redirects, self.permanent) = (0, true);
        self.guard();
    }

    /// Takes back what must not go to an origin that only redirects have led to. Again after the user has changed the request:
    /// whoever adds a token to every request means the origin that they named, in the template or in this attempt.
    ///
    /// Origins are compared, not URLs: a hook that adds a query to wherever the request goes has named no origin.
    pub(super) fn guard(&mut self) {
        let url = self.current.url();
        if url.has_origin_of(&self.home) && !url.has_origin_of(self.template.url()) {
            redirect::keep_secrets(&mut self.current);
        }
    }

    /// Where the response leads; `None` if nowhere.
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
