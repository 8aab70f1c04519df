//! The sending side: servers and event writers.

mod connection_task;
#[cfg(feature = "http")]
mod event_body;
mod event_sender;
#[cfg(feature = "gzip")]
mod gzip;
mod incoming;
mod serve;
mod shared_stream;
mod state;
mod writer;

#[cfg(feature = "http")]
pub use event_body::EventBody;
pub use event_sender::EventSender;
pub use incoming::Incoming;
pub use serve::Server;
pub use state::ServerHandle;
pub use writer::EventWriter;
