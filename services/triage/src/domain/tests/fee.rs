//! What was paid for the delivery of an order.

use jiff::civil::date;
use proptest::prelude::*;
use proto::claim::{LinePlan, ReportedLine};

use super::super::fee::DELIVERY_FEE_KEPT;
use super::super::rules::{NOT_GOODS, Outcome, rule};
use super::*;

fn sold(sku: &str, quantity: u32, minor_units: i64) -> Order {
    let paid = Money { minor_units, currency: "GBP".to_owned() };
    Order { sku: sku.to_owned(), quantity, paid, ..order() }
}

/// Two articles, of one of them two units, and the delivery.
fn bought() -> Orders {
    facts([sold("A", 2, 1_210), sold("B", 1, 500), sold("POST", 1, 605)])
}

fn back(sku: &str, line: u32, quantity: u32) -> ReportedLine {
    ReportedLine { line, order_no: "O1".to_owned(), sku: sku.to_owned(), quantity, ..wanted_back() }
}

fn ruled(pack: &Pack, lines: Vec<ReportedLine>) -> Outcome {
    let ask = ask(message(lines, date(2026, 6, 20)));
    rule(pack, &ask, &bought(), None, ask.received_at).outcome
}

fn planned(lines: Vec<ReportedLine>) -> Vec<LinePlan> {
    match ruled(pack(), lines) {
        Outcome::Plan(plan) => plan.lines,
        other => panic!("{other:?}"),
    }
}

#[test]
fn case_delivery_fee_of_a_whole_return() {
    // Named first: it follows the goods all the same.
    let lines = planned(vec![back("POST", 1, 1), back("A", 2, 2), back("B", 3, 1)]);
    assert_eq!(lines[0].resolution(), Resolution::RefundOnly);
    assert_eq!((lines[0].amount.as_ref().unwrap().minor_units, &lines[0].only_with), (605, &vec![2, 3]));
    assert_eq!(lines[1].only_with, Vec::<u32>::new());
}

#[test]
fn the_fee_stays_paid_when_a_part_comes_back() {
    for lines in [vec![back("A", 1, 2), back("POST", 2, 1)], vec![back("A", 1, 1), back("POST", 2, 1), back("B", 3, 1)]]
    {
        let lines = planned(lines);
        assert_eq!((lines[1].resolution(), lines[1].reason.as_str()), (Resolution::Reject, DELIVERY_FEE_KEPT));
        assert_eq!(lines[0].resolution(), Resolution::ReturnRefund);
    }
    assert_eq!(ruled(pack(), vec![back("POST", 1, 1)]), Outcome::Refused(NOT_GOODS.to_owned()));
}

#[test]
fn the_fee_is_claimed_once() {
    let lines = planned(vec![back("A", 1, 2), back("B", 2, 1), back("POST", 3, 1), back("POST", 4, 1)]);
    assert_eq!(lines[2].resolution(), Resolution::RefundOnly);
    assert_eq!((lines[3].resolution(), lines[3].reason.as_str()), (Resolution::Reject, "ALREADY_COMPENSATED"));
}

#[test]
fn a_fee_is_what_the_facts_say_and_what_is_exchanged_is_not_paid_back() {
    let order = [sold("A", 1, 1_000), Order { kind: LineKind::DeliveryFee, ..sold("SHIP", 1, 300) }];
    let line = |category: Category, wish: Resolution| ReportedLine {
        category: category.into(),
        wish: wish.into(),
        ..back("A", 1, 1)
    };
    for (category, wish, given) in [
        (Category::QualityPerformance, Resolution::RefundOnly, Resolution::RefundOnly),
        (Category::QualityPerformance, Resolution::ReturnRefund, Resolution::RefundOnly),
        (Category::QualityPerformance, Resolution::Replace, Resolution::Reject),
    ] {
        let ask = ask(message(vec![line(category, wish), back("SHIP", 2, 1)], date(2026, 6, 20)));
        let Outcome::Plan(plan) = rule(pack(), &ask, &facts(order.clone()), None, ask.received_at).outcome else {
            panic!("no plan for {wish:?}")
        };
        assert_eq!(plan.lines[1].resolution(), given, "{wish:?}");
    }
}

#[test]
fn the_pack_may_keep_the_fee_or_ask_a_person() {
    let shipped = proto::policy::SUPPLY_CHAIN;
    let pack = |from: &str, to: &str| Pack::parse("pack.toml", &shipped.replacen(from, to, 1)).unwrap();
    let whole = || vec![back("A", 1, 2), back("B", 2, 1), back("POST", 3, 1)];
    let keeps = pack("whole_order = \"refund\"", "whole_order = \"keep\"");
    let Outcome::Plan(plan) = ruled(&keeps, whole()) else { panic!("no plan") };
    assert_eq!(plan.lines[2].reason, DELIVERY_FEE_KEPT);
    let asks = pack("otherwise = \"refuse\"", "otherwise = \"person\"");
    assert!(matches!(ruled(&asks, whole()), Outcome::Plan(_)));
    let Outcome::Person { reason, proposal, .. } = ruled(&asks, vec![back("A", 1, 2), back("POST", 2, 1)]) else {
        panic!("nobody is asked")
    };
    assert_eq!((reason.as_str(), proposal[1].resolution()), ("DELIVERY_FEE", Resolution::RefundOnly));
    assert_eq!(proposal[1].only_with, [1]);
}

proptest! {
    /// The fee is paid back with all units of all goods, and with nothing less; never more than was paid.
    #[test]
    fn the_fee_follows_the_whole_order(a in 0_u32..=2, b in 0_u32..=1, fee_first in any::<bool>()) {
        let goods = [("A", a), ("B", b)].into_iter().filter(|(_, units)| *units > 0);
        let mut named: Vec<_> = goods.collect();
        named.insert(if fee_first { 0 } else { named.len() }, ("POST", 1));
        let lines = (1..).zip(&named).map(|(line, (sku, units))| back(sku, line, *units)).collect();
        let paid: i64 = match ruled(pack(), lines) {
            Outcome::Plan(plan) => {
                let fees = plan.lines.iter().filter(|line| line.sku == "POST" && line.amount.is_some());
                fees.map(|line| line.amount.as_ref().unwrap().minor_units).sum()
            }
            Outcome::Refused(_) => 0,
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(paid, if (a, b) == (2, 1) { 605 } else { 0 });
    }
}
