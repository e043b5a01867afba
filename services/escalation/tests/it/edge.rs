//! Calls: every refusal with its details, bad fields, repeated requests, lists.

use proto::claim::Role;
use proto::escalation::*;
use testkit::{bad_fields, details, reason};
use tonic::Code;

use crate::world::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_decision_names_every_field() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    let bad = DecideWorkItemRequest {
        request_id: "1".to_owned(),
        work_item_id: "x".to_owned(),
        etag: String::new(),
        ruling: 9,
        note: "a\u{0}b".to_owned(),
    };
    let refused = case.decide("sue", &["supervisor"], bad).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "MALFORMED"));
    assert_eq!(bad_fields(&refused), ["request_id", "work_item_id", "etag", "ruling", "note"]);
    let long = DecideWorkItemRequest {
        request_id: testkit::request_id(),
        work_item_id: testkit::request_id(),
        etag: "\"1\"".to_owned(),
        ruling: Ruling::Approve as i32,
        note: "x".repeat(1_001),
    };
    assert_eq!(bad_fields(&case.decide("sue", &["supervisor"], long.clone()).await.unwrap_err()), ["note"]);
    let unknown = DecideWorkItemRequest { note: String::new(), ..long };
    let refused = case.decide("sue", &["supervisor"], unknown).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "NOT_FOUND"));
    assert_eq!(details(&refused).resource_info().unwrap().resource_type, "work_item");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_a_decision_has_its_reason() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(open_task(case.claim, WorkKind::LegFailed)).await;
    let item = case.item(WorkKind::LegFailed).await;
    assert_eq!((item.line, item.role(), item.reason.as_str()), (2, Role::Logistics, "LOST"));

    let refused = case.decide("leo", &["logistics"], ruling(&item, Ruling::Approve)).await.unwrap_err();
    assert_eq!((refused.code(), bad_fields(&refused)), (Code::InvalidArgument, vec!["ruling".to_owned()]));

    let old = DecideWorkItemRequest { etag: "\"7\"".to_owned(), ..ruling(&item, Ruling::Retry) };
    let refused = case.decide("leo", &["logistics"], old).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Aborted, "ETAG_MISMATCH"));

    let refused = case.decide("leo", &["supervisor"], ruling(&item, Ruling::Retry)).await.unwrap_err();
    let info = details(&refused).error_info().cloned().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("WRONG_ROLE", "redress.escalation"));
    assert_eq!(info.metadata["role"], "logistics");

    case.decide("leo", &["logistics"], ruling(&item, Ruling::Retry)).await.unwrap();
    let refused = case.decide("leo", &["logistics"], ruling(&item, Ruling::Retry)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "WORK_ITEM_CLOSED"));
    assert!(details(&refused).precondition_failure().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_has_one_effect_and_one_answer() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(open_task(case.claim, WorkKind::LegFailed)).await;
    let item = case.item(WorkKind::LegFailed).await;
    let once = ruling(&item, Ruling::Deny);
    let roles = ["logistics"];
    let (first, second) =
        tokio::join!(case.decide("leo", &roles, once.clone()), case.decide("leo", &roles, once.clone()));
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(case.counts().await["task_decided"], 1);
    let other = DecideWorkItemRequest { ruling: Ruling::Retry as i32, ..once };
    let refused = case.decide("leo", &["logistics"], other).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_filtered_and_ordered() {
    let service = testkit::start(&escalation::SERVICE).await;
    let mut client = Case::new(&service).client();
    for at in 0..5 {
        let case = Case::new(&service);
        let kind = if at % 2 == 0 { WorkKind::LegFailed } else { WorkKind::Support };
        case.tell(open_task(case.claim, kind)).await;
        case.tell(start_ago(&service, 1, &[ClockKind::FirstFeedback], 20 * DAY)).await;
        case.wait_told("clock_breached", 1).await;
    }
    let mut seen = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListWorkItemsRequest { page_size: 3, page_token, ..ListWorkItemsRequest::default() };
        let page = client.list_work_items(request).await.unwrap().into_inner();
        seen.extend(page.work_items);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 10);
    let due: Vec<_> = seen.iter().map(|item| item.due_at.map(|at| (at.seconds, at.nanos))).collect();
    assert!(due.is_sorted(), "most urgent first");
    let kind = WorkKind::Support as i32;
    let found = client.list_work_items(ListWorkItemsRequest { kind, ..ListWorkItemsRequest::default() }).await.unwrap();
    assert_eq!(found.into_inner().work_items.len(), 2);
    let role = Role::Supervisor as i32;
    let found = client.list_work_items(ListWorkItemsRequest { role, ..ListWorkItemsRequest::default() }).await.unwrap();
    assert_eq!(found.into_inner().work_items.len(), 5);

    let request = ListEscalationsRequest { page_size: 2, ..ListEscalationsRequest::default() };
    let first = client.list_escalations(request.clone()).await.unwrap().into_inner();
    let next = ListEscalationsRequest { page_token: first.next_page_token.clone(), ..request };
    let second = client.list_escalations(next).await.unwrap().into_inner();
    let raised: Vec<_> = [first.escalations, second.escalations].concat();
    assert_eq!(raised.len(), 4);
    assert!(raised.is_sorted_by_key(|raised| std::cmp::Reverse(raised.raised_at.map(|at| (at.seconds, at.nanos)))));

    let bad = ListWorkItemsRequest {
        page_size: -1,
        page_token: first.next_page_token,
        role: 99,
        claim_id: "x".to_owned(),
        kind: 99,
        include_closed: true,
    };
    let refused = client.list_work_items(bad).await.unwrap_err();
    assert_eq!(bad_fields(&refused), ["claim_id", "role", "kind", "page_size", "page_token"]);
    let refused = client.list_clocks(ListClocksRequest::default()).await.unwrap_err();
    assert_eq!(bad_fields(&refused), ["claim_id"]);
}
