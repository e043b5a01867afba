//! Which batch goes out, and why goods come back: what the plan tells inventory.

use jiff::civil::date;
use proto::claim::{BatchRule, LinePlan, ReturnReason};

use super::super::rules::{Outcome, rule};
use super::*;

/// The only line of the plan for a claim of this category and wish.
fn planned(category: Category, wish: Resolution, pack: &Pack) -> LinePlan {
    let line = ReportedLine { category: category.into(), wish: wish.into(), batch: "B1".to_owned(), ..wanted_back() };
    let ask = ask(message(vec![line], date(2026, 6, 20)));
    let order = Order { paid: Money { minor_units: 20_000, currency: "GBP".to_owned() }, ..order() };
    match rule(pack, &ask, &facts([order]), None, ask.received_at).outcome {
        Outcome::Plan(plan) => plan.lines[0].clone(),
        other => panic!("{category:?}: {other:?}"),
    }
}

#[test]
fn a_d1_a_faulty_article_is_replaced_from_another_batch() {
    use BatchRule as B;
    for (category, wish, batch) in [
        (Category::QualityPerformance, Resolution::Replace, B::Other),
        (Category::QualityColour, Resolution::Replace, B::Other),
        (Category::TransitDamage, Resolution::Replace, B::Any),
        (Category::Shortage, Resolution::Resend, B::Any),
        (Category::TransitDamage, Resolution::RefundOnly, B::Unspecified),
    ] {
        let line = planned(category, wish, pack());
        assert_eq!((line.batch_rule(), line.batch.as_str()), (batch, "B1"), "{category:?}");
    }
}

#[test]
fn a_pack_may_want_the_same_batch() {
    let shipped = proto::policy::SUPPLY_CHAIN;
    let text = shipped.replacen("[triage.categories.shortage]", "[triage.categories.shortage]\nbatch = \"same\"", 1);
    let pack = Pack::parse("pack.toml", &text).unwrap();
    assert_eq!(planned(Category::Shortage, Resolution::Resend, &pack).batch_rule(), BatchRule::Same);
    let odd = text.replacen("batch = \"same\"", "batch = \"best\"", 1);
    let problems = Pack::parse("pack.toml", &odd).unwrap_err().lines();
    assert!(problems[0].1.contains("`best` is not a batch rule"), "{problems:?}");
}

#[test]
fn goods_come_back_for_the_reason_of_their_category() {
    use ReturnReason as R;
    for (category, wish, reason) in [
        (Category::ReturnRequest, Resolution::ReturnRefund, R::ChangeOfMind),
        (Category::TransitDamage, Resolution::ReturnRefund, R::Faulty),
        (Category::QualitySize, Resolution::Replace, R::Faulty),
        (Category::WrongItem, Resolution::ReturnRefund, R::WrongItem),
        (Category::LateDelivery, Resolution::ReturnRefund, R::ChangeOfMind),
        (Category::Shortage, Resolution::Resend, R::Unspecified),
    ] {
        assert_eq!(planned(category, wish, pack()).return_reason(), reason, "{category:?}");
    }
}
