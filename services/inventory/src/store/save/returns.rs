//! Writes returns, their receipts, and what waits for a disposition.

use chassis::Writes;

use super::super::reads::UNSAID;
use super::super::{JobColumns, instant, signed};
use crate::domain::{Job, Return, ReturnReason};
use crate::world::{Loaded, Receipted};

pub(in crate::store) const RETURNS_NEW: &str = "\
    INSERT INTO goods_return (claim_id, round, line, attempt, accepted, damaged, wrong_item, unsalable, not_as_claimed, \
        missing, excess, other_sku, state, version, sku, batch, announced, reason) \
    SELECT claim_id, round, line, attempt, accepted, damaged, wrong_item, unsalable, not_as_claimed, \
        missing, excess, other_sku, state, version, sku, batch, announced, reason \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[], \
        $10::int[], $11::int[], $12::text[], $13::text[], $14::bigint[], $15::text[], $16::text[], $17::int[], \
        $18::text[]) \
        AS n(claim_id, round, line, attempt, accepted, damaged, wrong_item, unsalable, not_as_claimed, \
        missing, excess, other_sku, state, version, sku, batch, announced, reason) \
    ORDER BY claim_id, round, line, attempt";

pub(in crate::store) const RETURNS_CHANGED: &str = "\
    UPDATE goods_return g SET accepted = n.accepted, damaged = n.damaged, wrong_item = n.wrong_item, \
        unsalable = n.unsalable, not_as_claimed = n.not_as_claimed, missing = n.missing, excess = n.excess, \
        other_sku = n.other_sku, state = n.state, version = n.version \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[], \
        $10::int[], $11::int[], $12::text[], $13::text[], $14::bigint[], $15::bigint[]) \
        AS n(claim_id, round, line, attempt, accepted, damaged, wrong_item, unsalable, not_as_claimed, \
        missing, excess, other_sku, state, version, was) \
    WHERE g.claim_id = n.claim_id AND g.round = n.round AND g.line = n.line AND g.attempt = n.attempt \
        AND g.version = n.was";

pub(in crate::store) const RECEIPTS: &str = "\
    INSERT INTO return_receipt (claim_id, round, line, attempt, version, warehouse, accepted, damaged, wrong_item, \
        unsalable, not_as_claimed, other_sku, is_last, actor, received_at) \
    SELECT claim_id, round, line, attempt, version, warehouse, accepted, damaged, wrong_item, \
        unsalable, not_as_claimed, other_sku, is_last, actor, received_at \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::bigint[], $6::text[], $7::int[], $8::int[], $9::int[], \
        $10::int[], $11::int[], $12::text[], $13::bool[], $14::text[], $15::timestamptz[]) \
        AS n(claim_id, round, line, attempt, version, warehouse, accepted, damaged, wrong_item, \
        unsalable, not_as_claimed, other_sku, is_last, actor, received_at)";

pub(in crate::store) const WAITING: &str = "\
    INSERT INTO return_waiting (claim_id, round, line, attempt, warehouse, damaged, wrong_item) \
    SELECT claim_id, round, line, attempt, warehouse, damaged, wrong_item \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[], $6::int[], $7::int[]) \
        AS n(claim_id, round, line, attempt, warehouse, damaged, wrong_item) \
    ON CONFLICT (claim_id, round, line, attempt, warehouse) \
        DO UPDATE SET damaged = EXCLUDED.damaged, wrong_item = EXCLUDED.wrong_item";

#[derive(Default)]
struct ReturnColumns {
    jobs: JobColumns,
    accepted: Vec<i32>,
    damaged: Vec<i32>,
    wrong_item: Vec<i32>,
    unsalable: Vec<i32>,
    not_as_claimed: Vec<i32>,
    missing: Vec<i32>,
    excess: Vec<i32>,
    other_sku: Vec<String>,
    state: Vec<&'static str>,
    version: Vec<i64>,
    was: Vec<i64>,
    sku: Vec<String>,
    batch: Vec<String>,
    announced: Vec<i32>,
    reason: Vec<&'static str>,
}

