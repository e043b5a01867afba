//! Which purchases a line is about, and how people write their numbers.

use jiff::civil::date;
use proptest::prelude::*;
use proto::claim::{Category, OrderLineLeft, ReportedLine, Resolution};

use super::super::eligibility::Eligibility;
use super::super::rules::{Outcome, rule};
use super::super::takes::Stock;
use super::*;

fn bought(order_no: &str, day: i8, quantity: u32, unit: i64) -> Order {
    Order {
        order_no: order_no.to_owned(),
        purchased_on: date(2026, 6, day),
        quantity,
        paid: Money { minor_units: unit * i64::from(quantity), currency: "GBP".to_owned() },
        ..order()
    }
}

fn outcome(lines: Vec<ReportedLine>, left: Vec<OrderLineLeft>, orders: &Orders) -> Outcome {
    let ask = ask(AssessClaim { left, ..message(lines, date(2026, 6, 20)) });
    rule(pack(), &ask, orders, None, ask.received_at).outcome
}

/// Order numbers and units of what is taken, line by line.
fn takes(outcome: Outcome) -> Vec<Vec<(String, u32)>> {
    let Outcome::Plan(plan) = outcome else { panic!("{outcome:?}") };
    let of = |line: &proto::claim::LinePlan| {
        line.takes.iter().map(|take| (take.order_no.clone(), take.quantity)).collect::<Vec<_>>()
    };
    plan.lines.iter().map(of).collect()
}

fn one(quantity: u32) -> ReportedLine {
    ReportedLine { quantity, ..wanted_back() }
}

fn left(order_no: &str, free: u32, replaced: u32) -> OrderLineLeft {
    OrderLineLeft { order_no: order_no.to_owned(), sku: "A".to_owned(), free, replaced, ..OrderLineLeft::default() }
}

fn owned(takes: &[(&str, u32)]) -> Vec<(String, u32)> {
    takes.iter().map(|(order_no, units)| ((*order_no).to_owned(), *units)).collect()
}

#[test]
fn case_second_return_of_the_same_article() {
    let orders = facts([bought("5A", 1, 1, 1_000), bought("5B", 10, 1, 800)]);
    // One claim for both takes both; its cost is what was paid for both.
    let Outcome::Plan(plan) = outcome(vec![one(2)], Vec::new(), &orders) else { panic!() };
    assert_eq!((plan.lines[0].quantity, plan.cost.as_ref().unwrap().minor_units), (2, 1_800));
    assert_eq!(takes(Outcome::Plan(plan)), [owned(&[("5B", 1), ("5A", 1)])]);
    // Two lines of a claim, or two claims: the newest first, then the other.
    let second = ReportedLine { line: 2, ..one(1) };
    assert_eq!(takes(outcome(vec![one(1), second], Vec::new(), &orders)), [owned(&[("5B", 1)]), owned(&[("5A", 1)])]);
    assert_eq!(takes(outcome(vec![one(1)], vec![left("5B", 0, 0)], &orders)), [owned(&[("5A", 1)])]);
    let none = vec![left("5B", 0, 0), left("5A", 0, 0)];
    assert_eq!(outcome(vec![one(1)], none, &orders), Outcome::Refused("ALREADY_COMPENSATED".to_owned()));
}

#[test]
fn a_purchase_that_has_all_units_is_taken_before_newer_ones_that_have_not() {
    let orders = facts([bought("1", 1, 5, 10), bought("2", 5, 3, 10), bought("3", 9, 1, 10)]);
    assert_eq!(takes(outcome(vec![one(3)], Vec::new(), &orders)), [owned(&[("2", 3)])]);
    assert_eq!(takes(outcome(vec![one(7)], Vec::new(), &orders)), [owned(&[("3", 1), ("2", 3), ("1", 3)])]);
    assert_eq!(takes(outcome(vec![one(4)], vec![left("1", 2, 0)], &orders)), [owned(&[("3", 1), ("2", 3)])]);
}

#[test]
fn what_is_too_late_is_used_only_if_nothing_else_is_there() {
    let bought_on = date(2026, 4, 1);
    let late = Order { purchased_on: bought_on, delivered_on: Some(bought_on), ..bought("L", 1, 9, 10) };
    let orders = facts([bought("1", 10, 1, 10), late.clone()]);
    // A change of mind: the rest came too late.
    assert_eq!(takes(outcome(vec![one(3)], Vec::new(), &orders)), [owned(&[("1", 1)])]);
    assert_eq!(outcome(vec![one(1)], Vec::new(), &facts([late])), Outcome::Refused("OUTSIDE_WINDOW".to_owned()));
    // A fault is made good by replacement for longer.
    assert_eq!(
        takes(outcome(vec![ReportedLine { quantity: 3, ..faulty() }], Vec::new(), &orders)),
        [owned(&[("1", 1), ("L", 2)])]
    );
}

