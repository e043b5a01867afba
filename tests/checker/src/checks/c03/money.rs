//! No unit is compensated twice, and finance is told no more than a plan allows (domain rules 1, 2, 7). What the plans say
//! is read from the public events, what was done from what carriers, warehouses and finance have told.

use std::collections::BTreeMap;

use proto::claim::{Job, LinePlan, Money, Resolution, claim_event};
use proto::logistics::{Direction, ShipmentState};
use proto::orchestrator::{GetEntitlementResponse, Settlement, SettlementState};

use super::returned;
use crate::evidence::{Evidence, Violation, job_text};

/// Order number and SKU.
type Key = (String, String);

/// What the world got for an order line.
#[derive(Default)]
struct Got {
    /// Units refunded or sent, less those that came back for others.
    units: u32,
    /// Of plans that a person made: they may help again with what was given as goods and has failed.
    by_person: u32,
    /// Money that was paid.
    money: i64,
    claim: String,
}

/// Looks for violations.
pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found: Vec<Violation> = evidence.settlements.iter().flat_map(|row| settlement(evidence, row)).collect();
    found.extend(instructed(evidence));
    let mut got = got(evidence);
    for (key, told) in &evidence.entitlements {
        found.extend(ledger(key, told, &got.remove(key).unwrap_or_default()));
    }
    found
}

fn minor(money: Option<&Money>) -> i64 {
    money.map_or(0, |money| money.minor_units)
}

/// A settlement says whole numbers that fit, and is inside of what some plan of its round allows for the line.
fn settlement(evidence: &Evidence, row: &Settlement) -> Vec<Violation> {
    let Some(job) = &row.job else { return Vec::new() };
    let mut found = Vec::new();
    let mut bad = |what: String| {
        found.push(Violation::of(
            "C3",
            &job.claim_id,
            format!("settlement {} for {}: {what}", row.settlement_id, job_text(job)),
        ));
    };
    let (net, kept) = (minor(row.amount.as_ref()), minor(row.freight_kept.as_ref()));
    if let Some(gross) = &row.gross
        && (gross.minor_units != net + kept || net < 0 || kept < 0)
    {
        bad(format!("{net} paid and {kept} kept of {}", gross.minor_units));
    }
    if let Some(most) = &row.allowed
        && minor(row.gross.as_ref()) > most.minor_units
    {
        bad(format!("it is worth {}, {} was allowed", minor(row.gross.as_ref()), most.minor_units));
    }
    let plans: Vec<&LinePlan> = evidence.plans(job).collect();
    let allows = |line: &&&LinePlan| {
        let enough =
            net + kept <= allowed(line) && kept <= minor(line.freight_kept.as_ref()) && row.quantity <= line.quantity;
        enough
            && currency(line).is_none_or(|currency| row.amount.as_ref().is_some_and(|paid| paid.currency == currency))
    };
    if !plans.is_empty() && plans.iter().filter(allows).count() == 0 {
        let allowed: Vec<i64> = plans.iter().map(|line| allowed(line)).collect();
        bad(format!("{net} paid and {kept} kept for {} units, no plan allows it: {allowed:?}", row.quantity));
    }
    found
}

/// The most that a plan lets be paid for a line: what it says, or what its units were sold for.
fn allowed(line: &LinePlan) -> i64 {
    let price = || minor(line.unit_price.as_ref()).saturating_mul(i64::from(line.quantity));
    line.amount.as_ref().map_or_else(price, |amount| amount.minor_units)
}

fn currency(line: &LinePlan) -> Option<&str> {
    let paid = line.takes.first().and_then(|take| take.paid_total.as_ref());
    paid.or(line.unit_price.as_ref()).map(|money| money.currency.as_str())
}

/// The public events tell the amounts of the settlements.
fn instructed(evidence: &Evidence) -> Vec<Violation> {
    let rows: BTreeMap<&str, &Settlement> =
        evidence.settlements.iter().map(|row| (row.settlement_id.as_str(), row)).collect();
    let mut found = Vec::new();
    for (claim, timeline) in &evidence.timelines {
        for event in timeline {
            let (id, amount) = match &event.kind {
                Some(claim_event::Kind::SettlementInstructed(told)) => (&told.settlement_id, &told.amount),
                Some(claim_event::Kind::SettlementPaid(told)) => (&told.settlement_id, &told.amount),
                _ => continue,
            };
            if let Some(row) = rows.get(id.as_str()).filter(|row| row.amount != *amount) {
                let what = format!("event {} says {amount:?} of settlement {id}: {:?}", event.number, row.amount);
                found.push(Violation::of("C3", claim, what));
            }
        }
    }
    found
}

