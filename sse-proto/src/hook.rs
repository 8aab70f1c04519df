//! User callbacks in configurations and machines, and the pointer that shares them.

use core::fmt;

/// The pointer that copies of a configuration share: an `Arc`.
#[cfg(target_has_atomic = "ptr")]
pub(crate) type Shared<T> = alloc::sync::Arc<T>;

/// The pointer that copies of a configuration share: an `Rc`, because a target without atomics has
/// no `Arc`. A configuration then stays on its thread.
#[cfg(not(target_has_atomic = "ptr"))]
pub(crate) type Shared<T> = alloc::rc::Rc<T>;

/// A closure behind a pointer `P`: [`Shared`] if the owner is cloned, `Box` otherwise.
#[derive(Clone)]
pub(crate) struct Hook<P>(pub(crate) P);

/// Prints only the type, because a closure has no content to print.
impl<P> fmt::Debug for Hook<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
