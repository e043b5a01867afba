//! What holds for every report.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use proptest::prelude::*;
use proto::claim::{Category, LinePlan, Money, OrderLineLeft, Plan, ReportedLine, Resolution};
use proto::policy::triage::Word;
use proto::triage::AssessReason;

use super::super::person::{self, LineDecision};
use super::super::plan::{MONEY_MAX, cost, in_pack, total};
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
    let paid = prop_oneof![4 => 0..20_000_i64, 2 => 100_000..10_000_000_i64, 1 => 0..=MONEY_MAX, 1 => Just(MONEY_MAX)];
    let one = (
        "O[0-3]",
        "[A-C]",
        "|1|2",
        "C1|C2|",
        prop_oneof![4 => 1..20_u32, 1 => 1..=1_000_000_u32, 1 => Just(1_000_000_u32)],
        paid,
        0..100_i64,
        any::<u8>(),
    );
    let sold = one.prop_map(|(order_no, sku, line_id, customer_ref, quantity, minor_units, day, odd)| Order {
        order_no,
        sku,
        line_id,
        customer_ref,
        quantity,
        paid: Money { minor_units, currency: ["EUR", "CHF", "GBP"][usize::from(odd / 20).min(2)].to_owned() },
        purchased_on: BOUGHT.checked_add(day.days()).unwrap(),
        delivered_on: (odd % 2 == 0).then(|| BOUGHT.checked_add((day + 5).days()).unwrap()),
        warranty_until: (odd % 3 == 0).then(|| BOUGHT.checked_add((day + 200).days()).unwrap()),
        repaired_on: (odd % 5 == 0).then(|| BOUGHT.checked_add((day + 100).days()).unwrap()),
        ..order()
    });
    proptest::collection::vec(sold, 0..12)
}

/// What other claims have left of some order lines.
fn left() -> impl Strategy<Value = Vec<OrderLineLeft>> {
    let one = ("O[0-3]", "[A-C]", "|1|2", prop_oneof![2 => Just(0_u32), 1 => 1..20_u32], 0..3_u32);
    let left = one.prop_map(|(order_no, sku, line_id, free, replaced)| OrderLineLeft {
        order_no,
        sku,
        line_id,
        free,
        replaced,
        ..OrderLineLeft::default()
    });
    proptest::collection::vec(left, 0..8)
}

fn claims() -> impl Strategy<Value = (AssessClaim, Vec<Order>)> {
    let unknown = proptest::collection::vec(1..6_u32, 0..3);
    (lines(), orders(), 1..=7_i32, 0..500_i64, 0..=3_u32, unknown, left()).prop_map(
        |(lines, orders, reason, day, importance, order_unknown_lines, left)| {
            let received_on = BOUGHT.checked_add(day.days()).unwrap();
            let message = message(lines, received_on);
            (AssessClaim { reason, importance, order_unknown_lines, left, ..message }, orders)
        },
    )
}

/// What holds for every line plan, whoever made it.
fn sound(line: &LinePlan, reported: &ReportedLine, orders: &Orders) {
    if let Some(money) = &line.cost {
        assert_eq!(money.currency, "GBP");
        assert!((0..=MONEY_MAX).contains(&money.minor_units));
    }
    assert_eq!((line.line, &line.sku), (reported.line, &reported.sku));
    assert!(line.quantity <= reported.quantity && line.quantity > 0);
    match line.resolution() {
        Resolution::Unspecified => panic!("nothing was decided"),
        Resolution::Reject => assert!(!line.reason.is_empty() && cost(line) == Some(0)),
        Resolution::TechnicalSupport => assert!(cost(line) == Some(0) && !line.promised_on.is_empty()),
        Resolution::Replace | Resolution::Resend | Resolution::ReturnRefund | Resolution::RefundOnly => {
            assert!(!line.promised_on.is_empty() && !line.takes.is_empty());
            taken(line, orders);
        }
    }
    assert!(line.takes.is_empty() || matches!(line.resolution, 1..=4));
}

/// A line takes its units from order lines of one currency, each at most what it is worth by its facts.
fn taken(line: &LinePlan, orders: &Orders) {
    let amount = line.amount.as_ref().unwrap();
    let mut worth = Some(0_i64);
    for take in &line.takes {
        let (paid, part) = (take.paid_total.as_ref().unwrap(), take.amount.as_ref().unwrap());
        assert!(take.quantity > 0 && take.quantity <= take.sold_quantity);
        assert_eq!((&paid.currency, &part.currency), (&amount.currency, &amount.currency));
        let most = proto::share::first(paid.minor_units, take.sold_quantity, take.quantity);
        assert!((0..=most).contains(&part.minor_units) && most <= paid.minor_units);
        if take.version > 0 {
            let known =
                orders.whole(&take.order_no).find(|o| (&o.sku, &o.line_id) == (&take.sku, &take.line_id)).unwrap();
            assert_eq!((known.quantity, &known.paid, known.version), (take.sold_quantity, paid, take.version));
            worth = worth.zip(in_pack(pack(), part, known.purchased_on)).map(|(sum, worth)| sum + worth);
        } else {
            worth = None;
        }
    }
    let keys: BTreeSet<_> = line.takes.iter().map(|take| (&take.order_no, &take.sku, &take.line_id)).collect();
    assert_eq!(keys.len(), line.takes.len(), "an order line is taken from once");
    assert_eq!(line.takes.iter().map(|take| take.quantity).sum::<u32>(), line.quantity);
    let sum: i64 = line.takes.iter().map(|take| take.amount.as_ref().unwrap().minor_units).sum();
    assert_eq!(amount.minor_units, sum.min(MONEY_MAX));
    if let (Some(worth), Some(cost)) = (worth, cost(line)) {
        assert!(cost >= worth.min(MONEY_MAX));
    }
    let first = &line.takes[0];
    assert_eq!(line.sold_quantity, first.sold_quantity);
    assert_eq!(line.order_no, if first.version > 0 { first.order_no.as_str() } else { "" });
}

