//! The way of a subscriber from the log into the hub.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Position;
use super::pages::Held;
use crate::hub::{AfterGap, Subscription};

/// A subscriber that reads old events from the log, until it has reached those that the hub holds.
#[derive(Debug)]
pub(in crate::hub) struct Replay {
    /// Distinguishes it from others.
    pub(super) number: u64,
    topics: Option<Vec<Box<str>>>,
    pub(super) after_gap: AfterGap,
    /// The position up to which everything was received or skipped.
    pub(super) after: Option<Position>,
    /// The page that it holds, and the next entry in it.
    pub(super) page: Option<(Held, usize)>,
    /// Whether the break before the next entry has been told.
    pub(super) is_told: bool,
    /// Whether the answer to the client has been counted.
    pub(super) is_counted: bool,
    /// A position to send before anything else.
    pub(super) announce: Option<Position>,
    /// Whether it needs nothing from the log.
    pub(super) is_live: bool,
    /// The position up to which to skip events of the hub, which was behind the client.
    pub(in crate::hub) skip: Option<Position>,
}

impl Replay {
    pub(super) fn new(number: u64, subscription: &Subscription, after: Option<Position>) -> Self {
        Self {
            number,
            topics: subscription.topics.clone(),
            after_gap: subscription.after_gap,
            after,
            page: None,
            is_told: false,
            is_counted: false,
            announce: None,
            is_live: false,
            skip: None,
        }
    }

    /// Only sends its position, and continues live.
    pub(super) fn announced(self) -> Self {
        Self { announce: self.after, is_live: true, ..self }
    }

    pub(super) fn wants(&self, topic: &str) -> bool {
        self.topics.as_ref().is_none_or(|topics| topics.iter().any(|wanted| **wanted == *topic))
    }
}
