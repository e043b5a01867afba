//! Who has an approval or a task, by the calls that every work list has.

use proto::escalation::{Ruling, WorkKind};
use proto::work::work_service_client::WorkServiceClient;
use proto::work::{
    AssignWorkRequest, ChangeKind, GetWorkRequest, Item, ItemState, ListWorkRequest, TakeWorkRequest, item::Content,
};
use testkit::{Wire, actor, reason, request_id};

use crate::world::{Case, close_task, open_task, plan, request, ruling};

fn list(case: &Case<'_>) -> WorkServiceClient<Wire> {
    WorkServiceClient::new(case.service.channel())
}

async fn works(case: &Case<'_>, ask: ListWorkRequest) -> Vec<Item> {
    let ask = ListWorkRequest { about_kind: "claim".to_owned(), about_id: case.claim.to_string(), ..ask };
    list(case).list_work(actor(ask, "sue", &["supervisor"])).await.unwrap().into_inner().items
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_assigned_and_decided_by_nobody_else_but_its_proposer_takes_it_back() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(request(&plan(1, 60_000, "anna"))).await;
    let item =
        works(&case, ListWorkRequest { kind: "approval".to_owned(), ..ListWorkRequest::default() }).await.remove(0);
    let task = case.item(WorkKind::Approval).await;
    assert_eq!(item.content, Some(Content::Task(task.clone())));
    let assign = AssignWorkRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        to: "sam".to_owned(),
        note: "he has time".to_owned(),
    };
    let given = list(&case).assign_work(actor(assign, "sue", &["supervisor"])).await.unwrap().into_inner();
    let item = given.item.unwrap();
    assert_eq!((item.state(), item.assigned_to.as_str(), item.etag.as_str()), (ItemState::Assigned, "sam", "\"2\""));
    let task = case.item(WorkKind::Approval).await;
    assert_eq!(task.etag, item.etag);
    let other = case.decide("sue", &["supervisor"], ruling(&task, Ruling::Approve)).await.unwrap_err();
    assert_eq!(reason(&other), "WORK_ITEM_ASSIGNED");
    let stale = TakeWorkRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id.clone(),
        etag: "\"1\"".to_owned(),
        ..Default::default()
    };
    let stale = list(&case).take_work(actor(stale, "sam", &["supervisor"])).await.unwrap_err();
    assert_eq!(reason(&stale), "ETAG_MISMATCH");
    // The proposal can be taken back, whoever has it.
    case.decide("anna", &["specialist"], ruling(&task, Ruling::Deny)).await.unwrap();
    let read = GetWorkRequest { work_item_id: item.work_item_id };
    let read = list(&case).get_work(actor(read, "sue", &["supervisor"])).await.unwrap().into_inner();
    let steps: Vec<_> = read.history.iter().map(|step| (step.kind(), step.by.as_str(), step.to.as_str())).collect();
    let expected = [
        (ChangeKind::Opened, "", "supervisor"),
        (ChangeKind::Assigned, "sue", "sam"),
        (ChangeKind::Decided, "anna", ""),
    ];
    assert_eq!(steps, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_taken_back_is_cancelled_whoever_has_it_and_only_the_whole_list_has_it() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(open_task(case.claim, WorkKind::LegFailed)).await;
    let item = works(&case, ListWorkRequest::default()).await.remove(0);
    let take = TakeWorkRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id,
        etag: item.etag,
        ..Default::default()
    };
    list(&case).take_work(actor(take, "leo", &["logistics"])).await.unwrap();
    case.tell(close_task(case.claim)).await;
    assert!(works(&case, ListWorkRequest::default()).await.is_empty());
    let all = ListWorkRequest { include_closed: true, assigned_to: "leo".to_owned(), ..ListWorkRequest::default() };
    let item = works(&case, all).await.remove(0);
    assert_eq!((item.state(), item.decided_by.as_str()), (ItemState::Cancelled, ""));
    let read = GetWorkRequest { work_item_id: item.work_item_id };
    let read = list(&case).get_work(actor(read, "sue", &["supervisor"])).await.unwrap().into_inner();
    let end = read.history.last().unwrap();
    assert!(end.kind() == ChangeKind::Cancelled && end.at.is_some(), "{end:?}");
}
