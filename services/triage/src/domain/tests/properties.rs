//! What holds for every report.

use jiff::ToSpan;
use proptest::prelude::*;
use proto::claim::{Category, LinePlan, Money, Plan, ReportedLine, Resolution};
use proto::policy::triage::Word;
use proto::triage::AssessReason;

use super::super::person::{self, LineDecision};
use super::super::plan::{MONEY_MAX, cost, total};
use super::super::rules::{Outcome, rule};
use super::*;

fn lines() -> impl Strategy<Value = Vec<ReportedLine>> {
    let units = prop_oneof![4 => 1..20_u32, 1 => 1..=1_000_000_u32, 1 => Just(1_000_000_u32)];
    let what = (0..=20_i32, 0..=6_i32, units, any::<(bool, bool)>());
    let which = ("[A-C]|POST", prop_oneof![Just(String::new()), "O[0-3]"]);
    proptest::collection::vec((what, which), 1..6).prop_map(|lines| {
        let line = |((category, wish, quantity, (safety_risk, operation_stopped)), (sku, order_no))| ReportedLine {
            line: 0,
            order_no,
            sku,
            quantity,
            category,
            wish,
            safety_risk,
            operation_stopped,
            ..ReportedLine::default()
        };
        let numbered = |(line, reported)| ReportedLine { line, ..reported };
        (1..).zip(lines.into_iter().map(line)).map(numbered).collect()
    })
}

fn orders() -> impl Strategy<Value = Vec<Order>> {
    let price = prop_oneof![4 => 0..2_000_i64, 2 => 100_000..1_000_000_i64, 1 => 0..=MONEY_MAX, 1 => Just(MONEY_MAX)];
    let one = (
        "O[0-3]",
        "[A-C]",
        "C1|C2|",
        prop_oneof![4 => 1..20_u32, 1 => 1..=1_000_000_u32, 1 => Just(1_000_000_u32)],
        price,
        0..100_i64,
        any::<u8>(),
    );
    proptest::collection::vec(
        one.prop_map(|(order_no, sku, customer_ref, quantity, minor_units, day, odd)| Order {
            order_no,
            sku,
            customer_ref,
            quantity,
            unit_price: Money { minor_units, currency: if odd < 20 { "EUR" } else { "GBP" }.to_owned() },
            purchased_on: BOUGHT.checked_add(day.days()).unwrap(),
            delivered_on: (odd % 2 == 0).then(|| BOUGHT.checked_add((day + 5).days()).unwrap()),
            warranty_until: (odd % 3 == 0).then(|| BOUGHT.checked_add((day + 200).days()).unwrap()),
            repaired_on: (odd % 5 == 0).then(|| BOUGHT.checked_add((day + 100).days()).unwrap()),
        }),
        0..12,
    )
}

fn claims() -> impl Strategy<Value = (AssessClaim, Vec<Order>)> {
    (lines(), orders(), 1..=6_i32, 0..500_i64, 0..=3_u32, proptest::collection::vec(1..6_u32, 0..3)).prop_map(
        |(lines, orders, reason, day, importance, unknown)| {
            let received_on = BOUGHT.checked_add(day.days()).unwrap();
            let asked = AssessClaim { reason, importance, order_unknown_lines: unknown, ..message(lines, received_on) };
            (asked, orders)
        },
    )
}

/// What holds for every line plan, whoever made it.
fn sound(line: &LinePlan, reported: &ReportedLine) {
    let money = line.cost.as_ref().unwrap();
    assert_eq!(money.currency, "GBP");
    assert!((0..=MONEY_MAX).contains(&money.minor_units));
    assert_eq!((line.line, &line.sku), (reported.line, &reported.sku));
    assert!(line.quantity <= reported.quantity && line.quantity > 0);
    match line.resolution() {
        Resolution::Unspecified => panic!("nothing was decided"),
        Resolution::Reject => assert!(!line.reason.is_empty() && money.minor_units == 0),
        Resolution::TechnicalSupport => assert!(money.minor_units == 0 && !line.promised_on.is_empty()),
        Resolution::Replace | Resolution::Resend | Resolution::ReturnRefund | Resolution::RefundOnly => {
            assert!(line.quantity <= line.sold_quantity && !line.promised_on.is_empty());
            let goods = i128::from(line.unit_price.as_ref().unwrap().minor_units) * i128::from(line.quantity);
            assert!(i128::from(money.minor_units) >= goods.min(i128::from(MONEY_MAX)));
        }
    }
}

