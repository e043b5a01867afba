//! A database with two roles for each service: its owner, who migrates, and the one that serves.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use chassis::Service;
use futures::future::try_join_all;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::runtime::Handle;

use super::{SERVICES, rehearsal};
use crate::{Secrets, Servers, roles, servers};

/// Makes what is missing and brings every schema up to date; gives the address of each database for the role that
/// serves. `from`: the databases are those of a rehearsal, which goes on there.
pub async fn make(servers: &Servers, secrets: &Secrets, from: Option<Timestamp>) -> Result<BTreeMap<String, String>> {
    let mut admin = PgConnection::connect(&servers.postgres_url("postgres")).await?;
    let make_roles: Result<String> = SERVICES.iter().map(|service| roles::make(secrets, service.name)).collect();
    // Not flushed one by one: the first durable commit of a service flushes all that came before it.
    let make_roles = format!("SET synchronous_commit = off; {}", make_roles?);
    // Its text has what passwords can be checked by: it is not part of an error.
    admin.execute(AssertSqlSafe(make_roles)).await.context("cannot make the roles of the services")?;
    let there: Vec<String> = sqlx::query_scalar("SELECT datname::text FROM pg_database").fetch_all(&mut admin).await?;
    admin.close().await?;
    let made = SERVICES
        .iter()
        .map(|service| one(servers, secrets, service, there.iter().any(|name| name == service.name), from));
    Ok(try_join_all(made).await?.into_iter().collect())
}

/// A cluster with the databases of all services in it, as [`make`] makes them: making them takes many times as long as copying
/// them. The roles in it get their passwords from whoever begins with a copy. Blocks, within a Tokio runtime.
pub(super) fn prepared() -> Result<PathBuf> {
    // A migration never changes, but there may be more of them.
    let mut content = DefaultHasher::new();
    for service in SERVICES {
        service.name.hash(&mut content);
        for migration in chassis::migrator(service.migrations).iter() {
            (migration.version, &migration.checksum).hash(&mut content);
        }
    }
    servers::prepared::cluster(content.finish(), |servers| {
        let secrets = Secrets::make(&servers.folder().join(super::SECRETS))?;
        Handle::current().block_on(make(servers, &secrets, None)).map(drop)
    })
}

async fn one(
    servers: &Servers,
    secrets: &Secrets,
    service: &'static Service,
    exists: bool,
    from: Option<Timestamp>,
) -> Result<(String, String)> {
    let name = service.name;
    if !exists {
        let mut admin = PgConnection::connect(&servers.postgres_url("postgres")).await?;
        let create = roles::database(name, name, "template0 STRATEGY WAL_LOG");
        admin.execute(AssertSqlSafe(create)).await.with_context(|| format!("cannot make the database of {name}"))?;
        admin.close().await?;
    }
    let owner = format!("{}?options=-csynchronous_commit%3Doff", owner_url(servers, secrets, name)?);
    chassis::migrate(service, &owner.as_str().into(), name).await?;
    if let Some(from) = from {
        rehearsal::begin(&owner, from, !exists).await.with_context(|| format!("the database of {name}"))?;
    }
    // The password is read from its file.
    Ok((name.to_owned(), format!("postgres://{name}@{}/{name}", servers.postgres_address())))
}

/// Address of a service's database for its owner: for migrations.
pub fn owner_url(servers: &Servers, secrets: &Secrets, service: &str) -> Result<String> {
    secrets.postgres_url(&servers.postgres_address(), &roles::owner(service), service)
}
