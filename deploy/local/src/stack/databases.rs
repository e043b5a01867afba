//! A database and a role for each service. The role can read and write the service's tables and nothing else.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use chassis::Service;
use futures::future::try_join_all;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::SERVICES;
use crate::Servers;

/// Makes what is missing and brings every schema up to date; gives the address of each database for its role.
pub async fn make(servers: &Servers) -> Result<BTreeMap<String, String>> {
    let made = try_join_all(SERVICES.iter().map(|service| one(servers, service))).await?;
    Ok(made.into_iter().collect())
}

async fn one(servers: &Servers, service: &'static Service) -> Result<(String, String)> {
    let name = service.name;
    let mut admin = PgConnection::connect(&servers.postgres_url("postgres")).await?;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(&mut admin)
        .await?;
    if !exists {
        // Names are ours: no text of a user reaches this SQL.
        for statement in [
            format!("CREATE ROLE {name} LOGIN"),
            format!("CREATE DATABASE {name} TEMPLATE template0 STRATEGY WAL_LOG"),
            format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"),
            format!("GRANT CONNECT ON DATABASE {name} TO {name}"),
        ] {
            admin
                .execute(AssertSqlSafe(statement))
                .await
                .with_context(|| format!("cannot make the database of {name}"))?;
        }
    }
    // Not flushed one by one: the first durable commit of the service flushes all that came before it.
    let url = format!("{}?options=-csynchronous_commit%3Doff", servers.postgres_url(name));
    chassis::migrate(&url.into(), service.migrations).await?;
    let mut owner = PgConnection::connect(&servers.postgres_url(name)).await?;
    let grants = format!(
        "GRANT USAGE ON SCHEMA public TO {name};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name};
         GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name};"
    );
    owner.execute(AssertSqlSafe(grants)).await.with_context(|| format!("cannot grant {name} its tables"))?;
    let (host, port) = (servers.postgres_host(), servers.postgres_port());
    Ok((name.to_owned(), format!("postgres://{name}@{host}:{port}/{name}")))
}
