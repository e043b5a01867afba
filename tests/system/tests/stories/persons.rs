//! Every pair of persons: who had which part in a claim, and what they may not do in it any more. One claim goes all the way,
//! and at each step everybody who had a part before tries it.

use proto::claim::{Category, ClaimState, Money, Resolution};
use proto::escalation::{DecideWorkItemRequest, Ruling, WorkItem, WorkKind};
use proto::intake::{AnswerPlanRequest, AnswerQuestionRequest};
use proto::triage::{self, LineDecision};
use system::{World, line};
use testkit::{Somebody, actor, as_somebody, reason, request_id};
use tonic::Status;

/// Somebody with the roles of a step; `xenia` is the customer of the claim as well.
fn who(subject: &str, roles: &[&str]) -> Somebody {
    match subject {
        "xenia" => {
            Somebody { customer: Some("C-1".to_owned()), ..Somebody::with(subject, &[roles, &["customer"]].concat()) }
        }
        subject => Somebody::with(subject, roles),
    }
}

/// Whether each of them is refused as the table says; empty: they may.
fn refused(step: &str, subject: &str, answer: Result<(), Status>, expected: &str) {
    let why = answer.as_ref().err().map(reason).unwrap_or_default();
    assert_eq!(why, expected, "{subject} {step}: {answer:?}");
}

async fn decides(world: &World, claim: &str, subject: &str) -> Result<(), Status> {
    let item = world.judgement(claim).await;
    let decision = LineDecision {
        line: 1,
        resolution: Resolution::RefundOnly.into(),
        unit_price: Some(Money { minor_units: 500, currency: "GBP".to_owned() }),
        ..LineDecision::default()
    };
    let decide = triage::DecideWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id,
        etag: item.etag,
        lines: vec![decision],
        ..triage::DecideWorkItemRequest::default()
    };
    world.triage().await.decide_work_item(as_somebody(decide, who(subject, &["specialist"]))).await.map(drop)
}

async fn rules(world: &World, item: &WorkItem, subject: &str, ruling: Ruling) -> Result<(), Status> {
    let role = item.role().as_str_name().trim_start_matches("ROLE_").to_lowercase();
    let decide = DecideWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        ruling: ruling.into(),
        note: String::new(),
    };
    world.escalation().await.decide_work_item(as_somebody(decide, who(subject, &[&role]))).await.map(drop)
}

async fn agrees(world: &World, claim: &str, subject: &str) -> Result<(), Status> {
    let agree = AnswerPlanRequest {
        request_id: request_id(),
        claim_id: claim.to_owned(),
        plan_number: 1,
        accepted: true,
        text: String::new(),
    };
    world.intake().await.answer_plan(as_somebody(agree, who(subject, &["specialist"]))).await.map(drop)
}

async fn pays(world: &World, claim: &str, subject: &str, paid: bool) -> Result<(), Status> {
    let confirm = world.answer_of_finance(claim, paid).await;
    world.orchestrator().await.confirm_settlement(as_somebody(confirm, who(subject, &["finance"]))).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn sr3_to_sr7_every_pair_of_persons_in_one_claim() {
    let world = World::new().await;
    let report = world.report("C-1", vec![line("", "ART-1", 1, Category::Shortage, Resolution::Resend)]);
    let claim = world.intake().await.submit_claim(actor(report, "rita", &["specialist"])).await.unwrap();
    let claim = claim.into_inner().claim.unwrap().claim_id;
    let seen = world.seen_by_customer(&claim, |seen| !seen.questions.is_empty()).await;
    let answer = AnswerQuestionRequest {
        request_id: request_id(),
        claim_id: claim.clone(),
        question_id: seen.questions[0].question_id.clone(),
        order_no: "NOT-KNOWN".to_owned(),
        ..AnswerQuestionRequest::default()
    };
    world.intake().await.answer_question(actor(answer, "ann", &["specialist"])).await.unwrap();

    for (subject, expected) in [("xenia", "OWN_CLAIM"), ("rita", "OWN_CLAIM"), ("ann", "OWN_CLAIM"), ("pia", "")] {
        refused("decides", subject, decides(&world, &claim, subject).await, expected);
    }
    let step = world.task(&claim, WorkKind::Approval).await;
    for (subject, expected) in
        [("xenia", "OWN_CLAIM"), ("rita", "OWN_CLAIM"), ("ann", "OWN_CLAIM"), ("pia", "OWN_PROPOSAL"), ("vera", "")]
    {
        refused("approves", subject, rules(&world, &step, subject, Ruling::Approve).await, expected);
    }
    world.until_state(&claim, ClaimState::AwaitingConsent).await;
    world.seen_by_customer(&claim, |seen| seen.open_plan.is_some()).await;
    // Whoever approved may say what the customer said; then they have answered for the customer.
    for (subject, expected) in [("pia", "OWN_PROPOSAL"), ("vera", "")] {
        refused("agrees", subject, agrees(&world, &claim, subject).await, expected);
    }
    let own = "OWN_PROPOSAL";
    for (subject, expected) in [("xenia", "OWN_CLAIM"), ("rita", own), ("ann", own), ("pia", own), ("vera", own)] {
        refused("pays", subject, pays(&world, &claim, subject, true).await, expected);
    }
    refused("says that it failed", "fay", pays(&world, &claim, "fay", false).await, "");
    let item = world.task(&claim, WorkKind::LegFailed).await;
    for (subject, expected) in [
        ("xenia", "OWN_CLAIM"),
        ("rita", "OWN_CLAIM"),
        ("ann", "OWN_CLAIM"),
        ("vera", "OWN_CLAIM"),
        ("fay", "OWN_PROPOSAL"),
        ("pia", ""),
    ] {
        refused("lets it be tried again", subject, rules(&world, &item, subject, Ruling::Retry).await, expected);
    }
    for (subject, expected) in [("rita", own), ("ann", own), ("pia", own), ("vera", own), ("fay", "")] {
        refused("pays at last", subject, pays(&world, &claim, subject, true).await, expected);
    }
    world.until_state(&claim, ClaimState::Closed).await;
    world.end().await;
}
