//! A database with two roles for each service: its owner, who migrates, and the one that serves.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use chassis::Service;
use futures::future::try_join_all;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::SERVICES;
use crate::{Secrets, Servers, roles};

/// Makes what is missing and brings every schema up to date; gives the address of each database for the role that
/// serves.
pub async fn make(servers: &Servers, secrets: &Secrets) -> Result<BTreeMap<String, String>> {
    let made = try_join_all(SERVICES.iter().map(|service| one(servers, secrets, service))).await?;
    Ok(made.into_iter().collect())
}

async fn one(servers: &Servers, secrets: &Secrets, service: &'static Service) -> Result<(String, String)> {
    let name = service.name;
    let mut admin = PgConnection::connect(&servers.postgres_url("postgres")).await?;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(&mut admin)
        .await?;
    // Not flushed one by one: the first durable commit of the service flushes all that came before it.
    let make_roles = format!("SET synchronous_commit = off; {}", roles::make(secrets, name)?);
    // Its text has what passwords can be checked by: it is not part of an error.
    admin.execute(AssertSqlSafe(make_roles)).await.with_context(|| format!("cannot make the roles of {name}"))?;
    if !exists {
        let create = roles::database(name, name, "template0 STRATEGY WAL_LOG");
        admin.execute(AssertSqlSafe(create)).await.with_context(|| format!("cannot make the database of {name}"))?;
    }
    admin.close().await?;
    let owner = format!("{}?options=-csynchronous_commit%3Doff", owner_url(servers, secrets, name)?);
    chassis::migrate(service, &owner.into(), name).await?;
    // The password is read from its file.
    Ok((name.to_owned(), format!("postgres://{name}@{}/{name}", servers.postgres_address())))
}

/// Address of a service's database for its owner: for migrations.
pub fn owner_url(servers: &Servers, secrets: &Secrets, service: &str) -> Result<String> {
    secrets.postgres_url(&servers.postgres_address(), &roles::owner(service), service)
}
