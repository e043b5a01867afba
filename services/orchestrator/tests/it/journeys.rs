//! Claims from their beginning to their end, by each resolution.

use proto::claim::{
    Channel, ClaimState, Job, Leg, LegState, Resolution, ReturnCount, Severity, WaitingFor, claim_event,
};
use proto::escalation::{Ruling, TaskDecided, WorkKind, escalation_command, escalation_event};
use proto::intake::{PlanAnswered, ReadBackConfirmed, intake_command, intake_event};
use proto::inventory::{Consumed, Reserved, ReservedPartly, ReturnCounted, inventory_command, inventory_event};
use proto::logistics::{
    Booked, Delivered, Direction, Exception, HandedOver, ShipmentState, logistics_command, logistics_event,
};
use proto::orchestrator::{ConfirmSettlementRequest, SettlementState};
use proto::{claim::Money, escalation};

use crate::story::{PRICE, Story, World, line, plan};

/// The warehouse holds, the carrier takes and delivers, what the process asks for. Gives the job of the shipment.
pub async fn send(story: &Story<'_>) -> Job {
    let reserve = story.asked_inventory("reserve").await.pop().expect("stock is asked for");
    let held = reserve.job.clone().unwrap();
    let Some(inventory_command::Kind::Reserve(wanted)) = reserve.kind else { panic!("not a reservation") };
    story.tell(story.inventory(&held, inventory_event::Kind::Reserved(Reserved { quantity: wanted.quantity }))).await;
    let ship = story.asked_logistics("ship").await.pop().expect("a parcel is asked for");
    let job = ship.job.unwrap();
    let booked = Booked { tracking_no: "TN-1".to_owned(), carrier: "swift".to_owned(), ..Booked::default() };
    story.tell(story.logistics(&job, Direction::Outbound, logistics_event::Kind::Booked(booked))).await;
    let handed_over = logistics_event::Kind::HandedOver(HandedOver {});
    story.tell(story.logistics(&job, Direction::Outbound, handed_over)).await;
    assert_eq!(story.asked_inventory("consume").await.last().unwrap().job, Some(held.clone()));
    story.tell(story.inventory(&held, inventory_event::Kind::Consumed(Consumed { quantity: wanted.quantity }))).await;
    let delivered = logistics_event::Kind::Delivered(Delivered::default());
    story.tell(story.logistics(&job, Direction::Outbound, delivered)).await;
    job
}

