//! Who is subscribed: the streams of each client.

use alloc::collections::BTreeMap;
use core::fmt;

use super::slab::Slab;
use crate::hook::Shared;

/// The streams of each client, by the name that the program gives it.
#[derive(Debug, Default)]
pub(super) struct Clients {
    names: BTreeMap<Shared<str>, usize>,
    /// Those in `names`, and closed ones that still have streams.
    clients: Slab<Client>,
}

#[derive(Debug)]
struct Client {
    name: Shared<str>,
    streams: usize,
    is_closed: bool,
}

impl Clients {
    /// Counts one more stream of this client, and returns the client's key.
    pub(super) fn enter(&mut self, name: &str, limit: usize) -> Result<usize, SubscribeError> {
        let found = self.names.get(name).copied();
        if let Some((key, client)) = found.and_then(|key| Some((key, self.clients.get_mut(key)?))) {
            if client.streams >= limit {
                return Err(SubscribeError::TooManyStreams { limit });
            }
            client.streams += 1;
            return Ok(key);
        }
        if limit == 0 {
            return Err(SubscribeError::TooManyStreams { limit });
        }
        let name = Shared::<str>::from(name);
        let key = self.clients.insert(Client { name: Shared::clone(&name), streams: 1, is_closed: false });
        self.names.insert(name, key);
        Ok(key)
    }

    /// Ends what [`enter`](Self::enter) began.
    pub(super) fn leave(&mut self, key: usize) {
        let Some(client) = self.clients.get_mut(key) else { return };
        client.streams -= 1;
        if client.streams > 0 {
            return;
        }
        // A client that was closed may have come back under the same name.
        if let Some(client) = self.clients.remove(key).filter(|client| !client.is_closed) {
            self.names.remove(&client.name);
        }
    }

    /// Closes the streams of this client, and returns their number.
    pub(super) fn close(&mut self, name: &str) -> usize {
        let Some(client) = self.names.remove(name).and_then(|key| self.clients.get_mut(key)) else {
            return 0;
        };
        client.is_closed = true;
        client.streams
    }

    pub(super) fn is_closed(&self, key: usize) -> bool {
        self.clients.get(key).is_some_and(|client| client.is_closed)
    }

    pub(super) fn streams(&self, name: &str) -> usize {
        self.names.get(name).and_then(|key| self.clients.get(*key)).map_or(0, |client| client.streams)
    }

    /// Iterates over the names and the numbers of streams, in the order of the names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.names.iter().filter_map(|(name, key)| Some((&**name, self.clients.get(*key)?.streams)))
    }
}

/// Why a client was not subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The client has as many streams as
    /// [`HubConfig::streams_per_client`](super::HubConfig::streams_per_client) allows. The answer is
    /// status 429 (RFC 6585 section 4).
    TooManyStreams {
        /// The limit.
        limit: usize,
    },
    /// The name of the client is longer than
    /// [`HubConfig::topic_name_bytes`](super::HubConfig::topic_name_bytes).
    NameTooLong {
        /// The length of the name, in bytes.
        length: usize,
        /// The limit, in bytes.
        limit: usize,
    },
}

impl SubscribeError {
    /// Returns the status of the response that tells the client: 429, or 400 for a name that is too
    /// long.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooManyStreams { .. } => 429,
            Self::NameTooLong { .. } => 400,
        }
    }
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyStreams { limit } => {
                write!(f, "too many streams of one client: the limit is {limit}")
            }
            Self::NameTooLong { length, limit } => {
                write!(f, "client name of {length} bytes exceeds the limit of {limit} bytes")
            }
        }
    }
}

impl core::error::Error for SubscribeError {}
