//! Who has a judgement, and what is told when nobody decides in time.

use jiff::SignedDuration;
use proto::Subject;
use proto::claim::{Notice, Resolution};
use proto::triage::{AssessReason, DecideWorkItemRequest, LineDecision};
use proto::work::work_service_client::WorkServiceClient;
use proto::work::{
    ChangeKind, GetWorkRequest, HandOverWorkRequest, Item, ItemState, ListWorkRequest, TakeWorkRequest, item::Content,
};
use testkit::{TestService, Wire, actor, reason, request_id};
use tonic::Status;

use crate::world::{ask, assess, claim, tell, triage, work_items};

fn list(service: &TestService) -> WorkServiceClient<Wire> {
    WorkServiceClient::new(service.channel())
}

async fn take(service: &TestService, item: &Item, who: &str) -> Result<Item, Status> {
    let (work_item_id, etag) = (item.work_item_id.clone(), item.etag.clone());
    let ask = TakeWorkRequest { request_id: request_id(), work_item_id, etag, note: "mine".to_owned() };
    let taken = list(service).take_work(actor(ask, who, &["specialist"])).await?;
    Ok(taken.into_inner().item.unwrap())
}

async fn works(service: &TestService, ask: ListWorkRequest) -> Vec<Item> {
    list(service).list_work(actor(ask, "sue", &["supervisor"])).await.unwrap().into_inner().items
}

fn decide(item: &Item) -> DecideWorkItemRequest {
    DecideWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        lines: vec![LineDecision { line: 1, resolution: Resolution::RefundOnly.into(), ..LineDecision::default() }],
        note: "seen".to_owned(),
        ..DecideWorkItemRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_take_a_judgement_at_once_one_has_it_and_decides_it() {
    let (service, mut client) = triage().await;
    tell(&service, assess(claim(1), ask(1, AssessReason::Denied))).await;
    let old = work_items(&mut client).await.remove(0);
    let item = works(&service, ListWorkRequest::default()).await.remove(0);
    assert_eq!(
        (item.work_item_id.as_str(), item.kind.as_str(), item.role.as_str()),
        (&*old.work_item_id, "judgement", "specialist")
    );
    assert_eq!(
        item.about.as_ref().map(|about| (about.kind.as_str(), about.number.as_str())),
        Some(("claim", "RD-2026-000001"))
    );
    assert_eq!(item.content, Some(Content::Judgement(old)));
    let people = ["ann", "ben", "cy", "dot", "eve"];
    let taken = futures::future::join_all(people.map(|who| take(&service, &item, who))).await;
    let who: Vec<&str> = taken.iter().zip(people).filter(|(taken, _)| taken.is_ok()).map(|(_, who)| who).collect();
    let [who] = who[..] else { panic!("{taken:?}") };
    let item = taken.into_iter().find_map(Result::ok).unwrap();
    assert_eq!((item.state(), item.assigned_to.as_str(), item.etag.as_str()), (ItemState::Assigned, who, "\"2\""));
    // Not even who may do everything decides what somebody has.
    let refused = client.decide_work_item(actor(decide(&item), "max", &["management"])).await.unwrap_err();
    assert_eq!(reason(&refused), "WORK_ITEM_ASSIGNED");
    let mine = ListWorkRequest { assigned_to: who.to_owned(), ..ListWorkRequest::default() };
    assert_eq!(works(&service, mine.clone()).await, std::slice::from_ref(&item));
    assert!(works(&service, ListWorkRequest { kind: "approval".to_owned(), ..mine }).await.is_empty());

    let give = HandOverWorkRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        to: "zoe".to_owned(),
        note: "she knows it".to_owned(),
    };
    let given = list(&service).hand_over_work(actor(give.clone(), who, &["specialist"])).await.unwrap();
    let again = list(&service).hand_over_work(actor(give, who, &["specialist"])).await.unwrap();
    assert_eq!(given.get_ref(), again.get_ref(), "the same request has the same answer");
    let item = given.into_inner().item.unwrap();
    assert!(client.decide_work_item(actor(decide(&item), who, &["specialist"])).await.is_err());
    client.decide_work_item(actor(decide(&item), "zoe", &["specialist"])).await.unwrap();
    let read = GetWorkRequest { work_item_id: item.work_item_id };
    let read = list(&service).get_work(actor(read, "sue", &["supervisor"])).await.unwrap().into_inner();
    let item = read.item.unwrap();
    assert_eq!((item.state(), item.decision.as_str(), item.decided_by.as_str()), (ItemState::Decided, "plan", "zoe"));
    let steps: Vec<_> = read.history.iter().map(|step| (step.kind(), step.by.as_str(), step.note.as_str())).collect();
    let expected = [
        (ChangeKind::Opened, "", ""),
        (ChangeKind::Taken, who, "mine"),
        (ChangeKind::HandedOver, who, "she knows it"),
        (ChangeKind::Decided, "zoe", "seen"),
    ];
    assert_eq!(steps, expected);
    // Who may not read judgements finds none.
    let other = list(&service)
        .list_work(actor(ListWorkRequest { include_closed: true, ..Default::default() }, "wil", &["warehouse"]))
        .await;
    assert!(other.unwrap().into_inner().items.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judgement_that_nobody_makes_in_time_is_raised_once_to_the_role_that_the_pack_names() {
    let (service, _) = triage().await;
    tell(&service, assess(claim(1), ask(1, AssessReason::Denied))).await;
    service.clock.advance(SignedDuration::from_hours(7 * 24));
    let told = async || {
        let events = service.events().await.into_iter().filter_map(|(subject, payload)| {
            let Subject::Notice { audience, name } = subject else { return None };
            let notice: Notice = serde_json::from_slice(&payload).unwrap();
            Some((audience, name, notice.parameters["kind"].clone()))
        });
        events.map(|(audience, name, kind)| format!("{audience}.{name} {kind}")).collect::<Vec<_>>()
    };
    let expected =
        ["specialist.work_waiting judgement", "specialist.work_overdue judgement", "supervisor.work_overdue judgement"];
    testkit::eventually(|| async { (told().await == expected).then_some(()) }).await;
    let late = ListWorkRequest { overdue: true, role: "supervisor".to_owned(), ..ListWorkRequest::default() };
    let item = works(&service, late).await.remove(0);
    assert_eq!((item.role.as_str(), item.raised_to.as_str()), ("specialist", "supervisor"));
    assert_eq!(item.etag, "\"1\"", "who has read it may still decide");
    // A second look at the same list: another item is overdue, and this one is not told again.
    tell(&service, assess(claim(2), ask(1, AssessReason::Denied))).await;
    service.clock.advance(SignedDuration::from_hours(7 * 24));
    testkit::eventually(|| async { (told().await.len() == 6).then_some(()) }).await;
}
