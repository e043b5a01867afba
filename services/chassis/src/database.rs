//! The database: pools, migrations, and the check that the schema is known.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

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
        ("idle_in_transaction_session_timeout", "20s"),
        ("tcp_user_timeout", "10000"),
        ("TimeZone", "UTC"),
    ]))
}

fn address(url: &SecretString) -> anyhow::Result<PgConnectOptions> {
    PgConnectOptions::from_str(url.expose_secret()).context("database.url is not a PostgreSQL address")
}

/// The pool for reads. Reads never feed a write.
pub(crate) async fn reads(options: PgConnectOptions, size: u32) -> anyhow::Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(options)
        .await
        .context("cannot connect to PostgreSQL")
}

/// Versions of the schema that were applied. The role that serves may read this table and no more.
pub(crate) const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success";

/// Refuses to serve on a schema that is older than the program.
pub(crate) async fn check(pool: &PgPool, service: &Migrator) -> anyhow::Result<()> {
    let applied: Vec<i64> = sqlx::query_scalar(APPLIED)
        .fetch_all(pool)
        .await
        .context("cannot read the schema version: run `migrate` first")?;
    let known = migrator(service);
    let missing = known.iter().filter(|migration| !applied.contains(&migration.version));
    let missing: Vec<_> = missing.map(|migration| migration.description.to_string()).collect();
    if !missing.is_empty() {
        bail!("the schema is too old, run `migrate` first; missing: {}", missing.join(", "));
    }
    Ok(())
}
