//! The next step of a session.

use alloc::boxed::Box;

use super::Session;
use super::config::{EndMarker, Verdict};
use super::reason::{Cause, CloseReason};
use super::signal::Signal;
use super::state::{Input, State};
#[cfg(feature = "http1")]
use crate::http1::ResponseDecoder;
use crate::receiver::Step;
use crate::{Instant, Item, Limit, LimitExceeded, ReceiveError};

/// The next step of a [`Session`].
///
/// [`Prepare`](Self::Prepare), [`Request`](Self::Request), [`Read`](Self::Read),
/// [`Wait`](Self::Wait) and [`Closed`](Self::Closed) stand until they are met. Every other want is
/// returned once; the next call of `want` consumes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Want {
    /// An attempt starts, and its request may be modified. Not returned again for redirects.
    Prepare,
    /// Send the request, and report the head of its response.
    Request,
    /// Read some of the response's body.
    Read,
    /// An event is available.
    Event,
    /// A signal other than an event is available. Only returned by `want_signal`.
    Signal,
    /// An event exceeded this limit and was skipped. The stream continues.
    Limit(LimitExceeded),
    /// Wait for the deadline.
    Wait,
    /// Yield to other tasks before asking again, because the peer keeps sending without completing
    /// an event. A dedicated thread may ask again at once.
    Yield,
    /// The session is closed.
    Closed,
}

impl Session {
    pub(crate) fn next<const OBSERVE: bool>(&mut self, now: Instant) -> (Want, Option<Instant>) {
        let want = match self.advance::<OBSERVE>(now) {
            Want::Read if !self.may_read(now) => Want::Yield,
            want => want,
        };
        (want, self.deadline())
    }

    /// Returns the next step if the bytes that have arrived suffice for it: [`Want::Event`] or
    /// [`Want::Limit`], as [`want`](Self::want) would. If it returns `None`, ask [`want`](Self::want).
    ///
    /// A driver asks it first, because it needs neither the time nor a deadline: most events arrive
    /// together with others.
    pub fn want_buffered(&mut self) -> Option<Want> {
        let is_plain = self.config.takes_all_events() && self.config.timeouts.total.is_none();
        let has_signal = self.current.is_some() || self.has_signals();
        if has_signal || !is_plain || !matches!(self.state, State::Open) {
            return None;
        }
        match self.receiver.advance_buffered() {
            Ok(false) => None,
            Ok(true) => {
                self.clock.note_event();
                Some(Want::Event)
            }
            Err(error) => Some(self.skipped(error)),
        }
    }

    /// Returns whether the stream is open, and no bytes have arrived since the last
    /// [`Want::Read`].
    ///
    /// A driver that was woken may read before it asks for the time: most likely, the bytes woke it.
    pub fn is_reading(&self) -> bool {
        matches!(self.state, State::Open) && self.clock.is_reading()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.clock.deadline(&self.state, &self.config).map(|(at, _)| at)
    }

    /// Returns the next step, except for [`Want::Yield`].
    pub(crate) fn advance<const OBSERVE: bool>(&mut self, now: Instant) -> Want {
        self.clock.start(now);
        self.current = None;
        self.receiver.forget_found();
        if core::mem::take(&mut self.end_marker_seen) {
            self.transition(now, Input::Marked);
        }
        // Checked here because a busy peer might keep the caller from reporting the deadline.
        if self.clock.total(&self.config.timeouts).is_some_and(|at| at <= now) {
            self.transition(now, Input::Close(CloseReason::TimedOut));
        }
        loop {
            if self.has_signals() {
                match self.next_signal() {
                    Some(signal) if OBSERVE => {
                        self.current = Some(signal);
                        return Want::Signal;
                    }
                    _ => continue,
                }
            }
            match self.state {
                State::Idle => self.transition(now, Input::Asked),
                State::Preparing => return Want::Prepare,
                State::Connecting => {
                    if let Some(want) = self.advance_head(now) {
                        return want;
                    }
                }
                State::Open => match self.advance_body::<OBSERVE>() {
                    Ok(Step::Found) => {
                        if let Some(want) = self.found::<OBSERVE>(now) {
                            return want;
                        }
                    }
                    Ok(Step::End) => self.end_of_body(now),
                    Ok(_) => match self.lost.take() {
                        Some(cause) => self.transition(now, Input::Lost(cause)),
                        None => return Want::Read,
                    },
                    Err(ReceiveError::Limit(error)) if error.limit() == Limit::Comment && !OBSERVE => {}
                    Err(ReceiveError::Limit(error)) => return self.skipped(error),
                    Err(error) => self.transition(now, Input::Lost(cause(error))),
                },
                State::Refused { .. } => {
                    let limit = self.config.refusal_bytes;
                    let step = self.receiver.move_body(&mut self.refused_body, limit);
                    if matches!(step, Ok(Step::Empty))
                        && self.lost.is_none()
                        && self.refused_body.len() < limit
                    {
                        return Want::Read;
                    }
                    self.transition(now, Input::Settled);
                }
                State::Waiting(_) => return Want::Wait,
                State::Closed => return Want::Closed,
            }
        }
    }

    /// Returns the want for an event that was skipped.
    fn skipped(&mut self, error: LimitExceeded) -> Want {
        self.current = Some(Signal::Skipped(error));
        self.retry_noted = true;
        Want::Limit(error)
    }

