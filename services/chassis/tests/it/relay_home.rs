//! A toy service on servers of its own, which a test may crash and rob.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use async_nats::jetstream;
use chassis::topology::stream_name;
use chassis::{Clock, Running, Settings};
use local::{Secrets, ServerOptions, Servers};
use proto::{ClaimId, Subject};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use crate::toy;

pub const PREFIX: &str = "own";

/// Servers, a migrated database, streams, and the service if it was started.
pub struct Own {
    pub servers: Servers,
    pub secrets: Secrets,
    pub pool: PgPool,
    pub running: Option<Running>,
}

/// The variables of a toy service on given servers.
pub fn variables(servers: &Servers, secrets: &Secrets) -> Vec<(String, String)> {
    let own = [
        ("DATABASE__URL", secrets.postgres_url(&servers.postgres_address(), "inventory", "own").unwrap()),
        ("NATS__URL", servers.nats_url()),
        ("NATS__PREFIX", PREFIX.to_owned()),
        ("TELEMETRY__LOG", std::env::var("TEST_LOG").unwrap_or_else(|_| "off".to_owned())),
    ];
    let own = own.into_iter().map(|(key, value)| (format!("REDRESS_INVENTORY__{key}"), value));
    testkit::secret_variables("inventory", secrets).into_iter().chain(own).collect()
}

impl Own {
    /// Everything but the service.
    pub async fn new(storage_mib: u32) -> Self {
        let start = || testkit::start_servers(ServerOptions::default());
        let (servers, secrets) = tokio::task::spawn_blocking(start).await.unwrap();
        testkit::make_database(&servers, &secrets, &toy::SERVICE, "own").await;
        let url = servers.postgres_url("own");
        let pool = PgPoolOptions::new().max_connections(3).connect(&url).await.unwrap();
        let own = Self { servers, secrets, pool, running: None };
        own.provision(storage_mib).await;
        own
    }

    pub async fn start(&mut self) {
        let settings =
            Settings::from(&toy::SERVICE, None, Some(variables(&self.servers, &self.secrets).into_iter().collect()));
        self.running = Some(chassis::start(&toy::SERVICE, settings.unwrap(), Clock::default()).await.unwrap());
    }

    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await.unwrap();
        }
    }

    /// Address of NATS for the user who may do everything.
    pub fn nats_url(&self) -> String {
        self.secrets.nats_url(&self.servers.nats_url(), chassis::topology::OPERATOR).unwrap()
    }

    pub async fn provision(&self, storage_mib: u32) {
        let client = chassis::connect_nats("test", &self.nats_url().into()).await.unwrap();
        chassis::provision(&client, PREFIX, storage_mib).await.unwrap();
    }

    pub async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(chassis::connect_nats("test", &self.nats_url().into()).await.unwrap())
    }

    /// Journals events of the service, each about something else.
    pub async fn journal(&self, rows: i64) {
        let insert = "INSERT INTO journal (event_id, aggregate, subject, payload, actor, cause, at) \
            SELECT gen_random_uuid(), gen_random_uuid(), 'event.inventory.late', '', 'test', gen_random_uuid(), now() \
            FROM generate_series(1, $1)";
        sqlx::query(insert).bind(rows).execute(&self.pool).await.unwrap();
    }

    /// Journals the next public event of each claim, in one transaction each.
    pub async fn tell_claims(&self, claims: &[Uuid], number: i32) {
        for claim in claims {
            let subject = Subject::Claim { claim: ClaimId(*claim), name: "moved".to_owned() };
            let insert = "INSERT INTO journal (event_id, aggregate, number, subject, payload, actor, cause, at) \
                VALUES (gen_random_uuid(), $1, $2, $3, '', 'test', gen_random_uuid(), now())";
            let insert = sqlx::query(insert).bind(claim).bind(number).bind(subject.to_string());
            insert.execute(&self.pool).await.unwrap();
        }
    }

    pub async fn journalled(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT event_id::text FROM journal ORDER BY seq").fetch_all(&self.pool).await.unwrap()
    }

    /// Event id, claim and number of every message of a stream, in order, whether it came alone or in a batch.
    pub async fn stream(&self, name: &str) -> Vec<(String, String, String)> {
        let jetstream = self.jetstream().await;
        let Ok(mut stream) = jetstream.get_stream(stream_name(PREFIX, name)).await else { return Vec::new() };
        testkit::all_told(&mut stream).await
    }

    /// Waits until every event of the service is on the broker, and the cursor has passed it.
    pub async fn all_published(&self, patience: Duration) {
        let begun = Instant::now();
        loop {
            let waits: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM journal j, relay r \
                 WHERE j.tx >= r.from_tx AND NOT (j.tx < r.to_tx AND j.seq <= r.seq)",
            )
            .fetch_one(&self.pool)
            .await
            .unwrap();
            let there: HashSet<String> =
                [self.stream("EVENTS").await, self.stream("CLAIMS").await].concat().into_iter().map(|m| m.0).collect();
            let journalled = self.journalled().await;
            let missing = journalled.iter().filter(|id| !there.contains(*id)).count();
            if waits == 0 && missing == 0 {
                return;
            }
            assert!(begun.elapsed() < patience, "{missing} of {} are missing, {waits} wait", journalled.len());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Takes a copy of what the broker has on its disk, as after a flush.
    pub fn snapshot(&self) -> PathBuf {
        let copy = self.servers.folder().join("copy-of-store");
        self.servers.stop_nats().unwrap();
        run(Command::new("cp").arg("-a").arg(self.servers.nats_store()).arg(&copy));
        self.servers.restart_nats().unwrap();
        copy
    }

    /// Kills the broker and takes everything away that it did not flush before the copy; it is down after this.
    pub fn lose_tail(&self, copy: &PathBuf) {
        self.destroy_store();
        run(Command::new("cp").arg("-a").arg(copy).arg(self.servers.nats_store()));
    }

    /// Kills the broker and destroys its store; it is down after this.
    pub fn destroy_store(&self) {
        self.servers.kill_nats();
        std::fs::remove_dir_all(self.servers.nats_store()).unwrap();
    }
}

pub fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?} failed");
}

/// Sends a signal to a process.
pub fn signal(name: &str, pid: u32) {
    run(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]));
}
