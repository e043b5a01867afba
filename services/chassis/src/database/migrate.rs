//! What the owner of the tables does, before a release serves: schema, partitions, rights.

use anyhow::{Context as _, ensure};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgPoolOptions;

use super::{APPLIED, DatabaseTarget, Grant, MIGRATIONS, grants};

/// Makes the journal's partitions of the next quarters.
const EXTEND: &str = "SELECT journal_extend()";

/// The migrations of a service with those of the chassis before them.
pub fn migrator(service: &Migrator) -> Migrator {
    let both = MIGRATIONS.iter().chain(service.iter()).cloned().collect();
    let mut migrator = Migrator::with_migrations(both);
    // An older program may meet a newer schema during a roll-out.
    migrator.set_ignore_missing(true);
    migrator
}

/// Brings a database to the schema of a service, as its owner, and grants the role that serves what it needs.
pub(crate) async fn migrate(
    (migrations, own): (&Migrator, &[Grant]),
    owner: &DatabaseTarget,
    app: &str,
) -> anyhow::Result<()> {
    ensure!(
        owner.role() != app,
        "database.owner_url and database.url name the same role {app}: one owns the tables, another one serves; \
         see deploy/postgres/roles.sql"
    );
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_with(owner.options()?)
        .await
        .context("cannot connect to PostgreSQL")?;
    let migrator = migrator(migrations);
    migrator.run(&pool).await.context("cannot migrate")?;
    sqlx::query(EXTEND).execute(&pool).await.context("cannot make the partitions of the journal")?;
    let applied: Vec<i64> = sqlx::query_scalar(APPLIED).fetch_all(&pool).await?;
    // On the schema of a newer release its rights stand: it knows tables that this one does not.
    if applied.into_iter().all(|version| migrator.version_exists(version)) {
        grants::grant(&pool, own, app).await.context("cannot grant the role that serves its rights")?;
    }
    pool.close().await;
    Ok(())
}
