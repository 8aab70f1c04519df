//! Functions of the user's, with the state they capture, as configurations hold them.

/// A counted reference that clones of a configuration share. It is an `Arc` wherever the target has atomics; on targets without
/// (thumbv6m), which have no threads either, it is an `Rc`.
#[cfg(target_has_atomic = "ptr")]
pub(crate) type Shared<T> = alloc::sync::Arc<T>;
#[cfg(not(target_has_atomic = "ptr"))]
pub(crate) type Shared<T> = alloc::rc::Rc<T>;
