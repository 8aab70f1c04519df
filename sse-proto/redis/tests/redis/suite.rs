//! The conformance suite of logs.

use std::time::Duration;

use sse_redis::{RedisConfig, RedisLog};
use sse_tokio::proto::hub::log::suite::{self, Failure, Store};

use super::server::Redis;

struct Served(Redis, RedisConfig);

impl Store for Served {
    type Log = RedisLog;

    async fn open(&self) -> RedisLog {
        self.0.log_with(self.1.clone())
    }

    async fn delete(&self) {
        self.0.cli(&["flushall"]);
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[tokio::test]
async fn the_log_passes() -> Result<(), Failure> {
    suite::check(&Served(Redis::start(&[]), RedisConfig::default())).await
}

#[tokio::test]
async fn the_log_that_waits_for_a_replica_passes() -> Result<(), Failure> {
    let primary = Redis::start(&[]);
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &primary.port.to_string()]);
    super::server::wait_until("the replica follows", || {
        primary.cli(&["info", "replication"]).contains("state=online")
    });
    let mut config = RedisConfig::default();
    config.replicas = 1;
    suite::check(&Served(primary, config)).await?;
    drop(replica);
    Ok(())
}

#[test]
fn the_log_passes_on_smol() -> Result<(), Failure> {
    struct OnSmol(Redis);

    impl Store for OnSmol {
        type Log = RedisLog;

        async fn open(&self) -> RedisLog {
            self.0.log()
        }

        async fn delete(&self) {
            self.0.cli(&["flushall"]);
        }

        async fn sleep(&self, duration: Duration) {
            smol::Timer::after(duration).await;
        }
    }
    smol::block_on(suite::check(&OnSmol(Redis::start(&[]))))
}
