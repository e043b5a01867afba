//! Writes reservations and what they hold.

use chassis::Writes;
use jiff_sqlx::ToSqlx;

use super::super::{JobColumns, PlaceColumns, instant, signed};
use crate::domain::{Job, Reservation};
use crate::world::Loaded;

pub(in crate::store) const RESERVATIONS_NEW: &str = "\
    INSERT INTO reservation (claim_id, round, line, attempt, state, held, commit, expires_at, expected_on, version, \
        sku, batch, batch_rule, wanted, queued_at, policy_version) \
    SELECT claim_id, round, line, attempt, state, held, commit, expires_at, expected_on, version, \
        sku, batch, batch_rule, wanted, queued_at, policy_version \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[], $6::int[], $7::bool[], $8::timestamptz[], \
        $9::date[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::int[], $15::timestamptz[], \
        $16::int[]) \
        AS n(claim_id, round, line, attempt, state, held, commit, expires_at, expected_on, version, \
        sku, batch, batch_rule, wanted, queued_at, policy_version) \
    ORDER BY queued_at, claim_id, round, line, attempt";

pub(in crate::store) const RESERVATIONS_CHANGED: &str = "\
    UPDATE reservation r SET state = n.state, held = n.held, commit = n.commit, expires_at = n.expires_at, \
        expected_on = n.expected_on, version = n.version \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[], $6::int[], $7::bool[], $8::timestamptz[], \
        $9::date[], $10::bigint[], $11::bigint[]) \
        AS n(claim_id, round, line, attempt, state, held, commit, expires_at, expected_on, version, was) \
    WHERE r.claim_id = n.claim_id AND r.round = n.round AND r.line = n.line AND r.attempt = n.attempt \
        AND r.version = n.was";

pub(in crate::store) const ALLOCATIONS_GONE: &str = "\
    DELETE FROM allocation a USING UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) \
        AS j(claim_id, round, line, attempt) \
    WHERE a.claim_id = j.claim_id AND a.round = j.round AND a.line = j.line AND a.attempt = j.attempt";

pub(in crate::store) const ALLOCATIONS_NEW: &str = "\
    INSERT INTO allocation (claim_id, round, line, attempt, sku, batch, warehouse, zone, quantity) \
    SELECT claim_id, round, line, attempt, sku, batch, warehouse, zone, quantity \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[]) \
        AS n(claim_id, round, line, attempt, sku, batch, warehouse, zone, quantity)";

#[derive(Default)]
struct ReservationColumns {
    jobs: JobColumns,
    state: Vec<&'static str>,
    held: Vec<i32>,
    commit: Vec<bool>,
    expires_at: Vec<Option<jiff_sqlx::Timestamp>>,
    expected_on: Vec<Option<jiff_sqlx::Date>>,
    version: Vec<i64>,
    was: Vec<i64>,
    sku: Vec<String>,
    batch: Vec<String>,
    rule: Vec<&'static str>,
    wanted: Vec<i32>,
    queued_at: Vec<jiff_sqlx::Timestamp>,
    policy_version: Vec<i32>,
}

pub(super) fn reservations<'a>(
    writes: &mut Writes,
    loaded: &Loaded,
    reservations: impl Iterator<Item = (&'a Job, &'a Reservation)>,
) {
    let (mut new, mut changed) = (ReservationColumns::default(), ReservationColumns::default());
    let (mut holders, mut places, mut quantities) = (JobColumns::default(), PlaceColumns::default(), Vec::new());
    for (job, reservation) in reservations {
        let was = loaded.reservations.get(job);
        let columns = if was.is_some() { &mut changed } else { &mut new };
        columns.jobs.push(job);
        columns.state.push(reservation.state.word());
        columns.held.push(signed(reservation.held()));
        columns.commit.push(reservation.commit);
        columns.expires_at.push(reservation.expires_at.map(instant));
        columns.expected_on.push(reservation.expected_on.map(|day| day.to_sqlx()));
        columns.version.push(reservation.version);
        columns.was.extend(was);
        columns.sku.push(reservation.sku.clone());
        columns.batch.push(reservation.batch.clone());
        columns.rule.push(reservation.rule.word());
        columns.wanted.push(signed(reservation.wanted));
        columns.queued_at.push(instant(reservation.queued_at));
        columns.policy_version.push(signed(reservation.policy_version));
        for (place, units) in &reservation.allocations {
            holders.push(job);
            places.push(place);
            quantities.push(signed(*units));
        }
    }
    if !changed.jobs.is_empty() {
        let jobs = &changed.jobs;
        writes.add(ALLOCATIONS_GONE).bind(&jobs.claim).bind(&jobs.round).bind(&jobs.line).bind(&jobs.attempt);
        // What they hold now is written after it.
        if holders.claim.iter().any(|claim| jobs.claim.contains(claim)) {
            writes.then();
        }
    }
    for (statement, columns, is_new) in [(RESERVATIONS_NEW, new, true), (RESERVATIONS_CHANGED, changed, false)] {
        let rows = columns.version.len();
        if rows == 0 {
            continue;
        }
        let JobColumns { claim, round, line, attempt } = columns.jobs;
        writes.exactly(rows, statement).bind(claim).bind(round).bind(line).bind(attempt).bind(columns.state);
        writes.bind(columns.held).bind(columns.commit).bind(columns.expires_at).bind(columns.expected_on);
        writes.bind(columns.version);
        if is_new {
            writes.bind(columns.sku).bind(columns.batch).bind(columns.rule);
            writes.bind(columns.wanted).bind(columns.queued_at).bind(columns.policy_version);
        } else {
            writes.bind(columns.was);
        }
    }
    if holders.is_empty() {
        return;
    }
    let rows = quantities.len();
    let JobColumns { claim, round, line, attempt } = holders;
    let PlaceColumns { sku, batch, warehouse, zone } = places;
    writes.exactly(rows, ALLOCATIONS_NEW).bind(claim).bind(round).bind(line).bind(attempt);
    writes.bind(sku).bind(batch).bind(warehouse).bind(zone).bind(quantities);
}
