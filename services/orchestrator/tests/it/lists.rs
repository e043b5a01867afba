//! What can be read: processes, timelines, settlements; page by page.

use proto::claim::{ClaimState, Resolution, WaitingFor};
use proto::orchestrator::{
    GetProcessRequest, GetTimelineRequest, ListProcessesRequest, ListSettlementsRequest, SettlementState,
};
use tonic::Code;
use uuid::Uuid;

use crate::story::World;

#[tokio::test(flavor = "multi_thread")]
async fn processes_are_listed_by_state_and_by_whom_they_wait_for() {
    let world = World::start().await;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(world.submitted().await.claim.to_string());
    }
    let paying = world.judged(Resolution::RefundOnly, 1).await.claim.to_string();
    all.push(paying.clone());
    all.sort();

    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let request = ListProcessesRequest { page_size: 2, page_token: token, ..ListProcessesRequest::default() };
        let page = world.api().list_processes(request).await.unwrap().into_inner();
        seen.extend(page.processes.into_iter().map(|process| process.claim_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, all);

    let waiting = ListProcessesRequest { waiting_for: WaitingFor::Finance as i32, ..ListProcessesRequest::default() };
    let found = world.api().list_processes(waiting).await.unwrap().into_inner().processes;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].claim_id.as_str(), found[0].claim_number.as_str()), (paying.as_str(), "RD-2026-000123"));
    let assessing = ListProcessesRequest { state: ClaimState::Assessing as i32, ..ListProcessesRequest::default() };
    assert_eq!(world.api().list_processes(assessing).await.unwrap().into_inner().processes.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_is_read_page_by_page() {
    let world = World::start().await;
    let story = world.judged(Resolution::RefundOnly, 1).await;
    let whole = story.timeline().await;
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let request = GetTimelineRequest { claim_id: story.claim.to_string(), page_size: 3, page_token: token };
        let page = world.api().get_timeline(request).await.unwrap().into_inner();
        seen.extend(page.events);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn settlements_are_listed_oldest_first() {
    let world = World::start().await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.push(world.judged(Resolution::RefundOnly, 1).await.settlement().await.0);
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let (page_size, state) = (1, SettlementState::Instructed as i32);
        let request = ListSettlementsRequest { page_size, state, page_token: token, claim_id: String::new() };
        let page = world.api().list_settlements(request).await.unwrap().into_inner();
        seen.extend(page.settlements.into_iter().map(|settlement| settlement.settlement_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, expected);
    let paid = ListSettlementsRequest { state: SettlementState::Paid as i32, ..ListSettlementsRequest::default() };
    assert!(world.api().list_settlements(paid).await.unwrap().into_inner().settlements.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    let world = World::start().await;
    let claim_id = Uuid::now_v7().to_string();
    let process = world.api().get_process(GetProcessRequest { claim_id: claim_id.clone() }).await.unwrap_err();
    let timeline = GetTimelineRequest { claim_id: claim_id.clone(), ..GetTimelineRequest::default() };
    let timeline = world.api().get_timeline(timeline).await.unwrap_err();
    for status in [process, timeline] {
        assert_eq!((status.code(), testkit::reason(&status).as_str()), (Code::NotFound, "NOT_FOUND"));
        assert_eq!(testkit::details(&status).resource_info().unwrap().resource_name, claim_id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lists_name_every_bad_field() {
    let world = World::start().await;
    let request = ListProcessesRequest {
        state: 99,
        waiting_for: 99,
        page_size: -1,
        page_token: "x".to_owned(),
        claim_ids: vec!["x".to_owned()],
        newest_first: false,
    };
    let status = world.api().list_processes(request).await.unwrap_err();
    let bad = ["claim_ids[0]", "state", "waiting_for", "page_size", "page_token"];
    assert_eq!(testkit::bad_fields(&status), bad);
    let request = ListSettlementsRequest { claim_id: "x".to_owned(), state: 9, ..ListSettlementsRequest::default() };
    let status = world.api().list_settlements(request).await.unwrap_err();
    assert_eq!(testkit::bad_fields(&status), ["claim_id", "state"]);
    let request = GetTimelineRequest { claim_id: "x".to_owned(), page_size: -1, page_token: String::new() };
    let status = world.api().get_timeline(request).await.unwrap_err();
    assert_eq!(testkit::bad_fields(&status), ["claim_id", "page_size"]);
    let status = world.api().get_process(GetProcessRequest { claim_id: "x".to_owned() }).await.unwrap_err();
    assert_eq!(testkit::bad_fields(&status), ["claim_id"]);
}
