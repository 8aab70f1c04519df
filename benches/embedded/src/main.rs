//! The smallest program for a Cortex-M0 that decodes (feature `decode`) or encodes (feature
//! `encode`).
//!
//! With the feature `no-panic`, the panic handler refers to a symbol that does not exist, so the
//! program links only if no panic can be reached.
#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
#[cfg(any(feature = "decode", feature = "encode"))]
use core::hint::black_box;
use core::ptr;

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    #[cfg(feature = "decode")]
    {
        let mut decoder = sse_proto::Decoder::new();
        let mut input = black_box(&b""[..]);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(event)) => drop(black_box((event.name(), event.data(), event.last_event_id()))),
                Ok(None) => break,
                Err(error) => drop(black_box(error.limit())),
            }
        }
    }
    #[cfg(feature = "encode")]
    {
        let mut buffer = black_box([0; 64]);
        let text = black_box("text");
        let event = sse_proto::EventRef::new(text).with_name(text).and_then(|event| event.with_id(text));
        let _ = black_box(event.map(|event| event.encode_to_slice(&mut buffer)));
    }
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(feature = "no-panic")]
    {
        unsafe extern "C" {
            fn a_panic_can_be_reached() -> !;
        }
        // SAFETY: the function does not exist, so a program with this call never links.
        unsafe { a_panic_can_be_reached() }
    }
    #[cfg(not(feature = "no-panic"))]
    loop {}
}

/// A bump allocator that never frees.
struct Heap {
    used: Cell<usize>,
}

#[global_allocator]
static HEAP: Heap = Heap { used: Cell::new(0) };

// SAFETY: the program has one thread.
unsafe impl Sync for Heap {}

// SAFETY: allocations never overlap, and each is aligned to 8 bytes, the maximum that any type here
// needs.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        static mut MEMORY: [u64; 1024] = [0; 1024];
        let start = self.used.get();
        let Some(end) = start.checked_add(layout.size().next_multiple_of(8)).filter(|end| *end <= 8192) else {
            return ptr::null_mut();
        };
        self.used.set(end);
        (&raw mut MEMORY).cast::<u8>().wrapping_add(start)
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
