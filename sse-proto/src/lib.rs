//! Core.
#![no_std]
#![warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
#![warn(clippy::std_instead_of_alloc, clippy::std_instead_of_core)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod decode;
mod encode;
mod error;
mod event;
mod field;
pub mod header;
#[cfg(feature = "http1")]
pub mod http1;
mod limits;
mod receiver;
mod scan;
mod sender;
#[cfg(feature = "serde")]
mod serde_impl;

pub use crate::decode::{Decoder, End, Item};
pub use crate::encode::{Buffer, BufferTooSmall, DataWriter, Encoder};
#[cfg(feature = "http1")]
pub use crate::error::AcceptError;
pub use crate::error::ReadError;
pub use crate::event::{DEFAULT_NAME, Event, EventRef};
pub use crate::field::{FieldName, InvalidField};
pub use crate::limits::{Limit, LimitExceeded, Limits};
pub use crate::receiver::{ReceiveError, Receiver, Want};
pub use crate::sender::Sender;
