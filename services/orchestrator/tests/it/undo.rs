//! Claims that are given up, that fail on the way, and that come again.

use proto::claim::{ClaimState, Leg, Resolution, ReturnCount, Severity, WaitingFor};
use proto::escalation::{OpenTask, Ruling, TaskDecided, WorkKind, escalation_command, escalation_event};
use proto::intake::{ClaimWithdrawn, FollowUpAnswered, intake_event};
use proto::inventory::{Consumed, Released, ReservationFailed, Reserved, ReturnCounted, inventory_event};
use proto::logistics::{Booked, CancelRefused, Cancelled, Delivered, Direction, HandedOver, logistics_event};
use proto::triage::{AssessReason, triage_command};

use crate::journeys::send;
use crate::story::{PRICE, Story, World, plan};

async fn task(story: &Story<'_>) -> OpenTask {
    match story.asked_escalation("open_task").await.pop().expect("a task is opened").kind {
        Some(escalation_command::Kind::OpenTask(task)) => task,
        other => panic!("not a task: {other:?}"),
    }
}

async fn rule(story: &Story<'_>, task: &OpenTask, ruling: Ruling) {
    let (job, leg, kind) = (task.job.clone(), task.leg, task.kind);
    let decided = TaskDecided { job, leg, kind, ruling: ruling as i32 };
    story.tell(story.escalation(escalation_event::Kind::TaskDecided(decided))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_claim_is_undone() {
    let world = World::start().await;
    let story = world.judged(Resolution::Replace, 2).await;
    let held = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    story.tell(story.inventory(&held, inventory_event::Kind::Reserved(Reserved { quantity: 2 }))).await;
    story.tell(story.intake(intake_event::Kind::ClaimWithdrawn(ClaimWithdrawn {}))).await;
    assert_eq!(story.state().await, ClaimState::Compensating);
    let shipment = story.asked_logistics("cancel_shipment").await.pop().expect("the parcel is voided").job.unwrap();
    story.tell(story.logistics(&shipment, Direction::Outbound, logistics_event::Kind::Cancelled(Cancelled {}))).await;
    assert_eq!(story.asked_inventory("release").await.pop().expect("stock is released").job, Some(held.clone()));
    story.tell(story.inventory(&held, inventory_event::Kind::Released(Released {}))).await;
    let process = story.process().await;
    assert_eq!((process.state(), process.waiting_for()), (ClaimState::Withdrawn, WaitingFor::Unspecified));
    assert_eq!(world.ledger().await, (0, 0, 0));
    assert_eq!(story.names().await.last().map(String::as_str), Some("ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_leg_is_tried_again_or_given_up() {
    let world = World::start().await;
    let story = world.judged(Resolution::Replace, 1).await;
    let fails = || inventory_event::Kind::ReservationFailed(ReservationFailed { reason: "UNKNOWN_SKU".to_owned() });
    let first = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    story.tell(story.inventory(&first, fails())).await;
    let open = task(&story).await;
    assert_eq!((open.kind(), open.leg()), (WorkKind::LegFailed, Leg::Reservation));
    rule(&story, &open, Ruling::Retry).await;

    let second = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    assert!(second.attempt > first.attempt);
    story.tell(story.inventory(&second, fails())).await;
    rule(&story, &task(&story).await, Ruling::Deny).await;
    let Some(triage_command::Kind::AssessClaim(again)) = story.asked_triage("assess_claim").await.pop().unwrap().kind
    else {
        panic!("it is assessed again")
    };
    assert_eq!((again.assessment, again.plan_number, again.reason()), (2, 2, AssessReason::Failed));
    assert_eq!(world.ledger().await, (0, 0, 0));

    // A person refunds instead.
    story.tell(story.judge(2, plan(2, Resolution::RefundOnly, 1))).await;
    assert_eq!(world.ledger().await, (0, 1, PRICE));
    crate::journeys::pay(&story).await;
    assert_eq!(story.state().await, ClaimState::Closed);
}

async fn followed_up(world: &World) -> Story<'_> {
    let story = world.submitted().await;
    story.tell(story.judge_as(1, plan(1, Resolution::Replace, 1), Severity::Urgent)).await;
    send(&story).await;
    assert_eq!(story.state().await, ClaimState::FollowingUp);
    assert_eq!(story.process().await.waiting_for(), WaitingFor::Customer);
    assert_eq!(story.asked_intake("start_follow_up").await.len(), 1);
    story
}

#[tokio::test(flavor = "multi_thread")]
async fn a_satisfied_customer_ends_the_claim() {
    let world = World::start().await;
    let story = followed_up(&world).await;
    let answer = FollowUpAnswered { round: 1, score: 3 };
    story.tell(story.intake(intake_event::Kind::FollowUpAnswered(answer))).await;
    assert_eq!(story.state().await, ClaimState::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_score_begins_the_next_round() {
    let world = World::start().await;
    let story = followed_up(&world).await;
    let answer = FollowUpAnswered { round: 1, score: 2 };
    story.tell(story.intake(intake_event::Kind::FollowUpAnswered(answer))).await;
    let process = story.process().await;
    assert_eq!(process.round, 2);
    let Some(triage_command::Kind::AssessClaim(again)) = story.asked_triage("assess_claim").await.pop().unwrap().kind
    else {
        panic!("it is assessed again")
    };
    assert_eq!((again.reason(), again.plan_number), (AssessReason::Reopened, 2));
    // What was given stays given: the next round gets what is left.
    assert_eq!(world.ledger().await, (0, 1, PRICE));
    story.tell(story.judge(2, plan(2, Resolution::RefundOnly, 6))).await;
    assert_eq!(story.settlement().await.1, 5 * PRICE);
    crate::journeys::pay(&story).await;
    assert_eq!(world.ledger().await, (0, 6, 6 * PRICE));
    assert_eq!(story.state().await, ClaimState::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_under_way_is_brought_back() {
    let world = World::start().await;
    let story = world.judged(Resolution::Resend, 2).await;
    let held = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    story.tell(story.inventory(&held, inventory_event::Kind::Reserved(Reserved { quantity: 2 }))).await;
    let parcel = story.asked_logistics("ship").await.pop().unwrap().job.unwrap();
    let booked = Booked { tracking_no: "TN-1".to_owned(), ..Booked::default() };
    story.tell(story.logistics(&parcel, Direction::Outbound, logistics_event::Kind::Booked(booked))).await;
    story.tell(story.intake(intake_event::Kind::ClaimWithdrawn(ClaimWithdrawn {}))).await;
    // It was handed over before the cancellation arrived.
    story.tell(story.logistics(&parcel, Direction::Outbound, logistics_event::Kind::HandedOver(HandedOver {}))).await;
    let too_late = logistics_event::Kind::CancelRefused(CancelRefused {});
    story.tell(story.logistics(&parcel, Direction::Outbound, too_late)).await;
    assert_eq!(story.asked_inventory("consume").await.len(), 1);
    story.tell(story.inventory(&held, inventory_event::Kind::Consumed(Consumed { quantity: 2 }))).await;

    let pickup = story.asked_logistics("collect").await.pop().expect("it is collected").job.unwrap();
    let booked = Booked { tracking_no: "TN-2".to_owned(), ..Booked::default() };
    story.tell(story.logistics(&pickup, Direction::Return, logistics_event::Kind::Booked(booked))).await;
    story.tell(story.logistics(&pickup, Direction::Return, logistics_event::Kind::HandedOver(HandedOver {}))).await;
    story
        .tell(story.logistics(&pickup, Direction::Return, logistics_event::Kind::Delivered(Delivered::default())))
        .await;
    let receipt = story.asked_inventory("expect_return").await.pop().expect("it is expected").job.unwrap();
    let count = ReturnCount { accepted: 2, ..ReturnCount::default() };
    let counted = ReturnCounted { count: Some(count), complete: true, late: 0 };
    story.tell(story.inventory(&receipt, inventory_event::Kind::ReturnCounted(counted))).await;
    world.nothing_is_parked().await;
    assert_eq!(story.state().await, ClaimState::Withdrawn, "{:?}", story.process().await.legs);
    assert_eq!(world.ledger().await, (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_is_paid_is_not_taken_back_by_itself() {
    let world = World::start().await;
    let story = world.judged(Resolution::RefundOnly, 2).await;
    story.tell(story.intake(intake_event::Kind::ClaimWithdrawn(ClaimWithdrawn {}))).await;
    assert_eq!(story.process().await.waiting_for(), WaitingFor::Finance);
    crate::journeys::pay(&story).await;
    let open = task(&story).await;
    assert_eq!((open.kind(), open.leg()), (WorkKind::CompensationFailed, Leg::Settlement));
    rule(&story, &open, Ruling::Approve).await;
    assert_eq!(story.state().await, ClaimState::Withdrawn);
    // It was paid and stays paid: the units are not to be had again.
    assert_eq!(world.ledger().await, (0, 2, 2 * PRICE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_goes_on_where_it_was_after_a_restart() {
    let mut world = World::start().await;
    let claim = world.judged(Resolution::Replace, 1).await.claim;
    world = World { service: world.service.restart().await };
    let story = Story { world: &world, claim };
    assert_eq!(story.state().await, ClaimState::Executing);
    send(&story).await;
    assert_eq!(story.state().await, ClaimState::Closed);
    story.timeline().await;
}
