//! An empty store against one with a million closed claims.
//!
//! The bulk path: one claim is led through the whole process by the driver alone; then SQL copies every row it left in
//! the six databases, with all UUIDs replaced by others in the same way everywhere, so that the copies belong together.
//! What must be unique besides (claim number, waybill, order line) is numbered; movements of stock go to SKUs of their
//! own. Journal rows are given to a transaction long published, so that no relay sends them. Constraints between tables
//! and triggers are off meanwhile; those of a row hold.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use local::SERVICES;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::steady;
use crate::bench::say;
use crate::shop::Shop;
use crate::stand::Stand;

/// Copies made by one statement.
const CHUNK: u64 = 20_000;

/// Tables of one service, each with the rows that belong to the claim: `$1` is its id, `$2` its order.
type Tables = &'static [(&'static str, &'static str)];

const OF_CLAIM: &str = "claim_id = $1";
const INTAKE: Tables = &[("claim", OF_CLAIM), ("contact", OF_CLAIM), ("claim_line", OF_CLAIM)];
const TRIAGE: Tables = &[("assessment", OF_CLAIM), ("order_line", "order_no = $2")];
const INVENTORY: Tables = &[
    ("reservation", OF_CLAIM),
    ("movement", "kind = 'consumed' AND position($1::text IN document) > 0 AND position('~' IN sku) = 0"),
];
const LOGISTICS: Tables = &[
    ("shipment", OF_CLAIM),
    ("tracking_event", "shipment_id IN (SELECT shipment_id FROM shipment WHERE claim_id = $1)"),
];
const ESCALATION: Tables = &[("claim", OF_CLAIM), ("clock", OF_CLAIM)];
const ORCHESTRATOR: Tables =
    &[("process", OF_CLAIM), ("entitlement", "order_no = $2"), ("entitlement_entry", OF_CLAIM)];
/// Tables of every service. The inbox does not know the claim: what was written while it was the only one.
const SHARED: Tables = &[
    ("journal", "aggregate = $1"),
    ("outbox_sequence", "aggregate = $1"),
    ("inbox_sequence", "aggregate = $1"),
    ("inbox", "at >= $3::timestamptz"),
];

const COLUMNS: &str = "\
    SELECT a.attname AS name, format_type(a.atttypid, NULL) AS kind FROM pg_attribute a \
    WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped \
        AND a.attidentity = '' AND a.attgenerated = '' ORDER BY a.attnum";

struct Model {
    claim: String,
    order_no: String,
    since: String,
}

/// Measures, loads, and measures again.
pub async fn run(stand: &mut Stand, shop: &Arc<Shop>) -> Result<Value> {
    let empty = steady(stand, shop).await?;
    let model = lead_one(stand).await?;
    let begun = Instant::now();
    let count = stand.options.closed_claims;
    let rows: u64 =
        try_join_all(SERVICES.iter().map(|service| copy(stand, service.name, &model, count))).await?.iter().sum();
    let seconds = begun.elapsed().as_secs_f64();
    say(&format!("loaded {count} closed claims ({rows} rows) in {seconds:.0} s"));
    let full = steady(stand, shop).await?;
    Ok(json!({
        "closed_claims": count, "rows": rows, "loaded_by": "copies of one closed claim, by SQL",
        "claims_per_s_empty": empty.claims_per_s, "claims_per_s": full.claims_per_s,
        "ratio": full.claims_per_s / empty.claims_per_s,
        "closed_ms_p99_empty": empty.closed_ms.p99, "closed_ms_p99": full.closed_ms.p99,
    }))
}

