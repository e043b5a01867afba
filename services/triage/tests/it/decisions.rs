//! What a person decides.

use proto::Subject;
use proto::claim::{Money, Notice, Resolution, Role};
use proto::triage::triage_event::Kind as Answer;
use proto::triage::{
    AssessReason, DecideWorkItemRequest, GetAssessmentRequest, LineDecision, ListWorkItemsRequest, WorkItem,
};
use testkit::{actor, request_id};

use crate::world::{answers, ask, assess, claim, tell, triage, work_items};

fn decide(item: &WorkItem, resolution: Resolution) -> DecideWorkItemRequest {
    DecideWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        lines: vec![LineDecision { line: 1, resolution: resolution.into(), ..LineDecision::default() }],
        liability: 0,
        question: String::new(),
        note: "looked at the photographs".to_owned(),
    }
}

#[tokio::test]
async fn a_work_item_is_shown_decided_and_answered() {
    let (service, mut client) = triage().await;
    tell(&service, assess(claim(1), ask(1, AssessReason::Denied))).await;
    let item = work_items(&mut client).await.remove(0);
    assert_eq!((item.reason.as_str(), item.role(), item.open), ("DENIED", Role::Specialist, true));
    assert_eq!((item.claim_number.as_str(), item.lines.len(), item.proposal.len()), ("RD-2026-000001", 1, 1));
    assert!(item.due_at.is_some());

    let request = decide(&item, Resolution::RefundOnly);
    let reply = client.decide_work_item(actor(request.clone(), "anna", &["specialist"])).await.unwrap().into_inner();
    assert!(!reply.work_item.as_ref().unwrap().open);
    let again = client.decide_work_item(actor(request, "anna", &["specialist"])).await.unwrap().into_inner();
    assert_eq!(again, reply);
    let all = answers(&service).await;
    let [Answer::PersonNeeded(_), Answer::ClaimJudged(judged)] = &all[..] else { panic!("{all:?}") };
    let plan = judged.plan.as_ref().unwrap();
    assert_eq!((judged.assessment, plan.number, plan.proposed_by.as_str()), (1, 1, "anna"));
    assert!(!plan.automatic && !plan.consented);
    assert!(work_items(&mut client).await.is_empty());

    // Nothing is overwritten: the judgement of the rules is still there.
    let read = client.get_assessment(GetAssessmentRequest { claim_id: claim(1).to_string() }).await.unwrap();
    assert_eq!(read.get_ref().work_items, [reply.work_item.clone().unwrap()]);
    let by: Vec<String> = read.into_inner().assessments.into_iter().map(|assessment| assessment.judged_by).collect();
    assert_eq!(by, ["anna", "rules"]);
    // Asked again, the newest answer is given.
    tell(&service, assess(claim(1), ask(1, AssessReason::Denied))).await;
    assert_eq!(answers(&service).await.last(), all.last());
}

#[tokio::test]
async fn goods_of_an_unknown_purchase_need_a_price() {
    let (service, mut client) = triage().await;
    let mut unknown = ask(1, AssessReason::Failed);
    unknown.lines[0].sku = "Z".to_owned();
    tell(&service, assess(claim(1), unknown)).await;
    let item = work_items(&mut client).await.remove(0);
    let mut request = decide(&item, Resolution::ReturnRefund);
    let error = client.decide_work_item(actor(request.clone(), "anna", &["specialist"])).await.unwrap_err();
    assert_eq!(testkit::reason(&error), "PLAN_INVALID");
    request.request_id = request_id();
    request.lines[0].unit_price = Some(Money { minor_units: 12_000, currency: "GBP".to_owned() });
    client.decide_work_item(actor(request, "anna", &["specialist"])).await.unwrap();
    let all = answers(&service).await;
    let Some(Answer::ClaimJudged(judged)) = all.last() else { panic!("{all:?}") };
    let plan = judged.plan.as_ref().unwrap();
    assert_eq!(plan.cost.as_ref().unwrap().minor_units, 24_000);
    assert!(!plan.automatic, "above the limit of a specialist");
}

#[tokio::test]
async fn a_person_asks_or_refuses() {
    let (service, mut client) = triage().await;
    tell(&service, assess(claim(1), ask(1, AssessReason::Denied))).await;
    let item = work_items(&mut client).await.remove(0);
    let mut request = decide(&item, Resolution::Reject);
    (request.lines, request.question) = (Vec::new(), "PHOTO_NEEDED".to_owned());
    client.decide_work_item(actor(request, "anna", &["specialist"])).await.unwrap();
    tell(&service, assess(claim(1), ask(2, AssessReason::Answered))).await;
    let item = work_items(&mut client).await.remove(0);
    assert_eq!(item.reason, "DENIED");
    let mut request = decide(&item, Resolution::Reject);
    request.lines[0].reason = "WORN".to_owned();
    client.decide_work_item(actor(request, "anna", &["specialist"])).await.unwrap();
    let all = answers(&service).await;
    let [
        Answer::PersonNeeded(_),
        Answer::AnswerNeeded(question),
        Answer::PersonNeeded(_),
        Answer::ClaimRefused(refused),
    ] = &all[..]
    else {
        panic!("{all:?}")
    };
    assert_eq!((question.reason.as_str(), refused.reason.as_str()), ("PHOTO_NEEDED", "WORN"));
}

