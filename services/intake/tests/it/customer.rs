//! What the customer and the first responder do: happy paths and every refusal, through the real server.

use proto::claim::ClaimState;
use proto::intake::{
    AddEvidenceRequest, AnswerFollowUpRequest, AnswerPlanRequest, AnswerQuestionRequest, ConfirmReadBackRequest,
    CustomerAnswered, FollowUpAnswered, GetContactRequest, PlanAnswered, WithdrawClaimRequest, intake_event,
};
use testkit::{actor, bad_fields, details, reason, request_id};
use tonic::{Code, Status};

use crate::world::{World, ask, end, evidence, follow_up, propose};

fn confirm(claim: &str, etag: &str) -> ConfirmReadBackRequest {
    ConfirmReadBackRequest { request_id: request_id(), claim_id: claim.to_owned(), etag: etag.to_owned() }
}

fn add(claim: &str, count: usize, line: u32) -> AddEvidenceRequest {
    AddEvidenceRequest { request_id: request_id(), claim_id: claim.to_owned(), evidence: vec![evidence(line); count] }
}

fn answer(claim: &str, question_id: &str) -> AnswerQuestionRequest {
    AnswerQuestionRequest {
        request_id: request_id(),
        claim_id: claim.to_owned(),
        question_id: question_id.to_owned(),
        order_no: "536365".to_owned(),
        text: "It is on Ada's bill".to_owned(),
        address: String::new(),
    }
}

fn answer_plan(claim: &str, plan_number: u32, accepted: bool) -> AnswerPlanRequest {
    AnswerPlanRequest {
        request_id: request_id(),
        claim_id: claim.to_owned(),
        plan_number,
        accepted,
        text: String::new(),
    }
}

fn answer_follow_up(claim: &str, score: u32) -> AnswerFollowUpRequest {
    let text = "Ada is happy".to_owned();
    AnswerFollowUpRequest { request_id: request_id(), claim_id: claim.to_owned(), score, text }
}

fn withdraw(claim: &str) -> WithdrawClaimRequest {
    let text = "Ada bought another one".to_owned();
    WithdrawClaimRequest { request_id: request_id(), claim_id: claim.to_owned(), text }
}

fn refused(status: &Status, code: Code, why: &str) {
    assert_eq!((status.code(), reason(status).as_str()), (code, why), "{status:?}");
    assert_eq!(details(status).error_info().unwrap().domain, "redress.intake");
    assert_eq!(details(status).precondition_failure().is_some(), code == Code::FailedPrecondition);
}

#[tokio::test]
async fn the_read_back_is_confirmed_once() {
    let world = World::start().await;
    let (claim, mut client) = (world.submit().await, world.client.clone());
    let id = claim.claim_id.as_str();
    for odd in ["\"2\"", "2", "x"] {
        refused(&client.confirm_read_back(confirm(id, odd)).await.unwrap_err(), Code::Aborted, "ETAG_MISMATCH");
    }
    let request = actor(confirm(id, &claim.etag), "anna", &["specialist"]);
    let confirmed = client.confirm_read_back(request).await.unwrap().into_inner().claim.unwrap();
    assert_eq!((confirmed.read_back_by.as_str(), confirmed.etag.as_str()), ("anna", "\"2\""));
    assert!(confirmed.read_back_at.is_some());
    assert_eq!(confirmed.promises.len(), 1, "the acknowledgement is given");
    assert_eq!(world.get(id).await, confirmed);
    assert!(matches!(world.told(id).await[..], [_, intake_event::Kind::ReadBackConfirmed(_)]));
    refused(
        &client.confirm_read_back(confirm(id, "")).await.unwrap_err(),
        Code::FailedPrecondition,
        "ALREADY_CONFIRMED",
    );
}

#[tokio::test]
async fn evidence_is_added_up_to_the_limit() {
    let world = World::start().await;
    let (claim, mut client) = (world.submit().await, world.client.clone());
    let id = claim.claim_id.as_str();
    let with = client.add_evidence(add(id, 40, 2)).await.unwrap().into_inner().claim.unwrap();
    assert_eq!(with.evidence.len(), 42);
    assert_eq!((with.lines[0].evidence_count, with.lines[1].evidence_count), (2, 41));
    assert_eq!(world.get(id).await, with);
    refused(&client.add_evidence(add(id, 9, 0)).await.unwrap_err(), Code::FailedPrecondition, "TOO_MUCH_EVIDENCE");
    refused(&client.add_evidence(add(id, 1, 3)).await.unwrap_err(), Code::FailedPrecondition, "NO_SUCH_LINE");
    let full = client.add_evidence(add(id, 8, 0)).await.unwrap().into_inner().claim.unwrap();
    assert_eq!(full.evidence.len(), 50);
    let mut bad = add(id, 2, 101);
    bad.evidence[1].size = (1 << 31) + 1;
    let status = client.add_evidence(bad).await.unwrap_err();
    assert_eq!(bad_fields(&status), ["evidence[0].line", "evidence[1].size", "evidence[1].line"]);
}

