//! The days that windows and warranty rest on, and what nobody knows of them.

use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;
use proto::policy::SUPPLY_CHAIN;
use proto::policy::triage::Kind;

use super::super::eligibility::{Eligibility, eligibility};
use super::super::rules::{Outcome, rule};
use super::*;

fn outcome(pack: &Pack, line: ReportedLine, on: Date, order: Order) -> Outcome {
    told(pack, message(vec![line], on), order)
}

fn told(pack: &Pack, message: AssessClaim, order: Order) -> Outcome {
    let ask = ask(message);
    rule(pack, &ask, &facts([order]), None, ask.received_at).outcome
}

fn reason(outcome: Outcome) -> String {
    match outcome {
        Outcome::Person { reason, .. } => reason,
        Outcome::Refused(reason) => format!("refused: {reason}"),
        Outcome::Plan(plan) => plan.lines[0].resolution().word().to_uppercase(),
        other => panic!("{other:?}"),
    }
}

/// The shipped pack with another warranty.
fn with_warranty(warranty: &str) -> Pack {
    let shipped = "from = \"delivery\"\nmonths = 12\n";
    assert!(SUPPLY_CHAIN.contains(shipped));
    Pack::parse("pack.toml", &SUPPLY_CHAIN.replacen(shipped, &format!("from = \"delivery\"\n{warranty}\n"), 1)).unwrap()
}

#[test]
fn case_warranty_in_months() {
    let pack = with_warranty("months = 36");
    let claimed = date(2026, 11, 30);
    let sold = |day| Order { purchased_on: day, delivered_on: Some(day), ..order() };
    assert_eq!(reason(outcome(&pack, faulty(), claimed, sold(date(2023, 11, 30)))), "REPLACE", "the last day");
    assert_eq!(reason(outcome(&pack, faulty(), claimed, sold(date(2023, 11, 29)))), "OUTSIDE_WINDOW");
    // What was sold with the goods wins over the rule, to both sides.
    let until = |last| Order { warranty_until: Some(last), ..sold(date(2023, 11, 29)) };
    assert_eq!(reason(outcome(&pack, faulty(), claimed, until(claimed))), "REPLACE");
    let short = Order { warranty_until: Some(date(2026, 11, 29)), ..sold(date(2024, 6, 1)) };
    assert_eq!(reason(outcome(&pack, faulty(), claimed, short)), "OUTSIDE_WINDOW");
    // A repair lengthens it once, where the pack says so.
    let pack = with_warranty("months = 24\nafter_repair = { months = 12 }");
    let repaired = |on| Order { repaired_on: Some(on), ..sold(date(2023, 11, 30)) };
    assert_eq!(reason(outcome(&pack, faulty(), claimed, repaired(date(2025, 11, 30)))), "REPLACE");
    assert_eq!(reason(outcome(&pack, faulty(), claimed, repaired(date(2025, 12, 1)))), "OUTSIDE_WINDOW");
}

#[test]
fn ff3_the_last_day_of_a_window_moves_to_monday() {
    let sold = Order { delivered_on: Some(date(2026, 10, 30)), ..order() };
    assert_eq!(reason(outcome(pack(), wanted_back(), date(2026, 11, 30), sold.clone())), "RETURN_REFUND");
    assert_eq!(reason(outcome(pack(), wanted_back(), date(2026, 12, 1), sold)), "refused: OUTSIDE_WINDOW");
}

#[test]
fn case_delivery_day_is_not_known() {
    let unknown = || Order { delivered_on: None, ..order() };
    let said = |day: &str| ReportedLine { delivered_on: day.to_owned(), ..wanted_back() };
    // Bought 45 days ago. By the day of purchase it is too late, by the customer's word it is not.
    let claimed = date(2026, 7, 16);
    assert_eq!(reason(outcome(pack(), said("2026-07-11"), claimed, unknown())), "DELIVERY_DAY_UNKNOWN");
    // Their word changes nothing, or cannot be true: then the longest delivery counts.
    assert_eq!(reason(outcome(pack(), said("2026-06-15"), claimed, unknown())), "refused: OUTSIDE_WINDOW");
    assert_eq!(reason(outcome(pack(), said("2026-07-17"), claimed, unknown())), "refused: OUTSIDE_WINDOW");
    assert_eq!(reason(outcome(pack(), said("2026-05-31"), date(2026, 7, 15), unknown())), "DELIVERY_DAY_UNKNOWN");
    // Nothing is said: within the longest delivery a person looks, afterwards it is too late.
    assert_eq!(reason(outcome(pack(), wanted_back(), date(2026, 7, 1), unknown())), "RETURN_REFUND");
    assert_eq!(reason(outcome(pack(), wanted_back(), date(2026, 7, 2), unknown())), "DELIVERY_DAY_UNKNOWN");
    assert_eq!(reason(outcome(pack(), wanted_back(), date(2026, 7, 15), unknown())), "DELIVERY_DAY_UNKNOWN");
    assert_eq!(reason(outcome(pack(), wanted_back(), claimed, unknown())), "refused: OUTSIDE_WINDOW");
    // A day that is recorded wins.
    assert_eq!(reason(outcome(pack(), said("2026-07-11"), claimed, order())), "refused: OUTSIDE_WINDOW");
    // Money or only goods: it makes a difference. Goods in either case: it makes none.
    let money = ReportedLine { wish: Resolution::ReturnRefund.into(), ..faulty() };
    assert_eq!(reason(outcome(pack(), money, date(2026, 7, 10), unknown())), "DELIVERY_DAY_UNKNOWN");
    assert_eq!(reason(outcome(pack(), faulty(), date(2026, 7, 10), unknown())), "REPLACE");
}