/// What the world got for each order line, over all claims of which nothing was undone.
fn got(evidence: &Evidence) -> BTreeMap<Key, Got> {
    let mut all: BTreeMap<Key, Got> = BTreeMap::new();
    let mut add = |job: Option<&Job>, quantity: u32, paid: i64| {
        let Some(job) = job.filter(|job| !evidence.was_undone(&job.claim_id)) else { return };
        let Some(line) = evidence.planned(job) else { return };
        let by_person = evidence.proposed_by_person(job);
        let mut paid = paid;
        for (key, units) in parts(line, quantity - came_back(evidence, job, line).min(quantity)) {
            let got = all.entry(key).or_default();
            got.units += units;
            got.by_person += if by_person { units } else { 0 };
            // Which order line money was booked on is not told: the first stands for it if there is one only.
            got.money += if line.takes.len() <= 1 { std::mem::take(&mut paid) } else { 0 };
            got.claim.clone_from(&job.claim_id);
        }
    };
    for row in evidence.settlements.iter().filter(|row| row.state() == SettlementState::Paid) {
        add(row.job.as_ref(), row.quantity, minor(row.amount.as_ref()));
    }
    for row in &evidence.shipments {
        let is_late = row.job.as_ref().is_some_and(|job| evidence.was_lost(&job.claim_id, &row.tracking_no));
        if row.state() == ShipmentState::Delivered && row.direction() == Direction::Outbound && !is_late {
            add(row.job.as_ref(), row.quantity, 0);
        }
    }
    all
}

/// Units of a line by the order lines that they are taken from, in their order.
fn parts(line: &LinePlan, quantity: u32) -> Vec<(Key, u32)> {
    if line.takes.is_empty() {
        return vec![((line.order_no.clone(), line.sku.clone()), quantity)];
    }
    let mut left = quantity;
    let take = |take: &proto::claim::Take| {
        let units = take.quantity.min(left);
        left -= units;
        ((take.order_no.clone(), take.sku.clone()), units)
    };
    line.takes.iter().map(take).collect()
}

/// Units that came back for what was sent in their place: the customer may get something for those again.
fn came_back(evidence: &Evidence, job: &Job, line: &LinePlan) -> u32 {
    if line.resolution() != Resolution::Replace || !line.collect {
        return 0;
    }
    returned::returns(evidence, job).map(|back| returned::counting(evidence, job, back)).sum()
}

/// The ledger keeps its limits, and knows of all that the world got.
fn ledger((order_no, sku): &Key, told: &GetEntitlementResponse, got: &Got) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut bad = |claim: &str, what: String| {
        found.push(Violation::of("C3", claim, format!("order line {order_no}/{sku}: {what}")));
    };
    let (compensated, paid) = (minor(told.compensated.as_ref()), minor(told.paid.as_ref()));
    if told.held + told.given > told.sold || compensated > paid || told.replaced > told.given {
        bad("", format!("more is given than was bought: {told:?}"));
    }
    let Got { units, by_person, money, claim } = got;
    if *units > told.sold + by_person {
        bad(claim, format!("{units} units were refunded or replaced, {} were sold", told.sold));
    }
    if *units > told.given + by_person {
        bad(claim, format!("{units} units were refunded or replaced, the ledger knows of {}", told.given));
    }
    if *money > compensated {
        bad(claim, format!("{money} was paid, the ledger knows of {compensated}"));
    }
    found
}

#[cfg(test)]
mod tests {
    use proto::claim::{ReturnCount, Take};
    use proto::escalation::{Ruling, WorkItem, WorkKind};
    use proto::inventory::Return;

    use super::*;
    use crate::sample;

    fn plan(evidence: &mut Evidence, line: usize, edit: impl Fn(&mut LinePlan)) {
        let events = evidence.timelines.get_mut(sample::CLAIM).unwrap();
        for event in events {
            if let Some(claim_event::Kind::Planned(planned)) = &mut event.kind {
                edit(&mut planned.plan.as_mut().unwrap().lines[line]);
            }
        }
    }

    fn money(minor_units: i64) -> Option<Money> {
        Some(Money { minor_units, currency: "GBP".into() })
    }

    #[test]
    fn a_unit_that_is_compensated_twice() {
        let found = sample::found(check, |evidence| {
            let mut again = evidence.settlements[0].clone();
            again.settlement_id = "again".into();
            evidence.settlements.push(again.clone());
            evidence.settlements.push(again);
        });
        assert!(found.iter().any(|what| what.contains("were sold")), "{found:?}");
    }

