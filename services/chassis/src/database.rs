//! The database: pools, migrations, and the check that the schema is known.

use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};

use crate::jitter::jittered;
use crate::metrics;

/// The tables every service has: journal, inbox, parked, relay.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// The migrations of a service with those of the chassis before them.
pub fn migrator(service: &Migrator) -> Migrator {
    let both = MIGRATIONS.iter().chain(service.iter()).cloned().collect();
    let mut migrator = Migrator::with_migrations(both);
    // An older program may meet a newer schema during a roll-out.
    migrator.set_ignore_missing(true);
    migrator
}

/// Brings a database to the schema of a service.
pub async fn migrate(url: &SecretString, service: &Migrator) -> anyhow::Result<()> {
    let options = address(url)?.application_name("migrate").options([("lock_timeout", "5s"), ("TimeZone", "UTC")]);
    let pool =
        PgPoolOptions::new().max_connections(1).connect_with(options).await.context("cannot connect to PostgreSQL")?;
    migrator(service).run(&pool).await.context("cannot migrate")?;
    sqlx::query(EXTEND).execute(&pool).await.context("cannot make the partitions of the journal")?;
    pool.close().await;
    Ok(())
}

/// Makes the journal's partitions of the next quarters.
pub(crate) const EXTEND: &str = "SELECT journal_extend()";

/// Connect options with the limits every connection has.
pub(crate) fn options(name: &str, url: &SecretString) -> anyhow::Result<PgConnectOptions> {
    Ok(address(url)?.application_name(name).options([
        ("statement_timeout", "10s"),
        ("lock_timeout", "5s"),
        // What a dead client leaves behind holds its locks no longer than a lane's next tries take.
        ("idle_in_transaction_session_timeout", "10s"),
        // A peer that is gone must not keep its locks: the server looks for it, also in the middle of a statement.
        ("tcp_user_timeout", "10000"),
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "3"),
        ("client_connection_check_interval", "2s"),
        ("TimeZone", "UTC"),
    ]))
}

fn address(url: &SecretString) -> anyhow::Result<PgConnectOptions> {
    PgConnectOptions::from_str(url.expose_secret()).context("database.url is not a PostgreSQL address")
}

/// Longest a read may take.
const READ_LIMIT: &str = "5s";
/// Longest wait for a connection to the pool.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(3);
/// Longest a connection may take to show that it is alive.
const PING_LIMIT: Duration = Duration::from_secs(1);
/// A connection that was used so recently is not asked whether it is alive.
const FRESH: Duration = Duration::from_secs(1);

/// The pool for reads. Reads never feed a write.
///
/// A link that swallows everything must not empty it for ever (P32): a connection is asked whether it is alive before
/// it is given out and before it is taken back, each time with a limit, and it is dropped if it does not answer. The
/// pool's own question has none.
pub(crate) fn reads(service: &'static str, options: PgConnectOptions, size: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_LIMIT)
        .test_before_acquire(false)
        .after_connect(move |_, _| {
            Box::pin(async move {
                metrics::connected(service);
                Ok(())
            })
        })
        .before_acquire(|connection, meta| {
            Box::pin(async move { if meta.idle_for < FRESH { Ok(true) } else { answers(connection).await } })
        })
        .after_release(|connection, _| Box::pin(answers(connection)))
        .connect_lazy_with(options.options([("statement_timeout", READ_LIMIT)]))
}

async fn answers(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let late = || sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the connection does not answer"));
    tokio::time::timeout(PING_LIMIT, connection.ping()).await.map_err(|_| late())?.map(|()| true)
}

/// Versions of the schema that were applied. The role that serves may read this table and no more.
pub(crate) const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success";

/// How long a start waits for the database.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest a look at the schema may take.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// Waits until the database answers; refuses at once to serve on a schema that is older than the program.
pub(crate) async fn check(
    service: &'static str,
    options: &PgConnectOptions,
    migrations: &Migrator,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let error = match tokio::time::timeout(LOOK_LIMIT, applied(options)).await {
            Ok(Ok(applied)) => return known(&applied, migrations),
            Ok(Err(error)) if !is_passing(&error) => {
                return Err(error)
                    .context("cannot read the schema version: is the database there, and was `migrate` run?");
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        if begun.elapsed() > PATIENCE {
            bail!("the database did not answer for {PATIENCE:?}: {error}");
        }
        tracing::warn!(service, error, "the database does not answer yet");
        tokio::time::sleep(jittered(Duration::from_secs(2))).await;
    }
}

async fn applied(options: &PgConnectOptions) -> Result<Vec<i64>, sqlx::Error> {
    let mut connection = options.connect().await?;
    let applied = sqlx::query_scalar(APPLIED).fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(applied)
}

/// Whether it may be otherwise soon: nobody listens, or a server that starts, stops or is full.
fn is_passing(error: &sqlx::Error) -> bool {
    let Some(database) = error.as_database_error() else { return true };
    matches!(database.code().unwrap_or_default().get(..2), Some("08" | "53" | "57" | "58"))
}

fn known(applied: &[i64], service: &Migrator) -> anyhow::Result<()> {
    let known = migrator(service);
    let missing = known.iter().filter(|migration| !applied.contains(&migration.version));
    let missing: Vec<_> = missing.map(|migration| migration.description.to_string()).collect();
    if !missing.is_empty() {
        bail!("the schema is too old, run `migrate` first; missing: {}", missing.join(", "));
    }
    Ok(())
}
