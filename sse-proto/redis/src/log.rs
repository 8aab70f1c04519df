//! The log.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, IntoConnectionInfo, Pipeline, RedisError, Script, ToRedisArgs, Value};
use sse_proto::hub::log::{Entry, Log, LogError, NewEvent, Position};

use crate::RedisConfig;
use crate::entry::{Raw, entries, from_xread, position, tip};
use crate::server::{Sentinels, Servers, is_usable_after, kind_of, lock};

const APPEND: &str = include_str!("append.lua");

/// A log in a stream of Redis or Valkey, 7.0 or newer.
///
/// It holds two connections: one for the tail, whose reads block, and one for everything else; with
/// [`RedisConfig::replicas`] a third one for appends. They are opened when they are needed, again after
/// a failure. Clones share them.
#[derive(Clone)]
pub struct RedisLog {
    shared: Arc<Shared>,
}

struct Shared {
    servers: Servers,
    key: String,
    config: RedisConfig,
    /// The SHA-1 of the script, by which it is called.
    script: String,
    /// For the tail. Taken out during a read: a read that is dropped would leave its answer to the
    /// next one.
    tail: Mutex<Option<MultiplexedConnection>>,
    common: Channel,
    /// For appends that wait for replicas: `WAIT` holds up all that follows on its connection.
    strict: Channel,
}

impl fmt::Debug for RedisLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLog").field("key", &self.shared.key).finish_non_exhaustive()
    }
}

impl RedisLog {
    /// Describes a log in the stream `key` of the server at `url`, such as
    /// `redis://user:password@host:6379/0`, or `rediss://…` with TLS. Nothing is connected yet.
    ///
    /// A server of a cluster may name another one. The log is then used there, for as long as the first
    /// one answers after a failure; [`with_nodes`](Self::with_nodes) names several.
    ///
    /// # Errors
    /// If the URL is invalid.
    pub fn new(url: impl IntoConnectionInfo, key: &str) -> Result<Self, RedisError> {
        Self::with_config(url, key, RedisConfig::default())
    }

    /// Like [`new`](Self::new), with a configuration.
    ///
    /// # Errors
    /// If the URL is invalid.
    pub fn with_config(
        url: impl IntoConnectionInfo,
        key: &str,
        config: RedisConfig,
    ) -> Result<Self, RedisError> {
        Self::with_nodes([url], key, config)
    }

    /// Describes a log in a cluster, of which several nodes are named. The first one that answers is
    /// asked for the one that has the log. A key with braces needs a hash tag, as in `{chat}:eu`, or
    /// events with a key are refused.
    ///
    /// # Errors
    /// If a URL is invalid.
    pub fn with_nodes(
        urls: impl IntoIterator<Item = impl IntoConnectionInfo>,
        key: &str,
        config: RedisConfig,
    ) -> Result<Self, RedisError> {
        let seeds =
            urls.into_iter().map(IntoConnectionInfo::into_connection_info).collect::<Result<_, _>>()?;
        Ok(Self::over(seeds, None, key, config))
    }

    /// Describes a log on the primary that sentinels call `primary`. They are asked for its address for
    /// each new connection, the first one that answers decides. User, password, database and TLS are those
    /// of `url`, whose host is not used.
    ///
    /// # Errors
    /// If a URL is invalid.
    pub fn with_sentinels(
        sentinels: impl IntoIterator<Item = impl IntoConnectionInfo>,
        primary: &str,
        url: impl IntoConnectionInfo,
        key: &str,
        config: RedisConfig,
    ) -> Result<Self, RedisError> {
        let infos =
            sentinels.into_iter().map(IntoConnectionInfo::into_connection_info).collect::<Result<_, _>>()?;
        let sentinels = Sentinels { infos, primary: primary.to_owned() };
        Ok(Self::over(vec![url.into_connection_info()?], Some(sentinels), key, config))
    }

    fn over(
        seeds: Vec<redis::ConnectionInfo>,
        sentinels: Option<Sentinels>,
        key: &str,
        config: RedisConfig,
    ) -> Self {
        let connect_timeout = config.connect_timeout;
        let shared = Shared {
            servers: Servers { seeds, sentinels, connect_timeout, moved: Mutex::new(None) },
            key: key.to_owned(),
            config,
            script: Script::new(APPEND).get_hash().to_owned(),
            tail: Mutex::new(None),
            common: Channel::default(),
            strict: Channel::default(),
        };
        Self { shared: Arc::new(shared) }
    }
}

impl Shared {
    async fn query<T: redis::FromRedisValue>(&self, command: &Cmd) -> Result<T, LogError> {
        let mut lease = self.common.lease(&self.servers).await?;
        let answer = command.query_async(&mut lease.connection).await;
        lease.end(answer)
    }

    /// Returns the key that remembers the key of an event, in the hash slot of the log.
    fn remembering(&self, key: &str) -> String {
        let log = &self.key;
        // A cluster hashes what is between the first braces, if that is not empty.
        let tag = log.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
        match tag.is_some_and(|(tag, _)| !tag.is_empty()) {
            true => format!("{log}:once:{key}"),
            false => format!("{{{log}}}:once:{key}"),
        }
    }

    fn append(&self, event: NewEvent<'_>) -> Cmd {
        let epoch = RandomState::new().hash_one(SystemTime::now());
        // Printed as in positions.
        let epoch = Position { epoch, millis: 0, sequence: 0 }.to_string();
        let mut call = Cmd::new();
        call.arg("EVALSHA").arg(&self.script).arg(1 + usize::from(event.key.is_some())).arg(&self.key);
        if let Some(key) = event.key {
            call.arg(self.remembering(key));
        }
        call.arg(epoch.split('.').next())
            .arg(event.topic)
            .arg(event.data)
            .arg(or_nothing(self.config.events))
            .arg(or_nothing(self.config.age.map(millis)))
            .arg(millis(self.config.remember_keys).max(1));
        call
    }
}