    #[test]
    fn more_than_the_plan_allows() {
        let found = sample::found(check, |evidence| plan(evidence, 1, |line| line.amount = money(99)));
        assert!(found.len() == 1 && found[0].contains("no plan allows it"), "{found:?}");
        let found = sample::found(check, |evidence| evidence.settlements[0].freight_kept = money(1));
        assert!(found.len() == 1 && found[0].contains("no plan allows it"), "{found:?}");
        let found = sample::found(check, |evidence| {
            plan(evidence, 1, |line| line.unit_price = Some(Money { minor_units: 250, currency: "EUR".into() }));
        });
        assert!(found.len() == 1 && found[0].contains("no plan allows it"), "{found:?}");
    }

    #[test]
    fn what_is_kept_and_what_is_paid_are_the_whole() {
        let found = sample::found(check, |evidence| evidence.settlements[0].gross = money(1));
        assert!(found.len() == 1 && found[0].contains("kept of 1"), "{found:?}");
        let found = sample::found(check, |evidence| evidence.settlements[0].amount = money(1));
        assert!(found.iter().any(|what| what.contains("of settlement s1")), "{found:?}");
        let worth = |most| {
            sample::found(check, |evidence| {
                evidence.settlements[0].gross = money(500);
                evidence.settlements[0].allowed = money(most);
            })
        };
        assert_eq!(worth(500), Vec::<String>::new());
        assert_eq!(worth(499), ["settlement s1 for round 1 line 2 attempt 1: it is worth 500, 499 was allowed"]);
    }

    #[test]
    fn units_are_looked_for_where_they_were_taken() {
        let take = |order_no: &str| Take { order_no: order_no.into(), sku: "B".into(), quantity: 1, ..Take::default() };
        let spread = |evidence: &mut Evidence, given| {
            plan(evidence, 1, |line| line.takes = vec![take("o"), take("p")]);
            let (paid, compensated) = (money(50), money(50));
            let told = GetEntitlementResponse { sold: 1, given, paid, compensated, ..Default::default() };
            evidence.entitlements.insert(("p".into(), "B".into()), told);
        };
        assert_eq!(sample::found(check, |evidence| spread(evidence, 1)), Vec::<String>::new());
        let found = sample::found(check, |evidence| spread(evidence, 0));
        assert!(found.len() == 1 && found[0].contains("order line p/B"), "{found:?}");
    }

    #[test]
    fn a_parcel_that_was_given_up_and_turns_up_is_not_held_against_the_ledger() {
        let twice = |evidence: &mut Evidence, detail: &str| {
            let mut other = evidence.shipments[0].clone();
            other.job.as_mut().unwrap().attempt = 2;
            other.tracking_no = "T2".into();
            evidence.shipments.push(other);
            let event = evidence.timelines.get_mut(sample::CLAIM).unwrap();
            if let Some(claim_event::Kind::LegMoved(moved)) = &mut event[5].kind {
                detail.clone_into(&mut moved.detail);
            }
        };
        for detail in ["LOST", "REFUSED", "TURNED_UP"] {
            assert_eq!(sample::found(check, |evidence| twice(evidence, detail)), Vec::<String>::new(), "{detail}");
        }
        assert!(!sample::found(check, |evidence| twice(evidence, "HANDED_OVER")).is_empty());
    }

    #[test]
    fn what_came_back_in_an_exchange_may_be_had_again() {
        let closed = |evidence: &mut Evidence| {
            evidence.entitlements.get_mut(&("o".into(), "A".into())).unwrap().given = 0;
        };
        let found = sample::found(check, closed);
        assert!(found.len() == 1 && found[0].contains("the ledger knows of 0"), "{found:?}");
        let back = |evidence: &mut Evidence| {
            closed(evidence);
            plan(evidence, 0, |line| line.collect = true);
            let job = evidence.shipments[0].job.clone();
            let count = Some(ReturnCount { accepted: 2, ..ReturnCount::default() });
            evidence.returns.push(Return { job, count, ..Return::default() });
        };
        assert_eq!(sample::found(check, back), Vec::<String>::new());
        let other = |evidence: &mut Evidence, ruling: Ruling| {
            back(evidence);
            let returned = evidence.returns.last_mut().unwrap();
            returned.count = Some(ReturnCount { wrong_item: 2, ..ReturnCount::default() });
            evidence.tasks.push(WorkItem {
                kind: WorkKind::ReturnMismatch as i32,
                claim_id: sample::CLAIM.into(),
                line: 1,
                reason: "WRONG_ITEM_RETURNED".into(),
                ruling: ruling as i32,
                ..WorkItem::default()
            });
        };
        assert_eq!(sample::found(check, |evidence| other(evidence, Ruling::Approve)), Vec::<String>::new());
        assert_eq!(sample::found(check, |evidence| other(evidence, Ruling::Deny)).len(), 1);
    }
}
