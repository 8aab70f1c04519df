//! Functions of the user's, held by configurations.

use core::fmt;

/// A pointer that the copies of a configuration share. On a target without atomics it is an `Rc`, since `Arc` does not exist
/// there: what holds it stays on its thread.
#[cfg(target_has_atomic = "ptr")]
pub(crate) type Shared<T> = alloc::sync::Arc<T>;
/// See above.
#[cfg(not(target_has_atomic = "ptr"))]
pub(crate) type Shared<T> = alloc::rc::Rc<T>;

/// A function of the user's, with the state that it captured. Calls go through [`get`](Self::get).
///
/// `T` is a `dyn Fn(..) + Send + Sync`.
pub(crate) struct Hook<T: ?Sized>(pub(crate) Shared<T>);

impl<T: ?Sized> Hook<T> {
    pub(crate) fn get(&self) -> &T {
        &self.0
    }
}

// A derive would demand `T: Clone`.
impl<T: ?Sized> Clone for Hook<T> {
    fn clone(&self) -> Self {
        Self(Shared::clone(&self.0))
    }
}

impl<T: ?Sized> fmt::Debug for Hook<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