#[tokio::test]
async fn the_work_list_is_walked_most_urgent_first() {
    let (service, mut client) = triage().await;
    for number in 1..=7 {
        let mut asked = ask(1, if number % 2 == 0 { AssessReason::Denied } else { AssessReason::Reopened });
        asked.importance = u32::from(number) % 4;
        tell(&service, assess(claim(number), asked)).await;
    }
    let mut request = ListWorkItemsRequest { page_size: 2, ..ListWorkItemsRequest::default() };
    let mut seen = Vec::new();
    loop {
        let page = client.list_work_items(request.clone()).await.unwrap().into_inner();
        seen.extend(page.work_items);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen.len(), 7);
    let priority = |item: &WorkItem| item.assessment.as_ref().unwrap().priority;
    assert!(seen.is_sorted_by(|a, b| priority(a) >= priority(b)));
    let mut count = async |request: ListWorkItemsRequest| {
        client.list_work_items(request).await.unwrap().into_inner().work_items.len()
    };
    let all = ListWorkItemsRequest::default();
    assert_eq!(count(ListWorkItemsRequest { role: Role::Specialist.into(), ..all.clone() }).await, 3);
    assert_eq!(count(ListWorkItemsRequest { claim_id: claim(3).to_string(), ..all.clone() }).await, 1);
    tell(&service, crate::world::cancel(claim(3), 1)).await;
    assert_eq!(count(all.clone()).await, 6);
    assert_eq!(count(ListWorkItemsRequest { include_closed: true, ..all }).await, 7);
}

#[tokio::test]
async fn a_d9_who_decided_what_and_why_can_be_read() {
    let (service, mut client) = triage().await;
    tell(&service, assess(claim(1), ask(1, AssessReason::Denied))).await;
    let waits = work_items(&mut client).await.remove(0);
    assert_eq!((waits.decided_by.as_str(), waits.decided_at, waits.note.as_str()), ("", None, ""));
    assert!(waits.opened_at.is_some() && waits.decision.is_empty());
    let mut request = decide(&waits, Resolution::Reject);
    request.lines[0].reason = "WORN".to_owned();
    client.decide_work_item(actor(request, "anna", &["specialist"])).await.unwrap();
    // Another one is only asked about, and a third is taken back.
    tell(&service, assess(claim(2), ask(1, AssessReason::Denied))).await;
    let second = work_items(&mut client).await.remove(0);
    let mut request = decide(&second, Resolution::Reject);
    (request.lines, request.question) = (Vec::new(), "PHOTO_NEEDED".to_owned());
    client.decide_work_item(actor(request, "anna", &["specialist"])).await.unwrap();
    tell(&service, assess(claim(3), ask(1, AssessReason::Denied))).await;
    tell(&service, crate::world::cancel(claim(3), 1)).await;

    let all = ListWorkItemsRequest { include_closed: true, ..ListWorkItemsRequest::default() };
    let items = client.list_work_items(all).await.unwrap().into_inner().work_items;
    let of = |number| items.iter().find(|item| item.claim_id == claim(number).to_string()).unwrap();
    let decided = of(1);
    assert_eq!((decided.decided_by.as_str(), decided.note.as_str()), ("anna", "looked at the photographs"));
    assert!(decided.decided_at.is_some() && !decided.open);
    assert_eq!((decided.decision[0].resolution(), decided.decision[0].reason.as_str()), (Resolution::Reject, "WORN"));
    assert_eq!(decided.lines, waits.lines);
    assert_eq!((of(2).question.as_str(), of(2).decision.len(), of(2).decided_by.as_str()), ("PHOTO_NEEDED", 0, "anna"));
    assert_eq!((of(3).decided_by.as_str(), of(3).decided_at, of(3).open), ("", None, false));
}

#[tokio::test]
async fn b_d14_those_it_waits_for_are_told_once_when_work_begins_to_wait() {
    let (service, mut client) = triage().await;
    tell(&service, assess(claim(1), ask(1, AssessReason::New))).await;
    tell(&service, assess(claim(2), ask(1, AssessReason::Reopened))).await;
    tell(&service, assess(claim(2), ask(1, AssessReason::Reopened))).await;
    let item = work_items(&mut client).await.remove(0);
    let mut request = decide(&item, Resolution::Reject);
    request.lines[0].reason = "WORN".to_owned();
    client.decide_work_item(actor(request, "mia", &["management"])).await.unwrap();
    let notices: Vec<Notice> = service
        .events()
        .await
        .iter()
        .filter(|(subject, _)| matches!(subject, Subject::Notice { .. }))
        .map(|(_, payload)| serde_json::from_slice(payload).unwrap())
        .collect();
    let [notice] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!((notice.audience.as_str(), notice.template.as_str()), ("supervisor", "work_waiting"));
    assert_eq!((notice.claim_id.as_str(), notice.claim_number.as_str()), (item.claim_id.as_str(), "RD-2026-000001"));
    assert_eq!(notice.parameters["work_item_id"], item.work_item_id);
    assert_eq!(notice.parameters["reason"], "REOPENED");
    assert!(notice.parameters["due_at"].parse::<jiff::Timestamp>().is_ok());
    assert!(notice.customer_ref.is_empty());
}
