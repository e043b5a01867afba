//! Where money or goods move, another person looks at it.

use proto::claim::{Category, ClaimState, Money, Resolution, WaitingFor};
use proto::escalation::{Ruling, WorkKind};
use proto::intake::{AnswerPlanRequest, AnswerQuestionRequest};
use proto::logistics::Direction;
use proto::orchestrator::{ConfirmSettlementRequest, SettlementState};
use proto::triage::{DecideWorkItemRequest, LineDecision};
use system::{World, line};
use testkit::{Somebody, actor, as_somebody, reason, request_id};
use tonic::Status;

/// Somebody reports a line for a customer.
async fn reported(world: &World, who: Somebody, order: &str, units: u32, wish: Resolution) -> String {
    let category = if wish == Resolution::RefundOnly { Category::TransitDamage } else { Category::ReturnRequest };
    let report = world.report("C-1", vec![line(order, "ART-1", units, category, wish)]);
    let claim = world.intake().await.submit_claim(as_somebody(report, who)).await.unwrap();
    claim.into_inner().claim.unwrap().claim_id
}

async fn judged(
    world: &World,
    claim: &str,
    who: Somebody,
    resolution: Resolution,
    price: Option<i64>,
) -> Result<(), Status> {
    let item = world.judgement(claim).await;
    let decision = |line: u32| LineDecision {
        line,
        resolution: resolution.into(),
        unit_price: price.map(|minor_units| Money { minor_units, currency: "GBP".to_owned() }),
        ..LineDecision::default()
    };
    let decide = DecideWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id,
        etag: item.etag,
        lines: item.lines.iter().map(|line| decision(line.line)).collect(),
        ..DecideWorkItemRequest::default()
    };
    world.triage().await.decide_work_item(as_somebody(decide, who)).await.map(drop)
}

async fn pays(world: &World, claim: &str, who: Somebody) -> Result<(), Status> {
    let confirm = world.answer_of_finance(claim, true).await;
    world.orchestrator().await.confirm_settlement(as_somebody(confirm, who)).await.map(drop)
}

/// Somebody answers for the customer, with an order number that is not known.
async fn names_no_order(world: &World, claim: &str, who: &str) {
    let seen = world.seen_by_customer(claim, |seen| !seen.questions.is_empty()).await;
    let answer = AnswerQuestionRequest {
        request_id: request_id(),
        claim_id: claim.to_owned(),
        question_id: seen.questions[0].question_id.clone(),
        order_no: "NOT-KNOWN".to_owned(),
        ..AnswerQuestionRequest::default()
    };
    world.intake().await.answer_question(actor(answer, who, &["specialist"])).await.unwrap();
}

fn staff(subject: &str, roles: &[&str]) -> Somebody {
    Somebody::with(subject, roles)
}

fn refused(result: Result<(), Status>) -> String {
    reason(&result.unwrap_err())
}

