//! Code of the user's that may panic.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls code of the user's, whose panic must cost no more than what it was called for: `None` if it panics.
pub(crate) fn guard<R>(call: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => Some(result),
        Err(panic) => {
            // What was thrown may panic when it is dropped. What that throws is not dropped.
            if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
                mem::forget(another);
            }
            None
        }
    }
}
