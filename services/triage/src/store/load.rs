//! What a batch looks at: by claim, one statement for each table.

use chassis::{Fault, Lock, Tx};
use jiff_sqlx::{Date, ToSqlx};
use proto::claim::Money;
use proto::policy::Packs;
use proto::{ClaimId, codes};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::row;
use crate::domain::Command;
use crate::domain::ask::Ask;
use crate::domain::fee;
use crate::domain::orders::{Order, Orders};
use crate::world::World;

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
             content, assigned_to, overdue, raised_to, raised_at \
         FROM work_item WHERE claim_id = ANY($1) ORDER BY work_item_id"
    };
}

pub(super) const ITEMS: &str = items!();
pub(super) const LOCK_ITEMS: &str = concat!(items!(), " FOR UPDATE");

macro_rules! facts {
    () => {
        "o.order_no, o.sku, o.line_id, o.version, o.customer_ref, o.quantity, o.paid_minor, o.tax_minor, o.discount_minor, \
            o.currency, o.kind, o.purchased_on, o.delivered_on, o.warranty_until, o.repaired_on"
    };
}

/// Of one article and order number, however they are spelled: the customer's, and those that were sold to nobody known.
pub(super) const ORDERS_BY_NUMBER: &str = concat!(
    "SELECT DISTINCT ",
    facts!(),
    " FROM UNNEST($1::text[], $2::text[], $3::text[]) AS k(order_key, sku_key, customer_ref) JOIN order_line AS o \
        ON o.order_key = k.order_key AND o.sku_key = k.sku_key AND o.customer_ref IN (k.customer_ref, '')"
);

/// Of one order number, whatever was bought.
pub(super) const ORDERS_WHOLE: &str = concat!(
    "SELECT DISTINCT ",
    facts!(),
    " FROM UNNEST($1::text[], $2::text[]) AS k(order_key, customer_ref) JOIN order_line AS o \
        ON o.order_key = k.order_key AND o.customer_ref IN (k.customer_ref, '')"
);

/// The purchases among which `Stock::take` chooses: those that have all units first, then the newest.
pub(super) const ORDERS_BY_CUSTOMER: &str = concat!(
    "SELECT DISTINCT ",
    facts!(),
    " FROM UNNEST($1::text[], $2::text[], $3::date[], $4::int[], $5::bigint[]) \
        AS k(customer_ref, sku_key, latest, quantity, most) \
    CROSS JOIN LATERAL (\
        SELECT * FROM order_line AS l \
        WHERE l.customer_ref = k.customer_ref AND l.sku_key = k.sku_key AND l.purchased_on <= k.latest \
        ORDER BY (l.quantity >= k.quantity) DESC, l.purchased_on DESC, l.order_no COLLATE \"C\" DESC LIMIT k.most\
    ) AS o"
);

/// Order lines that facts are recorded of.
pub(super) const ORDERS_BY_NAME: &str = concat!(
    "SELECT DISTINCT ",
    facts!(),
    " FROM UNNEST($1::text[], $2::text[], $3::text[]) AS k(order_no, sku, line_id) \
        JOIN order_line AS o USING (order_no, sku, line_id)"
);

/// What articles were sold for at most, in each currency: who makes a price up does not decide what it is worth.
pub(super) const DEAREST: &str = "\
    SELECT DISTINCT ON (sku_key, currency) sku_key, currency, purchased_on, \
        ceil(paid_minor::numeric / quantity)::bigint AS price_minor \
    FROM order_line WHERE sku_key = ANY($1) ORDER BY sku_key, currency, price_minor DESC";

/// Versions are only ever added: orders are locked by number, in one order.
pub(super) const LOCK_ORDERS: &str = "\
    SELECT count(pg_advisory_xact_lock(k.key)) FROM (\
        SELECT DISTINCT hashtextextended(o.order_no, 2) AS key FROM UNNEST($1::text[]) AS o(order_no) ORDER BY key\
    ) AS k";

/// Purchases of one article that are looked at, besides those of which it is known what is left.
const PURCHASES_MAX: i64 = 20;

/// Reads what the commands are about.
pub async fn load(tx: &mut Tx, lock: Lock, packs: &Packs, commands: &[&Command]) -> Result<World, Fault> {
    let mut world = World::default();
    let mut claims = Vec::new();
    let (mut decided, mut named) = (Vec::new(), Vec::new());
    for command in commands {
        match command {
            Command::RecordOrders { .. } => {}
            // Most often it is the first that is heard of a claim. If it is not, it cannot be written as a new one.
            Command::Assess(ask) if ask.assessment() == 1 && lock == Lock::Nothing => {}
            Command::Assess(ask) => claims.push(ask.claim.0),
            Command::Cancel { claim, .. } => claims.push(claim.0),
            Command::Decide { item, .. } => decided.push(*item),
            Command::Work(asked) => named.push(asked.item),
            Command::Overdue(item) => named.push(*item),
        }
    }
    named.extend(&decided);
    if !named.is_empty() {
        for row in sqlx::query(ITEM_CLAIMS).bind(&named).fetch_all(&mut *tx).await? {
            let claim: Uuid = row.try_get("claim_id")?;
            world.claim_of.insert(row.try_get("work_item_id")?, ClaimId(claim));
            claims.push(claim);
        }
    }
    if !claims.is_empty() {
        cases(tx, lock, &claims, &mut world).await?;
    }
    world.orders = orders(tx, packs, &asks(commands, &world)).await?;
    if !decided.is_empty() {
        let asks = asks(commands, &world);
        let skus: Vec<_> = asks.iter().flat_map(|ask| &ask.lines).map(|line| codes::key(&line.sku)).collect();
        dearest(tx, &skus, &mut world.orders).await?;
    }
    known(tx, lock, commands, &mut world.orders).await?;
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
        world.cases.entry(item.claim).or_default().items.insert(item.work.id, item);
    }
    Ok(())
}

