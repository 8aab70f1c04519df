//! Statistics as metrics, for Prometheus and any other system.
//!
//! [`hub::Stats::metrics`](crate::hub::Stats::metrics) and, with the feature `http1`,
//! [`ServerStats::metrics`](crate::http1::server::ServerStats::metrics) yield [`Metric`]s. The names
//! and labels stay the same in all versions that are compatible.
//!
//! ```
//! use sse_proto::{Hub, Instant, metrics::Prometheus};
//!
//! let mut hub = Hub::new(7, Default::default());
//! hub.publish(Instant::default(), "news", 5, "hello")?;
//! let page = Prometheus(hub.stats().metrics()).to_string();
//! assert!(page.contains("# TYPE sse_hub_published_total counter\nsse_hub_published_total 1\n"));
//! # Ok::<(), sse_proto::hub::PublishError>(())
//! ```

use core::fmt;

/// One number of the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// The name, as Prometheus wants it: with the unit, and `_total` for counters.
    pub name: &'static str,
    /// The label that tells the metrics of the same name apart, and its value.
    pub label: Option<(&'static str, &'static str)>,
    /// Whether the value may fall.
    pub kind: Kind,
    /// The value.
    pub value: u64,
    /// What the value is.
    pub help: &'static str,
}

/// The kind of a [`Metric`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Only grows, until the program restarts.
    Counter,
    /// The current state.
    Gauge,
}

impl Metric {
    pub(crate) fn counter(name: &'static str, value: u64, help: &'static str) -> Self {
        Self { name, label: None, kind: Kind::Counter, value, help }
    }

    pub(crate) fn gauge(name: &'static str, value: u64, help: &'static str) -> Self {
        Self { kind: Kind::Gauge, ..Self::counter(name, value, help) }
    }

    pub(crate) fn with_label(self, name: &'static str, value: &'static str) -> Self {
        Self { label: Some((name, value)), ..self }
    }
}

/// Writes metrics in the text format of Prometheus, version 0.0.4: the response of a `/metrics` page,
/// with the media type `text/plain; version=0.0.4`. Metrics of the same name must be adjacent.
#[derive(Clone, Copy, Debug)]
pub struct Prometheus<M>(pub M);

impl<M: IntoIterator<Item = Metric> + Clone> fmt::Display for Prometheus<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        for Metric { name, label, kind, value, help } in self.0.clone() {
            if core::mem::replace(&mut last, name) != name {
                let kind = match kind {
                    Kind::Counter => "counter",
                    Kind::Gauge => "gauge",
                };
                write!(f, "# HELP {name} {help}\n# TYPE {name} {kind}\n")?;
            }
            match label {
                Some((label, of)) => writeln!(f, "{name}{{{label}=\"{of}\"}} {value}")?,
                None => writeln!(f, "{name} {value}")?,
            }
        }
        Ok(())
    }
}
