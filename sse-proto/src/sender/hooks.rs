//! What a sender says by itself, in the user's words.

use alloc::string::ToString;

use crate::hook::{Hook, Shared};
use crate::hub::Gap;
use crate::{Encoder, EventRef, Frame};

type KeepAlive = dyn Fn(Encoder<'_>) + Send + Sync;
type TellGap = dyn Fn(Gap, Encoder<'_>) + Send + Sync;

/// The functions of a [`StreamConfig`](super::StreamConfig) that encode what a sender says by itself. Clones share them, so that they can be
/// called after a lock around the sender was released.
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

    /// Whether [`keep_alive`](Self::keep_alive) calls a function of the user's.
    pub(super) fn has_keep_alive(&self) -> bool {
        self.keep_alive.is_some()
    }

    /// What keeps the connection open; by default the shortest comment.
    pub fn keep_alive(&self) -> Frame {
        Frame::encode(|mut encoder| match &self.keep_alive {
            Some(Hook(encode)) => encode(encoder),
            None => encoder.keep_alive(),
        })
    }

    /// What tells the client of a gap; by default an event named `gap`.
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
    // It is a name.
    encoder.event(event.with_name("gap").unwrap_or(event));
}