/// Finance pays what it was told.
pub async fn pay(story: &Story<'_>) {
    let (settlement_id, amount) = story.settlement().await;
    let request = ConfirmSettlementRequest {
        request_id: testkit::request_id(),
        settlement_id,
        paid: true,
        amount: Some(Money { minor_units: amount, currency: "GBP".to_owned() }),
        reference: format!("bank-{}", uuid::Uuid::now_v7()),
        ..ConfirmSettlementRequest::default()
    };
    let request = testkit::actor(request, "fay", &["finance"]);
    let paid = story.world.api().confirm_settlement(request).await.unwrap().into_inner().settlement.unwrap();
    assert_eq!(paid.state(), SettlementState::Paid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_runs_without_a_person() {
    let world = World::start().await;
    let story = world.judged(Resolution::Replace, 2).await;

    let submitted = story.asked_triage("assess_claim").await;
    assert_eq!(submitted.len(), 1);
    let Some(escalation_command::Kind::StartClocks(clocks)) =
        story.asked_escalation("start_clocks").await.remove(0).kind
    else {
        panic!("clocks are started")
    };
    assert_eq!(clocks.round, 1);
    assert_eq!(clocks.from.unwrap().seconds, 1_800_000_000);
    assert_eq!(world.ledger().await, (2, 0, 0));

    send(&story).await;
    let Some(logistics_command::Kind::Ship(ship)) = story.asked_logistics("ship").await.remove(0).kind else {
        panic!("a parcel is sent")
    };
    assert_eq!((ship.sku.as_str(), ship.quantity, ship.country.as_str()), ("85123A", 2, "GB"));
    assert_eq!(ship.severity(), Severity::General);

    let process = story.process().await;
    assert_eq!((process.state(), process.waiting_for()), (ClaimState::Closed, WaitingFor::Unspecified));
    assert_eq!(world.ledger().await, (0, 2, 2 * PRICE));
    assert_eq!(story.asked_intake("end_claim").await.len(), 1);
    let Some(escalation_command::Kind::StopClocks(stop)) =
        story.asked_escalation("stop_clocks").await.pop().unwrap().kind
    else {
        panic!("clocks are stopped")
    };
    assert!(stop.kinds.is_empty(), "all of them: {stop:?}");

    let names = story.names().await;
    assert_eq!(names.first().map(String::as_str), Some("submitted"));
    assert_eq!(names.last().map(String::as_str), Some("ended"));
    assert_eq!(process.events as usize, names.len());
    let shipped = story.notices("customer", "shipment_under_way").await;
    assert_eq!(shipped.len(), 1);
    assert_eq!(shipped[0].parameters["tracking_no"], "TN-1");
    assert_eq!(shipped[0].customer_ref, "c-17");
    assert_eq!(story.notices("customer", "plan_agreed").await.len(), 1);
    let mut moved = story.timeline().await.into_iter().filter_map(|event| match event.kind {
        Some(claim_event::Kind::LegMoved(moved)) if moved.leg() == Leg::Shipment => Some(moved),
        _ => None,
    });
    let done = moved.next_back().unwrap();
    assert_eq!((done.state(), done.tracking_no.as_str()), (LegState::Done, "TN-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortage_waits_for_stock_and_moves_the_promise() {
    let world = World::start().await;
    let story = world.judged(Resolution::Resend, 2).await;
    let job = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    let partly = ReservedPartly { held: 1, short: 1, expected_on: "2026-12-14".to_owned() };
    story.tell(story.inventory(&job, inventory_event::Kind::ReservedPartly(partly))).await;
    assert_eq!(story.process().await.waiting_for(), WaitingFor::Stock);
    let moved = story.notices("customer", "promise_moved").await;
    assert_eq!(moved.len(), 1);
    assert_eq!(moved[0].parameters["expected_on"], "2026-12-14");
    send(&story).await;
    assert_eq!(story.state().await, ClaimState::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_refunds_what_was_counted() {
    let world = World::start().await;
    let story = world.judged(Resolution::ReturnRefund, 3).await;
    assert_eq!(story.asked_logistics("collect").await.len(), 1);
    let receipt = story.asked_inventory("expect_return").await.pop().unwrap().job.unwrap();
    let counted = |accepted, missing, complete| {
        let count = ReturnCount { accepted, missing, ..ReturnCount::default() };
        let counted = ReturnCounted { count: Some(count), complete, late: 0 };
        story.inventory(&receipt, inventory_event::Kind::ReturnCounted(counted))
    };
    story.tell(counted(1, 2, false)).await;
    assert!(story.notices("finance", "settlement_instructed").await.is_empty());
    story.tell(counted(2, 1, true)).await;
    assert_eq!(story.settlement().await.1, 2 * PRICE);
    let refund = story.notices("customer", "refund_instructed").await;
    assert_eq!(refund[0].parameters["amount_minor"], (2 * PRICE).to_string());
    let instructed = story.timeline().await.into_iter().find_map(|event| match event.kind {
        Some(claim_event::Kind::SettlementInstructed(instructed)) => Some(instructed),
        _ => None,
    });
    assert_eq!(instructed.unwrap().amount.unwrap().minor_units, 2 * PRICE);
    pay(&story).await;
    // The pick-up ends as well; the warehouse has what it brought.
    let pickup = story.asked_logistics("collect").await.pop().unwrap().job.unwrap();
    story
        .tell(story.logistics(&pickup, Direction::Return, logistics_event::Kind::Delivered(Delivered::default())))
        .await;
    assert_eq!(story.state().await, ClaimState::Closed, "{:?}", story.process().await.legs);
    assert_eq!(world.ledger().await, (0, 2, 2 * PRICE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_parcel_is_sent_again() {
    let world = World::start().await;
    let story = world.judged(Resolution::Resend, 1).await;
    let first = send_until_handed_over(&story).await;
    let lost = Exception { state: ShipmentState::Lost as i32, ..Exception::default() };
    story.tell(story.logistics(&first, Direction::Outbound, logistics_event::Kind::Exception(lost))).await;
    assert_eq!(story.asked_inventory("reserve").await.len(), 2);
    let second = send(&story).await;
    assert!(second.attempt > first.attempt);
    assert_eq!(story.state().await, ClaimState::Closed);
    assert_eq!(world.ledger().await, (0, 1, PRICE));
}

async fn send_until_handed_over(story: &Story<'_>) -> Job {
    let held = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    story.tell(story.inventory(&held, inventory_event::Kind::Reserved(Reserved { quantity: 1 }))).await;
    let job = story.asked_logistics("ship").await.pop().unwrap().job.unwrap();
    let booked = Booked { tracking_no: "TN-0".to_owned(), ..Booked::default() };
    story.tell(story.logistics(&job, Direction::Outbound, logistics_event::Kind::Booked(booked))).await;
    let handed_over = logistics_event::Kind::HandedOver(HandedOver {});
    story.tell(story.logistics(&job, Direction::Outbound, handed_over)).await;
    story.tell(story.inventory(&held, inventory_event::Kind::Consumed(Consumed { quantity: 1 }))).await;
    job
}

#[tokio::test(flavor = "multi_thread")]
async fn advice_is_a_task_of_a_specialist() {
    let world = World::start().await;
    let story = world.judged(Resolution::TechnicalSupport, 1).await;
    let Some(escalation_command::Kind::OpenTask(task)) = story.asked_escalation("open_task").await.pop().unwrap().kind
    else {
        panic!("a task is opened")
    };
    assert_eq!(
        (task.kind(), task.leg(), task.role()),
        (WorkKind::Support, Leg::Support, proto::claim::Role::Specialist)
    );
    let decided = TaskDecided {
        job: task.job,
        leg: Leg::Support as i32,
        kind: WorkKind::Support as i32,
        ruling: Ruling::Approve as i32,
    };
    story.tell(story.escalation(escalation_event::Kind::TaskDecided(decided))).await;
    // The policy follows up what was solved by advice.
    assert_eq!(story.state().await, ClaimState::FollowingUp);
    assert_eq!(story.asked_intake("start_follow_up").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_may_and_the_customer_are_asked() {
    let world = World::start().await;
    let story = world.story();
    story.tell(story.submit(Channel::Phone)).await;
    let Some(escalation_command::Kind::StartClocks(start)) =
        story.asked_escalation("start_clocks").await.remove(0).kind
    else {
        panic!("clocks are started")
    };
    assert!(start.kinds.contains(&(escalation::ClockKind::Acknowledgement as i32)));
    story.tell(story.intake(intake_event::Kind::ReadBackConfirmed(ReadBackConfirmed {}))).await;

    let dear = proto::claim::Plan { automatic: false, consented: false, ..plan(1, Resolution::RefundOnly, 2) };
    story.tell(story.judge(1, dear.clone())).await;
    assert_eq!(story.process().await.waiting_for(), WaitingFor::Approver);
    let Some(escalation_command::Kind::RequestApproval(asked)) =
        story.asked_escalation("request_approval").await.pop().unwrap().kind
    else {
        panic!("approval is asked for")
    };
    assert_eq!(asked.plan, Some(dear.clone()));
    let granted = escalation::ApprovalGranted { plan_number: 1, by: "max".to_owned(), steps_by: vec![] };
    story.tell(story.escalation(escalation_event::Kind::ApprovalGranted(granted))).await;

    assert_eq!(story.process().await.waiting_for(), WaitingFor::Customer);
    let Some(intake_command::Kind::ProposePlan(proposed)) =
        story.asked_intake("propose_plan").await.pop().unwrap().kind
    else {
        panic!("the plan is proposed")
    };
    assert_eq!(proposed.plan, Some(dear));
    let accepted = PlanAnswered { plan_number: 1, accepted: true, answered_by: String::new() };
    story.tell(story.intake(intake_event::Kind::PlanAnswered(accepted))).await;
    assert_eq!(story.process().await.waiting_for(), WaitingFor::Finance);
    pay(&story).await;
    assert_eq!(story.state().await, ClaimState::Closed);
    let by = story.timeline().await.into_iter().find_map(|event| match event.kind {
        Some(claim_event::Kind::Approved(approved)) => Some(approved.by),
        _ => None,
    });
    assert_eq!(by.as_deref(), Some("max"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_carried_out_in_parallel() {
    let world = World::start().await;
    let story = world.submitted().await;
    let both = proto::claim::Plan {
        lines: vec![line(1, Resolution::Resend, 1), line(2, Resolution::RefundOnly, 2)],
        ..plan(1, Resolution::Resend, 1)
    };
    story.tell(story.judge(1, both)).await;
    assert_eq!(world.ledger().await, (1, 2, 2 * PRICE));
    assert_eq!(story.process().await.plan.unwrap().lines.len(), 2);
    pay(&story).await;
    assert_eq!(story.state().await, ClaimState::Executing);
    send(&story).await;
    assert_eq!(story.state().await, ClaimState::Closed);
    assert_eq!(world.ledger().await, (0, 3, 3 * PRICE));
}
