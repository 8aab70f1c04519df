//! The log.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, IntoConnectionInfo, RedisError, Script, Value};
use sse_proto::hub::log::{Entry, Log, LogError, NewEvent, Position};

use crate::entry::{Raw, entries, from_xread, position, tip};

/// How a [`RedisLog`] uses its server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisConfig {
    /// The number of events that the log keeps, approximately: Redis trims whole nodes of about 100.
    /// Default: 100,000, about 30 MB of short events. `None` keeps all.
    pub events: Option<u64>,
    /// How long the log remembers the key of an event. Default: 10 minutes.
    pub remember_keys: Duration,
    /// How long a new connection may take. Default: 2 s.
    pub connect_timeout: Duration,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            events: Some(100_000),
            remember_keys: Duration::from_secs(600),
            connect_timeout: Duration::from_secs(2),
        }
    }
}

/// A log in a stream of Redis or Valkey, 7.0 or newer.
///
/// It holds two connections: one for the tail, whose reads block, and one for everything else. Both
/// are opened when they are needed, again after a failure.
#[derive(Clone)]
pub struct RedisLog {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    key: String,
    config: RedisConfig,
    append: Script,
    /// For the tail. Taken out during a read: a read that is dropped would leave its answer to the
    /// next one.
    tail: Mutex<Option<MultiplexedConnection>>,
    /// For everything else, with a number that tells connections apart.
    common: Mutex<(Option<MultiplexedConnection>, u64)>,
}

impl fmt::Debug for RedisLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLog").field("key", &self.shared.key).finish_non_exhaustive()
    }
}

impl RedisLog {
    /// Describes a log in the stream `key` of the server at `url`, such as
    /// `redis://user:password@host:6379/0`. Nothing is connected yet.
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
        let shared = Shared {
            client: Client::open(url)?,
            key: key.to_owned(),
            config,
            append: Script::new(include_str!("append.lua")),
            tail: Mutex::new(None),
            common: Mutex::new((None, 0)),
        };
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl Shared {
    async fn connect(&self) -> Result<MultiplexedConnection, LogError> {
        // The reads of the tail are long; the callers of all methods have their own deadlines.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.config.connect_timeout))
            .set_response_timeout(None);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = connecting.await.map_err(refused_or(LogError::Unreachable))?;
        let info: String = Cmd::new()
            .arg("INFO")
            .arg("server")
            .query_async(&mut connection)
            .await
            .map_err(refused_or(LogError::Unreachable))?;
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or_default();
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < 7) {
            return Err(LogError::Refused(format!("Redis {version} is too old: 7.0 is needed").into()));
        }
        Ok(connection)
    }

    /// Returns the common connection, and a lease that closes it unless it is used up.
    async fn common(&self) -> Result<(MultiplexedConnection, Lease<'_>), LogError> {
        let (held, number) = {
            let common = lock(&self.common);
            (common.0.clone(), common.1)
        };
        if let Some(connection) = held {
            return Ok((connection, Lease { shared: self, number, is_good: false }));
        }
        let connection = self.connect().await?;
        let mut common = lock(&self.common);
        common.1 += 1;
        common.0 = Some(connection.clone());
        Ok((connection, Lease { shared: self, number: common.1, is_good: false }))
    }

    async fn query<T: redis::FromRedisValue>(&self, command: &Cmd) -> Result<T, LogError> {
        let (mut connection, lease) = self.common().await?;
        let answer = command.query_async(&mut connection).await;
        lease.end(answer)
    }
}

/// The use of the common connection for one command. If the command fails or is dropped before its
/// answer, the next one gets a new connection.
struct Lease<'s> {
    shared: &'s Shared,
    number: u64,
    /// Whether the connection can be used again.
    is_good: bool,
}

impl Lease<'_> {
    fn end<T>(mut self, answer: Result<T, RedisError>) -> Result<T, LogError> {
        // A server that has become a replica is no longer the right one.
        self.is_good = match &answer {
            Ok(_) => true,
            Err(error) => error.code().is_some_and(|code| code != "READONLY"),
        };
        answer.map_err(refused_or(LogError::Interrupted))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut common = lock(&self.shared.common);
        if !self.is_good && common.1 == self.number {
            common.0 = None;
        }
    }
}

impl Log for RedisLog {
    async fn append(&self, event: NewEvent<'_>) -> Result<Position, LogError> {
        let shared = &*self.shared;
        let epoch = RandomState::new().hash_one(SystemTime::now());
        // Printed as in positions.
        let epoch = Position { epoch, millis: 0, sequence: 0 }.to_string();
        let mut call = shared.append.key(&shared.key);
        if let Some(key) = event.key {
            // In the hash slot of the log.
            call.key(format!("{{{}}}:once:{key}", shared.key));
        }
        call.arg(epoch.split('.').next())
            .arg(event.topic)
            .arg(event.data)
            .arg(shared.config.events.map(|events| events.to_string()).unwrap_or_default())
            .arg(shared.config.remember_keys.as_millis().max(1) as u64);
        let (mut connection, lease) = shared.common().await?;
        let answer: Result<(String, String), RedisError> = call.invoke_async(&mut connection).await;
        let (epoch, id) = lease.end(answer)?;
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
            None => shared.connect().await?,
        };
        let mut command = Cmd::new();
        command.arg("XREAD").arg("COUNT").arg(limit).arg("BLOCK").arg(wait.as_millis().max(1) as u64);
        command.arg("STREAMS").arg(&shared.key).arg(after);
        let answer: Value =
            command.query_async(&mut connection).await.map_err(refused_or(LogError::Interrupted))?;
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

/// Converts an error: an answer of the server is a refusal, unless it only asks for patience.
fn refused_or(other: impl Fn(sse_proto::hub::log::Cause) -> LogError) -> impl Fn(RedisError) -> LogError {
    move |error| match error.code() {
        Some("READONLY" | "LOADING" | "CLUSTERDOWN" | "MASTERDOWN" | "BUSY" | "TRYAGAIN") => {
            LogError::Unreachable(error.into())
        }
        Some(_) => LogError::Refused(error.into()),
        None => other(error.into()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is replaced as a whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
