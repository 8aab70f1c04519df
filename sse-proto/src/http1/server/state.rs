//! The transitions of a server connection, in one table.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;
use core::time::Duration;

use super::Connection;
use super::closed::{Closed, Fault};
use super::intake::Intake;
use crate::http::Framing;
use crate::http1::Response;
use crate::{Instant, Sender};

/// The state of a connection.
#[derive(Debug)]
pub(super) enum State {
    /// The request is arriving.
    Reading(Box<Intake>),
    /// The request awaits its response.
    Asked(Box<Intake>),
    /// The response is being sent.
    Answering,
    /// Everything was written. The writing half is to be shut down, by this instant at the latest.
    Shutdown(Instant),
    /// Remaining bytes of the client are read until this instant, so that closing does not reset
    /// the connection.
    Lingering(Instant),
    /// A body fails at this instant, which leaves time to send the bytes before the failure.
    Failing(Instant),
    /// Closed permanently.
    Closed,
}

impl State {
    /// Returns the deadline of the state. The sender has its own.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Reading(intake) => intake.deadline(),
            Self::Asked(intake) => intake.answer_by,
            Self::Shutdown(until) | Self::Lingering(until) | Self::Failing(until) => Some(*until),
            Self::Answering | Self::Closed => None,
        }
    }
}

/// An input of the transition table.
#[derive(Debug)]
pub(super) enum Input<'a> {
    /// The request is complete.
    Requested,
    /// The client made a mistake before its request was complete.
    Fault(Fault),
    /// The caller answers with an event stream.
    Opened(Response),
    /// The response is complete and not an event stream. `outcome` is the outcome of the
    /// connection, if it is already known.
    Answered { method: &'a str, response: &'a Response, body: &'a [u8], outcome: Option<Closed> },
    /// The whole response was written.
    Sent,
    /// The writing half is shut down.
    ShutDown,
    /// The client has closed its side.
    Ended,
    /// The client sent more bytes after the request than are silently discarded.
    Unasked,
    /// The deadline of the state has passed.
    Due,
    /// The connection has failed.
    Lost(Box<dyn Error + Send + Sync>),
    /// The connection must close.
    Close(Closed),
}

/// How long the failure of a [body](Connection::bare) is delayed, because HTTP libraries drop
/// unsent bytes when a body fails.
const FAILURE_DELAY: Duration = Duration::from_millis(100);

impl<B: AsRef<[u8]>> Connection<B> {
    /// The transition table. Other inputs have no effect.
    pub(super) fn transition(&mut self, now: Instant, input: Input<'_>) {
        let state = core::mem::replace(&mut self.state, State::Closed);
        self.state = match (state, input) {
            (State::Closed, _) => State::Closed,
            (_, Input::Close(reason)) => self.closed(reason),

            (State::Reading(intake), Input::Requested) => State::Asked(intake),
            (State::Reading(intake), Input::Fault(fault)) => self.refused(now, &intake, fault),
            (State::Reading(intake), Input::Due) => self.refused(now, &intake, Fault::Slow),
            (State::Reading(mut intake), Input::Ended) => match intake.handle_eof() {
                Ok(()) => self.closed(Closed::Left),
                Err(fault) => self.refused(now, &intake, fault),
            },

            // No stream is started for a client that may be gone.
            (State::Asked(intake), Input::Opened(_)) if self.has_ended && intake.framing != Framing::None => {
                self.closed(Closed::Left)
            }
            (State::Asked(intake), Input::Opened(response)) => self.opened(now, &intake, response),
            (State::Asked(mut intake), Input::Ended) => {
                // The client may still read the response.
                intake.answer_by.get_or_insert(now.after(intake.config.half_closed));
                State::Asked(intake)
            }
            (State::Asked(_), Input::Due) => self.closed(Closed::Left),

            (
                State::Reading(intake) | State::Asked(intake),
                Input::Answered { method, response, body, outcome },
            ) => {
                self.outcome = outcome;
                self.answered(now, &intake, method, response, body)
            }

            (State::Answering, Input::Sent) => match (self.is_bare, &self.outcome) {
                (true, Some(Closed::Failed(_))) => State::Failing(now.after(FAILURE_DELAY)),
                (true, _) => self.closed(Closed::Finished),
                (false, _) => State::Shutdown(now.after(self.linger)),
            },
            (State::Answering, Input::Ended) if !self.sender.is_finished() => self.closed(Closed::Left),

            (State::Shutdown(_), Input::ShutDown) if self.has_ended => self.closed(Closed::Finished),
            (State::Shutdown(until), Input::ShutDown) => State::Lingering(until),
            (State::Lingering(_), Input::Ended) => self.closed(Closed::Finished),
            // Everything was sent, so it does not matter how the connection ends.
            (State::Shutdown(_) | State::Lingering(_), Input::Unasked)
            | (State::Shutdown(_) | State::Lingering(_) | State::Failing(_), Input::Due | Input::Lost(_)) => {
                self.closed(Closed::Finished)
            }

            (_, Input::Lost(error)) => self.closed(Closed::Error(error)),
            (_, Input::Unasked) => self.closed(Closed::Fault(Fault::Unasked { limit: self.discard_limit })),
            (state, _) => state,
        };
    }

    /// Starts a response that is an event stream.
    fn opened(&mut self, now: Instant, intake: &Intake, response: Response) -> State {
        let mut sender = Sender::default();
        sender.begin_behind(intake.interim);
        let sender = sender.with_response(intake.framing, intake.dated(now, response));
        self.sender = sender.with_config(intake.config.stream.clone(), intake.seed);
        if self.is_draining {
            self.sender.drain(now);
        }
        State::Answering
    }

    /// Starts a complete response that is not an event stream.
    fn answered(
        &mut self,
        now: Instant,
        intake: &Intake,
        method: &str,
        response: &Response,
        body: &[u8],
    ) -> State {
        let mut config = intake.config.stream.clone();
        config.padding = None;
        let response = intake.dated(now, response.clone());
        self.sender = Sender::default().with_config(config, intake.seed);
        self.sender.begin_behind(intake.interim);
        self.sender.begin(Framing::None, |out| response.encode_whole(method, body, out));
        State::Answering
    }

    /// Starts the response that tells the client about its fault.
    fn refused(&mut self, now: Instant, intake: &Intake, fault: Fault) -> State {
        let (response, text) = (fault.response(&intake.config), fault.text());
        self.outcome = Some(Closed::Fault(fault));
        self.answered(now, intake, "", &response, text.as_bytes())
    }

    /// Closes the connection, for this reason unless the outcome is already known.
    fn closed(&mut self, reason: Closed) -> State {
        self.outcome.get_or_insert(reason);
        // Keeps the sender's configuration: its hooks hold user code, which must not be dropped
        // here, where a lock may be held.
        self.sender.abort();
        self.space = Vec::new();
        State::Closed
    }
}
