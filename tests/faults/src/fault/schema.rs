//! A newer schema under programs that run, and under programs that start: what a roll-out does first, and what a
//! roll-back leaves behind.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use chassis::Service;
use futures::future::try_join_all;
use local::SERVICES;
use local::stack::databases;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{Act, Fault, Stage, processes};

pub(super) const FAULTS: [Fault; 1] = [Fault::new(
    "F18",
    "newer schema below running programs, then every replica anew on it (no earlier release exists to mix with)",
    "G18 P35 P36",
    Act::Do(|stage| Box::pin(newer(stage))),
)
.in_every()
.prepared(|options| options.replicas = 2)
.judged(processes::calls_that_failed)];

/// Tables of a service; partitions follow their parent.
const TABLES: &str = "\
    SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> '_sqlx_migrations' \
    ORDER BY c.relname";
/// What a later release leaves in the list of migrations.
const APPLIED: &str = "\
    INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
    VALUES (29991231000000, 'of a later release', true, '\\x00', 0)";
/// A table that is in use is waited for; calls wait behind us, so each try is short.
const LOCK: &str = "SET lock_timeout = '500ms'";
const LOCK_LIMIT: Duration = Duration::from_secs(30);

async fn newer(stage: &mut Stage) -> Result<()> {
    stage.begin("newer schema")?;
    try_join_all(SERVICES.iter().map(|service| expand(stage, service))).await?;
    stage.end("newer schema")?;
    stage.pass(2000).await;
    processes::rolled(stage).await?;
    for process in stage.rig.all() {
        let log = std::fs::read_to_string(process.file()).unwrap_or_default();
        let stale = log.lines().find(|line| line.contains("cached plan"));
        ensure!(stale.is_none(), "{process} notices the new columns: {}", stale.unwrap_or_default());
    }
    Ok(())
}

/// What an additive release does to a database under load: a column in each table, indexes, a newer version.
async fn expand(stage: &Stage, service: &'static Service) -> Result<()> {
    let url = databases::owner_url(stage.rig.servers(), stage.rig.secrets(), service.name)?;
    let mut owner = PgConnection::connect(&url).await?;
    owner.execute(LOCK).await?;
    let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut owner).await?;
    ensure!(tables.len() > 6, "{} has only {} tables", service.name, tables.len());
    for table in tables {
        // Names are ours.
        let add = format!("ALTER TABLE \"{table}\" ADD COLUMN of_a_later_release text NOT NULL DEFAULT 'new'");
        patiently(&mut owner, &add).await.with_context(|| format!("{}.{table}", service.name))?;
    }
    for index in ["inbox_sequence (event_id)", "inbox (id)"] {
        patiently(&mut owner, &format!("CREATE INDEX CONCURRENTLY ON {index}")).await?;
    }
    owner.execute(APPLIED).await?;
    owner.close().await?;
    // The step before the start of an older program does nothing to a newer schema.
    chassis::migrate(service, &url.into(), service.name).await.context("an older release refuses the newer schema")
}

/// As a migration job does it: it gives up soon, so that nobody waits behind it, and comes again.
async fn patiently(owner: &mut PgConnection, statement: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        let Err(error) = owner.execute(AssertSqlSafe(statement.to_owned())).await else { return Ok(()) };
        let locked = error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "55P03");
        if !locked || begun.elapsed() > LOCK_LIMIT {
            return Err(error).with_context(|| statement.to_owned());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