/// The claim that is copied: nobody else does anything meanwhile.
async fn lead_one(stand: &mut Stand) -> Result<Model> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let shop = stand.open_shop("T", 1, 1).await?;
    let since = jiff::Timestamp::now().to_string();
    let record = stand.driver.fly(&shop, Instant::now(), false).await;
    ensure!(record.ended.is_some(), "the claim that is to be copied was not closed");
    let order_no = shop.lines[0].order_no.clone();
    let mut orchestrator = stand.database("orchestrator").await?;
    let claim: String = sqlx::query_scalar("SELECT claim_id::text FROM entitlement_entry WHERE order_no = $1 LIMIT 1")
        .bind(&order_no)
        .fetch_one(&mut orchestrator)
        .await?;
    // The other services learn of the end a little later.
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(Model { claim, order_no, since })
}

fn tables(service: &str) -> Tables {
    match service {
        "intake" => INTAKE,
        "triage" => TRIAGE,
        "inventory" => INVENTORY,
        "logistics" => LOGISTICS,
        "escalation" => ESCALATION,
        _ => ORCHESTRATOR,
    }
}

async fn copy(stand: &Stand, service: &str, model: &Model, count: u64) -> Result<u64> {
    let mut database = stand.database(service).await?;
    // As a restore does: no triggers, no foreign keys, no flush for each statement.
    sqlx::raw_sql("SET session_replication_role = replica; SET synchronous_commit = off")
        .execute(&mut database)
        .await?;
    let mut rows = 0;
    for (table, filter) in tables(service).iter().chain(SHARED) {
        let Some(insert) = statement(&mut database, service, table, filter).await? else { continue };
        let mut from = 1;
        while from <= count {
            let to = (from + CHUNK - 1).min(count);
            let copied = sqlx::query(AssertSqlSafe(insert.as_str()))
                .bind(sqlx::types::Uuid::parse_str(&model.claim)?)
                .bind(&model.order_no)
                .bind(&model.since)
                .bind(i64::try_from(from)?)
                .bind(i64::try_from(to)?)
                .execute(&mut database)
                .await?;
            rows += copied.rows_affected();
            from = to + 1;
        }
    }
    sqlx::query("ANALYZE").execute(&mut database).await?;
    Ok(rows)
}

/// Copies the rows `$4` to `$5` times; none if there is no such table.
async fn statement(database: &mut PgConnection, service: &str, table: &str, filter: &str) -> Result<Option<String>> {
    let columns = sqlx::query(COLUMNS).bind(table).fetch_all(database).await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let mut names = Vec::new();
    let mut values = Vec::new();
    for column in columns {
        let (name, kind): (String, String) = (column.try_get("name")?, column.try_get("kind")?);
        values.push(value(service, table, &name, &kind));
        names.push(format!("\"{name}\""));
    }
    let (names, values) = (names.join(", "), values.join(", "));
    // All parameters are named once, so that each statement has the same ones.
    Ok(Some(format!(
        "INSERT INTO {table} ({names}) SELECT {values} \
         FROM (SELECT {names} FROM {table} WHERE {filter} AND ($1::uuid, $2::text, $3::text) IS NOT NULL) t, \
             generate_series($4::bigint, $5::bigint) AS g(n)"
    )))
}

/// What a column of the n-th copy holds.
fn value(service: &str, table: &str, name: &str, kind: &str) -> String {
    match (table, name, kind) {
        (_, _, "uuid") => format!("md5(t.\"{name}\"::text || g.n)::uuid"),
        ("claim", "claim_number", _) if service == "intake" => "'RD-2025-' || lpad(g.n::text, 9, '0')".to_owned(),
        ("movement", "sku", _) | (_, "order_no" | "tracking_no", _) => format!("t.\"{name}\" || '~' || g.n"),
        // Closed long ago: all have heard of it.
        ("process", "ask_again_at", _) => "NULL".to_owned(),
        ("process", "ask_wait_s", _) => "0".to_owned(),
        // Below every transaction of this server that the relay has not left behind for ever.
        ("journal", "tx", _) => "3".to_owned(),
        ("journal" | "inbox", "at", _) => format!("t.\"{name}\" - interval '40 days'"),
        _ => format!("t.\"{name}\""),
    }
}