/// No order line gives more units than were sold, less what other claims have, to all lines together.
fn within(lines: &[LinePlan], asked: &AssessClaim, replaced: bool) {
    let mut units: BTreeMap<_, (u32, u32)> = BTreeMap::new();
    for take in lines.iter().flat_map(|line| &line.takes).filter(|take| take.version > 0) {
        let key = (take.order_no.clone(), take.sku.clone(), take.line_id.clone());
        let (taken, _) = units.get(&key).copied().unwrap_or_default();
        units.insert(key, (taken + take.quantity, take.sold_quantity));
    }
    for ((order_no, sku, line_id), (taken, sold)) in units {
        assert!(taken <= sold, "{order_no} {sku} {line_id}");
        let is = |left: &&OrderLineLeft| (&left.order_no, &left.sku, &left.line_id) == (&order_no, &sku, &line_id);
        // Of one that is there twice the last counts.
        if let Some(left) = asked.left.iter().rfind(is) {
            assert!(taken <= left.free + if replaced { left.replaced } else { 0 }, "{order_no} {sku} {line_id}");
        }
    }
}

fn whole(plan: &Plan, reported: &[ReportedLine], orders: &Orders) {
    assert_eq!(plan.lines.len(), reported.len());
    plan.lines.iter().zip(reported).for_each(|(line, reported)| sound(line, reported, orders));
    let sum = plan.lines.iter().map(|line| cost(line).map(i128::from)).sum::<Option<i128>>();
    assert_eq!(plan.cost.as_ref().map(|cost| i128::from(cost.minor_units)), sum);
    assert!(sum.is_none_or(|sum| sum <= i128::from(MONEY_MAX)));
    assert!(sum.is_some() || !plan.automatic, "what cannot be compared is approved");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_claim_has_one_sound_outcome((asked, sold) in claims()) {
        let pack = pack();
        let (reported, orders) = (asked.lines.clone(), facts(sold));
        let ask = ask(asked.clone());
        let ruling = rule(pack, &ask, &orders, None, ask.received_at);
        prop_assert!(ruling.assessment.priority <= 1000 && ruling.assessment.severity > 0);
        let person_only =
            !matches!(ask.reason, AssessReason::New | AssessReason::Answered | AssessReason::Basis);
        match ruling.outcome {
            Outcome::Plan(plan) => {
                whole(&plan, &reported, &orders);
                within(&plan.lines, &asked, false);
                prop_assert!(!person_only);
                let total = total(&plan.lines).unwrap();
                prop_assert!(total < pack.triage.value_high);
                prop_assert!(plan.lines.iter().any(|line| line.resolution() != Resolution::Reject));
                if plan.automatic && total > 0 {
                    prop_assert!(total <= pack.triage.authority.claim_max);
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
                within(&proposal, &asked, true);
                for line in &proposal {
                    sound(line, reported.iter().find(|reported| reported.line == line.line).unwrap(), &orders);
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
        let ask = ask(asked.clone());
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
            whole(&plan, &reported, &orders);
            within(&plan.lines, &asked, true);
            prop_assert_eq!(assessment.judged_by, "anna");
            prop_assert_eq!(&plan.proposed_by, "anna");
            let limit = pack.triage.authority.person_max[&Word(proto::claim::Role::Specialist)];
            let total = total(&plan.lines);
            let own_authority = ask.reason != AssessReason::Denied && total.is_some_and(|total| total <= limit);
            prop_assert_eq!(plan.automatic, total == Some(0) || own_authority);
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
                sold.paid.minor_units = 10 * price;
                let asked = message(vec![line.clone()], BOUGHT);
                let ask = ask(asked);
                let orders = facts([sold]);
                match rule(pack, &ask, &orders, None, ask.received_at).outcome {
                    Outcome::Plan(plan) => whole(&plan, &[line], &orders),
                    Outcome::Person { reason, .. } => assert!(!reason.is_empty()),
                    other => panic!("a known purchase of today is neither refused nor asked for: {other:?}"),
                }
            }
        }
    }
}
