//! What a batch needs, locked: one statement per table.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Fault, Lock, Tx};
use sqlx::{FromRow, Row};
use uuid::Uuid;

use super::keys::KeyRow;
use super::rows::{self, ClaimRow, Claims, claim_columns};
use super::{brought, customers, files};
use crate::domain::{Action, Command, Recent};
use crate::handle::{CustomerEntry, Entry, World};

/// As many counts as the batch has new claims, and what their customers have reported lately: the newest claims, not all of
/// a customer who reports without end. Ids are made from the time.
macro_rules! counts_and_recent {
    () => {
        "SELECT nextval('claim_number') AS count, NULL::uuid AS key_id, NULL::text AS customer_ref, \
             NULL::text AS kek, NULL::bytea AS wrapped, NULL::text AS claim_number, NULL::text AS order_no, \
             NULL::text AS sku FROM generate_series(1, $1) \
         UNION ALL SELECT NULL, NULL, reporting.customer_ref, NULL, NULL, known.claim_number, l.order_no, l.sku \
             FROM UNNEST($2::text[]) AS reporting (customer_ref) \
             CROSS JOIN LATERAL (SELECT claim_id, claim_number FROM claim \
                 WHERE claim.customer_ref = reporting.customer_ref AND claim_id > $3 AND state NOT IN (12, 13) \
                 ORDER BY claim_id DESC LIMIT 50) AS known \
             CROSS JOIN LATERAL (SELECT order_no, sku FROM claim_line WHERE claim_id = known.claim_id OFFSET 0) AS l"
    };
}

pub(super) const COUNTS_AND_RECENT: &str = counts_and_recent!();

/// The same, and the keys of those customers: one round trip.
pub(super) const COUNTS_RECENT_AND_KEYS: &str = concat!(
    counts_and_recent!(),
    " UNION ALL SELECT NULL, key_id, customer_ref, kek, wrapped, NULL, NULL, NULL FROM customer_key \
         WHERE customer_ref = ANY($2) AND wrapped IS NOT NULL"
);

macro_rules! claims {
    ($asked: literal) => {
        concat!(
            "SELECT ",
            claim_columns!(),
            ", ",
            $asked,
            " AS asked FROM claim WHERE claim_id = ANY($1) ORDER BY claim_id"
        )
    };
}

/// With whether anything was ever asked about it: most often nothing was.
pub(super) const READ_CLAIMS: &str = claims!("EXISTS (SELECT FROM question q WHERE q.claim_id = claim.claim_id)");
/// Always in the order of ids, so that two replicas cannot deadlock. What was asked is looked at when the lock is there.
pub(super) const LOCK_CLAIMS: &str = concat!(claims!("true"), " FOR UPDATE");

/// Since when things count.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    /// When the day of a customer's quota begins.
    pub day: jiff::Timestamp,
    /// When the time begins in which a report may be a duplicate.
    pub recent: jiff::Timestamp,
}

