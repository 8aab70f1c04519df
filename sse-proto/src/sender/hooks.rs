//! The user's encoders for the frames that a sender generates.

use alloc::string::ToString;

use crate::hook::{Hook, Shared};
use crate::hub::Gap;
use crate::{Encoder, EventRef, Frame};

type KeepAlive = dyn Fn(Encoder<'_>) + Send + Sync;
type TellGap = dyn Fn(Gap, Encoder<'_>) + Send + Sync;

/// The user's callbacks of a [`StreamConfig`](super::StreamConfig), which encode keep-alives and
/// gaps. Clones share the callbacks, so an adapter can clone the hooks and call them after it has
/// released the lock around the sender.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    keep_alive: Option<Hook<Shared<KeepAlive>>>,
    gap: Option<Hook<Shared<TellGap>>>,
}

impl Hooks {
    pub(super) fn set_keep_alive(&mut self, encode: impl Fn(Encoder<'_>) + Send + Sync + 'static) {
        self.keep_alive = Some(Hook(Shared::new(encode)));
    }

    pub(super) fn set_gap(&mut self, encode: impl Fn(Gap, Encoder<'_>) + Send + Sync + 'static) {
        self.gap = Some(Hook(Shared::new(encode)));
    }

    /// Returns whether [`keep_alive`](Self::keep_alive) calls user code.
    pub(super) fn has_keep_alive(&self) -> bool {
        self.keep_alive.is_some()
    }

    /// Encodes the keep-alive, by default the shortest comment.
    pub fn keep_alive(&self) -> Frame {
        Frame::encode(|mut encoder| match &self.keep_alive {
            Some(Hook(encode)) => encode(encoder),
            None => encoder.keep_alive(),
        })
    }

    /// Encodes the event that reports a gap, by default an event named `gap`.
    pub fn gap(&self, gap: Gap) -> Frame {
        Frame::encode(|encoder| match &self.gap {
            Some(Hook(encode)) => encode(gap, encoder),
            None => encode_gap(gap, encoder),
        })
    }
}

fn encode_gap(gap: Gap, mut encoder: Encoder<'_>) {
    let text = gap.to_string();
    let event = EventRef::new(&text);
    // Cannot fail: `gap` is a valid name.
    encoder.event(event.with_name("gap").unwrap_or(event));
}
