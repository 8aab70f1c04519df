//! The server that has the log: finding it, checking it, connecting to it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError};
use sse_proto::hub::log::{Cause, LogError};

const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Where the log is.
pub(crate) struct Servers {
    /// The server, or nodes of its cluster. With sentinels, only how to speak to the primary.
    pub(crate) seeds: Vec<ConnectionInfo>,
    pub(crate) sentinels: Option<Sentinels>,
    pub(crate) connect_timeout: Duration,
    /// Where a node of a cluster has said that the log is.
    pub(crate) moved: Mutex<Option<(String, u16)>>,
}

pub(crate) struct Sentinels {
    pub(crate) infos: Vec<ConnectionInfo>,
    /// The name of the primary.
    pub(crate) primary: String,
}

impl Servers {
    /// Connects to the server that has the log now, and loads this script there.
    pub(crate) async fn connect(&self, script: &str) -> Result<MultiplexedConnection, LogError> {
        let seed = self.seeds.first().ok_or_else(|| refused("no server was named"))?;
        if let Some(sentinels) = &self.sentinels {
            let (host, port) = self.ask(sentinels).await?;
            return self.checked(at(seed, host, port), script).await;
        }
        // If the log is there no more, the nodes of the cluster know.
        let moved = lock(&self.moved).take();
        let moved = moved.map(|(host, port)| at(seed, host, port));
        let mut last = None;
        for info in moved.into_iter().chain(self.seeds.iter().cloned()) {
            match self.checked(info, script).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| refused("no server was named")))
    }

    /// Takes note of where the log is, if an answer says so.
    pub(crate) fn note(&self, error: &RedisError) {
        if error.code() != Some("MOVED") {
            return;
        }
        let address = error.redirect_node().and_then(|(address, _)| {
            let (host, port) = address.rsplit_once(':')?;
            Some((host.trim_matches(['[', ']']).to_owned(), port.parse().ok()?))
        });
        *lock(&self.moved) = address;
    }

    /// Asks the sentinels where the primary is.
    async fn ask(&self, sentinels: &Sentinels) -> Result<(String, u16), LogError> {
        let mut last = refused("no sentinel was named");
        for info in &sentinels.infos {
            let asked = async {
                let mut connection = self.open(info.clone()).await?;
                let mut command = Cmd::new();
                command.arg("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(&sentinels.primary);
                let address: Option<(String, u16)> = command.query_async(&mut connection).await?;
                Ok(address)
            };
            last = match asked.await {
                Ok(Some(address)) => return Ok(address),
                Ok(None) => refused(format!("the sentinel knows no primary named {:?}", sentinels.primary)),
                Err(error) => kind_of(error, LogError::Unreachable),
            };
        }
        Err(last)
    }

    /// Opens a connection whose answers must come in time: a server that stands still must not keep the
    /// caller from the next one.
    async fn open(&self, info: ConnectionInfo) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.connect_timeout));
        Client::open(info)?.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Connects to a server, and checks that it can have the log.
    async fn checked(&self, info: ConnectionInfo, script: &str) -> Result<MultiplexedConnection, LogError> {
        let failed = |error| kind_of(error, LogError::Unreachable);
        let address = info.addr().to_string();
        let mut connection = self.open(info).await.map_err(failed)?;
        let mut ask = async |section| {
            let mut command = Cmd::new();
            command.arg("INFO").arg(section);
            command.query_async::<String>(&mut connection).await.map_err(failed)
        };
        let (server, replication) = (ask("server").await?, ask("replication").await?);
        let version = field(&server, "redis_version");
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < 7) {
            return Err(refused(format!("Redis {version} at {address} is too old: 7.0 or newer is needed")));
        }
        if field(&replication, "role") == "slave" {
            return Err(LogError::Unreachable(format!("Redis at {address} is a replica").into()));
        }
        let mut load = Cmd::new();
        load.arg("SCRIPT").arg("LOAD").arg(script);
        load.query_async::<String>(&mut connection).await.map_err(failed)?;
        // The reads of the tail are long; from here on, callers have their own deadlines.
        connection.set_response_timeout(FOR_EVER);
        Ok(connection)
    }
}

/// Returns how to speak to a server like this one at another address.
fn at(seed: &ConnectionInfo, host: String, port: u16) -> ConnectionInfo {
    let address = match seed.addr().clone() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure, tls_params }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    seed.clone().set_addr(address)
}

/// Returns a field of the answer of `INFO`.
fn field<'i>(info: &'i str, name: &str) -> &'i str {
    let value = |line: &'i str| line.strip_prefix(name)?.strip_prefix(':');
    info.lines().find_map(value).unwrap_or_default().trim_end()
}

fn refused(why: impl Into<Cause>) -> LogError {
    LogError::Refused(why.into())
}

/// Converts an error: an answer of the server is a refusal, unless another server, or the same one a
/// little later, may accept.
pub(crate) fn kind_of(error: RedisError, other: impl Fn(Cause) -> LogError) -> LogError {
    match error.code() {
        Some(
            "READONLY" | "LOADING" | "CLUSTERDOWN" | "MASTERDOWN" | "BUSY" | "TRYAGAIN" | "MOVED" | "ASK"
            | "NOSCRIPT" | "NOREPLICAS",
        ) => LogError::Unreachable(error.into()),
        Some(_) => LogError::Refused(error.into()),
        None if error.kind() == ErrorKind::AuthenticationFailed => LogError::Refused(error.into()),
        None => other(error.into()),
    }
}

/// Returns whether the same connection may be used after this error.
pub(crate) fn is_usable_after(error: &RedisError) -> bool {
    // A server without the log or the script, or with another password, is no longer the right one.
    let codes = ["READONLY", "MOVED", "ASK", "NOSCRIPT", "NOAUTH", "CLUSTERDOWN"];
    error.code().is_some_and(|code| !codes.contains(&code))
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is replaced as a whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
