//! Commands of the orchestrator: answered once for each command, the same each time, in any order.

use proto::claim::Category;
use proto::triage::triage_event::Kind as Answer;
use proto::triage::{AssessReason, GetAssessmentRequest};
use tonic::Code;

use crate::world::{answers, ask, assess, cancel, claim, tell, triage, work_items};

#[tokio::test]
async fn a_claim_is_judged_refused_or_asked_about() {
    let (service, mut client) = triage().await;
    tell(&service, assess(claim(1), ask(1, AssessReason::New))).await;
    let mut late = ask(1, AssessReason::New);
    late.received_at = Some(proto::to_wire("2026-08-20T10:00:00Z".parse().unwrap()));
    tell(&service, assess(claim(2), late)).await;
    let mut unknown = ask(1, AssessReason::New);
    unknown.lines[0].sku = "Z".to_owned();
    tell(&service, assess(claim(3), unknown.clone())).await;
    (unknown.assessment, unknown.order_unknown_lines) = (2, vec![1]);
    unknown.set_reason(AssessReason::Answered);
    tell(&service, assess(claim(3), unknown)).await;
    let all = answers(&service).await;
    let [
        Answer::ClaimJudged(judged),
        Answer::ClaimRefused(late),
        Answer::AnswerNeeded(question),
        Answer::ClaimRefused(unknown),
    ] = &all[..]
    else {
        panic!("{all:?}")
    };
    assert_eq!(judged.judgement.as_ref().unwrap().category(), Category::ReturnRequest);
    assert_eq!(late.reason, "OUTSIDE_WINDOW");
    assert_eq!((question.reason.as_str(), question.line), ("ORDER_NUMBER_NEEDED", 1));
    assert_eq!((unknown.reason.as_str(), unknown.assessment), ("ORDER_NOT_FOUND", 2));
    let read = client.get_assessment(GetAssessmentRequest { claim_id: claim(3).to_string() }).await.unwrap();
    let numbers: Vec<u32> = read.into_inner().assessments.iter().map(|assessment| assessment.number).collect();
    assert_eq!(numbers, [2, 1]);
    let read = client.get_assessment(GetAssessmentRequest { claim_id: claim(1).to_string() }).await.unwrap();
    assert_eq!(read.into_inner().plan, judged.plan);
}

#[tokio::test]
async fn the_same_message_is_answered_once_and_the_same_command_again() {
    let (service, _client) = triage().await;
    let first = tell(&service, assess(claim(1), ask(1, AssessReason::New))).await;
    service.tell_as(first, assess(claim(1), ask(1, AssessReason::New))).await;
    tell(&service, assess(claim(2), ask(1, AssessReason::Denied))).await;
    assert_eq!(answers(&service).await.len(), 2);
    tell(&service, assess(claim(1), ask(1, AssessReason::New))).await;
    tell(&service, assess(claim(2), ask(1, AssessReason::Denied))).await;
    let all = answers(&service).await;
    assert_eq!(all.len(), 4);
    assert_eq!(all[..2], all[2..]);
}

#[tokio::test]
async fn a_cancelled_assessment_stays_cancelled() {
    let (service, mut client) = triage().await;
    // The undo arrives before the do.
    let undo = tell(&service, cancel(claim(1), 1)).await;
    tell(&service, assess(claim(1), ask(1, AssessReason::New))).await;
    service.tell_as(undo, cancel(claim(1), 1)).await;
    tell(&service, cancel(claim(1), 1)).await;
    assert!(answers(&service).await.is_empty());
    let error = client.get_assessment(GetAssessmentRequest { claim_id: claim(1).to_string() }).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    // The do, then the undo.
    tell(&service, assess(claim(2), ask(1, AssessReason::Reopened))).await;
    assert_eq!(work_items(&mut client).await.len(), 1);
    tell(&service, cancel(claim(2), 1)).await;
    assert!(work_items(&mut client).await.is_empty());
    tell(&service, assess(claim(2), ask(1, AssessReason::Reopened))).await;
    assert_eq!(answers(&service).await.len(), 1);
    // A later number is another assessment.
    tell(&service, assess(claim(2), ask(2, AssessReason::New))).await;
    assert_eq!(answers(&service).await.len(), 2);
}

#[tokio::test]
async fn what_no_sender_sends_is_parked_and_others_do_not_notice() {
    let (service, _client) = triage().await;
    let mut broken = ask(1, AssessReason::New);
    broken.lines.clear();
    tell(&service, assess(claim(1), broken)).await;
    let subject = proto::Subject::Command { service: "triage".to_owned(), name: "assess_claim".to_owned() };
    let noise = service.tell_bytes(&subject, claim(2).0, b"noise").await;
    service.settled(noise).await;
    tell(&service, assess(claim(3), ask(1, AssessReason::New))).await;
    assert_eq!(answers(&service).await.len(), 1);
    let parked: i64 = sqlx::query_scalar("SELECT count(*) FROM parked").fetch_one(service.pool()).await.unwrap();
    assert_eq!(parked, 2);
}

#[tokio::test]
async fn nothing_is_lost_by_a_restart() {
    let (service, _client) = triage().await;
    tell(&service, assess(claim(1), ask(1, AssessReason::Denied))).await;
    let service = service.restart().await;
    tell(&service, assess(claim(1), ask(1, AssessReason::Denied))).await;
    let all = answers(&service).await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0], all[1]);
}