fn or_nothing(number: Option<u64>) -> impl ToRedisArgs {
    number.map(|number| number.to_string()).unwrap_or_default()
}

fn millis(duration: Duration) -> u64 {
    // More would not be exact in Lua, and is 285,000 years.
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(1 << 53)
}

/// A connection that all calls share. If a call fails or is dropped before its answer, the next one gets
/// a new connection.
#[derive(Default)]
struct Channel {
    /// With a number that tells connections apart.
    held: Mutex<(Option<MultiplexedConnection>, u64)>,
    /// Held by the one call that connects, with the text of the last failure: calls that have waited
    /// meanwhile fail with it, instead of one after the other.
    connecting: async_lock::Mutex<String>,
    failures: AtomicU64,
}

/// The use of a [`Channel`] for one call.
struct Lease<'c> {
    channel: &'c Channel,
    servers: &'c Servers,
    connection: MultiplexedConnection,
    number: u64,
    /// Whether the connection can be used again.
    is_good: bool,
}

impl Channel {
    async fn lease<'c>(&'c self, servers: &'c Servers) -> Result<Lease<'c>, LogError> {
        let lease = |connection, number| Lease { channel: self, servers, connection, number, is_good: false };
        let held = || {
            let held = lock(&self.held);
            held.0.clone().map(|connection| lease(connection, held.1))
        };
        if let Some(lease) = held() {
            return Ok(lease);
        }
        let failures = self.failures();
        let mut connecting = self.connecting.lock().await;
        if let Some(lease) = held() {
            return Ok(lease);
        }
        if self.failures() != failures {
            return Err(LogError::Unreachable(connecting.clone().into()));
        }
        match servers.connect(APPEND).await {
            Ok(connection) => {
                let mut held = lock(&self.held);
                *held = (Some(connection.clone()), held.1 + 1);
                Ok(lease(connection, held.1))
            }
            Err(error) => {
                *connecting = error.to_string();
                self.failures.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

impl Lease<'_> {
    fn end<T>(mut self, answer: Result<T, RedisError>) -> Result<T, LogError> {
        self.is_good = match &answer {
            Ok(_) => true,
            Err(error) => {
                self.servers.note(error);
                is_usable_after(error)
            }
        };
        answer.map_err(|error| kind_of(error, LogError::Interrupted))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut held = lock(&self.channel.held);
        if !self.is_good && held.1 == self.number {
            held.0 = None;
        }
    }
}

impl Log for RedisLog {
    async fn append(&self, event: NewEvent<'_>) -> Result<Position, LogError> {
        let shared = &*self.shared;
        let RedisConfig { replicas, replica_timeout, .. } = shared.config;
        let append = shared.append(event);
        let (epoch, id): (String, String) = if replicas == 0 {
            shared.query(&append).await?
        } else {
            let mut wait = Cmd::new();
            // Zero would wait for ever.
            wait.arg("WAIT").arg(replicas).arg(millis(replica_timeout).max(1));
            let mut both = Pipeline::new();
            both.add_command(append).add_command(wait);
            let mut lease = shared.strict.lease(&shared.servers).await?;
            let answer = both.query_async(&mut lease.connection).await;
            let (place, acknowledged): ((String, String), u32) = lease.end(answer)?;
            if acknowledged < replicas {
                let text = format!("{acknowledged} of {replicas} replicas have acknowledged the event");
                return Err(LogError::Interrupted(text.into()));
            }
            place
        };
        position(&epoch, &id)
            .ok_or_else(|| LogError::Refused(format!("{epoch:?} with {id:?} is no position").into()))
    }

    async fn read(
        &self,
        after: Option<Position>,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Entry>, LogError> {
        let shared = &*self.shared;
        let epoch = after.map_or(0, |after| after.epoch);
        let after = after.map_or("0-0".to_owned(), |after| format!("{}-{}", after.millis, after.sequence));
        if wait.is_zero() {
            let mut command = Cmd::new();
            command.arg("XRANGE").arg(&shared.key).arg(format!("({after}")).arg("+").arg("COUNT").arg(limit);
            return Ok(entries(shared.query::<Vec<Raw>>(&command).await?, epoch));
        }
        let held = lock(&shared.tail).take();
        let mut connection = match held {
            Some(connection) => connection,
            None => shared.servers.connect(APPEND).await?,
        };
        let mut command = Cmd::new();
        command.arg("XREAD").arg("COUNT").arg(limit).arg("BLOCK").arg(millis(wait).max(1));
        command.arg("STREAMS").arg(&shared.key).arg(after);
        let answer: Result<Value, RedisError> = command.query_async(&mut connection).await;
        let answer = answer.map_err(|error| {
            shared.servers.note(&error);
            kind_of(error, LogError::Interrupted)
        })?;
        let read = from_xread(answer).map_err(|error| LogError::Refused(error.into()))?;
        *lock(&shared.tail) = Some(connection);
        Ok(entries(read, epoch))
    }

    async fn tip(&self) -> Result<Option<Position>, LogError> {
        let mut command = Cmd::new();
        command.arg("XREVRANGE").arg(&self.shared.key).arg("+").arg("-").arg("COUNT").arg(16);
        Ok(tip(self.shared.query::<Vec<Raw>>(&command).await?))
    }
}