#[test]
fn units_that_were_replaced_before_are_for_a_person() {
    let orders = facts([bought("1", 1, 1, 10)]);
    let all_gone = outcome(vec![faulty()], vec![left("1", 0, 1)], &orders);
    let Outcome::Person { reason, proposal, .. } = all_gone else { panic!("{all_gone:?}") };
    assert_eq!((reason.as_str(), proposal[0].takes[0].order_no.as_str()), ("ALREADY_REPLACED", "1"));
    assert_eq!(
        outcome(vec![faulty()], vec![left("1", 0, 0)], &orders),
        Outcome::Refused("ALREADY_COMPENSATED".to_owned())
    );
}

#[test]
fn case_order_number_as_people_type_it() {
    let order = |order_no: &str, sku: &str, customer: &str| Order {
        sku: sku.to_owned(),
        customer_ref: customer.to_owned(),
        ..bought(order_no, 10, 1, 900)
    };
    let orders =
        facts([order("AB-1001", "ART-1", "C1"), order("AB 1001", "ART-1", "C2"), order("ab1001", "ART-1", "C3")]);
    let typed = |order_no: &str, sku: &str| {
        let line = ReportedLine { order_no: order_no.to_owned(), sku: sku.to_owned(), ..one(1) };
        outcome(vec![line], Vec::new(), &orders)
    };
    for number in ["AB-1001", "ab-1001", "#AB-1001", " AB-1001 ", "AB1001", "AB 1001", "ＡＢ－１００１"] {
        for sku in ["ART-1", "art-1", "art1"] {
            let Outcome::Plan(plan) = typed(number, sku) else { panic!("{number:?} {sku:?}") };
            assert_eq!(
                (plan.lines[0].order_no.as_str(), plan.lines[0].sku.as_str()),
                ("AB-1001", "ART-1"),
                "{number:?}"
            );
        }
    }
    let Outcome::Plan(plan) = typed("", "art 1") else { panic!("without order number") };
    assert_eq!(plan.lines[0].sku, "ART-1");
    let unknown = Outcome::Question { reason: "ORDER_NUMBER_UNKNOWN".to_owned(), line: 1 };
    for (number, sku) in [("AB-1002", "ART-1"), ("AB-1001", "ART-2")] {
        assert_eq!(typed(number, sku), unknown);
    }
}

#[test]
fn spelling_never_chooses_between_two() {
    let order = |order_no: &str, sku: &str, customer: &str| Order {
        sku: sku.to_owned(),
        customer_ref: customer.to_owned(),
        ..bought(order_no, 10, 1, 900)
    };
    let typed = |order_no: &str, sku: &str, orders: &Orders| {
        let line = ReportedLine { order_no: order_no.to_owned(), sku: sku.to_owned(), ..one(1) };
        outcome(vec![line], Vec::new(), orders)
    };
    let two = facts([order("AB-1", "X", "C1"), order("A-B1", "X", "C1")]);
    assert!(matches!(typed("ab1", "X", &two), Outcome::Question { .. }), "two orders are as good");
    assert_eq!(takes(typed("A-B1", "X", &two)), [owned(&[("A-B1", 1)])], "as it is spelled it is one");
    let articles = facts([order("AB-1", "X-1", "C1"), order("AB-1", "X1", "C1")]);
    assert!(matches!(typed("ab1", "x 1", &articles), Outcome::Question { .. }), "two articles are as good");
    assert!(matches!(typed("", "x 1", &articles), Outcome::Question { .. }));
    assert_eq!(takes(typed("ab1", "X1", &articles)), [owned(&[("AB-1", 1)])]);
    // Never those of another customer; those of nobody known if the customer has none.
    assert!(matches!(typed("ab-1", "X", &facts([order("AB-1", "X", "C2")])), Outcome::Question { .. }));
    let receipt = facts([order("AB-1", "X", ""), order("A-B1", "X", "C1")]);
    assert_eq!(takes(typed("ab1", "X", &receipt)), [owned(&[("A-B1", 1)])]);
    assert_eq!(takes(typed("ab1", "X", &facts([order("AB-1", "X", "")]))), [owned(&[("AB-1", 1)])]);
}

