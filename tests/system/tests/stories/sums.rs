//! Authority counts sums: of an order, of a customer, of a person.

use proto::claim::claim_event::Kind;
use proto::claim::{Category, ClaimState, Resolution, WaitingFor};
use proto::escalation::{Ruling, WorkKind};
use proto::intake::WithdrawClaimRequest;
use system::{World, line};
use testkit::{actor, reason, request_id};

/// Why a plan of a claim waits for somebody, and what was counted.
async fn waits(world: &World, claim: &str) -> (String, i64) {
    let step = world.task(claim, WorkKind::Approval).await;
    let plan = step.plan.unwrap();
    (plan.beyond, plan.counted.map_or(0, |counted| counted.minor_units))
}

#[tokio::test(flavor = "multi_thread")]
async fn sr8_ten_claims_of_one_unit_are_no_more_than_one_claim_of_ten() {
    let world = World::new().await;
    world.sold("O-1", "ART-1", 10, 4_000, 10).await;
    let refund =
        async |order: &str| world.claim(order, "ART-1", 1, Category::TransitDamage, Resolution::RefundOnly).await;
    let returned = world.claim("O-1", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_waiting(&returned, WaitingFor::Carrier).await;
    let second = refund("O-1").await;
    world.until_waiting(&second, WaitingFor::Finance).await;
    let third = refund("O-1").await;
    assert_eq!(waits(&world, &third).await, ("ORDER_SUM".to_owned(), 12_000));
    // What came to nothing does not count.
    world.withdraw(&returned).await;
    world.until_state(&returned, ClaimState::Withdrawn).await;
    let fourth = refund("O-1").await;
    world.until_waiting(&fourth, WaitingFor::Finance).await;
    // Other orders of the customer count until their sum is reached.
    for number in 2..=12 {
        world.sold(&format!("O-{number}"), "ART-1", 1, 4_000, 10).await;
    }
    for number in 2..=11 {
        let claim = refund(&format!("O-{number}")).await;
        world.until_waiting(&claim, WaitingFor::Finance).await;
    }
    let last = refund("O-12").await;
    assert_eq!(waits(&world, &last).await, ("CUSTOMER_SUM".to_owned(), 52_000));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sr6_what_was_denied_is_not_given_by_the_next_claim_and_sr3_a_person_has_a_sum_for_the_day() {
    let world = World::new().await;
    world.sold("O-1", "ART-1", 10, 1_000, 10).await;
    let denied = world.claim("O-1", "ART-1", 6, Category::TransitDamage, Resolution::RefundOnly).await;
    let step = world.task(&denied, WorkKind::Approval).await;
    world.rule(&step, "sue", Ruling::Deny).await.unwrap();
    world.until_waiting(&denied, WaitingFor::Specialist).await;
    world.withdraw(&denied).await;
    world.until_state(&denied, ClaimState::Withdrawn).await;
    // Neither the rules nor one person give it under another number.
    let again = world.claim("O-1", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    assert_eq!(waits(&world, &again).await.0, "DENIED_BEFORE");
    let other =
        world.submit(world.report("C-1", vec![line("O-1", "ART-1", 1, Category::Other, Resolution::RefundOnly)]));
    let other = other.await;
    world.judge(&other, "sam", Resolution::RefundOnly, "").await;
    assert_eq!(waits(&world, &other).await.0, "DENIED_BEFORE");

    // Six customers, 18,000 each, inside what one person gives alone for a claim; the sixth is beyond the day's sum.
    for number in 1..=6 {
        let (customer, order) = (format!("C-{}", number + 1), format!("P-{number}"));
        world.sold_to(&customer, &order, "ART-2", 1, 18_000, 10).await;
        let lines = vec![line(&order, "ART-2", 1, Category::Other, Resolution::RefundOnly)];
        let claim = world.submit(world.report(&customer, lines)).await;
        world.judge(&claim, "zoe", Resolution::RefundOnly, "").await;
        if number == 6 {
            assert_eq!(waits(&world, &claim).await, ("PERSON_SUM".to_owned(), 108_000));
        } else {
            world.until_waiting(&claim, WaitingFor::Finance).await;
        }
    }
    world.end().await;
}

/// Whoever reported for a customer and was denied may withdraw the claim, alone: it gives nothing, and takes nothing off the
/// denial. That stays with the customer and the article and on the record, and the next claim needs another person, as it
/// would have without the withdrawal.
#[tokio::test(flavor = "multi_thread")]
async fn sr6_who_withdraws_a_denied_claim_gains_nothing_by_it() {
    let world = World::new().await;
    world.sold("O-1", "ART-1", 10, 1_000, 10).await;
    let report = async |units: u32| {
        let line = line("O-1", "ART-1", units, Category::TransitDamage, Resolution::RefundOnly);
        let submit = actor(world.report("C-1", vec![line]), "ann", &["specialist"]);
        world.intake().await.submit_claim(submit).await.unwrap().into_inner().claim.unwrap().claim_id
    };
    let withdraw = async |claim: &str| {
        let ask = WithdrawClaimRequest { request_id: request_id(), claim_id: claim.to_owned(), text: String::new() };
        world.intake().await.withdraw_claim(actor(ask, "ann", &["specialist", "supervisor"])).await.unwrap();
        world.until_state(claim, ClaimState::Withdrawn).await;
    };
    let denied = report(6).await;
    let step = world.task(&denied, WorkKind::Approval).await;
    world.rule(&step, "sue", Ruling::Deny).await.unwrap();
    world.until_waiting(&denied, WaitingFor::Specialist).await;
    withdraw(&denied).await;
    let kept = world.timeline(&denied).await;
    let denial = |kind: &Kind| if let Kind::Denied(denied) = kind { Some(denied.by.clone()) } else { None };
    let by: Vec<_> = kept.iter().filter_map(|event| denial(event.kind.as_ref().unwrap())).collect();
    assert_eq!(by, ["sue"], "who denied it stays on the record");
    // As often as they like, in parts of whatever size: always another person.
    for _ in 0..2 {
        let again = report(1).await;
        let step = world.task(&again, WorkKind::Approval).await;
        assert_eq!(waits(&world, &again).await.0, "DENIED_BEFORE");
        let own = world.rule(&step, "ann", Ruling::Approve).await.unwrap_err();
        assert_eq!(reason(&own), "OWN_CLAIM");
        assert!(world.settlements(&again).await.is_empty());
        withdraw(&again).await;
    }
    world.end().await;
}
