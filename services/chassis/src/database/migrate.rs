//! What the owner of the tables does, before a release serves: schema, partitions, rights.

use anyhow::{Context as _, ensure};
use secrecy::SecretString;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgPoolOptions;

use super::{APPLIED, Home, MIGRATIONS, grants};
use crate::Service;
use crate::settings::Database;

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
pub async fn migrate(service: &Service, owner_url: &SecretString, app: &str) -> anyhow::Result<()> {
    migrate_as(service, &Home::of_owner(owner_url, None)?, app).await
}

/// The same by the settings of a service.
pub(crate) async fn migrate_by(service: &Service, settings: &Database) -> anyhow::Result<()> {
    let owner = Home::of_owner(settings.owner()?, settings.owner_password_file.as_deref())?;
    migrate_as(service, &owner, Home::of(service.name, settings)?.role()).await
}

async fn migrate_as(service: &Service, owner: &Home, app: &str) -> anyhow::Result<()> {
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
    let migrator = migrator(service.migrations);
    migrator.run(&pool).await.context("cannot migrate")?;
    sqlx::query(EXTEND).execute(&pool).await.context("cannot make the partitions of the journal")?;
    let applied: Vec<i64> = sqlx::query_scalar(APPLIED).fetch_all(&pool).await?;
    // On the schema of a newer release its rights stand: it knows tables that this one does not.
    if applied.into_iter().all(|version| migrator.version_exists(version)) {
        grants::grant(&pool, service, app).await.context("cannot grant the role that serves its rights")?;
    }
    pool.close().await;
    Ok(())
}
