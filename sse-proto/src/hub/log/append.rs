//! Appending events, and repeating an append that failed.

use core::error::Error;
use core::fmt;

use super::{LogConfig, LogError, NewEvent, Position};
use crate::random::Random;
use crate::{Frame, Instant};

/// One event on its way into the log.
///
/// The driver calls [`append`](super::append) with the [event](Self::event), reports the result, and
/// does what [`Appending`] says. At the end, also of an append that is given up, it calls
/// [`SharedHub::end_append`](crate::hub::SharedHub::end_append).
#[derive(Debug)]
pub struct Append {
    frame: Frame,
    config: LogConfig,
    deadline: Instant,
    has_key: bool,
    failures: u32,
    random: Random,
    /// Whether an earlier attempt may have appended the event.
    is_uncertain: bool,
    last: Option<LogError>,
}

/// The next step of an [`Append`].
#[derive(Debug)]
pub enum Appending {
    /// Append the event again at this instant.
    Retry(Instant),
    /// The append is over.
    Done(Result<Position, AppendError>),
}

impl Append {
    pub(super) fn new(now: Instant, config: &LogConfig, frame: Frame, has_key: bool, seed: u64) -> Self {
        Self {
            frame,
            config: *config,
            deadline: now.after(config.publish_timeout),
            has_key,
            failures: 0,
            random: Random::new(seed),
            is_uncertain: false,
            last: None,
        }
    }

    /// Returns the event for the log. The topic and the key are those with which the append has begun.
    pub fn event<'e>(&'e self, topic: &'e str, key: Option<&'e str>) -> NewEvent<'e> {
        NewEvent { topic, data: self.frame.bytes(), key }
    }

    /// Returns the size of the encoded event, in bytes.
    pub fn bytes(&self) -> usize {
        self.frame.bytes().len()
    }

    /// Returns when the publisher gives up. Report that with [`handle_deadline`](Self::handle_deadline).
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Reports the result of an attempt.
    pub fn handle_result(&mut self, now: Instant, result: Result<Position, LogError>) -> Appending {
        let error = match result {
            Ok(position) => return Appending::Done(Ok(position)),
            Err(error) => error,
        };
        self.is_uncertain |= matches!(error, LogError::Interrupted(_));
        self.failures = self.failures.saturating_add(1);
        let retry = now.after(self.config.backoff.delay(None, self.failures, self.random.draw()));
        let may_repeat = !matches!(error, LogError::Refused(_)) && (self.has_key || !self.is_uncertain);
        self.last = Some(error);
        if may_repeat && retry < self.deadline {
            return Appending::Retry(retry);
        }
        Appending::Done(Err(self.fail()))
    }

    /// Reports that the deadline has passed, while an attempt was running or not.
    pub fn handle_deadline(&mut self, is_running: bool) -> AppendError {
        self.is_uncertain |= is_running;
        self.fail()
    }

    fn fail(&mut self) -> AppendError {
        AppendError::Failed { is_uncertain: self.is_uncertain, cause: self.last.take() }
    }
}

/// Why an event was not published through a log.
#[derive(Debug)]
#[non_exhaustive]
pub enum AppendError {
    /// The hub is closed.
    Closed,
    /// The topic name is longer than [`HubConfig::topic_name_bytes`](crate::hub::HubConfig::topic_name_bytes).
    TopicTooLong {
        /// The length of the name, in bytes.
        length: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The event has an id of its own, but the log determines the ids.
    HasId,
    /// Too many events of this node are on their way into the log; see
    /// [`LogConfig::append_bytes`](super::LogConfig::append_bytes) and
    /// [`LogConfig::append_events`](super::LogConfig::append_events).
    Busy {
        /// The events on their way.
        events: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// The log has not acknowledged the event.
    Failed {
        /// Whether the log may have the event all the same.
        is_uncertain: bool,
        /// The last answer of the log, or `None` if there was none before the
        /// [deadline](super::LogConfig::publish_timeout).
        cause: Option<LogError>,
    },
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the hub is closed"),
            Self::TopicTooLong { length, limit } => {
                write!(f, "topic name of {length} bytes exceeds the limit of {limit} bytes")
            }
            Self::HasId => f.write_str("the event has an id, but the log determines the ids"),
            Self::Busy { events, bytes } => {
                write!(f, "{events} events of {bytes} bytes are already on their way into the log")
            }
            Self::Failed { is_uncertain, cause } => {
                match cause {
                    Some(cause) => cause.fmt(f)?,
                    None => f.write_str("the log has not answered in time")?,
                }
                if *is_uncertain { f.write_str("; it may have the event") } else { Ok(()) }
            }
        }
    }
}

impl Error for AppendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed { cause: Some(cause), .. } => cause.source(),
            _ => None,
        }
    }
}
