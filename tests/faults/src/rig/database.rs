//! What can be done to PostgreSQL.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Connection, Executor, PgConnection};

use super::Rig;

/// Longest that PostgreSQL may take to recover.
const RECOVERY: Duration = Duration::from_secs(30);
/// Backends of a service.
const BACKENDS: &str = "SELECT pid FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid() ORDER BY pid";

/// Ends every connection of the services, so that they must come back.
const END_ALL: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = datname AND pid <> pg_backend_pid()";

/// Plants a mistake in a database.
pub(super) async fn spoil(url: &str, statements: &'static str) -> Result<()> {
    let mut admin = PgConnection::connect(url).await?;
    admin.execute(sqlx::raw_sql(statements)).await.context("the mistake cannot be planted")?;
    Ok(admin.close().await?)
}

impl Rig {
    /// Stops PostgreSQL in order (fast: clients are dropped) or at once (immediate: it recovers at the start), and
    /// starts it again.
    pub async fn restart_postgres(&self, immediate: bool) -> Result<()> {
        let servers = Arc::clone(self.servers());
        tokio::task::spawn_blocking(move || {
            servers.stop_postgres(if immediate { Signal::SIGQUIT } else { Signal::SIGINT })?;
            servers.restart_postgres()
        })
        .await?
    }

    /// Kills PostgreSQL with all its backends.
    pub fn kill_postgres(&self) {
        self.servers().kill_postgres();
    }

    /// Starts PostgreSQL again.
    pub async fn start_postgres(&self) -> Result<()> {
        let servers = Arc::clone(self.servers());
        tokio::task::spawn_blocking(move || servers.restart_postgres()).await?
    }

    /// Kills one backend of a service; PostgreSQL then drops all connections and recovers by itself. Waits until it has
    /// recovered from the one before, and the service is back.
    pub async fn kill_backend(&self, service: &str) -> Result<()> {
        let begun = Instant::now();
        let backend = loop {
            match self.a_backend(service).await {
                Ok(backend) => break backend,
                Err(why) if begun.elapsed() > RECOVERY => return Err(why),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        kill(Pid::from_raw(backend), Signal::SIGKILL).context("the backend cannot be killed")
    }

    async fn a_backend(&self, service: &str) -> Result<i32> {
        let mut admin = PgConnection::connect(&self.servers().postgres_url("postgres")).await?;
        let backend = sqlx::query_scalar(BACKENDS).bind(service).fetch_optional(&mut admin).await?;
        backend.with_context(|| format!("{service} has no connection"))
    }

    /// Takes every connection that services may have, each idle in a transaction, and ends those the services have.
    /// They are given back when the result is dropped.
    pub async fn take_connections(&self) -> Result<Vec<PgConnection>> {
        let mut admin = PgConnection::connect(&self.servers().postgres_url("postgres")).await?;
        let address = self.secrets().postgres_url(&self.servers().postgres_address(), "intake", "intake")?;
        let mut taken = Vec::new();
        // The second round takes what the services had.
        for round in 0..2 {
            if round == 1 {
                admin.execute(END_ALL).await?;
            }
            while let Ok(mut connection) = PgConnection::connect(&address).await {
                connection.execute("BEGIN").await?;
                taken.push(connection);
            }
        }
        Ok(taken)
    }
}