/// What is asked by the commands, and what was asked where a person decides.
fn asks<'a>(commands: &[&'a Command], world: &'a World) -> Vec<&'a Ask> {
    let stored = |item: &Uuid| world.cases.get(world.claim_of.get(item)?)?.asked(*item);
    let ask = |command: &&'a Command| match command {
        Command::Assess(ask) => Some(&**ask),
        Command::Decide { item, .. } => stored(item),
        Command::RecordOrders { .. } | Command::Cancel { .. } | Command::Work(_) | Command::Overdue(_) => None,
    };
    commands.iter().filter_map(ask).collect()
}

async fn orders(tx: &mut Tx, packs: &Packs, asks: &[&Ask]) -> Result<Orders, Fault> {
    let (mut numbers, mut skus, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut customers, mut bought, mut latest, mut quantities) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut most, mut whole, mut whose) = (Vec::new(), Vec::new(), Vec::new());
    for ask in asks {
        let claimed_on = ask.claimed_on(packs.zone());
        for line in &ask.lines {
            if !line.order_no.is_empty() {
                numbers.push(codes::key(&line.order_no));
                skus.push(codes::key(&line.sku));
                theirs.push(ask.customer_ref());
            } else if !ask.customer_ref().is_empty() {
                customers.push(ask.customer_ref());
                bought.push(codes::key(&line.sku));
                let day: Date = line.occurred_on.map_or(claimed_on, |day| day.min(claimed_on)).to_sqlx();
                latest.push(day);
                quantities.push(i32::try_from(line.quantity).unwrap_or(i32::MAX));
                most.push(PURCHASES_MAX + i64::try_from(ask.message.left.len()).unwrap_or(0));
            }
            if line.may_be_a_part() {
                whole.push(codes::key(&line.order_no));
                whose.push(ask.customer_ref().to_owned());
            }
        }
    }
    let mut orders = Orders::default();
    if !numbers.is_empty() {
        let found = sqlx::query(ORDERS_BY_NUMBER).bind(&numbers).bind(&skus).bind(&theirs);
        record(&mut orders, &found.fetch_all(&mut *tx).await?)?;
    }
    if !customers.is_empty() {
        let found = sqlx::query(ORDERS_BY_CUSTOMER).bind(&customers).bind(&bought).bind(&latest).bind(&quantities);
        record(&mut orders, &found.bind(&most).fetch_all(&mut *tx).await?)?;
    }
    // What was paid for a delivery goes back with the whole order.
    let rules: Vec<_> = asks.iter().map(|ask| &packs.nearest(ask.message.policy_version).triage).collect();
    for fee in orders.all().filter(|order| rules.iter().any(|rules| fee::is_fee(rules, order))) {
        whole.push(codes::key(&fee.order_no));
        whose.push(fee.customer_ref.clone());
    }
    if !whole.is_empty() {
        record(&mut orders, &sqlx::query(ORDERS_WHOLE).bind(&whole).bind(&whose).fetch_all(&mut *tx).await?)?;
    }
    Ok(orders)
}

async fn dearest(tx: &mut Tx, skus: &[String], orders: &mut Orders) -> Result<(), Fault> {
    for row in sqlx::query(DEAREST).bind(skus).fetch_all(tx).await? {
        let price = Money { minor_units: row.try_get("price_minor")?, currency: row.try_get("currency")? };
        let on: Date = row.try_get("purchased_on")?;
        orders.record_dearest(row.try_get("sku_key")?, price, on.to_jiff());
    }
    Ok(())
}

/// What is known of the order lines that are recorded.
async fn known(tx: &mut Tx, lock: Lock, commands: &[&Command], orders: &mut Orders) -> Result<(), Fault> {
    let said: Vec<_> = commands
        .iter()
        .filter_map(|command| match command {
            Command::RecordOrders { orders, .. } => Some(orders),
            Command::Assess(_)
            | Command::Cancel { .. }
            | Command::Decide { .. }
            | Command::Work(_)
            | Command::Overdue(_) => None,
        })
        .flatten()
        .collect();
    if said.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&Order) -> &String| said.iter().map(|order| of(order).as_str()).collect::<Vec<_>>();
    let numbers = texts(|order| &order.order_no);
    if lock == Lock::Rows {
        sqlx::query(LOCK_ORDERS).bind(&numbers).execute(&mut *tx).await?;
    }
    let found = sqlx::query(ORDERS_BY_NAME).bind(&numbers).bind(texts(|order| &order.sku));
    record(orders, &found.bind(texts(|order| &order.line_id)).fetch_all(&mut *tx).await?)
}

fn record(orders: &mut Orders, rows: &[PgRow]) -> Result<(), Fault> {
    for row in rows {
        orders.record(row::order(row)?);
    }
    Ok(())
}