pub(super) fn returns<'a>(writes: &mut Writes, loaded: &Loaded, returns: impl Iterator<Item = (&'a Job, &'a Return)>) {
    let (mut new, mut changed) = (ReturnColumns::default(), ReturnColumns::default());
    for (job, known) in returns {
        let was = loaded.returns.get(job);
        let columns = if was.is_some() { &mut changed } else { &mut new };
        columns.jobs.push(job);
        columns.accepted.push(signed(known.accepted));
        columns.damaged.push(signed(known.damaged));
        columns.wrong_item.push(signed(known.wrong_item));
        columns.unsalable.push(signed(known.unsalable));
        columns.not_as_claimed.push(signed(known.not_as_claimed));
        columns.missing.push(signed(known.missing()));
        columns.excess.push(signed(known.excess()));
        columns.other_sku.push(known.other_sku.clone());
        columns.state.push(known.state.word());
        columns.version.push(known.version);
        columns.was.extend(was);
        columns.sku.push(known.sku.clone());
        columns.batch.push(known.batch.clone());
        columns.announced.push(signed(known.announced));
        columns.reason.push(known.reason.map_or(UNSAID, ReturnReason::word));
    }
    for (statement, columns, is_new) in [(RETURNS_NEW, new, true), (RETURNS_CHANGED, changed, false)] {
        let rows = columns.version.len();
        if rows == 0 {
            continue;
        }
        let JobColumns { claim, round, line, attempt } = columns.jobs;
        writes.exactly(rows, statement).bind(claim).bind(round).bind(line).bind(attempt);
        writes.bind(columns.accepted).bind(columns.damaged).bind(columns.wrong_item);
        writes.bind(columns.unsalable).bind(columns.not_as_claimed).bind(columns.missing).bind(columns.excess);
        writes.bind(columns.other_sku).bind(columns.state).bind(columns.version);
        if is_new {
            writes.bind(columns.sku).bind(columns.batch).bind(columns.announced).bind(columns.reason);
        } else {
            writes.bind(columns.was);
        }
    }
}

pub(super) fn receipts(writes: &mut Writes, receipts: &[Receipted]) {
    if receipts.is_empty() {
        return;
    }
    let JobColumns { claim, round, line, attempt } = receipts.iter().map(|it| &it.job).collect();
    let units = |pick: fn(&Receipted) -> u32| -> Vec<i32> { receipts.iter().map(|it| signed(pick(it))).collect() };
    writes.exactly(receipts.len(), RECEIPTS).bind(claim).bind(round).bind(line).bind(attempt);
    writes.bind(receipts.iter().map(|it| it.version).collect::<Vec<_>>());
    writes.bind(receipts.iter().map(|it| it.receipt.warehouse.as_str()).collect::<Vec<_>>());
    writes.bind(units(|it| it.receipt.accepted)).bind(units(|it| it.receipt.damaged));
    writes.bind(units(|it| it.receipt.wrong_item)).bind(units(|it| it.receipt.unsalable));
    writes.bind(units(|it| it.receipt.not_as_claimed));
    writes.bind(receipts.iter().map(|it| it.receipt.other_sku.as_str()).collect::<Vec<_>>());
    writes.bind(receipts.iter().map(|it| it.receipt.last).collect::<Vec<_>>());
    writes.bind(receipts.iter().map(|it| it.actor.as_str()).collect::<Vec<_>>());
    writes.bind(receipts.iter().map(|it| instant(it.at)).collect::<Vec<_>>());
}

pub(super) fn waiting<'a>(writes: &mut Writes, returns: impl Iterator<Item = (&'a Job, &'a Return)>) {
    let (mut jobs, mut warehouses) = (JobColumns::default(), Vec::new());
    let (mut own, mut wrong_item) = (Vec::new(), Vec::new());
    for (job, known) in returns {
        for (warehouse, waiting) in &known.waiting {
            jobs.push(job);
            warehouses.push(warehouse.as_str());
            own.push(signed(waiting.own));
            wrong_item.push(signed(waiting.wrong_item));
        }
    }
    if jobs.is_empty() {
        return;
    }
    writes.add(WAITING).bind(jobs.claim).bind(jobs.round).bind(jobs.line).bind(jobs.attempt);
    writes.bind(warehouses).bind(own).bind(wrong_item);
}
