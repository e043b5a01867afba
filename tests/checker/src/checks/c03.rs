//! C3: stock adds up, nothing is promised twice, no money is paid that was not allowed, and an ended claim holds neither
//! stock nor a booking; only what came back and counts is refunded (G4, G5, G6).

mod facts;
mod fee;
mod money;
mod returned;

use std::collections::BTreeMap;

use proto::claim::{Job, ReturnCount};
use proto::inventory::{MovementKind, ReceiveGoodsRequest, Reservation, ReservationState};
use proto::logistics::ShipmentState;

use crate::evidence::{Evidence, Violation, job_text};
use crate::log::Outcome;
use crate::watch::over_promised;

/// Time in which an ended claim must have given everything back.
const GIVE_BACK_MS: u64 = 60_000;

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found: Vec<Violation> =
        evidence.stock_samples.iter().map(|what| Violation::general("C3", format!("during the run: {what}"))).collect();
    found.extend(
        evidence
            .stock
            .iter()
            .flat_map(|(sku, told)| over_promised(sku, told))
            .map(|what| Violation::general("C3", what)),
    );
    found.extend(ledger(evidence));
    if evidence.stock_is_still {
        found.extend(totals(evidence));
        found.extend(consumed(evidence));
        found.extend(received(evidence));
    }
    found.extend(held_after_the_end(evidence));
    found.extend(money::check(evidence));
    found.extend(facts::check(evidence));
    found.extend(fee::check(evidence));
    found.extend(returned::check(evidence));
    found
}

/// The movements of a place never take more than there is, and their sum is what is there.
fn ledger(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    for (sku, movements) in &evidence.movements {
        let mut sums: BTreeMap<(&str, i32, &str), i64> = BTreeMap::new();
        let mut ordered: Vec<_> = movements.iter().collect();
        ordered.sort_by_key(|movement| movement.movement_id);
        for movement in ordered {
            let sum = sums.entry((&movement.warehouse, movement.zone, &movement.batch)).or_default();
            *sum += movement.quantity;
            if *sum < 0 {
                let what =
                    format!("{sku} in {}: {sum} units after movement {}", movement.warehouse, movement.movement_id);
                found.push(Violation::of("C3", &movement.document, what));
            }
        }
        let stock = evidence.stock.get(sku).map_or(&[][..], |told| &told.stock[..]);
        for row in stock.iter().filter(|_| evidence.stock_is_still) {
            let sum = sums.remove(&(row.warehouse.as_str(), row.zone, row.batch.as_str())).unwrap_or(0);
            if u64::try_from(sum).ok() != Some(row.on_hand) {
                let what = format!("{sku} in {}: {} on hand, the movements give {sum}", row.warehouse, row.on_hand);
                found.push(Violation::general("C3", what));
            }
        }
        for ((warehouse, ..), sum) in sums.into_iter().filter(|(_, sum)| *sum != 0 && evidence.stock_is_still) {
            found.push(Violation::general(
                "C3",
                format!("{sku} in {warehouse}: nothing there, the movements give {sum}"),
            ));
        }
    }
    found
}

/// What is reserved in all places is what live reservations hold.
fn totals(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    for (sku, told) in &evidence.stock {
        let reserved: u64 = told.stock.iter().map(|stock| stock.reserved).sum();
        let live = evidence.reservations.iter().filter(|row| row.sku == *sku && is_live(row));
        let held: u64 = live.map(|row| u64::from(row.held)).sum();
        if reserved != held {
            found.push(Violation::general("C3", format!("{sku}: {reserved} units reserved, reservations hold {held}")));
        }
    }
    found
}

/// What was taken out or came back for a claim is what its reservations and returns say, and what was planned.
fn consumed(evidence: &Evidence) -> Vec<Violation> {
    let mut taken: BTreeMap<(&str, &str, MovementKind), i64> = BTreeMap::new();
    for (sku, movements) in &evidence.movements {
        for movement in movements {
            let kind = movement.kind();
            if matches!(kind, MovementKind::Consumed | MovementKind::Return) {
                *taken.entry((&movement.document, sku, kind)).or_default() += movement.quantity.abs();
            }
        }
    }
    let mut said: BTreeMap<(&str, &str, MovementKind), i64> = BTreeMap::new();
    for row in evidence.reservations.iter().filter(|row| row.state() == ReservationState::Consumed) {
        *said.entry((claim(row.job.as_ref()), &row.sku, MovementKind::Consumed)).or_default() += i64::from(row.wanted);
    }
    for row in evidence.returns.iter().filter(|row| !row.sku.is_empty()) {
        let ReturnCount { accepted, damaged, wrong_item, not_as_claimed, .. } = row.count.unwrap_or_default();
        let came: i64 = [accepted, damaged, wrong_item, not_as_claimed].into_iter().map(i64::from).sum();
        if came > 0 {
            *said.entry((claim(row.job.as_ref()), &row.sku, MovementKind::Return)).or_default() += came;
        }
    }
    let keys: Vec<_> =
        taken.keys().chain(said.keys()).copied().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let mut found = Vec::new();
    for key in keys {
        let (moved, said) = (taken.get(&key).copied().unwrap_or(0), said.get(&key).copied().unwrap_or(0));
        if moved != said {
            let what = format!("{}: movements of kind {:?} have {moved} units, the work says {said}", key.1, key.2);
            found.push(Violation::of("C3", key.0, what));
        }
    }
    found.extend(evidence.reservations.iter().filter_map(|row| more_than_planned(evidence, row)));
    found
}

