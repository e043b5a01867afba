//! Work that somebody has: taken, handed over, raised when nobody decides in time, and decided once, at both services that
//! have a work list.

use proto::claim::{Category, ClaimState, Resolution, WaitingFor};
use proto::escalation::{DecideWorkItemRequest, Ruling};
use proto::work::work_service_client::WorkServiceClient;
use proto::work::{AssignWorkRequest, HandOverWorkRequest, Item, ItemState, ListWorkRequest, TakeWorkRequest};
use system::World;
use testkit::{Wire, actor, eventually, reason, request_id};

async fn list(world: &World, service: &str) -> WorkServiceClient<Wire> {
    WorkServiceClient::new(world.channel(service).await)
}

/// The work of a claim at a service that fits.
async fn until(world: &World, service: &str, claim: &str, fits: impl Fn(&Item) -> bool) -> Item {
    eventually(async || {
        let ask = ListWorkRequest { about_id: claim.to_owned(), ..ListWorkRequest::default() };
        let found = list(world, service).await.list_work(actor(ask, "sue", &["supervisor"])).await.ok()?;
        found.into_inner().items.into_iter().find(&fits)
    })
    .await
}

async fn take(world: &World, service: &str, item: &Item, who: &str) -> Item {
    let (work_item_id, etag) = (item.work_item_id.clone(), item.etag.clone());
    let ask = TakeWorkRequest { request_id: request_id(), work_item_id, etag, note: String::new() };
    let taken = list(world, service).await.take_work(actor(ask, who, &[item.role.as_str()])).await;
    taken.unwrap().into_inner().item.unwrap()
}

fn approve(item: &Item) -> DecideWorkItemRequest {
    DecideWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        ruling: Ruling::Approve.into(),
        note: "as discussed".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_taken_handed_over_raised_when_it_is_late_and_decided_by_who_has_it() {
    let world = World::new().await;
    world.sold("O-1", "SOFA", 3, 60_000, 3).await;
    let claim = world.claim("O-1", "SOFA", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_waiting(&claim, WaitingFor::Approver).await;
    let approval = |item: &Item| item.kind == "approval";
    let item = until(&world, "escalation", &claim, approval).await;
    let item = take(&world, "escalation", &item, "tom").await;
    let hand_over = HandOverWorkRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        to: "ann".to_owned(),
        note: "my shift ends".to_owned(),
    };
    let hand_over = actor(hand_over, "tom", &[item.role.as_str()]);
    let item = list(&world, "escalation").await.hand_over_work(hand_over).await.unwrap().into_inner().item.unwrap();
    let judged = world.claim("O-1", "SOFA", 1, Category::ServiceComplaint, Resolution::Unspecified).await;
    let judgement = until(&world, "triage", &judged, |item| item.kind == "judgement").await;
    let judgement = take(&world, "triage", &judgement, "sam").await;
    // Nobody decides for a week: each is raised once, and who has it decides it all the same.
    world.wait(7 * 24);
    let late = |item: &Item| !item.raised_to.is_empty();
    let raised = until(&world, "escalation", &claim, |item| approval(item) && late(item)).await;
    assert_eq!((raised.raised_to.as_str(), raised.assigned_to.as_str()), ("management", "ann"));
    assert_eq!(raised.etag, item.etag, "who has read it may still decide");
    let raised = until(&world, "triage", &judged, late).await;
    assert_eq!((raised.role.as_str(), raised.raised_to.as_str()), ("supervisor", "management"));
    assert_eq!((raised.assigned_to.as_str(), raised.etag.as_str()), ("sam", judgement.etag.as_str()));
    let boss = world.escalation().await.decide_work_item(actor(approve(&item), "max", &["management"])).await;
    assert_eq!(reason(&boss.unwrap_err()), "WORK_ITEM_ASSIGNED");
    let decided = world.escalation().await.decide_work_item(actor(approve(&item), "ann", &[item.role.as_str()])).await;
    decided.unwrap();
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    // A supervisor takes it from whoever has it, and decides.
    let assign = AssignWorkRequest {
        request_id: request_id(),
        work_item_id: judgement.work_item_id.clone(),
        etag: judgement.etag.clone(),
        to: "sue".to_owned(),
        note: "sam is ill".to_owned(),
    };
    let assign = actor(assign, "sue", &["supervisor"]);
    let mine = list(&world, "triage").await.assign_work(assign).await.unwrap().into_inner().item.unwrap();
    assert_eq!((mine.state(), mine.assigned_to.as_str()), (ItemState::Assigned, "sue"));
    world.judge(&judged, "sue", Resolution::Reject, "NOT_GOODS").await;
    world.until_state(&judged, ClaimState::Rejected).await;
    world.withdraw(&claim).await;
    world.until_state(&claim, ClaimState::Withdrawn).await;
    world.end().await;
}
