//! The transitions of a session, in one table.

use core::mem;
use core::time::Duration;

use super::change::Change;
use super::config::{EndMarker, Reconnect};
use super::reason::{Cause, CloseReason, Refusal, RefusedResponse};
use super::signal::{IdNotSent, Signal};
use super::{Session, response};
use crate::http::Url;
use crate::{End, Instant};

/// The state of a session.
#[derive(Debug)]
pub(super) enum State {
    /// Before an attempt.
    Idle,
    /// The user may modify the request.
    Preparing,
    /// The request has been sent, or is being sent.
    Connecting,
    /// The body of an accepted response is arriving.
    Open,
    /// The body of a refused response is arriving. If the refusal is transient, another attempt
    /// follows.
    Refused { refusal: Refusal, is_transient: bool },
    /// The next attempt is due at this instant.
    Waiting(Instant),
    /// Closed permanently.
    Closed,
}

/// An input of the transition table.
#[derive(Debug)]
pub(super) enum Input {
    /// The caller asked for the next step.
    Asked,
    /// The request is ready.
    Prepared,
    /// The response is an event stream.
    Accepted,
    /// The response is a redirect to follow.
    Redirected { status: u16, url: Url },
    /// The response was refused.
    Refused { refusal: Refusal, is_transient: bool },
    /// Enough of a refused response has arrived.
    Settled,
    /// The connection or the attempt has failed.
    Lost(Cause),
    /// The body has ended.
    Ended,
    /// The end marker arrived.
    Marked,
    /// The next attempt is due.
    Due,
    /// The caller requested another attempt at once.
    Restarted,
    /// The source must close.
    Close(CloseReason),
}

impl Session {
    /// The transition table. Other inputs have no effect.
    pub(super) fn transition(&mut self, now: Instant, input: Input) {
        let before = mem::discriminant(&self.state);
        let state = mem::replace(&mut self.state, State::Closed);
        self.state = match (state, input) {
            (State::Closed, _) => State::Closed,
            (_, Input::Close(reason)) => self.closed(reason),
            (_, Input::Restarted) => {
                self.failures = 0;
                self.clock.recover();
                let _ = self.finish(now);
                State::Idle
            }
            (State::Idle, Input::Asked) => {
                self.begin();
                State::Preparing
            }
            (State::Preparing, Input::Prepared) => {
                self.route.guard();
                self.connect(now);
                State::Connecting
            }
            (State::Preparing, Input::Lost(cause)) => self.lost(now, cause),
            (State::Connecting, Input::Redirected { status, url }) => {
                self.route.follow(status, url);
                self.connect(now);
                State::Connecting
            }
            (State::Connecting, Input::Accepted) => {
                self.clock.open(now);
                self.receiver.keep_beginning(self.config.refusal_bytes);
                self.opened = true;
                State::Open
            }
            (State::Connecting, Input::Refused { refusal, is_transient }) => {
                self.clock.start_refusal(now);
                State::Refused { refusal, is_transient }
            }
            (State::Connecting, Input::Lost(cause)) => self.lost(now, cause),
            (State::Connecting, Input::Ended) => self.lost(now, Cause::Truncated),
            (State::Refused { refusal, is_transient }, Input::Settled | Input::Lost(_) | Input::Ended) => {
                let refused = self.refused(now, refusal);
                if is_transient {
                    self.lost(now, Cause::Refused(refused))
                } else {
                    self.closed(CloseReason::Refused(refused))
                }
            }
            (State::Open, Input::Lost(cause)) => {
                // The cause matters more than an incomplete event.
                let _ = self.finish(now);
                self.lost(now, cause)
            }
            (State::Open, Input::Ended) => match (self.finish(now), &self.config.end) {
                (None, _) => self.lost(now, Cause::Unrecognized),
                (Some(End::Clean), EndMarker::None) => self.lost(now, Cause::Ended),
                _ => self.lost(now, Cause::Truncated),
            },
            (State::Open, Input::Marked) => self.closed(CloseReason::Finished),
            (State::Waiting(_), Input::Due) => State::Idle,
            (state, _) => state,
        };
        if mem::discriminant(&self.state) != before {
            self.report();
        }
    }