fn more_than_planned(evidence: &Evidence, row: &Reservation) -> Option<Violation> {
    let job = row.job.as_ref()?;
    let planned = evidence.planned_most(job)?;
    let what = format!("{}: {} units reserved, {planned} planned", job_text(job), row.wanted);
    (row.wanted > planned).then(|| Violation::of("C3", &job.claim_id, what))
}

/// Goods that the workload has received are booked once.
fn received(evidence: &Evidence) -> Vec<Violation> {
    let mut requests: BTreeMap<&str, (ReceiveGoodsRequest, bool)> = BTreeMap::new();
    for call in
        evidence.log.calls.iter().filter(|call| call.method == "ReceiveGoods" && call.outcome != Outcome::Refused)
    {
        let Some(asked) = call.asked::<ReceiveGoodsRequest>() else { continue };
        let known = requests.entry(&call.request_id).or_insert((asked, false));
        known.1 |= call.outcome == Outcome::Ok;
    }
    let mut bounds: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for (asked, is_certain) in requests.values() {
        for line in &asked.lines {
            let (least, most) = bounds.entry(&line.sku).or_default();
            *least += if *is_certain { i64::from(line.quantity) } else { 0 };
            *most += i64::from(line.quantity);
        }
    }
    let mut found = Vec::new();
    for (sku, (least, most)) in bounds {
        let receipts = evidence.movements.get(sku).into_iter().flatten();
        let receipts = receipts.filter(|movement| movement.kind() == MovementKind::Receipt);
        let sum: i64 = receipts.map(|movement| movement.quantity).sum();
        if !(least..=most).contains(&sum) {
            let what = format!("{sku}: {sum} units were booked as received, acknowledged are {least}, sent {most}");
            found.push(Violation::general("C3", what));
        }
    }
    found
}

fn held_after_the_end(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut bad = |job: Option<&Job>, what: &str| {
        let Some(job) = job.filter(|job| evidence.has_ended(&job.claim_id)) else { return };
        let ended = evidence.ended_ms(&job.claim_id).unwrap_or(0).max(evidence.log.calm_since());
        let what = format!("it has ended, and {} still has {what}", job_text(job));
        found.push(Violation::of("C3", &job.claim_id, what).unless_mended_by(ended + GIVE_BACK_MS));
    };
    for row in evidence.reservations.iter().filter(|row| is_live(row)) {
        bad(row.job.as_ref(), &format!("{} units of {} ({:?})", row.held, row.sku, row.state()));
    }
    for row in &evidence.shipments {
        if matches!(row.state(), ShipmentState::Booked | ShipmentState::Packed) {
            bad(row.job.as_ref(), &format!("a booking, {} ({:?})", row.tracking_no, row.direction()));
        }
    }
    found
}

fn is_live(row: &Reservation) -> bool {
    matches!(row.state(), ReservationState::HeldPartly | ReservationState::Held | ReservationState::Committed)
}

fn claim(job: Option<&Job>) -> &str {
    job.map_or("", |job| job.claim_id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn more_promised_than_there_is() {
        let found = sample::found(check, |evidence| {
            let stock = &mut evidence.stock.get_mut("A").unwrap().stock[0];
            stock.reserved = stock.on_hand + 1;
        });
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn goods_that_left_twice() {
        let found = sample::found(check, |evidence| {
            let movements = evidence.movements.get_mut("A").unwrap();
            let mut twice = movements.iter().find(|row| row.kind() == MovementKind::Consumed).unwrap().clone();
            twice.movement_id = 99;
            movements.insert(0, twice);
            evidence.stock.get_mut("A").unwrap().stock[0].on_hand -= 2;
        });
        assert!(found.iter().any(|what| what.contains("the work says 2")), "{found:?}");
    }

    #[test]
    fn a_receipt_that_was_booked_twice() {
        let found = sample::found(check, |evidence| {
            let movements = evidence.movements.get_mut("A").unwrap();
            let mut twice = movements.iter().find(|row| row.kind() == MovementKind::Receipt).unwrap().clone();
            twice.movement_id = 99;
            evidence.stock.get_mut("A").unwrap().stock[0].on_hand += u64::try_from(twice.quantity).unwrap();
            movements.insert(0, twice);
        });
        assert!(found.iter().any(|what| what.contains("booked as received")), "{found:?}");
    }

    #[test]
    fn stock_that_does_not_add_up() {
        let found = sample::found(check, |evidence| evidence.stock.get_mut("A").unwrap().stock[0].on_hand += 1);
        assert!(found[0].contains("the movements give"), "{found:?}");
    }

    #[test]
    fn a_hold_of_an_ended_claim() {
        let mut evidence = sample::good();
        evidence.reservations[0].set_state(ReservationState::Committed);
        let hold = check(&evidence).into_iter().find(|violation| violation.what.contains("still has")).unwrap();
        assert!(hold.until_ms > evidence.ended_ms(sample::CLAIM).unwrap());
    }
}
