//! What a batch looks at: by claim, one statement for each table.

use chassis::{Fault, Lock, Tx};
use jiff::tz::TimeZone;
use jiff_sqlx::{Date, ToSqlx};
use proto::{ClaimId, WorkItemId};
use sqlx::Row;
use uuid::Uuid;

use super::row;
use crate::domain::Command;
use crate::domain::ask::Ask;
use crate::domain::orders::Orders;
use crate::handle::World;

/// The claim of a work item never changes: it can be read before the claim is locked.
pub(super) const ITEM_CLAIMS: &str = "SELECT work_item_id, claim_id FROM work_item WHERE work_item_id = ANY($1)";

/// Assessments are only ever added, so there is no row to lock: claims are locked by name, in one order.
pub(super) const LOCK: &str = "\
    SELECT count(pg_advisory_xact_lock(k.key)) FROM (\
        SELECT DISTINCT hashtextextended(c.claim_id::text, 1) AS key FROM UNNEST($1::uuid[]) AS c(claim_id) ORDER BY key\
    ) AS k";

pub(super) const ENTRIES: &str = "\
    SELECT DISTINCT ON (claim_id, number) claim_id, number, version, state, reason, by_person, judged_by, judged_at, \
        category, severity, priority, liability, department, asked, plan, answer \
    FROM assessment WHERE claim_id = ANY($1) ORDER BY claim_id, number, version DESC";

macro_rules! items {
    () => {
        "SELECT work_item_id, claim_id, number, role, reason, due_at, state, version, opened_at, ended_at, ended_by, note, \
             content \
         FROM work_item WHERE claim_id = ANY($1) ORDER BY work_item_id"
    };
}

pub(super) const ITEMS: &str = items!();
pub(super) const LOCK_ITEMS: &str = concat!(items!(), " FOR UPDATE");

pub(super) const ORDERS_BY_NUMBER: &str = "\
    SELECT DISTINCT o.order_no, o.sku, o.customer_ref, o.quantity, o.unit_price_minor, o.currency, o.purchased_on, \
        o.delivered_on, o.warranty_until, o.repaired_on \
    FROM UNNEST($1::text[], $2::text[]) AS k(order_no, sku) JOIN order_line AS o USING (order_no, sku)";

/// The one purchase that `Orders::find` would choose from all of them.
pub(super) const ORDERS_BY_CUSTOMER: &str = "\
    SELECT o.order_no, o.sku, o.customer_ref, o.quantity, o.unit_price_minor, o.currency, o.purchased_on, \
        o.delivered_on, o.warranty_until, o.repaired_on \
    FROM UNNEST($1::text[], $2::text[], $3::date[], $4::int[]) AS k(customer_ref, sku, latest, quantity) \
    CROSS JOIN LATERAL (\
        SELECT l.order_no, l.sku, l.customer_ref, l.quantity, l.unit_price_minor, l.currency, l.purchased_on, \
            l.delivered_on, l.warranty_until, l.repaired_on \
        FROM order_line AS l \
        WHERE l.customer_ref = k.customer_ref AND l.sku = k.sku AND l.purchased_on <= k.latest \
        ORDER BY (l.quantity >= k.quantity) DESC, l.purchased_on DESC, l.order_no COLLATE \"C\" DESC LIMIT 1\
    ) AS o";

/// Reads what the commands are about.
pub async fn load(tx: &mut Tx, lock: Lock, zone: &TimeZone, commands: &[&Command]) -> Result<World, Fault> {
    let mut world = World::default();
    let mut claims = Vec::new();
    let mut decided = Vec::new();
    for command in commands {
        match command {
            Command::RecordOrders { .. } => {}
            // Most often it is the first that is heard of a claim. If it is not, it cannot be written as a new one.
            Command::Assess(ask) if ask.assessment() == 1 && lock == Lock::Nothing => {}
            Command::Assess(ask) => claims.push(ask.claim.0),
            Command::Cancel { claim, .. } => claims.push(claim.0),
            Command::Decide { item, .. } => decided.push(item.0),
        }
    }
    if !decided.is_empty() {
        for row in sqlx::query(ITEM_CLAIMS).bind(&decided).fetch_all(&mut *tx).await? {
            let claim: Uuid = row.try_get("claim_id")?;
            world.claim_of.insert(WorkItemId(row.try_get("work_item_id")?), ClaimId(claim));
            claims.push(claim);
        }
    }
    if !claims.is_empty() {
        cases(tx, lock, &claims, &mut world).await?;
    }
    world.orders = orders(tx, zone, &asks(commands, &world)).await?;
    Ok(world)
}

async fn cases(tx: &mut Tx, lock: Lock, claims: &[Uuid], world: &mut World) -> Result<(), Fault> {
    if lock == Lock::Rows {
        sqlx::query(LOCK).bind(claims).execute(&mut *tx).await?;
    }
    for row in sqlx::query(ENTRIES).bind(claims).fetch_all(&mut *tx).await? {
        let entry = row::entry(&row)?;
        world.cases.entry(entry.claim).or_default().entries.insert(entry.number, entry);
    }
    for row in sqlx::query(lock.pick(LOCK_ITEMS, ITEMS)).bind(claims).fetch_all(&mut *tx).await? {
        let item = row::item(&row)?;
        world.cases.entry(item.claim).or_default().items.insert(item.id, item);
    }
    Ok(())
}

/// What is asked by the commands, and what was asked where a person decides.
fn asks<'a>(commands: &[&'a Command], world: &'a World) -> Vec<&'a Ask> {
    let stored = |item: &WorkItemId| {
        let case = world.cases.get(world.claim_of.get(item)?)?;
        case.entries.get(&case.items.get(item)?.number)?.asked.as_ref()
    };
    let ask = |command: &&'a Command| match command {
        Command::Assess(ask) => Some(&**ask),
        Command::Decide { item, .. } => stored(item),
        Command::RecordOrders { .. } | Command::Cancel { .. } => None,
    };
    commands.iter().filter_map(ask).collect()
}

async fn orders(tx: &mut Tx, zone: &TimeZone, asks: &[&Ask]) -> Result<Orders, Fault> {
    let (mut numbers, mut skus) = (Vec::new(), Vec::new());
    let (mut customers, mut bought, mut latest, mut quantities) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for ask in asks {
        let claimed_on = ask.claimed_on(zone);
        for line in &ask.lines {
            if !line.order_no.is_empty() {
                numbers.push(line.order_no.as_str());
                skus.push(line.sku.as_str());
            } else if !ask.customer_ref().is_empty() {
                customers.push(ask.customer_ref());
                bought.push(line.sku.as_str());
                let day: Date = line.occurred_on.map_or(claimed_on, |day| day.min(claimed_on)).to_sqlx();
                latest.push(day);
                quantities.push(i32::try_from(line.quantity).unwrap_or(i32::MAX));
            }
        }
    }
    let mut orders = Orders::default();
    if !numbers.is_empty() {
        for row in sqlx::query(ORDERS_BY_NUMBER).bind(&numbers).bind(&skus).fetch_all(&mut *tx).await? {
            orders.record(row::order(&row)?);
        }
    }
    if !customers.is_empty() {
        let found = sqlx::query(ORDERS_BY_CUSTOMER).bind(&customers).bind(&bought).bind(&latest).bind(&quantities);
        for row in found.fetch_all(&mut *tx).await? {
            orders.record(row::order(&row)?);
        }
    }
    Ok(orders)
}