#[test]
fn case_goods_are_not_delivered_yet() {
    let planned = |day| Order { delivered_on: Some(day), ..order() };
    let missing =
        ReportedLine { wish: Resolution::Resend.into(), category: Category::Shortage.into(), ..wanted_back() };
    for line in [wanted_back(), faulty(), missing] {
        let early = outcome(pack(), line.clone(), date(2026, 6, 2), planned(date(2026, 6, 6)));
        assert_eq!(reason(early), "NOT_DELIVERED_YET");
        assert!(matches!(outcome(pack(), line, date(2026, 6, 6), planned(date(2026, 6, 6))), Outcome::Plan(_)));
    }
    // Judged after the delivery, reported before it: the goods are there.
    let ask = ask(message(vec![wanted_back()], date(2026, 6, 2)));
    let later = rule(pack(), &ask, &facts([planned(date(2026, 6, 6))]), None, at(date(2026, 6, 7))).outcome;
    assert!(matches!(later, Outcome::Plan(_)), "{later:?}");
}

#[test]
fn the_day_of_the_first_report_counts_and_never_one_after_receipt() {
    let on = |announced_on: &str, received_on| {
        let asked = AssessClaim { announced_on: announced_on.to_owned(), ..message(vec![wanted_back()], received_on) };
        reason(told(pack(), asked, order()))
    };
    assert_eq!(on("", date(2026, 7, 2)), "refused: OUTSIDE_WINDOW");
    assert_eq!(on("2026-07-01", date(2026, 7, 2)), "RETURN_REFUND");
    assert_eq!(on("2026-07-02", date(2026, 7, 1)), "RETURN_REFUND");
    let wrong = AssessClaim { announced_on: "soon".to_owned(), ..message(vec![wanted_back()], BOUGHT) };
    assert_eq!(
        super::super::ask::Ask::read(ask(message(vec![wanted_back()], BOUGHT)).claim, wrong).unwrap_err(),
        "announced_on is not a day"
    );
}

#[test]
fn the_terms_of_the_day_of_purchase_count() {
    let term = "{ from = \"delivery\", days = 60 }";
    let earlier = format!(
        "[[triage.earlier_terms]]\nlast_day = \"2026-06-01\"\nwindows = {{ quality = {term}, change_of_mind = {term}, fulfilment = \
         {term} }}\nwarranty = {{ from = \"delivery\", years = 2 }}\n\n[triage.freight]"
    );
    let pack = Pack::parse("pack.toml", &SUPPLY_CHAIN.replacen("[triage.freight]", &earlier, 1)).unwrap();
    assert_eq!(reason(outcome(&pack, wanted_back(), date(2026, 7, 31), order())), "RETURN_REFUND");
    let next_day = Order { purchased_on: date(2026, 6, 2), delivered_on: Some(date(2026, 6, 2)), ..order() };
    assert_eq!(reason(outcome(&pack, wanted_back(), date(2026, 7, 31), next_day.clone())), "refused: OUTSIDE_WINDOW");
    assert_eq!(reason(outcome(&pack, faulty(), date(2028, 6, 1), order())), "REPLACE");
    assert_eq!(reason(outcome(&pack, faulty(), date(2028, 6, 1), next_day)), "OUTSIDE_WINDOW");
}

proptest! {
    /// A later claim is never judged better, and a later delivery never worse.
    #[test]
    fn being_late_never_helps(bought in 0_i64..900, way in 0_i64..40, more in 0_i64..40, day in 0_i64..900, later in 0_i64..60) {
        let rank = |eligible| match eligible {
            Eligibility::Inside => 2,
            Eligibility::Warranty => 1,
            Eligibility::Outside => 0,
        };
        let purchased_on = date(2024, 2, 1) + bought.days();
        let sold = |way: i64| Order { purchased_on, delivered_on: Some(purchased_on + way.days()), ..order() };
        let claimed = purchased_on + day.days();
        for (category, rules) in &pack().triage.categories {
            let on = |order: &Order, day| rank(eligibility(pack(), category.0, order, day));
            let now = on(&sold(way), claimed);
            prop_assert!(on(&sold(way), claimed + later.days()) <= now);
            prop_assert!(on(&sold(way + more), claimed) >= now);
            prop_assert!(now != 1 || rules.kind == Kind::Quality);
        }
    }
}
