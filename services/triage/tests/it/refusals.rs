//! Every refusal, and malformed requests, through the real server with decoded details.

use proto::claim::{Money, Resolution};
use proto::triage::{
    AssessReason, DecideWorkItemRequest, GetAssessmentRequest, LineDecision, ListWorkItemsRequest, OrderLine,
    RecordOrdersRequest,
};
use testkit::{actor, bad_fields, details, reason, request_id};
use tonic::Code;

use crate::world::{ask, assess, claim, sold, tell, triage, work_items};

#[tokio::test]
async fn every_bad_field_of_an_order_is_named() {
    let (_service, mut client) = triage().await;
    let bad = OrderLine {
        order_no: String::new(),
        sku: "a\u{0}".to_owned(),
        customer_ref: "x".repeat(65),
        quantity: 0,
        unit_price: Some(Money { minor_units: -1, currency: "gbp".to_owned() }),
        purchased_on: String::new(),
        delivered_on: "2026-02-30".to_owned(),
        warranty_until: "soon".to_owned(),
        repaired_on: "2026-13-01".to_owned(),
        ..OrderLine::default()
    };
    let early = OrderLine {
        delivered_on: "2026-05-31".to_owned(),
        warranty_until: "2026-05-31".to_owned(),
        repaired_on: "2026-05-31".to_owned(),
        ..sold("O2", "A", 1)
    };
    // Goods may be delivered within a year, but nobody has bought or repaired anything tomorrow.
    let tomorrow = OrderLine {
        purchased_on: "2199-03-01".to_owned(),
        delivered_on: "2199-03-02".to_owned(),
        repaired_on: "2199-03-03".to_owned(),
        ..sold("O3", "A", 1)
    };
    let lines = vec![bad, sold("O1", "A", 1), sold("O1", "A", 2), early, tomorrow];
    let error = client.record_orders(RecordOrdersRequest { request_id: "1".to_owned(), lines }).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::InvalidArgument, "MALFORMED"));
    assert_eq!(
        bad_fields(&error),
        [
            "request_id",
            "lines[0].order_no",
            "lines[0].sku",
            "lines[0].customer_ref",
            "lines[0].quantity",
            "lines[0].unit_price.minor_units",
            "lines[0].unit_price.currency",
            "lines[0].delivered_on",
            "lines[0].purchased_on",
            "lines[0].warranty_until",
            "lines[0].repaired_on",
            "lines[2]",
            "lines[3].delivered_on",
            "lines[3].warranty_until",
            "lines[3].repaired_on",
            "lines[4].delivered_on",
            "lines[4].purchased_on",
            "lines[4].repaired_on",
        ]
    );
    for count in [0, 501] {
        let lines = (0..count).map(|at| sold(&format!("O{at}"), "A", 1)).collect();
        let error = client.record_orders(RecordOrdersRequest { request_id: request_id(), lines }).await.unwrap_err();
        assert_eq!(bad_fields(&error), ["lines"]);
    }
}

#[tokio::test]
async fn every_bad_field_of_a_decision_is_named() {
    let (_service, mut client) = triage().await;
    let line = LineDecision {
        line: 0,
        resolution: 0,
        quantity: 1_000_001,
        unit_price: Some(Money::default()),
        reason: "WORN".to_owned(),
    };
    let rejected = LineDecision { line: 1, resolution: Resolution::Reject.into(), ..LineDecision::default() };
    let request = DecideWorkItemRequest {
        request_id: String::new(),
        work_item_id: "7".to_owned(),
        etag: String::new(),
        lines: vec![line, rejected],
        liability: 99,
        question: String::new(),
        note: "\u{1}".to_owned(),
    };
    let error = client.decide_work_item(request.clone()).await.unwrap_err();
    assert_eq!(
        bad_fields(&error),
        [
            "request_id",
            "work_item_id",
            "etag",
            "note",
            "liability",
            "lines[0].line",
            "lines[0].resolution",
            "lines[0].quantity",
            "lines[0].unit_price.currency",
            "lines[1].reason",
        ]
    );
    let asked = DecideWorkItemRequest { question: "why?".to_owned(), ..request };
    let error = client.decide_work_item(asked).await.unwrap_err();
    assert!(bad_fields(&error).ends_with(&["lines".to_owned(), "question".to_owned()]), "{error:?}");
}

#[tokio::test]
async fn bad_questions_are_told() {
    let (_service, mut client) = triage().await;
    let request = ListWorkItemsRequest {
        page_size: -1,
        page_token: "x".to_owned(),
        role: 99,
        claim_id: "x".to_owned(),
        include_closed: false,
    };
    let error = client.list_work_items(request).await.unwrap_err();
    assert_eq!(bad_fields(&error), ["role", "claim_id", "page_size", "page_token"]);
    let error = client.get_assessment(GetAssessmentRequest { claim_id: "x".to_owned() }).await.unwrap_err();
    assert_eq!(bad_fields(&error), ["claim_id"]);
    let error = client.get_assessment(GetAssessmentRequest { claim_id: claim(9).to_string() }).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::NotFound, "NOT_FOUND"));
    assert_eq!(details(&error).resource_info().unwrap().resource_name, claim(9).to_string());
}

#[tokio::test]
async fn every_refusal_of_a_decision_has_its_details() {
    let (service, mut client) = triage().await;
    tell(&service, assess(claim(1), ask(1, AssessReason::Denied))).await;
    let item = work_items(&mut client).await.remove(0);
    let line = LineDecision { line: 1, resolution: Resolution::ReturnRefund.into(), ..LineDecision::default() };
    let good = DecideWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        lines: vec![line.clone()],
        ..DecideWorkItemRequest::default()
    };
    let fresh = |request: &DecideWorkItemRequest| DecideWorkItemRequest { request_id: request_id(), ..request.clone() };

    let unknown = DecideWorkItemRequest { work_item_id: claim(8).to_string(), ..fresh(&good) };
    let error = client.decide_work_item(unknown).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::NotFound, "NOT_FOUND"));
    assert_eq!(details(&error).resource_info().unwrap().resource_type, "work_item");

    let stale = DecideWorkItemRequest { etag: "\"7\"".to_owned(), ..fresh(&good) };
    let error = client.decide_work_item(stale).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::Aborted, "ETAG_MISMATCH"));

    let wrong = vec![LineDecision { quantity: 3, ..line.clone() }];
    let error = client.decide_work_item(DecideWorkItemRequest { lines: wrong, ..fresh(&good) }).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::FailedPrecondition, "PLAN_INVALID"));
    let failure = details(&error);
    let violations = &failure.precondition_failure().unwrap().violations;
    assert_eq!((violations[0].subject.as_str(), violations[0].r#type.as_str()), ("line 1", "PLAN_INVALID"));
    let wrong = vec![LineDecision { line: 2, ..line.clone() }];
    let error = client.decide_work_item(DecideWorkItemRequest { lines: wrong, ..fresh(&good) }).await.unwrap_err();
    assert_eq!(details(&error).precondition_failure().unwrap().violations.len(), 2);

    client.decide_work_item(actor(good.clone(), "anna", &["specialist"])).await.unwrap();
    let error = client.decide_work_item(fresh(&good)).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::FailedPrecondition, "WORK_ITEM_CLOSED"));
    let other = DecideWorkItemRequest { note: "other".to_owned(), ..good };
    let error = client.decide_work_item(actor(other, "anna", &["specialist"])).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
}