#[tokio::test]
async fn a_question_is_answered() {
    let world = World::start().await;
    let (claim, mut client) = (world.submit().await, world.client.clone());
    let id = claim.claim_id.as_str();
    refused(
        &client.answer_question(answer(id, "q1")).await.unwrap_err(),
        Code::FailedPrecondition,
        "QUESTION_NOT_OPEN",
    );
    world.tell(id, ask("q1")).await;
    let asked = world.get(id).await;
    assert_eq!(asked.state(), ClaimState::AwaitingCustomer);
    assert_eq!(asked.promises.len(), 1, "the question is a first feedback");
    let request = answer(id, "q1");
    let answered = client.answer_question(request.clone()).await.unwrap().into_inner().claim.unwrap();
    assert_eq!(answered.state(), ClaimState::Submitted);
    assert!(answered.questions[0].answered_at.is_some());
    assert_eq!(
        client.answer_question(request).await.unwrap().into_inner().claim.unwrap(),
        answered,
        "the saved answer"
    );
    let told = world.told(id).await;
    let (question_id, order_no) = ("q1".to_owned(), "536365".to_owned());
    let answered_by = "test".to_owned();
    let expected = CustomerAnswered { question_id, line: 1, order_no, address_given: false, answered_by };
    assert_eq!(told[1..], [intake_event::Kind::CustomerAnswered(expected)]);
    refused(
        &client.answer_question(answer(id, "q1")).await.unwrap_err(),
        Code::FailedPrecondition,
        "QUESTION_NOT_OPEN",
    );
    let words = world.words_of(id).await.unwrap();
    let word = words.last().unwrap();
    assert_eq!((word.about.as_str(), word.text.as_str()), ("question q1", "It is on Ada's bill"));
}

#[tokio::test]
async fn a_plan_is_answered() {
    let world = World::start().await;
    let (claim, mut client) = (world.submit().await, world.client.clone());
    let id = claim.claim_id.as_str();
    refused(
        &client.answer_plan(answer_plan(id, 1, true)).await.unwrap_err(),
        Code::FailedPrecondition,
        "PLAN_NOT_OPEN",
    );
    world.tell(id, propose(1)).await;
    let proposed = world.get(id).await;
    assert_eq!(proposed.state(), ClaimState::AwaitingConsent);
    assert_eq!(proposed.open_plan.as_ref().map(|plan| plan.number), Some(1));
    assert_eq!(proposed.promises.last().map(|promise| promise.kind.as_str()), Some("SOLUTION"));
    refused(
        &client.answer_plan(answer_plan(id, 2, true)).await.unwrap_err(),
        Code::FailedPrecondition,
        "PLAN_NOT_OPEN",
    );
    let answered = client.answer_plan(answer_plan(id, 1, false)).await.unwrap().into_inner().claim.unwrap();
    assert_eq!((answered.state(), answered.open_plan), (ClaimState::Submitted, None));
    let expected = PlanAnswered { plan_number: 1, accepted: false, answered_by: "test".to_owned() };
    assert_eq!(world.told(id).await[1..], [intake_event::Kind::PlanAnswered(expected)]);
}

#[tokio::test]
async fn a_follow_up_is_answered_in_each_round() {
    let world = World::start().await;
    let (claim, mut client) = (world.submit().await, world.client.clone());
    let id = claim.claim_id.as_str();
    let status = client.answer_follow_up(answer_follow_up(id, 1)).await.unwrap_err();
    refused(&status, Code::FailedPrecondition, "FOLLOW_UP_NOT_OPEN");
    for (round, score) in [(1, 2), (2, 5)] {
        world.tell(id, follow_up(round)).await;
        assert_eq!(world.get(id).await.state(), ClaimState::FollowingUp);
        client.answer_follow_up(answer_follow_up(id, score)).await.unwrap();
        let told = world.told(id).await;
        assert_eq!(told.last(), Some(&intake_event::Kind::FollowUpAnswered(FollowUpAnswered { round, score })));
    }
    assert_eq!(world.get(id).await.scores, [2, 5]);
    let status = client.answer_follow_up(answer_follow_up(id, 6)).await.unwrap_err();
    assert_eq!(bad_fields(&status), ["score"]);
}