#[tokio::test(flavor = "multi_thread")]
async fn sr3_who_reported_does_not_decide_and_an_own_price_is_approved_by_another() {
    let world = World::new().await;
    let sam = || staff("sam", &["specialist", "supervisor", "quality"]);
    let claim = reported(&world, sam(), "", 1, Resolution::RefundOnly).await;
    names_no_order(&world, &claim, "ann").await;
    // Neither who reported nor who answered for the customer.
    for (who, roles) in [("sam", &["specialist"][..]), ("Sam", &["supervisor"]), ("ann", &["specialist", "supervisor"])]
    {
        let decided = judged(&world, &claim, staff(who, roles), Resolution::RefundOnly, Some(500)).await;
        assert_eq!(refused(decided), "OWN_CLAIM", "{who}");
    }
    // Goods at no price at all, and then at one that somebody made up: another person approves it.
    let free = judged(&world, &claim, staff("zoe", &["specialist", "supervisor"]), Resolution::Resend, Some(0)).await;
    assert_eq!(refused(free), "PLAN_INVALID");
    judged(&world, &claim, staff("zoe", &["specialist", "supervisor"]), Resolution::RefundOnly, Some(500))
        .await
        .unwrap();
    let step = world.task(&claim, WorkKind::Approval).await;
    assert_eq!(refused(world.rule(&step, "zoe", Ruling::Approve).await), "OWN_PROPOSAL");
    assert_eq!(refused(world.rule(&step, "sam", Ruling::Approve).await), "OWN_CLAIM");
    world.rule(&step, "eve", Ruling::Approve).await.unwrap();
    // SR7: none of them pays.
    for who in ["sam", "ann", "zoe", "eve"] {
        assert_eq!(refused(pays(&world, &claim, staff(who, &["finance"])).await), "OWN_PROPOSAL", "{who}");
    }
    pays(&world, &claim, staff("fay", &["finance"])).await.unwrap();
    world.until_state(&claim, ClaimState::Closed).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sr2_goods_are_worth_what_they_were_sold_for() {
    let world = World::new().await;
    world.sold("O-9", "ART-1", 1, 90_000, 10).await;
    world.stock("ART-1", 500).await;
    let line = line("", "ART-1", 4, Category::Shortage, Resolution::Resend);
    let claim = world.submit(world.report("C-UNKNOWN", vec![line])).await;
    names_no_order(&world, &claim, "ann").await;
    judged(&world, &claim, staff("sam", &["specialist", "supervisor"]), Resolution::Resend, Some(1)).await.unwrap();
    let step = world.task(&claim, WorkKind::Approval).await;
    let cost = step.plan.unwrap().cost.unwrap().minor_units;
    assert!(cost >= 4 * 90_000, "{cost} for goods of 3,600.00");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sr4_nobody_decides_their_own_claim() {
    let world = World::new().await;
    world.sold("O-1", "ART-1", 5, 5_000, 10).await;
    let both =
        || Somebody { customer: Some("C-1".to_owned()), ..staff("ivy", &["customer", "specialist", "supervisor"]) };
    let claim = reported(&world, staff("ann", &["specialist"]), "O-1", 3, Resolution::ReturnRefund).await;
    let step = world.task(&claim, WorkKind::Approval).await;
    let decide = proto::escalation::DecideWorkItemRequest {
        request_id: request_id(),
        work_item_id: step.work_item_id.clone(),
        etag: step.etag.clone(),
        ruling: Ruling::Approve.into(),
        note: String::new(),
    };
    let approved = world.escalation().await.decide_work_item(as_somebody(decide, both())).await.map(drop);
    assert_eq!(refused(approved), "OWN_CLAIM");
    world.rule(&step, "eve", Ruling::Approve).await.unwrap();
    world.until_waiting(&claim, WaitingFor::Carrier).await;

    let judge =
        world.submit(world.report("C-1", vec![line("O-1", "ART-1", 1, Category::Other, Resolution::RefundOnly)])).await;
    let decided = judged(&world, &judge, both(), Resolution::RefundOnly, None).await;
    assert_eq!(refused(decided), "OWN_CLAIM");
    // To refuse is free.
    judged(&world, &judge, both(), Resolution::TechnicalSupport, None).await.unwrap();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sr5_who_reported_does_not_approve_and_who_proposed_does_not_agree_for_the_customer() {
    let world = World::new().await;
    world.sold("O-1", "ART-1", 5, 4_000, 10).await;
    world.sold("O-2", "ART-2", 5, 4_000, 10).await;
    let claim = reported(&world, staff("sue", &["supervisor"]), "O-1", 3, Resolution::ReturnRefund).await;
    let step = world.task(&claim, WorkKind::Approval).await;
    assert_eq!(refused(world.rule(&step, "sue", Ruling::Approve).await), "OWN_CLAIM");
    world.rule(&step, "eve", Ruling::Approve).await.unwrap();
    world.until_waiting(&claim, WaitingFor::Carrier).await;

    let other =
        world.submit(world.report("C-1", vec![line("O-2", "ART-2", 1, Category::Other, Resolution::RefundOnly)])).await;
    judged(&world, &other, staff("sam", &["specialist", "supervisor"]), Resolution::ReturnRefund, None).await.unwrap();
    world.until_state(&other, ClaimState::AwaitingConsent).await;
    let agree = || AnswerPlanRequest {
        request_id: request_id(),
        claim_id: other.clone(),
        plan_number: 1,
        accepted: true,
        text: String::new(),
    };
    let intake =
        async |who: &str| world.intake().await.answer_plan(actor(agree(), who, &["specialist"])).await.map(drop);
    // The process asks before intake has heard of the plan.
    let answered = testkit::eventually(async || {
        let reason = refused(intake("sam").await);
        (reason != "PLAN_NOT_OPEN").then_some(reason)
    });
    assert_eq!(answered.await, "OWN_PROPOSAL");
    intake("ann").await.unwrap();
    world.until_waiting(&other, WaitingFor::Carrier).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sr10_who_said_that_a_payment_failed_does_not_let_it_be_tried_again() {
    let world = World::new().await;
    world.sold("O-1", "ART-1", 1, 1_000, 10).await;
    let claim = world.claim("O-1", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 1, 0, 0, true).await;
    world.finance(&claim, false).await;
    let item = world.task(&claim, WorkKind::LegFailed).await;
    assert_eq!(refused(world.rule(&item, "fay", Ruling::Retry).await), "OWN_PROPOSAL");
    world.rule(&item, "fred", Ruling::Retry).await.unwrap();
    assert_eq!(world.finance(&claim, true).await, 1_000);
    // A payment pays one settlement, and has a reference.
    world.sold("O-2", "ART-2", 1, 1_000, 10).await;
    let other = world.claim("O-2", "ART-2", 1, Category::TransitDamage, Resolution::RefundOnly).await;
    let open = testkit::eventually(async || world.settlements(&other).await.into_iter().next()).await;
    let used = world.settlements(&claim).await.into_iter().find(|row| row.state() == SettlementState::Paid).unwrap();
    let pay = async |reference: &str| {
        let confirm = ConfirmSettlementRequest {
            request_id: request_id(),
            settlement_id: open.settlement_id.clone(),
            paid: true,
            amount: open.amount.clone(),
            reference: reference.to_owned(),
            ..ConfirmSettlementRequest::default()
        };
        world.orchestrator().await.confirm_settlement(actor(confirm, "fay", &["finance"])).await.map(drop)
    };
    assert_eq!(refused(pay(&used.reference).await), "REFERENCE_USED");
    assert_eq!(testkit::bad_fields(&pay("").await.unwrap_err()), ["reference"]);
    pay("PAY-8").await.unwrap();
    world.until_state(&other, ClaimState::Closed).await;
    world.until_state(&claim, ClaimState::Closed).await;
    world.end().await;
}

/// Names are compared in one spelling, whoever issues the token.
#[tokio::test(flavor = "multi_thread")]
async fn sr31_another_spelling_is_the_same_person() {
    let world = World::new().await;
    world.sold("O-1", "ART-1", 5, 4_000, 10).await;
    let claim = reported(&world, staff("Anna", &["supervisor"]), "O-1", 3, Resolution::ReturnRefund).await;
    let step = world.task(&claim, WorkKind::Approval).await;
    for spelling in ["anna", "ANNA", "Anna"] {
        assert_eq!(refused(world.rule(&step, spelling, Ruling::Approve).await), "OWN_CLAIM", "{spelling}");
    }
    world.end().await;
}
