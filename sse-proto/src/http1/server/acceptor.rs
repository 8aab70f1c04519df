//! Which connections a server accepts, and how it shuts down.

use core::time::Duration;

use super::Connection;
use super::closed::Closed;
use super::config::ServerConfig;
use super::intake::WallClock;
use crate::Instant;
use crate::metrics::Metric;
use crate::random::Random;

/// Decides about the connections of a listener: how many it admits, and how it shuts down.
///
/// ```text
///                        failed
///  new ──► Accept ◄───────────────► Pause
///             └────── drain ───────────┴──► Drain ── all closed, or deadline ──► Closed
/// ```
///
/// ```
/// use sse_proto::Instant;
/// use sse_proto::http1::server::{AcceptWant, Acceptor, Closed, ServerConfig};
///
/// let mut config = ServerConfig::default();
/// config.connections = 1;
/// let seed = 42; // from your source of randomness
/// let mut acceptor = Acceptor::new(config, seed);
/// let now = Instant::default();
///
/// // The first connection is served, the second is rejected, each by its own machine.
/// assert_eq!(acceptor.want(now), (AcceptWant::Accept, None));
/// let first = acceptor.admit::<Vec<u8>>(now).expect("one is allowed");
/// let second = acceptor.admit::<Vec<u8>>(now).expect("it is rejected with 503");
/// assert!(first.pending().is_empty() && second.pending().starts_with(b"HTTP/1.1 503 "));
///
/// acceptor.drain(now);
/// assert_eq!(acceptor.want(now).0, AcceptWant::Drain);
/// assert!(acceptor.handle_closed(&Closed::Finished));
/// assert!(acceptor.handle_closed(&Closed::Busy));
/// assert_eq!(acceptor.want(now).0, AcceptWant::Closed);
///
/// let page = sse_proto::metrics::Prometheus(acceptor.stats().metrics()).to_string();
/// assert!(page.contains("sse_server_accepted_total 2\n"));
/// assert!(page.contains("sse_server_closed_total{reason=\"busy\"} 1\n"));
/// ```
#[derive(Debug)]
pub struct Acceptor {
    config: ServerConfig,
    random: Random,
    serving: usize,
    turning_away: usize,
    /// The length of the next pause. `paused` is the end of the current one.
    pause: Duration,
    paused: Option<Instant>,
    /// When the remaining connections are cut.
    drained_by: Option<Instant>,
    wall_clock: Option<WallClock>,
    stats: ServerStats,
}

/// The connections of a server: current ones, and counters since it was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Current connections, including those that are being rejected.
    pub connections: usize,
    /// Connections accepted, including those that were rejected.
    pub accepted: u64,
    /// Connections that were dropped without a response, because too many were being rejected.
    pub dropped: u64,
    closed: [u64; Closed::NAMES.len()],
}

impl ServerStats {
    /// Returns the numbers of closed connections, by the [name](Closed::name) of the reason.
    pub fn closed(&self) -> impl Iterator<Item = (&'static str, u64)> + Clone {
        core::iter::zip(Closed::NAMES, self.closed)
    }

    /// Returns the statistics as metrics, for [`Prometheus`](crate::metrics::Prometheus) or another
    /// system.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> + Clone {
        let connections = self.connections as u64;
        let closed = self.closed().map(|(reason, count)| {
            let help = "Connections closed, by reason.";
            Metric::counter("sse_server_closed_total", count, help).with_label("reason", reason)
        });
        [
            Metric::gauge("sse_server_connections", connections, "Current connections."),
            Metric::counter("sse_server_accepted_total", self.accepted, "Connections accepted."),
            Metric::counter(
                "sse_server_dropped_total",
                self.dropped,
                "Connections dropped without a response.",
            ),
        ]
        .into_iter()
        .chain(closed)
    }
}

/// The next step of an [`Acceptor`]. Each want stands until it is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptWant {
    /// Accept a connection, [admit](Acceptor::admit) it, and drive the machine that serves it.
    Accept,
    /// Wait for the deadline, because accepting failed.
    Pause,
    /// Close the listener, and wait until all connections are closed, or for the deadline.
    Drain,
    /// The server has stopped. Close any remaining connections.
    Closed,
}

impl Acceptor {
    /// The maximum number of connections being rejected at a time. Further ones are dropped without
    /// a response.
    const TURNED_AWAY: usize = 1024;

    const FIRST_PAUSE: Duration = Duration::from_millis(5);
    const LAST_PAUSE: Duration = Duration::from_secs(1);

    /// Creates an acceptor. `seed` must be random; it provides the seeds of the connections.
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
            stats: ServerStats::default(),
        }
    }

    /// Returns the configuration of the connections.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Reports the wall clock time, as the duration since 1970 in UTC. Connections admitted from
    /// now on send it as their `Date`.
    pub fn set_wall_clock(&mut self, now: Instant, since_unix_epoch: Duration) {
        self.wall_clock = Some(WallClock::new(now, since_unix_epoch));
    }

    /// Returns the next step, and the deadline for it. When the deadline has passed, ask again.
    pub fn want(&mut self, now: Instant) -> (AcceptWant, Option<Instant>) {
        match (self.drained_by, self.paused) {
            (Some(until), _) if now < until && self.connections() > 0 => (AcceptWant::Drain, Some(until)),
            (Some(_), _) => (AcceptWant::Closed, None),
            (None, Some(until)) if now < until => (AcceptWant::Pause, Some(until)),
            (None, _) => (AcceptWant::Accept, None),
        }
    }

    /// Admits an accepted connection, and returns the machine that serves or rejects it. Returns
    /// `None` if the connection must be dropped.
    pub fn admit<B: AsRef<[u8]>>(&mut self, now: Instant) -> Option<Connection<B>> {
        (self.paused, self.pause) = (None, Self::FIRST_PAUSE);
        self.stats.accepted += 1;
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
            self.stats.dropped += 1;
            return None;
        }
        self.turning_away += 1;
        Some(Connection::busy_at(now, self.wall_clock, self.config.clone()))
    }

    /// Reports that accepting failed. The next attempt is delayed, each time longer, by up to one
    /// second.
    pub fn handle_error(&mut self, now: Instant) {
        self.paused = Some(now.after(self.pause));
        self.pause = self.pause.saturating_mul(2).min(Self::LAST_PAUSE);
    }

    /// Reports that a connection is over, for this reason. Returns whether to call
    /// [`want`](Self::want) again, because the acceptor may be waiting for the last connection.
    pub fn handle_closed(&mut self, reason: &Closed) -> bool {
        let count = match reason {
            Closed::Busy => &mut self.turning_away,
            _ => &mut self.serving,
        };
        *count = count.saturating_sub(1);
        if let Some(closed) = self.stats.closed.get_mut(reason.number()) {
            *closed += 1;
        }
        self.is_draining()
    }

    /// Starts a graceful shutdown: no more connections are accepted. Also call
    /// [`Connection::drain`] on each connection.
    pub fn drain(&mut self, now: Instant) {
        self.drained_by.get_or_insert(now.after(self.config.drain_timeout));
    }

    /// Stops at once.
    pub fn close(&mut self) {
        self.drained_by = Some(Instant::default());
    }

    /// Returns whether the server is shutting down.
    pub fn is_draining(&self) -> bool {
        self.drained_by.is_some()
    }

    /// Returns the current statistics.
    pub fn stats(&self) -> ServerStats {
        ServerStats { connections: self.connections(), ..self.stats }
    }

    /// Returns the number of connections, including those that are being rejected.
    pub fn connections(&self) -> usize {
        self.serving + self.turning_away
    }
}
