//! A plan that is made again, since what it rested on has changed.

use jiff::civil::date;
use proto::claim::{OrderLineLeft, Plan, ReportedLine, Resolution};

use super::super::again;
use super::super::person::Round;
use super::super::rules::{Outcome, rule};
use super::*;

fn bought(order_no: &str, day: i8, quantity: u32, unit: i64) -> Order {
    let paid = Money { minor_units: unit * i64::from(quantity), currency: "GBP".to_owned() };
    Order { order_no: order_no.to_owned(), purchased_on: date(2026, 6, day), quantity, paid, ..order() }
}

fn left(order_no: &str, free: u32, replaced: u32) -> OrderLineLeft {
    OrderLineLeft { order_no: order_no.to_owned(), sku: "A".to_owned(), free, replaced, ..OrderLineLeft::default() }
}

fn basis(left: Vec<OrderLineLeft>) -> Ask {
    let line = ReportedLine { quantity: 1, ..wanted_back() };
    let mut asked = AssessClaim { left, plan_number: 2, assessment: 2, ..message(vec![line], date(2026, 6, 20)) };
    asked.set_reason(AssessReason::Basis);
    ask(asked)
}

/// What anna decided when only `order` was known.
fn decided(order: Order) -> Plan {
    let ask = basis(Vec::new());
    let resolution = Resolution::RefundOnly;
    let decision = super::super::person::LineDecision {
        line: 1,
        resolution,
        quantity: None,
        unit_price: None,
        reason: String::new(),
    };
    let anna = meta(date(2026, 6, 20), "anna", &["specialist"]);
    let round = Round::of([AssessReason::New]);
    super::super::person::plan(pack(), &ask, &facts([order]), &[decision], None, round, &anna).unwrap().1
}

fn made_again(before: &Plan, left: Vec<OrderLineLeft>, orders: &Orders) -> Outcome {
    let ask = basis(left);
    again::plan(pack(), &ask, orders, before, Round::of([AssessReason::New]), ask.received_at)
}

#[test]
fn who_has_decided_is_not_asked_again_for_another_source_of_the_units() {
    let before = decided(bought("B", 10, 1, 800));
    let orders = facts([bought("B", 10, 1, 800), bought("A", 1, 1, 800)]);
    let Outcome::Plan(plan) = made_again(&before, vec![left("B", 0, 0)], &orders) else { panic!() };
    assert_eq!((plan.number, plan.proposed_by.as_str(), plan.automatic), (2, "anna", before.automatic));
    assert_eq!((plan.lines[0].takes[0].order_no.as_str(), plan.lines[0].resolution()), ("A", Resolution::RefundOnly));
}

#[test]
fn more_money_is_decided_anew() {
    let before = decided(bought("B", 10, 1, 800));
    let orders = facts([bought("B", 10, 1, 800), bought("A", 1, 1, 801)]);
    let outcome = made_again(&before, vec![left("B", 0, 0)], &orders);
    let Outcome::Person { reason, proposal, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!((reason.as_str(), proposal[0].amount.as_ref().unwrap().minor_units), ("FACTS_CHANGED", 801));
}

#[test]
fn nothing_left_is_refused_and_what_was_replaced_is_decided_anew() {
    let before = decided(bought("B", 10, 1, 800));
    let orders = facts([bought("B", 10, 1, 800)]);
    let gone = made_again(&before, vec![left("B", 0, 0)], &orders);
    assert_eq!(gone, Outcome::Refused("ALREADY_COMPENSATED".to_owned()));
    let Outcome::Person { reason, .. } = made_again(&before, vec![left("B", 0, 1)], &orders) else { panic!() };
    assert_eq!(reason, "ALREADY_REPLACED");
}

#[test]
fn sr11_a_price_that_was_raised_since_units_were_given_is_for_a_person() {
    let raised = Order { version: 2, ..bought("B", 10, 3, 900) };
    let known = |version, total| OrderLineLeft {
        version,
        sold_quantity: 3,
        paid_total: Some(Money { minor_units: total, currency: "GBP".to_owned() }),
        ..left("B", 2, 0)
    };
    let ruled = |left| {
        let ask = basis(vec![left]);
        rule(pack(), &ask, &facts([raised.clone()]), None, ask.received_at).outcome
    };
    let Outcome::Person { reason, .. } = ruled(known(1, 2_400)) else { panic!() };
    assert_eq!(reason, "FACTS_CHANGED");
    for (version, total) in [(1, 2_700), (1, 3_000), (2, 2_400), (0, 0)] {
        assert!(matches!(ruled(known(version, total)), Outcome::Plan(_)), "{version} {total}");
    }
    // Units that came to the order are free, whatever the ledger knows of them.
    let grown = Order { version: 2, ..bought("B", 10, 3, 900) };
    let one = OrderLineLeft {
        version: 1,
        sold_quantity: 1,
        paid_total: Some(Money { minor_units: 900, currency: "GBP".to_owned() }),
        ..left("B", 0, 0)
    };
    let ask = basis(vec![one]);
    let Outcome::Plan(plan) = rule(pack(), &ask, &facts([grown]), None, ask.received_at).outcome else { panic!() };
    assert_eq!(plan.lines[0].takes[0].quantity, 1);
}

#[test]
fn facts_are_versions_and_the_same_facts_are_none() {
    let first = Order { version: 0, ..order() };
    let mut orders = Orders::default();
    let recorded = orders.next(&first).unwrap();
    assert_eq!(recorded.version, 1);
    orders.record(recorded.clone());
    assert_eq!(orders.next(&first), None);
    let dearer = Order { paid: Money { minor_units: 7, ..first.paid.clone() }, ..first.clone() };
    let next = orders.next(&dearer).unwrap();
    assert_eq!(next.version, 2);
    orders.record(next.clone());
    // An older version that is read late changes nothing.
    orders.record(recorded);
    assert_eq!(orders.whole("O1").collect::<Vec<_>>(), [&next]);
    assert_eq!(orders.next(&first).unwrap().version, 3, "as it was before is another version");
}
