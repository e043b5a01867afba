//! What a batch has changed: one statement for each table.

use std::collections::BTreeMap;

use chassis::{Writes, work};
use jiff_sqlx::{Date, Timestamp, ToSqlx};
use prost::Message;
use proto::codes;
use proto::triage::TriageEvent;
use uuid::Uuid;

use crate::domain::orders::{Order, Recorded};
use crate::domain::{Entry, Item};
use crate::events;
use crate::world::World;
use proto::Word;

/// The newest facts of order lines; rows are taken in one order, so that two batches cannot deadlock.
pub(super) const ORDERS: &str = "\
    INSERT INTO order_line (order_no, sku, line_id, version, customer_ref, quantity, paid_minor, tax_minor, discount_minor, \
        unit_price_minor, currency, kind, purchased_on, delivered_on, warranty_until, repaired_on, recorded_by, recorded_at, order_key, sku_key) \
    SELECT o.order_no, o.sku, o.line_id, o.version, o.customer_ref, o.quantity, o.paid_minor, o.tax_minor, \
        o.discount_minor, o.paid_minor / o.quantity, o.currency, o.kind, o.purchased_on, o.delivered_on, o.warranty_until, o.repaired_on, o.recorded_by, \
        o.recorded_at, o.order_key, o.sku_key \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::int[], $7::bigint[], $8::bigint[], \
        $9::bigint[], $10::text[], $11::smallint[], $12::date[], $13::date[], $14::date[], $15::date[], \
        $16::text[], $17::timestamptz[], $18::text[], $19::text[]) \
        AS o(order_no, sku, line_id, version, customer_ref, quantity, paid_minor, tax_minor, discount_minor, currency, kind, \
        purchased_on, delivered_on, warranty_until, repaired_on, recorded_by, recorded_at, order_key, sku_key) \
    ORDER BY o.order_no, o.sku, o.line_id \
    ON CONFLICT (order_no, sku, line_id) DO UPDATE SET version = EXCLUDED.version, customer_ref = EXCLUDED.customer_ref, \
        quantity = EXCLUDED.quantity, paid_minor = EXCLUDED.paid_minor, tax_minor = EXCLUDED.tax_minor, \
        discount_minor = EXCLUDED.discount_minor, unit_price_minor = EXCLUDED.unit_price_minor, \
        currency = EXCLUDED.currency, kind = EXCLUDED.kind, purchased_on = EXCLUDED.purchased_on, \
        delivered_on = EXCLUDED.delivered_on, \
        warranty_until = EXCLUDED.warranty_until, repaired_on = EXCLUDED.repaired_on, recorded_by = EXCLUDED.recorded_by, recorded_at = EXCLUDED.recorded_at \
        WHERE order_line.version < EXCLUDED.version";

/// A version that is there already was recorded by somebody who was faster.
pub(super) const VERSIONS: &str = "\
    INSERT INTO order_version (order_no, sku, line_id, version, customer_ref, quantity, paid_minor, tax_minor, \
        discount_minor, currency, kind, purchased_on, delivered_on, warranty_until, repaired_on, recorded_by, recorded_at) \
    SELECT order_no, sku, line_id, version, customer_ref, quantity, paid_minor, tax_minor, discount_minor, currency, kind, \
        purchased_on, delivered_on, warranty_until, repaired_on, recorded_by, recorded_at \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::int[], $7::bigint[], $8::bigint[], \
        $9::bigint[], $10::text[], $11::smallint[], $12::date[], $13::date[], $14::date[], $15::date[], \
        $16::text[], $17::timestamptz[]) \
        AS o(order_no, sku, line_id, version, customer_ref, quantity, paid_minor, tax_minor, discount_minor, currency, kind, \
        purchased_on, delivered_on, warranty_until, repaired_on, recorded_by, recorded_at) \
    ORDER BY order_no, sku, line_id, version";

pub(super) const ENTRIES: &str = "\
    INSERT INTO assessment (claim_id, number, version, state, reason, by_person, judged_by, judged_at, category, \
        severity, priority, liability, department, asked, plan, answer) \
    SELECT claim_id, number, version, state, reason, by_person, judged_by, judged_at, category, severity, priority, \
        liability, department, asked, plan, answer \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[], $6::bool[], $7::text[], $8::timestamptz[], \
        $9::smallint[], $10::smallint[], $11::int[], $12::smallint[], $13::smallint[], $14::bytea[], $15::bytea[], \
        $16::bytea[]) \
        AS e(claim_id, number, version, state, reason, by_person, judged_by, judged_at, category, severity, priority, \
        liability, department, asked, plan, answer)";

