//! B6, the baseline: what naked PostgreSQL does for a claim's durability alone. Six transactions for each claim, each of
//! one row of state and one row of outbox; 16 clients; the very server that the services use, over loopback.
//!
//! pgbench measures it where it is installed beside the server in use; otherwise a driver of our own does with the same
//! statements, prepared.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::process::Command;

use crate::stand::Stand;

const SCHEMA: &str = include_str!("b6/schema.sql");
const SCRIPT: &str = include_str!("b6/c6_txn.sql");
const CLIENTS: u32 = 16;
const DATABASE: &str = "b6";

const CLAIM: &str = "\
    insert into claim(id,customer,order_no,lines,problem) values (nextval('claim_seq'),'cust-4711','ORD-100200',\
    '[{\"sku\":\"A-1\",\"qty\":1},{\"sku\":\"B-2\",\"qty\":2}]',\
    'arrived broken, box was open and one part is missing') returning id";
const STEP: &str = "insert into step_row(claim_id,step,result) values ($1,$2,$3::jsonb)";
const END: &str = "update claim set state=9, updated_at=now() where id=$1";
const OUTBOX: &str = "insert into outbox(claim_id,kind,payload) values ($1,$2,$3::jsonb)";
/// A single row, committed by itself.
const RAW: &str = "insert into outbox(claim_id,kind,payload) values (0,0,'{\"type\":\"claim.received\",\"v\":1}')";

const STEPS: [(i32, &str, &str); 4] = [
    (1, r#"{"class":"defect","sev":2}"#, r#"{"type":"claim.triaged","v":1}"#),
    (2, r#"{"reservation":"r-1"}"#, r#"{"type":"stock.reserved","v":1}"#),
    (3, r#"{"shipment":"s-1"}"#, r#"{"type":"shipment.created","v":1}"#),
    (4, r#"{"notified": true}"#, r#"{"type":"customer.notified","v":1}"#),
];

/// One measurement.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Baseline {
    /// Claims a second.
    pub claims_per_s: f64,
    /// Who measured it.
    pub by: String,
}

/// Makes the tables of the baseline.
pub async fn prepare(stand: &Stand) -> Result<()> {
    let mut postgres = stand.database("postgres").await?;
    postgres.execute("CREATE DATABASE b6 TEMPLATE template0 STRATEGY WAL_LOG").await?;
    let mut database = stand.database(DATABASE).await?;
    sqlx::raw_sql(SCHEMA).execute(&mut database).await?;
    Ok(())
}

/// Measures it for some seconds.
pub async fn measure(stand: &Stand, seconds: u64) -> Result<Baseline> {
    stand.settle().await?;
    let pgbench = stand.stack.servers().postgres_programs().join("pgbench");
    if pgbench.exists() && !stand.options.own_baseline {
        let claims_per_s = by_pgbench(stand, &pgbench, seconds).await?;
        return Ok(Baseline { claims_per_s, by: "pgbench".to_owned() });
    }
    let limit = Duration::from_secs(seconds);
    let clients = (0..CLIENTS).map(|_| client(stand, limit));
    let begun = Instant::now();
    let claims: u64 = try_join_all(clients).await?.iter().sum();
    Ok(Baseline { claims_per_s: claims as f64 / begun.elapsed().as_secs_f64(), by: "own driver".to_owned() })
}

/// Latency of one raw commit of a single client: the median in milliseconds.
pub async fn raw_commit_ms(stand: &Stand, seconds: u64) -> Result<f64> {
    let mut database = stand.database(DATABASE).await?;
    let begun = Instant::now();
    let mut took = Vec::new();
    while begun.elapsed() < Duration::from_secs(seconds) {
        let at = Instant::now();
        sqlx::query(RAW).execute(&mut database).await?;
        took.push(at.elapsed());
    }
    took.sort_unstable();
    Ok(took[took.len() / 2].as_secs_f64() * 1_000.0)
}

async fn by_pgbench(stand: &Stand, program: &std::path::Path, seconds: u64) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("c6_txn.sql");
    tokio::fs::write(&script, SCRIPT).await?;
    let servers = stand.stack.servers();
    let mut command = Command::new(program);
    command.args(["-n", "-M", "prepared", "-c", &CLIENTS.to_string(), "-j", "2", "-T", &seconds.to_string()]);
    command.args(["-h", servers.postgres_host(), "-p", &servers.postgres_port().to_string(), "-U", "postgres"]);
    command.env("PGPASSWORD", servers.postgres_password());
    command.arg("-f").arg(&script).arg(DATABASE).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("cannot run pgbench")?;
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "pgbench failed: {errors}");
    rate(&told).with_context(|| format!("pgbench told no rate: {told}"))
}

/// The rate in what pgbench prints: `tps = 1234.5 (without initial connection time)`.
fn rate(told: &str) -> Option<f64> {
    let line = told.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

async fn client(stand: &Stand, limit: Duration) -> Result<u64> {
    let mut database = stand.database(DATABASE).await?;
    let begun = Instant::now();
    let mut claims = 0;
    while begun.elapsed() < limit {
        claim(&mut database).await?;
        claims += 1;
    }
    Ok(claims)
}

async fn claim(database: &mut PgConnection) -> Result<()> {
    let mut tx = database.begin().await?;
    let id: i64 = sqlx::query_scalar(CLAIM).fetch_one(&mut *tx).await?;
    outbox(&mut tx, id, 0, r#"{"type":"claim.received","v":1}"#).await?;
    tx.commit().await?;
    for (step, result, payload) in STEPS {
        let mut tx = database.begin().await?;
        sqlx::query(STEP).bind(id).bind(step).bind(result).execute(&mut *tx).await?;
        outbox(&mut tx, id, step, payload).await?;
        tx.commit().await?;
    }
    let mut tx = database.begin().await?;
    sqlx::query(END).bind(id).execute(&mut *tx).await?;
    outbox(&mut tx, id, 9, r#"{"type":"claim.completed","v":1}"#).await?;
    tx.commit().await?;
    Ok(())
}

async fn outbox(tx: &mut PgConnection, id: i64, kind: i32, payload: &str) -> Result<()> {
    sqlx::query(OUTBOX).bind(id).bind(kind).bind(payload).execute(tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pgbench_is_understood() {
        let told = "number of failed transactions: 0 (0.000%)\nlatency average = 9.1 ms\n\
                    tps = 1755.201 (without initial connection time)\n";
        assert_eq!(rate(told), Some(1755.201));
        assert_eq!(rate("tps went away"), None);
    }
}