#[tokio::test]
async fn a_claim_is_withdrawn_once() {
    let world = World::start().await;
    let (claim, mut client) = (world.submit().await, world.client.clone());
    let id = claim.claim_id.as_str();
    world.tell(id, ask("q1")).await;
    world.tell(id, propose(1)).await;
    world.tell(id, follow_up(1)).await;
    let withdrawn = client.withdraw_claim(withdraw(id)).await.unwrap().into_inner().claim.unwrap();
    assert!(withdrawn.withdrawal_requested);
    assert_eq!(withdrawn.state(), ClaimState::AwaitingCustomer, "it ends when the process says so");
    assert!(matches!(world.told(id).await[..], [_, intake_event::Kind::ClaimWithdrawn(_)]));
    let why = "ALREADY_WITHDRAWN";
    refused(&client.withdraw_claim(withdraw(id)).await.unwrap_err(), Code::FailedPrecondition, why);
    refused(&client.answer_question(answer(id, "q1")).await.unwrap_err(), Code::FailedPrecondition, why);
    refused(&client.answer_plan(answer_plan(id, 1, true)).await.unwrap_err(), Code::FailedPrecondition, why);
    refused(&client.answer_follow_up(answer_follow_up(id, 3)).await.unwrap_err(), Code::FailedPrecondition, why);
    world.tell(id, end(ClaimState::Withdrawn)).await;
    assert_eq!(world.get(id).await.state(), ClaimState::Withdrawn);
}

#[tokio::test]
async fn a_claim_that_has_ended_refuses() {
    let world = World::start().await;
    let (claim, mut client) = (world.submit().await, world.client.clone());
    let id = claim.claim_id.as_str();
    world.tell(id, follow_up(1)).await;
    world.tell(id, end(ClaimState::Closed)).await;
    let (code, why) = (Code::FailedPrecondition, "CLAIM_ENDED");
    refused(&client.confirm_read_back(confirm(id, "")).await.unwrap_err(), code, why);
    refused(&client.add_evidence(add(id, 1, 0)).await.unwrap_err(), code, why);
    refused(&client.answer_question(answer(id, "q1")).await.unwrap_err(), code, why);
    refused(&client.answer_plan(answer_plan(id, 1, true)).await.unwrap_err(), code, why);
    refused(&client.withdraw_claim(withdraw(id)).await.unwrap_err(), code, why);
    refused(&client.answer_follow_up(answer_follow_up(id, 3)).await.unwrap_err(), code, "FOLLOW_UP_NOT_OPEN");
    assert_eq!(world.count("SELECT count(*) FROM customer_word").await, 0, "words of a refused call are not kept");
}

#[tokio::test]
async fn an_unknown_claim_is_not_found() {
    let world = World::start().await;
    let mut client = world.client.clone();
    let id = &request_id();
    let code = Code::NotFound;
    refused(&client.confirm_read_back(confirm(id, "")).await.unwrap_err(), code, "NOT_FOUND");
    refused(&client.add_evidence(add(id, 1, 0)).await.unwrap_err(), code, "NOT_FOUND");
    refused(&client.answer_question(answer(id, "q1")).await.unwrap_err(), code, "NOT_FOUND");
    refused(&client.answer_plan(answer_plan(id, 1, true)).await.unwrap_err(), code, "NOT_FOUND");
    refused(&client.withdraw_claim(withdraw(id)).await.unwrap_err(), code, "NOT_FOUND");
    refused(&client.answer_follow_up(answer_follow_up(id, 3)).await.unwrap_err(), code, "NOT_FOUND");
    let contact = GetContactRequest { claim_id: id.clone(), purpose: "DELIVERY".to_owned(), fields: Vec::new() };
    let status = client.get_contact(contact).await.unwrap_err();
    refused(&status, code, "NOT_FOUND");
    assert_eq!(details(&status).resource_info().unwrap().resource_name, *id);
    assert_eq!(world.count("SELECT count(*) FROM contact_access").await, 0);
}

#[tokio::test]
async fn malformed_calls_name_every_field() {
    let world = World::start().await;
    let mut client = world.client.clone();
    let mut bad = answer("1", "q 1");
    bad.request_id = "1".to_owned();
    bad.order_no = "x".repeat(65);
    bad.text = "a\u{0}".to_owned();
    let status = client.answer_question(bad).await.unwrap_err();
    assert_eq!(bad_fields(&status), ["request_id", "claim_id", "question_id", "order_no", "text"]);
    let mut bad = withdraw("1");
    bad.text = "x".repeat(1001);
    assert_eq!(bad_fields(&client.withdraw_claim(bad).await.unwrap_err()), ["claim_id", "text"]);
    let mut bad = answer_plan("1", 0, true);
    bad.text = "x".repeat(4001);
    assert_eq!(bad_fields(&client.answer_plan(bad).await.unwrap_err()), ["claim_id", "plan_number", "text"]);
    let bad = confirm("1", &"x".repeat(65));
    assert_eq!(bad_fields(&client.confirm_read_back(bad).await.unwrap_err()), ["claim_id", "etag"]);
    let bad = add("1", 0, 0);
    assert_eq!(bad_fields(&client.add_evidence(bad).await.unwrap_err()), ["claim_id", "evidence"]);
    let bad = GetContactRequest::default();
    assert_eq!(bad_fields(&client.get_contact(bad).await.unwrap_err()), ["claim_id", "purpose"]);
}
