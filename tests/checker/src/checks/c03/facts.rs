//! Order facts are versions: plans rest on facts that somebody recorded, the ledger never goes beyond the dearest of them,
//! and the portions that are refunded of an order line add up to what was paid for it (domain rule 2).

use std::collections::BTreeMap;

use proto::claim::{LinePlan, Money};
use proto::orchestrator::{Settlement, SettlementState};
use proto::triage::{OrderLine, RecordOrdersRequest};

use super::returned::plan_of;
use crate::evidence::{Evidence, Violation, plan_told};
use crate::log::Outcome;

/// Order number, SKU and line.
type Key = (String, String, String);

/// Units and what was paid for them.
type Facts = (u32, i64);

/// Looks for violations.
pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let sent = sent(evidence);
    let mut found = unknown(evidence, &sent);
    found.extend(beyond(evidence, &sent));
    found.extend(portions(evidence, &sent));
    found
}

/// What was recorded, or may have been.
fn sent(evidence: &Evidence) -> BTreeMap<Key, Vec<Facts>> {
    let calls = evidence.log.calls.iter();
    let calls = calls.filter(|call| call.method == "RecordOrders" && call.outcome != Outcome::Refused);
    let mut all: BTreeMap<Key, Vec<Facts>> = BTreeMap::new();
    for line in calls.filter_map(|call| call.asked::<RecordOrdersRequest>()).flat_map(|asked| asked.lines) {
        let facts = (line.quantity, paid(&line));
        let known = all.entry((line.order_no, line.sku, line.line_id)).or_default();
        if !known.contains(&facts) {
            known.push(facts);
        }
    }
    all
}

fn paid(line: &OrderLine) -> i64 {
    let price = || minor(line.unit_price.as_ref()) * i64::from(line.quantity);
    line.paid_total.as_ref().map_or_else(price, |total| total.minor_units)
}

fn minor(money: Option<&Money>) -> i64 {
    money.map_or(0, |money| money.minor_units)
}

/// A plan names facts of an order that nobody recorded so.
fn unknown(evidence: &Evidence, sent: &BTreeMap<Key, Vec<Facts>>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (claim, timeline) in &evidence.timelines {
        let plans = timeline.iter().filter_map(plan_told);
        for take in plans.flat_map(|plan| &plan.lines).flat_map(|line| &line.takes).filter(|take| take.version > 0) {
            let key = (take.order_no.clone(), take.sku.clone(), take.line_id.clone());
            let facts = (take.sold_quantity, minor(take.paid_total.as_ref()));
            if let Some(known) = sent.get(&key).filter(|known| !known.contains(&facts)) {
                let what = format!("order line {key:?}: a plan rests on {facts:?}, recorded were {known:?}");
                found.push(Violation::of("C3", claim, what));
            }
        }
    }
    found
}

/// No more units and no more money for any of them than the facts that say most.
fn beyond(evidence: &Evidence, sent: &BTreeMap<Key, Vec<Facts>>) -> Vec<Violation> {
    let mut most: BTreeMap<(&str, &str), (u32, i64)> = BTreeMap::new();
    for ((order_no, sku, _), facts) in sent {
        let units = facts.iter().map(|(units, _)| *units).max().unwrap_or(0);
        let dearest = facts.iter().map(|(units, paid)| (paid + i64::from(*units) - 1) / i64::from(*units)).max();
        let (all, money) = most.entry((order_no, sku)).or_default();
        *all += units;
        *money += dearest.unwrap_or(0) * i64::from(units);
    }
    let mut found = Vec::new();
    for ((order_no, sku), told) in &evidence.entitlements {
        let Some((units, money)) = most.get(&(order_no.as_str(), sku.as_str())) else { continue };
        let compensated = minor(told.compensated.as_ref());
        if told.sold > *units || compensated > *money {
            let what = format!("{} sold and {compensated} compensated, recorded were {units} and {money}", told.sold);
            found.push(Violation::general("C3", format!("order line {order_no}/{sku}: {what}")));
        }
    }
    found
}