pub(super) const NEW_ITEMS: &str = "\
    INSERT INTO work_item (work_item_id, claim_id, number, role, reason, urgency, due_at, state, version, opened_at, \
        ended_at, ended_by, note, content, assigned_to, overdue, raised_to, raised_at) \
    SELECT work_item_id, claim_id, number, role, reason, urgency, due_at, state, version, opened_at, ended_at, \
        ended_by, note, content, assigned_to, overdue, raised_to, raised_at \
    FROM UNNEST($9::uuid[], $10::uuid[], $11::int[], $12::smallint[], $13::text[], $14::int[], $15::timestamptz[], \
        $1::text[], $2::bigint[], $16::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::bytea[], $7::text[], \
        $8::bool[], $17::text[], $18::timestamptz[]) \
        AS i(work_item_id, claim_id, number, role, reason, urgency, due_at, state, version, opened_at, ended_at, \
        ended_by, note, content, assigned_to, overdue, raised_to, raised_at)";

/// Only items that are as they were read change.
pub(super) const ITEMS: &str = "\
    UPDATE work_item SET state = i.state, version = i.version, ended_at = i.ended_at, ended_by = i.ended_by, \
        note = i.note, content = i.content, assigned_to = i.assigned_to, overdue = i.overdue, raised_to = i.raised_to, \
        raised_at = i.raised_at \
    FROM UNNEST($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::bool[], \
        $9::uuid[], $10::bigint[], $11::bool[], $12::text[], $13::timestamptz[]) \
        AS i(state, version, ended_at, ended_by, note, content, assigned_to, overdue, work_item_id, was_version, was_overdue, \
        raised_to, raised_at) \
    WHERE work_item.work_item_id = i.work_item_id AND work_item.version = i.was_version \
        AND work_item.overdue = i.was_overdue";

/// Writes what has changed.
pub fn save(writes: &mut Writes, world: &World) {
    save_orders(writes, world);
    save_entries(writes, &world.entries);
    save_items(writes, world);
    work::rows::keep(writes, &world.moved);
}

fn save_orders(writes: &mut Writes, world: &World) {
    if world.versions.is_empty() {
        return;
    }
    let newest: BTreeMap<_, _> = world.versions.iter().map(|recorded| (recorded.order.key(), recorded)).collect();
    let newest: Vec<&Recorded> = newest.into_values().collect();
    let key = |of: fn(&Recorded) -> &String| newest.iter().map(|recorded| codes::key(of(recorded))).collect::<Vec<_>>();
    facts(writes.exactly(newest.len(), ORDERS), &newest)
        .bind(key(|recorded| &recorded.order.order_no))
        .bind(key(|recorded| &recorded.order.sku));
    let all: Vec<&Recorded> = world.versions.iter().collect();
    facts(writes.exactly(all.len(), VERSIONS), &all);
}

/// Versions of order lines, column by column.
fn facts<'w>(writes: &'w mut Writes, all: &[&Recorded]) -> &'w mut Writes {
    let texts = |of: fn(&Order) -> &String| all.iter().map(|recorded| of(&recorded.order).clone()).collect::<Vec<_>>();
    let orders = || all.iter().map(|recorded| &recorded.order);
    let days = |of: fn(&Order) -> Option<jiff::civil::Date>| {
        orders().map(|order| of(order).map(|day| day.to_sqlx())).collect::<Vec<Option<Date>>>()
    };
    writes
        .bind(texts(|order| &order.order_no))
        .bind(texts(|order| &order.sku))
        .bind(texts(|order| &order.line_id))
        .bind(orders().map(|order| signed(order.version)).collect::<Vec<_>>())
        .bind(texts(|order| &order.customer_ref))
        .bind(orders().map(|order| signed(order.quantity)).collect::<Vec<_>>())
        .bind(orders().map(|order| order.paid.minor_units).collect::<Vec<_>>())
        .bind(orders().map(|order| order.tax).collect::<Vec<_>>())
        .bind(orders().map(|order| order.discount).collect::<Vec<_>>())
        .bind(texts(|order| &order.paid.currency))
        .bind(orders().map(|order| small(order.kind.into()).unwrap_or(0)).collect::<Vec<_>>())
        .bind(orders().map(|order| order.purchased_on.to_sqlx()).collect::<Vec<Date>>())
        .bind(days(|order| order.delivered_on))
        .bind(days(|order| order.warranty_until))
        .bind(days(|order| order.repaired_on))
        .bind(all.iter().map(|recorded| recorded.by.clone()).collect::<Vec<_>>())
        .bind(all.iter().map(|recorded| recorded.at.to_sqlx()).collect::<Vec<Timestamp>>())
}

