//! Which connections a server takes, and how it stops.

use core::time::Duration;

use super::Connection;
use super::closed::Closed;
use super::config::ServerConfig;
use super::intake::WallClock;
use crate::Instant;
use crate::random::Random;

/// Decides about the connections of a listener: how many there may be, and what happens when the server stops.
///
/// ```text
///                        failed
///  new ──► Accept ◄───────────────► Pause
///             └────── drain ───────────┴──► Drain ── the last one is gone, or the time is over ──► Closed
/// ```
///
/// ```
/// use sse_proto::Instant;
/// use sse_proto::http1::server::{AcceptWant, Acceptor, Closed, ServerConfig};
///
/// let mut config = ServerConfig::default();
/// config.connections = 1;
/// let seed = 42; // of your source of randomness
/// let mut acceptor = Acceptor::new(config, seed);
/// let now = Instant::default();
///
/// // Accepted, and served by this machine; the next one is sent away by its own.
/// assert_eq!(acceptor.want(now), (AcceptWant::Accept, None));
/// let first = acceptor.admit::<Vec<u8>>(now).expect("one may come");
/// let second = acceptor.admit::<Vec<u8>>(now).expect("it is told so");
/// assert!(first.pending().is_empty() && second.pending().starts_with(b"HTTP/1.1 503 "));
///
/// acceptor.drain(now);
/// assert_eq!(acceptor.want(now).0, AcceptWant::Drain);
/// assert!(acceptor.handle_closed(&Closed::Finished));
/// assert!(acceptor.handle_closed(&Closed::Busy));
/// assert_eq!(acceptor.want(now).0, AcceptWant::Closed);
/// ```
#[derive(Debug)]
pub struct Acceptor {
    config: ServerConfig,
    random: Random,
    serving: usize,
    turning_away: usize,
    /// How long the next pause is, and when this one is over.
    pause: Duration,
    paused: Option<Instant>,
    /// When those that are left are cut.
    drained_by: Option<Instant>,
    wall_clock: Option<WallClock>,
}

/// What an [`Acceptor`] wants. Each stands until it is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptWant {
    /// Accept a connection, [admit](Acceptor::admit) it, and serve it as its machine says.
    Accept,
    /// Wait for the deadline: accepting failed.
    Pause,
    /// Accept nothing more, close the listener; wait until all connections are closed, or for the deadline.
    Drain,
    /// Close the connections that are left, if any: the server has stopped.
    Closed,
}

impl Acceptor {
    /// How many may be sent away at a time; more are dropped without a word.
    const TURNED_AWAY: usize = 1024;

    const FIRST_PAUSE: Duration = Duration::from_millis(5);
    const LAST_PAUSE: Duration = Duration::from_secs(1);

    /// Takes as many connections as this says. The seed is of a source of randomness.
    pub fn new(config: ServerConfig, seed: u64) -> Self {
        Self {
            config,
            random: Random::new(seed),
            serving: 0,
            turning_away: 0,
            pause: Self::FIRST_PAUSE,
            paused: None,
            drained_by: None,
            wall_clock: None,
        }
    }

    /// What the connections are told.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Tells what the wall clock says now, as the time since the beginning of 1970 (UTC). The connections that are admitted from then
    /// on send it as their `Date`.
    pub fn set_wall_clock(&mut self, now: Instant, since_unix_epoch: Duration) {
        self.wall_clock = Some(WallClock::new(now, since_unix_epoch));
    }

    /// What to do next, and until when. If the deadline passes first, ask again.
    pub fn want(&mut self, now: Instant) -> (AcceptWant, Option<Instant>) {
        match (self.drained_by, self.paused) {
            (Some(until), _) if now < until && self.connections() > 0 => (AcceptWant::Drain, Some(until)),
            (Some(_), _) => (AcceptWant::Closed, None),
            (None, Some(until)) if now < until => (AcceptWant::Pause, Some(until)),
            (None, _) => (AcceptWant::Accept, None),
        }
    }

    /// Takes a connection that was accepted, and gives the machine that serves it, or sends it away. `None`: drop it.
    pub fn admit<B: AsRef<[u8]>>(&mut self, now: Instant) -> Option<Connection<B>> {
        (self.paused, self.pause) = (None, Self::FIRST_PAUSE);
        if self.serving < self.config.connections {
            self.serving += 1;
            let server = Connection::new(self.config.clone(), self.random.draw());
            let mut server = server.with_wall_clock(self.wall_clock);
            if self.is_draining() {
                server.drain(now);
            }
            return Some(server);
        }
        if self.turning_away >= Self::TURNED_AWAY {
            return None;
        }
        self.turning_away += 1;
        Some(Connection::busy_at(now, self.wall_clock, self.config.clone()))
    }

    /// Reports that accepting failed: the next attempt waits, each time longer, up to a second.
    pub fn handle_error(&mut self, now: Instant) {
        self.paused = Some(now.after(self.pause));
        self.pause = self.pause.saturating_mul(2).min(Self::LAST_PAUSE);
    }

    /// Reports that a connection is over, for this reason. `true` if whoever drives the acceptor has to ask again what it
    /// [wants](Self::want), which may wait for the last one.
    pub fn handle_closed(&mut self, reason: &Closed) -> bool {
        let count = match reason {
            Closed::Busy => &mut self.turning_away,
            _ => &mut self.serving,
        };
        *count = count.saturating_sub(1);
        self.is_draining()
    }

    /// Stops: accepts nothing more. Tell each connection with [`Connection::drain`].
    pub fn drain(&mut self, now: Instant) {
        self.drained_by.get_or_insert(now.after(self.config.drain_timeout));
    }

    /// Stops at once.
    pub fn close(&mut self) {
        self.drained_by = Some(Instant::default());
    }

    /// Whether it was told to stop.
    pub fn is_draining(&self) -> bool {
        self.drained_by.is_some()
    }

    /// How many connections there are, those that are sent away among them.
    pub fn connections(&self) -> usize {
        self.serving + self.turning_away
    }
}
