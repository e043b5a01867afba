//! What was paid is what is planned: totals, several lines, other currencies.

use jiff::civil::date;
use proptest::prelude::*;
use proto::claim::{LinePlan, Plan, ReportedLine};

use super::super::person::{self, LineDecision};
use super::super::rules::{Outcome, rule};
use super::*;

fn paid(line_id: &str, quantity: u32, minor_units: i64) -> Order {
    let paid = Money { minor_units, currency: "GBP".to_owned() };
    Order { line_id: line_id.to_owned(), quantity, paid, ..order() }
}

fn ruled(lines: Vec<ReportedLine>, orders: &Orders) -> Outcome {
    let ask = ask(message(lines, date(2026, 6, 20)));
    rule(pack(), &ask, orders, None, ask.received_at).outcome
}

fn plan(lines: Vec<ReportedLine>, orders: &Orders) -> Plan {
    match ruled(lines, orders) {
        Outcome::Plan(plan) => plan,
        other => panic!("{other:?}"),
    }
}

fn back(quantity: u32) -> Vec<ReportedLine> {
    vec![ReportedLine { order_no: "O1".to_owned(), quantity, ..wanted_back() }]
}

fn amount(line: &LinePlan) -> i64 {
    line.amount.as_ref().unwrap().minor_units
}

#[test]
fn case_unit_price_is_no_whole_penny() {
    // 10 for 23.90 each less 25 %: 179.25.
    let orders = facts([paid("", 10, 17_925)]);
    let of = |units| amount(&plan(back(units), &orders).lines[0]);
    assert_eq!((of(10), of(4), of(6)), (17_925, 4 * 1_792 + 4, 6 * 1_792 + 5));
    let line = plan(back(4), &orders).lines.remove(0);
    assert_eq!(line.unit_price.unwrap().minor_units, 1_792, "rounded down for readers of before");
    assert_eq!(line.cost.unwrap().minor_units, 7_172);
}