fn save_entries(writes: &mut Writes, entries: &[Entry]) {
    if entries.is_empty() {
        return;
    }
    let word =
        |entry: &Entry, of: fn(&proto::claim::Assessment) -> i32| entry.judgement.as_ref().map(of).and_then(small);
    let answer = |entry: &Entry| {
        let event = TriageEvent { claim_id: entry.claim.to_string(), kind: Some(entry.answer.clone()?) };
        Some(event.encode_to_vec())
    };
    let each = || entries.iter();
    writes
        .exactly(entries.len(), ENTRIES)
        .bind(each().map(|entry| entry.claim.0).collect::<Vec<Uuid>>())
        .bind(each().map(|entry| signed(entry.number)).collect::<Vec<_>>())
        .bind(each().map(|entry| signed(entry.version)).collect::<Vec<_>>())
        .bind(each().map(|entry| entry.state.word()).collect::<Vec<_>>())
        .bind(each().map(|entry| entry.reason.as_str()).collect::<Vec<_>>())
        .bind(each().map(|entry| entry.by_person).collect::<Vec<_>>())
        .bind(each().map(|entry| entry.by.as_str()).collect::<Vec<_>>())
        .bind(each().map(|entry| entry.at.to_sqlx()).collect::<Vec<Timestamp>>())
        .bind(each().map(|entry| word(entry, |j| j.category)).collect::<Vec<_>>())
        .bind(each().map(|entry| word(entry, |j| j.severity)).collect::<Vec<_>>())
        .bind(each().map(|entry| entry.judgement.as_ref().map(|j| signed(j.priority))).collect::<Vec<_>>())
        .bind(each().map(|entry| word(entry, |j| j.liability)).collect::<Vec<_>>())
        .bind(each().map(|entry| word(entry, |j| j.department)).collect::<Vec<_>>())
        .bind(each().map(|entry| entry.asked.as_ref().map(|ask| ask.message.encode_to_vec())).collect::<Vec<_>>())
        .bind(each().map(|entry| entry.plan.as_ref().map(Message::encode_to_vec)).collect::<Vec<_>>())
        .bind(each().map(answer).collect::<Vec<_>>());
}

fn save_items(writes: &mut Writes, world: &World) {
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for ((claim, id), was) in &world.items {
        let Some(item) = world.cases.get(claim).and_then(|case| case.items.get(id)) else { continue };
        match was {
            None => new.push(item),
            Some(was) => changed.push((item, *was)),
        }
    }
    if !new.is_empty() {
        let each = || new.iter().copied();
        state(writes.exactly(new.len(), NEW_ITEMS), &new)
            .bind(each().map(|item| item.work.id).collect::<Vec<Uuid>>())
            .bind(each().map(|item| item.claim.0).collect::<Vec<Uuid>>())
            .bind(each().map(|item| signed(item.number)).collect::<Vec<_>>())
            .bind(each().map(|item| small(item.work.role.into()).unwrap_or(0)).collect::<Vec<_>>())
            .bind(each().map(|item| item.work.reason.as_str()).collect::<Vec<_>>())
            .bind(each().map(|item| 1000 - signed(item.assessment.priority).clamp(0, 1000)).collect::<Vec<_>>())
            .bind(each().map(|item| item.work.due_at.to_sqlx()).collect::<Vec<Timestamp>>())
            .bind(each().map(|item| item.work.opened_at.to_sqlx()).collect::<Vec<Timestamp>>());
        raised(writes, &new);
    }
    if !changed.is_empty() {
        let items: Vec<&Item> = changed.iter().map(|(item, _)| *item).collect();
        state(writes.exactly(items.len(), ITEMS), &items)
            .bind(items.iter().map(|item| item.work.id).collect::<Vec<Uuid>>())
            .bind(changed.iter().map(|(_, (version, _))| *version).collect::<Vec<_>>())
            .bind(changed.iter().map(|(_, (_, overdue))| *overdue).collect::<Vec<_>>());
        raised(writes, &items);
    }
}

/// What changes of an item, column by column.
fn state<'w>(writes: &'w mut Writes, items: &[&Item]) -> &'w mut Writes {
    let works = || items.iter().map(|item| &item.work);
    let ended = || works().map(|work| work.ended.as_ref());
    writes
        .bind(works().map(|work| work.state.word()).collect::<Vec<_>>())
        .bind(works().map(|work| work.version).collect::<Vec<_>>())
        .bind(ended().map(|ended| ended.map(|ended| ended.at.to_sqlx())).collect::<Vec<Option<Timestamp>>>())
        .bind(ended().map(|ended| ended.map(|ended| ended.by.as_str())).collect::<Vec<_>>())
        .bind(ended().map(|ended| ended.map_or("", |ended| ended.note.as_str())).collect::<Vec<_>>())
        .bind(items.iter().map(|item| events::content(item).encode_to_vec()).collect::<Vec<_>>())
        .bind(works().map(|work| work.assigned_to.as_str()).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.overdue).collect::<Vec<_>>())
}

fn raised(writes: &mut Writes, items: &[&Item]) {
    let raised = || items.iter().map(|item| item.work.raised);
    writes
        .bind(raised().map(|raised| raised.map(|(role, _)| role.word())).collect::<Vec<_>>())
        .bind(raised().map(|raised| raised.map(|(_, at)| at.to_sqlx())).collect::<Vec<Option<Timestamp>>>());
}

/// Numbers of ours are far below the limit; the edge and the domain keep them so.
fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn small(word: i32) -> Option<i16> {
    i16::try_from(word).ok()
}
