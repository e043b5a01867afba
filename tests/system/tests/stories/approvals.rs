//! Plans that a person must allow, and what the rules leave to a person.

use proto::claim::{Category, ClaimState, Resolution, WaitingFor};
use proto::escalation::{Ruling, WorkKind};
use proto::logistics::Direction;
use system::World;
use testkit::reason;

/// A dear return: beyond what the policy allows without a person.
async fn dear(world: &World) -> String {
    world.sold("O-1", "SOFA", 3, 60_000, 3).await;
    let claim = world.claim("O-1", "SOFA", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_waiting(&claim, WaitingFor::Approver).await;
    claim
}

/// Approves every step of the chain, each by another person.
async fn approve(world: &World, claim: &str) {
    for step in 1.. {
        let Some(item) = world.tasks(claim).await.into_iter().find(|item| item.kind() == WorkKind::Approval) else {
            break;
        };
        world.rule(&item, &format!("approver-{step}"), Ruling::Approve).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dear_plan_is_approved_and_carried_out() {
    let world = World::new().await;
    let claim = dear(&world).await;
    let item = world.task(&claim, WorkKind::Approval).await;
    assert_eq!(item.plan.as_ref().unwrap().cost.as_ref().unwrap().currency, "GBP");
    approve(&world, &claim).await;
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 1, 0, 0, true).await;
    assert_eq!(world.finance(&claim, true).await, 60_000);
    world
        .until(&claim, "done", |process| matches!(process.state(), ClaimState::Closed | ClaimState::FollowingUp))
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_plan_goes_back_to_a_person_who_refuses_the_claim() {
    let world = World::new().await;
    let claim = dear(&world).await;
    let item = world.task(&claim, WorkKind::Approval).await;
    world.rule(&item, "boss", Ruling::Deny).await.unwrap();
    world.until_state(&claim, ClaimState::Investigating).await;
    world.judge(&claim, "sue", Resolution::Reject, "NOT_RESALABLE").await;
    let process = world.until_state(&claim, ClaimState::Rejected).await;
    assert_eq!(process.end_reason, "NOT_RESALABLE");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_their_own_proposal() {
    let world = World::new().await;
    let claim = dear(&world).await;
    let item = world.task(&claim, WorkKind::Approval).await;
    world.rule(&item, "boss", Ruling::Deny).await.unwrap();
    world.until_state(&claim, ClaimState::Investigating).await;
    world.judge(&claim, "sue", Resolution::ReturnRefund, "").await;
    world.until_waiting(&claim, WaitingFor::Approver).await;
    let item = world.task(&claim, WorkKind::Approval).await;
    assert_eq!(item.plan.as_ref().unwrap().proposed_by, "sue");
    let refused = world.rule(&item, "sue", Ruling::Approve).await.unwrap_err();
    assert_eq!(reason(&refused), "OWN_PROPOSAL");
    approve(&world, &claim).await;
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_holds_no_approval_open() {
    let world = World::new().await;
    let claim = dear(&world).await;
    world.withdraw(&claim).await;
    world.until_state(&claim, ClaimState::Withdrawn).await;
    testkit::eventually(async || world.tasks(&claim).await.is_empty().then_some(())).await;
    world.end().await;
}

/// A plan that is not what the customer wished for: it was denied, judged anew and approved.
pub async fn another_plan(world: &World) -> String {
    let claim = dear(world).await;
    let item = world.task(&claim, WorkKind::Approval).await;
    world.rule(&item, "boss", Ruling::Deny).await.unwrap();
    world.until_state(&claim, ClaimState::Investigating).await;
    world.judge(&claim, "sue", Resolution::RefundOnly, "").await;
    world.until_waiting(&claim, WaitingFor::Approver).await;
    world.task(&claim, WorkKind::Approval).await;
    approve(world, &claim).await;
    world.until_state(&claim, ClaimState::AwaitingConsent).await;
    claim
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customer_agrees_to_another_plan_than_they_wished_for() {
    let world = World::new().await;
    let claim = another_plan(&world).await;
    world.answer_plan(&claim, 2, true).await;
    assert_eq!(world.finance(&claim, true).await, 60_000);
    world.until_state(&claim, ClaimState::Closed).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_the_customer_refuses_goes_back_to_a_person() {
    let world = World::new().await;
    let claim = another_plan(&world).await;
    world.answer_plan(&claim, 2, false).await;
    world.until_state(&claim, ClaimState::Investigating).await;
    world.judge(&claim, "sue", Resolution::Reject, "NO_AGREEMENT").await;
    world.until_state(&claim, ClaimState::Rejected).await;
    world.end().await;
}