    /// Reports the new state, if it is one that users want to know of. Calls user code, so only after
    /// the transition.
    fn report(&self) {
        let change = match (&self.state, &self.response, &self.reconnecting, &self.closed) {
            (State::Open, Some(head), ..) => Change::Opened(head),
            (State::Waiting(_), _, Some(Signal::Reconnecting { cause, attempt, delay }), _) => {
                Change::Reconnecting { cause, attempt: *attempt, delay: *delay }
            }
            (State::Closed, .., Some(reason)) => Change::Closed(reason),
            _ => return,
        };
        self.config.report(change);
    }

    /// Starts an attempt: sets up its request, and clears the previous response.
    fn begin(&mut self) {
        let id = self.receiver.last_event_id();
        self.id_not_sent = IdNotSent::reason(id, self.config.sent_id_bytes);
        self.route.begin(if self.id_not_sent.is_none() { id } else { "" });
        self.response = None;
        self.refused_body.clear();
        self.clear();
    }

    /// Clears the remains of a response.
    fn clear(&mut self) {
        self.receiver.clear();
        self.lost = None;
    }

    /// Describes the response that was refused.
    fn refused(&self, now: Instant, refusal: Refusal) -> RefusedResponse {
        let retry_after =
            self.response.as_ref().and_then(|head| response::retry_after(head, self.clock.wall(now)));
        RefusedResponse { refusal, retry_after, body: self.refused_body.as_slice().into() }
    }

    fn connect(&mut self, now: Instant) {
        self.clear();
        if self.config.accepts_gzip() {
            self.route.accept_gzip();
        }
        self.exchanges = self.exchanges.wrapping_add(1);
        self.clock.start_connecting(now);
    }

    /// Ends an open stream: drops incomplete events, and resets the count of failures if the stream
    /// was healthy. Returns `None` if it was not an event stream; its beginning is kept for the
    /// user.
    fn finish(&mut self, now: Instant) -> Option<End> {
        if self.clock.was_healthy(now, self.config.healthy_after) {
            self.failures = 0;
            self.clock.recover();
        }
        // A reconnection time counts from its line on, even in an event that is incomplete.
        self.retry_noted = true;
        let unrecognized = self.receiver.take_unrecognized();
        self.clear();
        let end = self.receiver.decoder().finish();
        match unrecognized {
            Some(beginning) => {
                self.refused_body = beginning;
                None
            }
            None => Some(end),
        }
    }

    /// Handles a failure, or an end that counts as one: schedules another attempt, or closes the
    /// source.
    fn lost(&mut self, now: Instant, cause: Cause) -> State {
        self.failures = self.failures.saturating_add(1);
        if !self.reconnects() {
            return self.closed(match cause {
                Cause::Ended => CloseReason::Ended,
                cause => CloseReason::Lost { cause, attempts: self.failures },
            });
        }
        let retry_after = match &cause {
            Cause::Refused(refused) => refused.retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let random = self.random.draw();
        let delay = self.config.backoff.delay_at_least(retry_after, self.retry(), self.failures, random);
        let until = now.after(delay);
        let failing = self.clock.failing(now, until);
        if self.config.max_attempts.is_some_and(|most| self.failures >= most)
            || self.config.max_elapsed.is_some_and(|most| failing > most)
        {
            return self.closed(CloseReason::Lost { cause, attempts: self.failures });
        }
        self.reconnecting = Some(Signal::Reconnecting { cause, attempt: self.failures, delay });
        State::Waiting(until)
    }

    fn reconnects(&self) -> bool {
        match self.config.reconnect {
            Reconnect::IfGet => self.route.is_get(),
            Reconnect::Always => true,
            Reconnect::Never => false,
        }
    }

    fn closed(&mut self, reason: CloseReason) -> State {
        self.clear();
        self.closed = Some(reason);
        State::Closed
    }
}
