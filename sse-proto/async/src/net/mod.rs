//! Connections of clients: dialling, TLS, deadlines, closing.

mod alarm;
mod close;
mod connection;
mod dial;
mod tls;

pub(crate) use alarm::{Alarm, Clock};
pub use close::CloseHandle;
pub(crate) use close::CloseOnDrop;
pub(crate) use connection::Connection;
pub(crate) use dial::dial;
pub use dial::race;
#[cfg(feature = "rustls-no-provider")]
pub use tls::rustls;
pub(crate) use tls::{Tls, is_untrusted};

use std::pin::Pin;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