/// Refunds of an order line whose facts never changed: never more than was paid for it, and for all units just that.
fn portions(evidence: &Evidence, sent: &BTreeMap<Key, Vec<Facts>>) -> Vec<Violation> {
    let mut refunds: BTreeMap<Key, (u32, i64, &str)> = BTreeMap::new();
    for row in evidence.settlements.iter().filter(|row| row.state() == SettlementState::Paid) {
        let Some((key, claim)) = one_take(evidence, row) else { continue };
        let (units, money, of) = refunds.entry(key).or_default();
        *units += row.quantity;
        *money += minor(row.gross.as_ref().or(row.amount.as_ref()));
        *of = claim;
    }
    let mut found = Vec::new();
    for (key, (units, money, claim)) in refunds {
        let Some([(sold, paid)]) = sent.get(&key).map(Vec::as_slice) else { continue };
        if money > *paid || (units == *sold && money != *paid) {
            let what = format!("{money} was refunded for {units} of {sold} units, {paid} was paid for all");
            found.push(Violation::of("C3", claim, format!("order line {}/{}: {what}", key.0, key.1)));
        }
    }
    found
}

/// The order line of a settlement, where all its units are of one.
fn one_take<'e>(evidence: &'e Evidence, row: &'e Settlement) -> Option<(Key, &'e str)> {
    let job = row.job.as_ref()?;
    let line: &LinePlan = plan_of(evidence, row)?.lines.iter().find(|line| line.line == job.line)?;
    let [take] = line.takes.as_slice() else { return None };
    Some(((take.order_no.clone(), take.sku.clone(), take.line_id.clone()), &job.claim_id))
}

#[cfg(test)]
mod tests {
    use proto::claim::{Take, claim_event};
    use serde_json::json;

    use super::*;
    use crate::sample;

    fn money(minor_units: i64) -> Option<Money> {
        Some(Money { minor_units, currency: "GBP".into() })
    }

    fn record(evidence: &mut Evidence, key: &str, quantity: u32, paid: i64) {
        let paid = json!({"minorUnits": paid.to_string(), "currency": "GBP"});
        let line = json!({"orderNo": "o", "sku": "B", "quantity": quantity, "paidTotal": paid});
        let request = json!({"requestId": key, "lines": [line]});
        evidence.log.calls.push(sample::call("triage", "RecordOrders", key, request, None));
    }

    /// The refund of line 2 rests on two units that were sold for this.
    fn rests_on(evidence: &mut Evidence, paid: i64) {
        let (order_no, sku) = ("o".to_owned(), "B".to_owned());
        let (paid_total, version) = (money(paid), 1);
        let take = Take { order_no, sku, version, sold_quantity: 2, paid_total, quantity: 2, ..Take::default() };
        for event in evidence.timelines.get_mut(sample::CLAIM).unwrap() {
            if let Some(claim_event::Kind::Planned(planned)) = &mut event.kind {
                planned.plan.as_mut().unwrap().lines[1].takes = vec![take.clone()];
            }
        }
    }

    #[test]
    fn plans_rest_on_a_version_that_was_recorded() {
        let rests = |paid| {
            sample::found(check, |evidence| {
                record(evidence, "f1", 2, 500);
                record(evidence, "f2", 3, 600);
                rests_on(evidence, paid);
            })
        };
        assert_eq!(rests(500), Vec::<String>::new());
        let other = rests(600);
        assert!(other.len() == 1 && other[0].contains("a plan rests on (2, 600)"), "{other:?}");
    }

    #[test]
    fn the_ledger_goes_not_beyond_the_dearest_facts() {
        let told = |first: (u32, i64), second: (u32, i64)| {
            sample::found(check, |evidence| {
                record(evidence, "f1", first.0, first.1);
                record(evidence, "f2", second.0, second.1);
            })
        };
        assert_eq!(told((2, 100), (2, 500)), Vec::<String>::new());
        // Two units at the price of the one, and at that of the other.
        assert_eq!(told((1, 250), (2, 400)), Vec::<String>::new());
        assert_eq!(told((2, 100), (2, 498)).len(), 1);
        assert_eq!(told((1, 500), (1, 500)).len(), 1);
    }

    #[test]
    fn portions_add_up_to_what_was_paid() {
        let of = |paid| {
            sample::found(check, |evidence| {
                record(evidence, "f1", 2, paid);
                rests_on(evidence, paid);
            })
        };
        assert_eq!(of(500), Vec::<String>::new());
        assert!(of(501).iter().any(|what| what.contains("500 was refunded for 2 of 2 units, 501 was paid")));
        // Of what was corrected it is not known which price a unit had.
        let corrected = sample::found(check, |evidence| {
            record(evidence, "f1", 2, 501);
            record(evidence, "f2", 2, 520);
            rests_on(evidence, 501);
        });
        assert_eq!(corrected, Vec::<String>::new());
    }
}