    /// Finds the next event, or any item if the configuration or the caller needs the others.
    fn advance_body<const OBSERVE: bool>(&mut self) -> Result<Step, ReceiveError> {
        if OBSERVE || self.config.end.may_lack_data() {
            return self.receiver.advance::<true>();
        }
        self.receiver.advance::<false>()
    }

    /// Handles the end of the body after all of it was decoded.
    fn end_of_body(&mut self, now: Instant) {
        if self.config.deliver_incomplete && self.receiver.complete() {
            return;
        }
        let is_marked = match &self.config.end {
            EndMarker::None => false,
            end => self.receiver.decoder().last_block(|block| end.is_met_by(block)).unwrap_or_default(),
        };
        self.transition(now, if is_marked { Input::Marked } else { Input::Ended });
    }

    /// Returns the want for the item that was found, or `None` if the caller does not want it.
    fn found<const OBSERVE: bool>(&mut self, now: Instant) -> Option<Want> {
        // The common case is an event that needs no inspection.
        if !OBSERVE && self.config.takes_all_events() {
            self.clock.note_event();
            return Some(Want::Event);
        }
        let (block, is_event) = match self.receiver.item()? {
            Item::Event(event) => (event, true),
            Item::NoData(block) => (block, false),
            Item::Comment(_) => return OBSERVE.then_some(Want::Signal),
        };
        self.retry_noted = true;
        if is_event {
            self.clock.note_event();
            let verdict = self.config.check_event(block);
            if verdict != Verdict::Deliver {
                let event = Box::new(block.to_event());
                self.transition(
                    now,
                    match verdict {
                        Verdict::Fail => Input::Close(CloseReason::Failed(event)),
                        _ => Input::Lost(Cause::Event(event)),
                    },
                );
                return None;
            }
        }
        let is_marker = self.config.end.is_met_by(block);
        if is_marker && !(is_event && self.config.end.may_lack_data()) {
            self.transition(now, Input::Marked);
            return None;
        }
        self.end_marker_seen = is_marker;
        match is_event {
            true => Some(Want::Event),
            false => OBSERVE.then_some(Want::Signal),
        }
    }

    /// Returns whether there may be a pending signal.
    fn has_signals(&self) -> bool {
        self.opened || self.retry_noted || self.id_not_sent.is_some() || self.reconnecting.is_some()
    }

    /// Returns the next pending signal.
    fn next_signal(&mut self) -> Option<Signal> {
        if core::mem::take(&mut self.opened) {
            return self.response.clone().map(Signal::Opened);
        }
        if core::mem::take(&mut self.retry_noted) && self.retry() != self.told_retry {
            self.told_retry = self.retry();
            return self.told_retry.map(Signal::Retry);
        }
        if let Some(reason) = self.id_not_sent.take() {
            return Some(Signal::IdNotSent(reason));
        }
        self.reconnecting.take()
    }

    /// Returns whether the caller may read now, or must yield first.
    pub(crate) fn may_read(&mut self, now: Instant) -> bool {
        self.clock.read(now);
        let may = self.receiver.may_read();
        if !may {
            // A busy peer must not keep the caller from reporting the deadline.
            self.handle_deadline(now);
        }
        may
    }

    /// Looks for the head of the response in the available bytes. `None` means that the state may
    /// have changed.
    #[cfg(feature = "http1")]
    fn advance_head(&mut self, now: Instant) -> Option<Want> {
        if !self.receiver.is_http1() {
            return Some(Want::Request);
        }
        if self.receiver.response().is_some() {
            // A head always changes the state, so the hook that judged this head must have
            // panicked.
            self.transition(
                now,
                Input::Lost(Cause::Transport("a hook of the configuration panicked".into())),
            );
            return None;
        }
        match self.receiver.unframe() {
            Ok(Some(Step::Head)) => {
                if let Some(head) = self.receiver.response().cloned() {
                    self.handle_response(now, head);
                }
                None
            }
            Ok(Some(_)) => Some(Want::Read),
            Ok(None) => None,
            Err(error) => {
                self.transition(now, Input::Lost(cause(error)));
                None
            }
        }
    }

    #[cfg(not(feature = "http1"))]
    fn advance_head(&mut self, _: Instant) -> Option<Want> {
        Some(Want::Request)
    }

    pub(super) fn has_body(&self) -> bool {
        matches!(self.state, State::Open | State::Refused { .. })
    }

    /// Returns whether the session processes incoming bytes.
    pub(super) fn reads(&self) -> bool {
        #[cfg(feature = "http1")]
        if self.receiver.is_http1() {
            return matches!(self.state, State::Connecting | State::Open | State::Refused { .. });
        }
        self.has_body()
    }
}

/// Converts a fault of the peer into the cause of a failure.
fn cause(error: ReceiveError) -> Cause {
    match error {
        #[cfg(feature = "http1")]
        ReceiveError::Http(error) => Cause::Http(error),
        // The bytes alone cause no other errors.
        error => Cause::Transport(Box::new(error)),
    }
}

/// Additional methods for an HTTP/1.1 client over bytes.
#[cfg(feature = "http1")]
impl Session {
    /// Expects the bytes of this response next.
    pub(crate) fn expect(&mut self, response: ResponseDecoder) {
        self.receiver.expect(response);
    }

    /// Returns whether a request is to be sent, or its response has not arrived.
    pub(crate) fn is_connecting(&self) -> bool {
        matches!(self.state, State::Connecting)
    }

    /// Returns the number of the last request that was sent.
    pub(crate) fn exchange(&self) -> u32 {
        self.exchanges
    }
}
