//! What a user of an event source may choose.

use alloc::string::String;
use core::time::Duration;

use super::backoff::Backoff;
use super::reason::Refusal;
use super::response::check_response;
use crate::http::ResponseHead;
use crate::{EventRef, Limits};

/// What an [`EventSource`](crate::EventSource) does where there is a choice.
///
/// The default is what the standard demands, with limits where it has none.
///
/// ```
/// use core::time::Duration;
/// use sse_proto::source::{Config, EndMarker, is_transient};
///
/// let mut config = Config::default();
/// config.timeouts.silence = Some(Duration::from_secs(45));
/// config.retry_status = is_transient;
/// config.end = EndMarker::Data("[DONE]".into());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How long to wait before the next attempt.
    pub backoff: Backoff,
    /// Whether there is a next attempt. Default: [`Reconnect::IfGet`].
    pub reconnect: Reconnect,
    /// How long a stream has to be open for the failures before it to be forgotten. Default 5 s.
    ///
    /// A response that ends sooner counts as one more failure in a row, whatever came in it: a server that answers, sends a
    /// greeting and closes is not asked faster and faster.
    pub healthy_after: Duration,
    /// How many failures in a row close the source. Default: none do.
    pub max_attempts: Option<u32>,
    /// For how long after the first failure in a row attempts go on: one that would begin later closes the source instead.
    /// Default: for ever.
    pub max_elapsed: Option<Duration>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How much of one event is held in memory.
    pub limits: Limits,
    /// The longest last event id that attempts send, in bytes. Default 4 KiB.
    ///
    /// A longer one is kept, but the attempt goes without it, and [`Signal::IdNotSent`](super::Signal::IdNotSent) says so:
    /// otherwise the server would refuse every attempt, with status 431 or 400. nginx and Apache take header lines of up to
    /// 8 KiB, Node.js takes 16 KiB for the whole head; half of the smaller leaves room for the other headers, tokens and cookies
    /// among them, where a proxy limits them together.
    pub sent_id_bytes: usize,
    /// How many redirects one attempt follows. Default 20 (Fetch, "HTTP-redirect fetch"); one more is refused, and with 0 a
    /// redirect is a refused status.
    pub max_redirects: u32,
    /// Which responses are event streams; whatever it refuses closes the source, if `retry_status` does not say otherwise.
    /// Default: [`check_response`]. Redirects that are followed and status 204 do not come this far.
    pub check: fn(&ResponseHead) -> Result<(), Refusal>,
    /// Which refused statuses mean "not now", so that the source connects again. Default: none, as the standard has it;
    /// [`is_transient`] is the usual choice beyond it. A `Retry-After` is then the shortest wait.
    pub retry_status: fn(u16) -> bool,
    /// How many bytes are kept of the body of a refused response, where services say what they did not like. Default 8 KiB;
    /// the rest is not read.
    pub refusal_bytes: usize,
    /// What the last event looks like, where a stream ends for good. Default: [`EndMarker::None`].
    pub end: EndMarker,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            reconnect: Reconnect::IfGet,
            healthy_after: Duration::from_secs(5),
            max_attempts: None,
            max_elapsed: None,
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            sent_id_bytes: 4 * 1024,
            max_redirects: 20,
            check: check_response,
            retry_status: |_| false,
            refusal_bytes: 8 * 1024,
            end: EndMarker::None,
        }
    }
}

/// The statuses that usually pass: 408, 425, 429 and all from 500 on. For [`Config::retry_status`].
pub fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

/// Whether an event source connects again after an end or a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reconnect {
    /// If the request is a `GET`. To repeat another one may order, pay or compute twice.
    #[default]
    IfGet,
    /// Whatever the method.
    Always,
    /// One attempt is all.
    Never,
}

/// How long an event source waits for what. Each is a failure of the attempt, after which it connects again, but for `total`,
/// which closes it.
///
/// Only waiting for the peer counts: a caller who takes long over an event does not time out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a connection. Default 10 s.
    pub connect: Option<Duration>,
    /// For the head of the response, once connected. Default 60 s.
    pub response: Option<Duration>,
    /// For any byte of an open stream, comments included. Default: none. Servers that send heartbeats allow one: about three
    /// times their interval. Without it a peer that vanished is not noticed.
    pub silence: Option<Duration>,
    /// For an event of an open stream, whatever else may come. Default: none.
    pub events: Option<Duration>,
    /// For everything, from the first want on. Default: none.
    pub total: Option<Duration>,
    /// For the body of a refused response, to the end or to [`Config::refusal_bytes`]. Default 5 s; then what is there is all.
    pub refusal: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Some(Duration::from_secs(10)),
            response: Some(Duration::from_secs(60)),
            silence: None,
            events: None,
            total: None,
            refusal: Duration::from_secs(5),
        }
    }
}

/// How a stream says that it ends for good. The end of a body before the marker is a failure.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum EndMarker {
    /// It does not say: the end of the body is just that.
    #[default]
    None,
    /// An event with this data, which carries nothing else and is not given to the user: `[DONE]`.
    Data(String),
    /// An event of this name. It is given to the user, as it may carry something: `message_stop`.
    Name(String),
    /// An event of which this is true. It is given to the user.
    When(fn(EventRef<'_>) -> bool),
}
