//! Promises and time.

use proto::claim::{Category, ClaimState, Resolution, WaitingFor, claim_event};
use proto::escalation::{ClockKind, ClockState, ListClocksRequest, ListEscalationsRequest, RunningClock};
use proto::intake::AnswerQuestionRequest;
use system::World;
use testkit::{eventually, request_id};

async fn clocks(world: &World, claim: &str) -> Vec<RunningClock> {
    let ask = ListClocksRequest { claim_id: claim.to_owned(), ..ListClocksRequest::default() };
    world.escalation().await.list_clocks(ask).await.unwrap().into_inner().clocks
}

async fn clock_in(world: &World, claim: &str, kind: ClockKind, state: ClockState) -> RunningClock {
    eventually(async || {
        clocks(world, claim).await.into_iter().find(|clock| clock.kind() == kind && clock.state() == state)
    })
    .await
}

async fn escalations(world: &World, claim: &str, kind: ClockKind) -> usize {
    let ask = ListEscalationsRequest { claim_id: claim.to_owned(), ..ListEscalationsRequest::default() };
    let listed = world.escalation().await.list_escalations(ask).await.unwrap().into_inner().escalations;
    listed.iter().filter(|escalation| escalation.clock() == kind && escalation.level == 1).count()
}

/// A claim about a purchase nobody knows: the customer is asked for the order number.
async fn unknown_order(world: &World) -> String {
    let claim = world.claim("", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_state(&claim, ClaimState::AwaitingCustomer).await;
    claim
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_to_the_customer_pauses_the_clock() {
    let world = World::new().await;
    let claim = unknown_order(&world).await;
    let paused = clock_in(&world, &claim, ClockKind::FinalSolution, ClockState::Paused).await;
    world.wait(24 * 60);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(
        clock_in(&world, &claim, ClockKind::FinalSolution, ClockState::Paused).await.kind(),
        ClockKind::FinalSolution
    );
    assert_eq!(escalations(&world, &claim, ClockKind::FinalSolution).await, 0, "sixty days of waiting are not ours");

    world.sold("O-9", "MUG", 2, 250, 62).await;
    let known = world.seen_by_customer(&claim, |seen| !seen.questions.is_empty()).await;
    let answer = AnswerQuestionRequest {
        request_id: request_id(),
        claim_id: claim.clone(),
        question_id: known.questions[0].question_id.clone(),
        order_no: "O-9".to_owned(),
        text: "I found the invoice".to_owned(),
        address: String::new(),
    };
    world.intake().await.answer_question(answer).await.unwrap();
    let running = clock_in(&world, &claim, ClockKind::FinalSolution, ClockState::Running).await;
    assert!(
        running.deadline.unwrap().seconds > paused.deadline.unwrap().seconds + 50 * 24 * 3600,
        "the deadline has moved"
    );
    world.until(&claim, "judged with the order", |process| process.plan.is_some()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_clock_escalates_once() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 2, 250, 3).await;
    let claim = world.claim("O-1", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    clock_in(&world, &claim, ClockKind::FinalSolution, ClockState::Running).await;
    world.wait(24 * 90);
    clock_in(&world, &claim, ClockKind::FinalSolution, ClockState::Breached).await;
    eventually(async || (escalations(&world, &claim, ClockKind::FinalSolution).await == 1).then_some(())).await;
    world.wait(24 * 90);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(escalations(&world, &claim, ClockKind::FinalSolution).await, 1);
    let breaches = eventually(async || {
        let told = world.timeline(&claim).await.into_iter().filter(is_breach).count();
        (told > 0).then_some(told)
    })
    .await;
    assert_eq!(breaches, 1, "told once in public");
    world.end().await;
}

fn is_breach(event: &proto::claim::ClaimEvent) -> bool {
    matches!(&event.kind, Some(claim_event::Kind::ClockMoved(moved)) if moved.percent == 100 && moved.clock.contains("final"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passed_while_the_service_was_down_escalates_once() {
    let mut world = World::new().await;
    world.sold("O-1", "MUG", 2, 250, 3).await;
    let claim = world.claim("O-1", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    clock_in(&world, &claim, ClockKind::FinalSolution, ClockState::Running).await;
    world.stop_service("escalation").await;
    world.wait(24 * 90);
    world.start_service("escalation").await;
    clock_in(&world, &claim, ClockKind::FinalSolution, ClockState::Breached).await;
    eventually(async || (escalations(&world, &claim, ClockKind::FinalSolution).await == 1).then_some(())).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(escalations(&world, &claim, ClockKind::FinalSolution).await, 1);
    world.end().await;
}