/// Loads what the commands are about. The rows of a claim's other tables are guarded by the lock or the version of its own
/// row.
pub async fn load(tx: &mut Tx, lock: Lock, commands: &[&Command], since: Since) -> Result<World, Fault> {
    let mut submits = 0_i32;
    let mut reporting = BTreeSet::new();
    let mut ids = BTreeSet::new();
    // Only callers get the whole claim back; most commands of the orchestrator need no lines.
    let mut whole = BTreeSet::new();
    let mut with_files = BTreeSet::new();
    let mut of_customers = BTreeSet::new();
    let mut bringing = BTreeSet::new();
    for command in commands {
        match command {
            Command::Submit { report, own, .. } => {
                submits += 1;
                reporting.insert(report.customer_ref.as_str());
                if *own {
                    bringing.insert(report.customer_ref.clone());
                }
            }
            Command::Tell { .. } => {}
            Command::Customer { customer_ref, .. } => {
                of_customers.insert(customer_ref.clone());
            }
            Command::Act { claim, action } => {
                ids.insert(claim.0);
                ids.extend(action.other().map(|other| other.0));
                if action.is_call() {
                    whole.insert(claim.0);
                }
                if let Action::KeepFile { file } = action {
                    with_files.insert(claim.0);
                    bringing.extend(file.own.clone());
                }
            }
        }
    }
    let mut world = World { lock, day_begins: since.day, ..World::default() };
    if submits > 0 {
        for_reports(tx, &mut world, submits, Vec::from_iter(reporting), since.recent).await?;
    }
    let mut claims = claims(tx, lock, ids, whole).await?;
    if !with_files.is_empty() {
        files::add(tx, &mut claims, &with_files).await?;
    }
    if !bringing.is_empty() {
        world.brought = brought::lock(tx, Vec::from_iter(bringing), since.day).await?;
    }
    // After the claims: whoever seals for a customer locks the key last, too.
    if !of_customers.is_empty() {
        let customers = customers::lock(tx, &Vec::from_iter(of_customers)).await?;
        let entry = |customer: crate::domain::Customer| CustomerEntry { before: customer.clone(), now: customer };
        world.customers = customers.into_iter().map(|(name, customer)| (name, entry(customer))).collect();
    }
    let entry = |claim: crate::domain::Claim| Entry { before: Some(claim.clone()), now: claim };
    world.claims = claims.into_iter().map(|(id, claim)| (id, entry(claim))).collect();
    Ok(world)
}

/// What new claims need. Keys are read here only where they are looked at again when they are used.
async fn for_reports(
    tx: &mut Tx,
    world: &mut World,
    submits: i32,
    customers: Vec<&str>,
    since: jiff::Timestamp,
) -> Result<(), Fault> {
    let statement = world.lock.pick(COUNTS_AND_RECENT, COUNTS_RECENT_AND_KEYS);
    let query = sqlx::query(statement).bind(submits).bind(customers).bind(first_id(since));
    for row in query.fetch_all(tx).await? {
        if let Some(count) = row.try_get::<Option<i64>, _>("count")? {
            world.counts.push_back(count);
        } else if let Some(number) = row.try_get::<Option<String>, _>("claim_number")? {
            let recent = Recent { number, order_no: row.try_get("order_no")?, sku: row.try_get("sku")? };
            world.recent.entry(row.try_get("customer_ref")?).or_default().push(recent);
        } else {
            world.keys.push(KeyRow::from_row(&row)?.into());
        }
    }
    Ok(())
}

/// Ids that are made from a time or later are greater.
fn first_id(since: jiff::Timestamp) -> Uuid {
    let milliseconds = u128::try_from(since.as_millisecond()).unwrap_or(0);
    Uuid::from_u128(milliseconds << 80)
}

async fn claims(tx: &mut Tx, lock: Lock, ids: BTreeSet<Uuid>, whole: BTreeSet<Uuid>) -> Result<Claims, Fault> {
    let mut claims = BTreeMap::new();
    if ids.is_empty() {
        return Ok(claims);
    }
    let (ids, whole) = (Vec::from_iter(ids), Vec::from_iter(whole));
    let (mut asked, mut contacted) = (Vec::new(), Vec::new());
    for row in sqlx::query(lock.pick(LOCK_CLAIMS, READ_CLAIMS)).bind(&ids).fetch_all(&mut *tx).await? {
        let claim = ClaimRow::from_row(&row)?;
        let was_contacted = claim.was_contacted();
        let claim = claim.claim()?;
        contacted.extend(was_contacted.then_some(claim.id.0));
        if row.try_get("asked")? {
            asked.push(claim.id.0);
        }
        claims.insert(claim.id, claim);
    }
    if !asked.is_empty() {
        rows::add_questions(tx, &mut claims, &asked).await?;
    }
    rows::add_contacts(tx, &mut claims, &contacted).await?;
    if !whole.is_empty() {
        rows::add_report(tx, &mut claims, &whole).await?;
    }
    Ok(claims)
}