#[test]
fn case_one_article_at_two_prices() {
    let orders = facts([paid("1", 2, 2_000), paid("2", 1, 700)]);
    let of = |units| {
        let line = plan(back(units), &orders).lines.remove(0);
        (amount(&line), line.takes.iter().map(|take| take.line_id.clone()).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(of(3), (2_700, "2 1".to_owned()));
    assert_eq!(of(1), (700, "2".to_owned()), "the cheapest first");
    assert_eq!(of(2), (1_700, "2 1".to_owned()));
}

#[test]
fn case_free_goods_can_be_faulty() {
    let orders = facts([paid("", 3, 0)]);
    let line = plan(back(3), &orders).lines.remove(0);
    assert_eq!((line.quantity, amount(&line), line.cost.unwrap().minor_units), (3, 0, 0));
    let faulty = plan(vec![ReportedLine { order_no: "O1".to_owned(), ..faulty() }], &orders);
    assert_eq!(faulty.cost.unwrap().minor_units, 500, "the freight to the customer");
}

fn in_currency(currency: &str) -> Orders {
    let paid = Money { minor_units: 5_000, currency: currency.to_owned() };
    facts([Order { quantity: 1, paid, ..order() }])
}

#[test]
fn case_order_in_another_currency() {
    let plan = plan(back(1), &in_currency("EUR"));
    let line = &plan.lines[0];
    let euros = Money { minor_units: 5_000, currency: "EUR".to_owned() };
    assert_eq!((line.unit_price.as_ref(), line.amount.as_ref()), (Some(&euros), Some(&euros)));
    assert_eq!(line.takes[0].paid_total.as_ref(), Some(&euros));
    // Limits are compared in the currency of the pack.
    let pounds = Money { minor_units: 4_300, currency: "GBP".to_owned() };
    assert_eq!((plan.cost.as_ref(), line.cost.as_ref(), plan.automatic), (Some(&pounds), Some(&pounds), true));
}

#[test]
fn without_a_rate_a_person_decides_in_the_currency_of_the_order() {
    let orders = in_currency("CHF");
    let Outcome::Person { reason, proposal, .. } = ruled(back(1), &orders) else { panic!() };
    assert_eq!((reason.as_str(), &proposal[0].cost), ("CURRENCY_UNKNOWN", &None));
    assert_eq!(proposal[0].amount.as_ref().unwrap().currency, "CHF");
    let ask = ask(message(back(1), date(2026, 6, 20)));
    let resolution = proto::claim::Resolution::RefundOnly;
    let decide = |unit_price| {
        let decision = LineDecision { line: 1, resolution, quantity: None, unit_price, reason: String::new() };
        let boss = meta(date(2026, 6, 22), "mia", &["management"]);
        person::plan(pack(), &ask, &orders, &[decision], None, person::Round::of([ask.reason]), &boss)
    };
    let (_, plan) = decide(None).unwrap();
    let francs = Money { minor_units: 5_000, currency: "CHF".to_owned() };
    assert_eq!(plan.lines[0].amount, Some(francs.clone()));
    assert_eq!((plan.cost, plan.automatic), (None, false), "what cannot be compared is approved");
    assert!(decide(Some(francs)).is_err(), "the price paid is known");
}

#[test]
fn goods_of_no_known_order_have_a_price_in_any_currency() {
    let ask = ask(message(back(2), date(2026, 6, 20)));
    let decide = |currency: &str| {
        let unit_price = Some(Money { minor_units: 1_000, currency: currency.to_owned() });
        let resolution = proto::claim::Resolution::RefundOnly;
        let decision = LineDecision { line: 1, resolution, quantity: None, unit_price, reason: String::new() };
        let sam = meta(date(2026, 6, 22), "sam", &["specialist"]);
        person::plan(pack(), &ask, &Orders::default(), &[decision], None, person::Round::of([ask.reason]), &sam)
            .unwrap()
            .1
    };
    let plan = decide("EUR");
    assert_eq!((plan.cost.unwrap().minor_units, plan.automatic), (1_720, false), "SR3: another person looks at it");
    let take = &plan.lines[0].takes[0];
    assert_eq!((take.order_no.as_str(), take.version, take.quantity), (&*format!("claim:{}/1", ask.claim), 0, 2));
    assert_eq!((plan.lines[0].order_no.as_str(), amount(&plan.lines[0])), ("", 2_000));
    assert_eq!((decide("CHF").cost, decide("CHF").automatic), (None, false));
}

#[test]
fn a_line_takes_from_orders_of_one_currency() {
    let euros = Money { minor_units: 800, currency: "EUR".to_owned() };
    let newer =
        Order { order_no: "O2".to_owned(), quantity: 1, paid: euros, purchased_on: date(2026, 6, 10), ..order() };
    let older = Order { quantity: 1, paid: Money { minor_units: 900, currency: "GBP".to_owned() }, ..order() };
    let line = plan(vec![wanted_back()], &facts([newer, older])).lines.remove(0);
    assert_eq!((line.quantity, line.reason.as_str(), line.takes.len()), (1, "QUANTITY_REDUCED", 1));
    assert_eq!(line.amount.unwrap().currency, "EUR");
}

proptest! {
    /// Whatever portions come back, in whatever claims, what they may be paid is never less than what was paid for them
    /// together, and each is at most what the units can be worth.
    #[test]
    fn portions_of_a_line_are_worth_what_was_paid(
        total in 0_i64..100_000,
        quantity in 1..40_u32,
        portions in proptest::collection::vec(1..10_u32, 1..20),
    ) {
        let order = paid("", quantity, total);
        let (mut left, mut sum) = (quantity, 0);
        for units in portions {
            let units = units.min(left);
            sum += order.most(units);
            left -= units;
        }
        sum += order.most(left);
        prop_assert!(sum >= total, "together they cover it");
        prop_assert!(order.most(quantity) == total && order.most(u32::MAX) == total);
    }
}
