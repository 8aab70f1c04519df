//! Containment of panics in user code.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls user code, and returns `None` if it panics.
pub(crate) fn guard<R>(call: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => Some(result),
        Err(panic) => {
            // Dropping the panic payload may panic, too. The second payload is leaked rather than
            // dropped.
            if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
                mem::forget(another);
            }
            None
        }
    }
}
