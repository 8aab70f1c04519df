//! Functions of the user's, kept by configurations and machines; and what else they share.

use core::fmt;

/// A pointer that the copies of a configuration share: an `Arc`.
#[cfg(target_has_atomic = "ptr")]
pub(crate) type Shared<T> = alloc::sync::Arc<T>;

/// A pointer that the copies of a configuration share: an `Rc`, since a target without atomics has no `Arc`. Whatever holds it
/// stays on its thread.
#[cfg(not(target_has_atomic = "ptr"))]
pub(crate) type Shared<T> = alloc::rc::Rc<T>;

/// A closure behind a pointer `P`: [`Shared`] where copies are made, `Box` elsewhere.
#[derive(Clone)]
pub(crate) struct Hook<P>(pub(crate) P);

/// A closure has nothing to show.
impl<P> fmt::Debug for Hook<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