#[test]
fn case_missing_part_of_a_set() {
    let set = facts([Order { sku: "SET-9".to_owned(), ..bought("20", 10, 1, 25_000) }]);
    let part = |order_no: &str| ReportedLine {
        order_no: order_no.to_owned(),
        sku: "SET-9-SCREWS".to_owned(),
        category: Category::MissingAccessory.into(),
        wish: Resolution::Resend.into(),
        ..one(1)
    };
    let Outcome::Person { reason, .. } = outcome(vec![part("#20")], Vec::new(), &set) else { panic!() };
    assert_eq!(reason, "PART_OF_A_SET", "the number is right: nobody is asked for it");
    let question = |reason: &str| Outcome::Question { reason: reason.to_owned(), line: 1 };
    assert_eq!(outcome(vec![part("")], Vec::new(), &set), question("ORDER_NUMBER_NEEDED"));
    assert_eq!(outcome(vec![part("21")], Vec::new(), &set), question("ORDER_NUMBER_UNKNOWN"));
}

#[test]
fn case_exchange_for_another_article() {
    let line = ReportedLine { category: Category::ExchangeRequest.into(), wish: Resolution::Replace.into(), ..one(1) };
    let Outcome::Person { reason, .. } = outcome(vec![line.clone()], Vec::new(), &facts([order()])) else { panic!() };
    assert_eq!(reason, "EXCHANGE_FOR_ANOTHER_ARTICLE");
    let refund = ReportedLine { wish: Resolution::ReturnRefund.into(), ..line };
    assert!(matches!(outcome(vec![refund], Vec::new(), &facts([order()])), Outcome::Plan(_)));
}

#[test]
fn case_part_of_the_price_as_goodwill() {
    let line =
        ReportedLine { category: Category::ServiceComplaint.into(), wish: Resolution::RefundOnly.into(), ..one(1) };
    let Outcome::Person { reason, .. } = outcome(vec![line], Vec::new(), &facts([order()])) else { panic!() };
    assert_eq!(reason, "PART_OF_THE_PRICE");
}

proptest! {
    /// Whatever was bought and is left, a line takes as many units as there are, up to those it wants, and no more.
    #[test]
    fn all_that_is_there_is_taken(
        bought in proptest::collection::vec((0..4_u8, 0..3_u8, 1..6_u32, 1..28_i8, 0..6_u32), 1..8),
        wanted in 1..30_u32,
    ) {
        let order = |(number, line, quantity, day, _): &(u8, u8, u32, i8, u32)| Order {
            line_id: line.to_string(),
            ..super::matching::bought(&number.to_string(), *day, *quantity, 7)
        };
        let orders = facts(bought.iter().map(order));
        let left: Vec<_> = bought.iter().map(|one| OrderLineLeft {
            line_id: one.1.to_string(),
            ..left(&one.0.to_string(), one.4, 0)
        }).collect();
        let ask = ask(AssessClaim { left, ..message(vec![one(wanted)], date(2026, 6, 28)) });
        let found = orders.of(&ask, &ask.lines[0], date(2026, 6, 28));
        let stock = Stock::free(&ask);
        let there: u32 = found.iter().map(|order| stock.of(order)).sum();
        let taken = stock.take(&found, wanted, |_| Eligibility::Inside);
        prop_assert_eq!(taken.units(), there.min(wanted));
        for (order, units) in &taken.parts {
            prop_assert!(*units > 0 && *units <= stock.of(order));
        }
        // An order that could have given all is the only one.
        let of = |number: &str| found.iter().filter(|o| o.order_no == number).map(|o| stock.of(o)).sum::<u32>();
        if found.iter().any(|order| of(&order.order_no) >= wanted) {
            prop_assert!(taken.parts.iter().all(|(order, _)| order.order_no == taken.parts[0].0.order_no));
        }
        // Within an order the cheapest line first: none that is left over is cheaper than one that is taken.
        for (order, _) in &taken.parts {
            let rest = found.iter().filter(|o| o.order_no == order.order_no && !taken.parts.iter().any(|(t, _)| t == *o));
            for other in rest.filter(|other| stock.of(other) > 0) {
                prop_assert!(other.unit_price() >= order.unit_price());
            }
        }
    }
}