fn whole(plan: &Plan, reported: &[ReportedLine]) {
    assert_eq!(plan.lines.len(), reported.len());
    plan.lines.iter().zip(reported).for_each(|(line, reported)| sound(line, reported));
    let sum: i128 = plan.lines.iter().map(|line| i128::from(cost(line))).sum();
    assert_eq!(i128::from(plan.cost.as_ref().unwrap().minor_units), sum);
    assert!(sum <= i128::from(MONEY_MAX));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_claim_has_one_sound_outcome((asked, sold) in claims()) {
        let pack = pack();
        let reported = asked.lines.clone();
        let ask = ask(asked);
        let ruling = rule(pack, &ask, &facts(sold), None, ask.received_at);
        prop_assert!(ruling.assessment.priority <= 1000 && ruling.assessment.severity > 0);
        let person_only = !matches!(ask.reason, AssessReason::New | AssessReason::Answered);
        match ruling.outcome {
            Outcome::Plan(plan) => {
                whole(&plan, &reported);
                prop_assert!(!person_only);
                prop_assert!(total(&plan.lines) < pack.triage.value_high);
                prop_assert!(plan.lines.iter().any(|line| line.resolution() != Resolution::Reject));
                if plan.automatic && total(&plan.lines) > 0 {
                    prop_assert!(total(&plan.lines) <= pack.triage.authority.claim_max);
                    prop_assert!(!pack.triage.authority.excluded.contains(&Word(ruling.assessment.severity())));
                }
                if plan.consented {
                    for (line, reported) in plan.lines.iter().zip(&reported) {
                        let free = matches!(line.resolution(), Resolution::Reject | Resolution::TechnicalSupport);
                        prop_assert!(free || line.resolution == reported.wish);
                    }
                }
            }
            Outcome::Refused(reason) => prop_assert!(!person_only && !reason.is_empty()),
            Outcome::Person { reason, proposal, .. } => {
                prop_assert!(!reason.is_empty());
                for line in &proposal {
                    sound(line, reported.iter().find(|reported| reported.line == line.line).unwrap());
                }
            }
            Outcome::AddressFor(plan) => panic!("the plan of a person waits, and nobody made one: {plan:?}"),
            Outcome::Question { line, .. } => prop_assert!(!person_only && line as usize <= reported.len()),
        }
    }

    #[test]
    fn a_person_overrides_rules_but_no_facts(
        (asked, sold) in claims(),
        resolutions in proptest::collection::vec(1..=6_i32, 6),
        quantities in proptest::collection::vec(proptest::option::of(1..=1_000_000_u32), 6),
        prices in proptest::collection::vec(proptest::option::of(0..=MONEY_MAX), 6),
    ) {
        let pack = pack();
        let reported = asked.lines.clone();
        let ask = ask(asked);
        let orders = facts(sold);
        let each = resolutions.iter().zip(&quantities).zip(&prices).zip(&reported);
        let decisions: Vec<_> = each.map(|(((resolution, quantity), price), line)| LineDecision {
            line: line.line,
            resolution: Resolution::try_from(*resolution).unwrap(),
            quantity: *quantity,
            unit_price: price.map(|minor_units| Money { minor_units, currency: "GBP".to_owned() }),
            reason: "NO".to_owned(),
        }).collect();
        let meta = meta(BOUGHT, "anna", &["specialist"]);
        let round = person::Round::of([ask.reason]);
        if let Ok((assessment, plan)) = person::plan(pack, &ask, &orders, &decisions, None, round, &meta) {
            whole(&plan, &reported);
            prop_assert_eq!(assessment.judged_by, "anna");
            prop_assert_eq!(&plan.proposed_by, "anna");
            let limit = pack.triage.authority.person_max[&Word(proto::claim::Role::Specialist)];
            let own_authority = ask.reason != AssessReason::Denied && total(&plan.lines) <= limit;
            prop_assert_eq!(plan.automatic, total(&plan.lines) == 0 || own_authority);
        }
    }

    #[test]
    fn the_purchase_is_the_best_of_all(sold in orders(), line in lines(), day in 0..100_i64) {
        let received_on = BOUGHT.checked_add(day.days()).unwrap();
        let orders = facts(sold.clone());
        let ask = ask(message(line, received_on));
        // The same order line again replaces the facts.
        let mut newest: Vec<&Order> = Vec::new();
        for order in &sold {
            newest.retain(|known| (&known.order_no, &known.sku) != (&order.order_no, &order.sku));
            newest.push(order);
        }
        for line in ask.lines.iter().filter(|line| line.order_no.is_empty()) {
            let fits = |order: &&&Order| {
                order.customer_ref == "C1" && order.sku == line.sku && order.purchased_on <= received_on
            };
            let best = newest.iter().filter(fits).max_by_key(|order| {
                (order.quantity >= line.quantity, order.purchased_on, order.order_no.clone())
            });
            prop_assert_eq!(orders.find(&ask, line, received_on), best.copied());
        }
    }
}

#[test]
fn every_category_severity_and_wish_has_an_outcome() {
    let pack = pack();
    let prices = [1, 10_000, 100_000, 1_000_000];
    for category in 0..=20 {
        assert!(Category::try_from(category).is_ok());
        for wish in 0..=6 {
            for (price, effect) in prices.into_iter().flat_map(|price| (0..4).map(move |effect| (price, effect))) {
                let line = ReportedLine {
                    category,
                    wish,
                    quantity: 1,
                    safety_risk: effect & 1 > 0,
                    operation_stopped: effect & 2 > 0,
                    ..wanted_back()
                };
                let mut sold = order();
                sold.unit_price.minor_units = price;
                let asked = message(vec![line.clone()], BOUGHT);
                let ask = ask(asked);
                match rule(pack, &ask, &facts([sold]), None, ask.received_at).outcome {
                    Outcome::Plan(plan) => whole(&plan, &[line]),
                    Outcome::Person { reason, .. } => assert!(!reason.is_empty()),
                    other => panic!("a known purchase of today is neither refused nor asked for: {other:?}"),
                }
            }
        }
    }
}
